/* SPDX-License-Identifier: ISC */
/*
 * git's global configuration, git-config(1) and gitcredentials(7).  A helper with an absolute path is
 * started without the detour over "git credential-NAME", by a shell, as "PATH get".  An empty value
 * resets the list of helpers, so that for these hosts no other one is asked or told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/setup.h"

#define BEGIN_MARK "# begin valetkey: \"valetkey setup git --undo\" removes these lines\n"
#define END_MARK "# end valetkey\n"

static enum vk_err
in_home(const char *file, char **ret)
{
	const char *home = getenv("HOME");

	if (!home || *home != '/')
		return vk_fail(VK_EUSAGE, "HOME is not set, so there is no %s", file);
	*ret = vk_asprintf("%s/%s", home, file);
	return *ret ? VK_OK : VK_ENOMEM;
}

static bool
git_takes(const struct vk_scope *scope)
{
	return *scope->host != '\0'; /* http, but send-email asks for smtp as well */
}

/* The file that "git config --global" writes to. */
static enum vk_err
git_file(char **ret_path)
{
	const char *global = getenv("GIT_CONFIG_GLOBAL"), *xdg = getenv("XDG_CONFIG_HOME");
	VK_CLEANUP(vk_freep) char *own = NULL;
	VK_CLEANUP(vk_freep) char *other = NULL;
	struct stat st;
	enum vk_err e;

	if (global && *global) {
		if (*global != '/')
			return vk_fail(VK_EUSAGE, "GIT_CONFIG_GLOBAL must be an absolute path");
		return (*ret_path = vk_strdup(global)) ? VK_OK : VK_ENOMEM;
	}
	if ((e = in_home(".gitconfig", &own)) != VK_OK)
		return e;
	if (xdg && *xdg == '/')
		e = (other = vk_asprintf("%s/git/config", xdg)) ? VK_OK : VK_ENOMEM;
	else
		e = in_home(".config/git/config", &other);
	if (e != VK_OK)
		return e;
	*ret_path = stat(own, &st) < 0 && stat(other, &st) == 0 ? VK_TAKE(other) : VK_TAKE(own);
	return VK_OK;
}

/*
 * A path for the shell, then for git's own quoting.  With backslashes and not in quotes: git takes a
 * helper for a path only when it begins with a slash.
 */
static void
add_helper(struct vk_buf *b, const char *path, const char *args)
{
	vk_buf_str(b, "\thelper = \"");
	for (const char *s = path; *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("/._-+:@%,", *s) || (unsigned char)*s >= 0x80;

		if (!plain)
			vk_buf_str(b, "\\\\");
		if (*s == '"' || *s == '\\')
			vk_buf_char(b, '\\');
		vk_buf_char(b, *s);
	}
	vk_buf_fmt(b, "%s\"\n", args);
}

/* The link beside this program, or the program itself where only that one file was installed. */
static enum vk_err
add_own_helper(struct vk_buf *b)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	VK_CLEANUP(vk_freep) char *link = NULL;
	enum vk_err e = vk_setup_self(&self);

	if (e != VK_OK)
		return e;
	link = vk_asprintf("%.*s/%s", (int)(strrchr(self, '/') - self), self, vk_setup_git.program);
	if (!link)
		return VK_ENOMEM;
	if (vk_setup_is_self(link))
		add_helper(b, link, "");
	else
		add_helper(b, self, " helper git-credential");
	return b->err;
}

static enum vk_err
git_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf block = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf helper = VK_BUF(4 * VK_MAX_FIELD);
	enum vk_err e;

	(void)force; /* settings of others are not replaced, only shadowed */
	if ((e = add_own_helper(&helper)) != VK_OK)
		return e;
	if (n > 0 && text[n - 1] != '\n')
		vk_buf_char(&block, '\n');
	vk_buf_str(&block, BEGIN_MARK);
	for (size_t i = 0; i < s->n_hosts; i++)
		vk_buf_fmt(&block, "[credential \"%s\"]\n\thelper =\n%s%s", s->hosts[i].url, helper.p,
		    s->hosts[i].with_path ? "\tuseHttpPath = true\n" : "");
	vk_buf_str(&block, END_MARK);
	if (block.err != VK_OK)
		return block.err;
	free(s->text);
	if (!(s->text = vk_strdup(block.p)))
		return VK_ENOMEM;
	vk_buf_add(out, text, n);
	return vk_buf_add(out, block.p, block.len);
}

/* A line of some text, with its LF. */
struct line {
	const char *p;
	size_t n;
};

static struct line
line_at(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return (struct line){ p, (size_t)((lf ? lf + 1 : end) - p) };
}

/* Is ${l} one of the lines of ${text}? */
static bool
is_line_of(const char *text, struct line l)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p < end;) {
		struct line own = line_at(p, end);

		if (own.n == l.n && memcmp(own.p, l.p, l.n) == 0)
			return true;
		p += own.n;
	}
	return false;
}

/*
 * Somebody changed the lines between our marks (git does, when it sets something for one of
 * our hosts), or took a mark out.  Ours go one by one; a section's header stays when it holds theirs.
 */
static void
take_lines(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out)
{
	struct line header = { NULL, 0 };
	bool in_ours = false;

	for (const char *p = text, *end = text + n; p < end;) {
		struct line l = line_at(p, end);
		size_t lead = strspn(l.p, " \t");
		bool blank = lead >= l.n || l.p[lead] == '\n';
		bool ours = !blank && is_line_of(s->text, l);

		p += l.n;
		if (l.p[lead] == '[') {
			in_ours = ours;
			header = l;
			if (!ours)
				vk_buf_add(out, l.p, l.n);
			continue;
		}
		/* Outside of our sections only the marks are ours. */
		if (ours && (in_ours || l.p[lead] == '#'))
			continue;
		if (in_ours && !blank && l.p[lead] != '#' && header.p) {
			vk_buf_add(out, header.p, header.n);
			header.p = NULL;
		}
		vk_buf_add(out, l.p, l.n);
	}
}

static enum vk_err
git_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
    enum vk_setup_found *ret_found)
{
	size_t len = strlen(s->text), before = out->len;
	const char *at = len ? memmem(text, n, s->text, len) : NULL, *end = text + n, *from, *to;

	if (at) {
		*ret_found = VK_SETUP_WHOLE;
		/* The LF that completed their last line stays if there are lines behind it now. */
		if (s->text[0] == '\n' && at + len < end)
			at++, len--;
		vk_buf_add(out, text, (size_t)(at - text));
		return vk_buf_add(out, at + len, (size_t)(end - (at + len)));
	}
	/* Between the marks where both are left; else anywhere. */
	from = memmem(text, n, BEGIN_MARK, strlen(BEGIN_MARK));
	to = memmem(text, n, END_MARK, strlen(END_MARK));
	if (from && to && from < to) {
		to += strlen(END_MARK);
	} else {
		from = text;
		to = end;
	}
	vk_buf_add(out, text, (size_t)(from - text));
	take_lines(s, from, (size_t)(to - from), out);
	vk_buf_add(out, to, (size_t)(end - to));
	*ret_found = out->len - before == n ? VK_SETUP_GONE : VK_SETUP_CHANGED;
	return out->err;
}

const struct vk_setup_tool vk_setup_git = {
	.name = "git",
	.program = "git-credential-valetkey",
	.takes = git_takes,
	.file = git_file,
	.take_out = git_take_out,
	.put_in = git_put_in,
};
