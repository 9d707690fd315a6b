/* SPDX-License-Identifier: ISC */
/*
 * Files that are read as lines: scripts, Makefiles, CI and compose files for "--build-arg" and tokens; manifests and
 * lock files for URLs with credentials.  There is no parser of YAML or of the shell here: a line is enough.
 */
#include <stdio.h>
#include <string.h>

#include "cli/lint.h"

const char *
vk_lint_secret_id(const char *name)
{
	static const struct {
		const char *word, *id;
	} ids[] = { { "NPM", "npmrc" }, { "NODE", "npmrc" }, { "YARN", "npmrc" }, { "PIP", "netrc" },
	{ "PYPI", "netrc" },
		{ "GIT", "netrc" }, { "GH_", "netrc" }, { "GO_", "netrc" }, { "CI_JOB", "netrc" } };

	for (size_t i = 0; i < VK_COUNT(ids); i++)
		if (strstr(name, ids[i].word))
			return ids[i].id;
	return NULL;
}

/* "ID" or "NAME=env:NAME", as an argument of --build-secret. */
static void
add_secret_arg(struct vk_buf *b, const char *name)
{
	const char *id = vk_lint_secret_id(name);

	if (id)
		vk_buf_fmt(b, "--build-secret %s ", id);
	else
		vk_buf_fmt(b, "--build-secret %s=env:%s ", name, name);
}

static size_t
name_length(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && ((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_' ||
		(i > 0 && s[i] >= '0' && s[i] <= '9')))
		i++;
	return i;
}

/* Behind the shell's word at ${s}: quotes, "${{ ... }}" and "$(...)" keep blanks together. */
static size_t
word_length(const char *s, size_t n)
{
	char quote = '\0';
	size_t i = 0;

	while (i < n && (quote || !strchr(" \t\r\n", s[i]))) {
		char close = s[i] == '$' && i + 1 < n ? (s[i + 1] == '{' ? '}' : s[i + 1] == '(' ? ')' : '\0') : '\0';
		const char *end = close ? memchr(s + i, close, n - i) : NULL;

		if (quote ? s[i] == quote : s[i] == '"' || s[i] == '\'')
			quote = quote ? '\0' : s[i];
		i = end ? (size_t)(end - s) + 1 : i + 1;
	}
	return i;
}

/* The next "--build-arg NAME[=VALUE]" whose name is a secret's: where it begins and ends. */
static const char *
next_arg(const char *s, size_t n, size_t *ret_n, const char **ret_name, size_t *ret_name_n)
{
	static const char opt[] = "--build-arg";
	const char *end = s + n, *p;

	for (; (p = memmem(s, (size_t)(end - s), opt, sizeof(opt) - 1)) != NULL; s = p + 1) {
		const char *v = p + sizeof(opt) - 1, *name;
		size_t skip = 0, len, token;

		while (v < end && (*v == ' ' || *v == '\t' || *v == '='))
			v++;
		name = v;
		while (name < end && (*name == '"' || *name == '\''))
			name++;
		skip = name_length(name, (size_t)(end - name));
		len = word_length(v, (size_t)(end - v));
		if (!vk_lint_secret_name(name, skip) && !vk_lint_token(v, len, &token))
			continue;
		*ret_n = (size_t)(v + len - p);
		*ret_name = name;
		*ret_name_n = skip;
		return p;
	}
	return NULL;
}

/* The command in which images are built: "docker build" and the like, and where its options begin. */
static const char *
build_command(const char *s, size_t n, const char **ret_options)
{
	static const char *const commands[] = { "docker buildx build", "docker image build", "docker build",
	    "podman build",
		"buildah build", "buildah bud" };

	for (size_t i = 0; i < VK_COUNT(commands); i++) {
		const char *p = memmem(s, n, commands[i], strlen(commands[i]));

		if (p && (p == s || strchr(" \t@-\"'&;|(\n", p[-1]))) {
			*ret_options = p + strlen(commands[i]);
			return p;
		}
	}
	return NULL;
}

/* Lines of which nothing but a continuation is left go. */
static void
drop_empty(const struct vk_buf *in, struct vk_buf *out)
{
	for (const char *s = in->p ? in->p : ""; *s;) {
		size_t n = strcspn(s, "\n"), blank = strspn(s, " \t");

		if (!(s[blank] == '\\' && blank + 1 + strspn(s + blank + 1, " \t\r") >= n)) {
			vk_buf_add(out, s, n);
			vk_buf_char(out, '\n');
		}
		s += n + (s[n] == '\n');
	}
}

/* The lines with the secret arguments taken out, run by valetkey. */
static void
rewrite_command(struct vk_lint *l, const char *s, size_t n, size_t first, size_t last)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_FILE), out = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf args = VK_BUF(8192);
	const char *options, *command = build_command(s, n, &options), *end = s + n, *p = s, *arg, *name;
	size_t len, name_n;
	bool there = memmem(s, n, "{secrets}", strlen("{secrets}")) != NULL;

	if (!command || there)
		return;
	for (; (arg = next_arg(p, (size_t)(end - p), &len, &name, &name_n)) != NULL; p = arg + len) {
		VK_CLEANUP(vk_freep) char *copy = strndup(name, name_n);

		if (arg < options)
			return;
		if (copy && *copy && !(args.p && strstr(args.p, copy)))
			add_secret_arg(&args, copy);
	}
	vk_buf_add(&b, s, (size_t)(command - s));
	vk_buf_fmt(&b, "valetkey run %s-- ", args.p ? args.p : "");
	vk_buf_add(&b, command, (size_t)(options - command));
	vk_buf_str(&b, " {secrets}");
	for (p = options; (arg = next_arg(p, (size_t)(end - p), &len, &name, &name_n)) != NULL; p = arg + len) {
		size_t keep = (size_t)(arg - p);

		while (keep > 0 && (p[keep - 1] == ' ' || p[keep - 1] == '\t'))
			keep--;
		vk_buf_add(&b, p, keep);
	}
	vk_buf_add(&b, p, (size_t)(end - p));
	drop_empty(&b, &out);
	if (out.p && b.err == VK_OK && out.err == VK_OK)
		vk_lint_edit(l, l->d->n - 1, l->file->path, first, last, out.p);
}

/* One command, of several lines when they are continued. */
static void
look_at_command(struct vk_lint *l, const char *s, size_t n, size_t first, size_t last)
{
	const char *end = s + n, *p = s, *arg, *name;
	size_t len, name_n, line = first;

	for (; l->d->n < VK_LINT_MAX && (arg = next_arg(p, (size_t)(end - p), &len, &name, &name_n)) != NULL; p =
	    arg + len) {
		for (; s < arg; s++)
			line += *s == '\n';
		if (!vk_lint_add(l, VK_LINT_BUILD_ARG, line,
		    "--build-arg %.*s hands a secret over as a build argument", (int)name_n, name))
			continue;
		vk_doctor_fix(l->d, "give it as a build secret, and mount it in the Dockerfile");
		/* A longer one is not for showing. */
		if (n < 16384)
			rewrite_command(l, end - n, n, first, last);
	}
}

/* Within "args:" of a compose file, or "build-args:" of an action: entries that are indented deeper. */
static void
look_at_entry(struct vk_lint *l, const char *s, size_t n, size_t line)
{
	size_t len;

	while (n > 0 && strchr("- \t\"'", *s)) {
		s++;
		n--;
	}
	len = name_length(s, n);
	if (len == 0 || *s < 'A' || *s > 'Z' || (len < n && !strchr("=:\"' \t\r", s[len])) ||
	    !vk_lint_secret_name(s, len))
		return;
	if (!vk_lint_add(l, VK_LINT_BUILD_ARG, line, "%.*s is given to the build as an argument", (int)len, s))
		return;
	vk_doctor_fix(l->d, "name a secret under \"secrets:\" of the build instead, and mount it in the Dockerfile");
	vk_lint_edit(l, l->d->n - 1, l->file->path, line, line, "");
}

/* Does a block of build arguments begin in this line? */
static bool
begins_args(const struct vk_lint *l, const char *s, size_t n)
{
	static const char *const keys[] = { "build-args:", "build_args:", "args:" };

	while (n > 0 && strchr(" \t\r|>+-", s[n - 1]))
		n--;
	for (size_t i = 0; i < VK_COUNT(keys); i++)
		if (n == strlen(keys[i]) && memcmp(s, keys[i], n) == 0)
			return i < 2 || strstr(l->file->path, "compose");
	return false;
}

static void
look_at_line(struct vk_lint *l, const char *s, size_t n, size_t line, bool urls)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_FILE);
	const char *at;
	size_t len;

	if (urls && (at = vk_lint_url(s, n, &len)) != NULL) {
		if (!vk_lint_add(l, VK_LINT_PLAIN_URL, line, "a URL %s", vk_lint_shows_secret(s, n)
			? "with a credential in it" : "that wants a credential put into it"))
			return;
		vk_doctor_fix(l->d,
		    "leave it out of the URL; \"valetkey run\" gives it to git, npm and readers of a netrc");
		vk_buf_add(&b, s, (size_t)(at - s));
		vk_buf_add(&b, at + len, n - (size_t)(at - s) - len);
		vk_buf_char(&b, '\n');
		if (b.err == VK_OK)
			vk_lint_edit(l, l->d->n - 1, l->file->path, line, line, b.p);
	} else if (vk_lint_token(s, n, &len)) {
		if (vk_lint_add(l, VK_LINT_PLAIN_TOKEN, line, "what looks like a token"))
			vk_doctor_fix(l->d,
			    "take it out, and replace it where it is valid; a reference such as env:NAME stays");
	}
}

void
vk_lint_text(struct vk_lint *l, bool builds, bool urls)
{
	const char *end = l->file->text + l->file->n;
	size_t line = 1, block = 0; /* the indent of "args:" and 1, or 0 */

	for (const char *p = l->file->text; p < end && l->d->n < VK_LINT_MAX; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p), indent = strspn(p, " \t"), whole = n, last = line;
		bool empty = indent >= n || p[indent] == '#' || p[indent] == '\r';

		if (builds && !empty) {
			/* Of a continued command the first line sees it all. */
			bool first = !(p > l->file->text + 1 && p[-2] == '\\');

			if (block && (indent + 1 > block || (indent + 1 == block && p[indent] == '-')))
				look_at_entry(l, p + indent, n - indent, line);
			else
				block = begins_args(l, p + indent, n - indent) ? indent + 1 : 0;
			while (first && p + whole < end && whole > 0 && p[whole - 1] == '\\') {
				nl = memchr(p + whole + 1, '\n', (size_t)(end - p) - whole - 1);
				whole = nl ? (size_t)(nl - p) : (size_t)(end - p);
				last++;
			}
			if (first)
				look_at_command(l, p, whole, line, last);
		}
		if (!empty)
			look_at_line(l, p, n, line, urls);
		p += n + 1;
	}
}
