/* SPDX-License-Identifier: ISC */
/* The commands of a RUN: as much of the shell's syntax as it takes to tell one from the next. */
#include <string.h>

#include "cli/lint_docker.h"

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind what begins at ${s}: a quoted text, an escaped character, "$(...)", or one character. */
static size_t
unit(const char *s, size_t n)
{
	size_t i = 1;

	if (*s == '\\')
		return n > 1 ? 2 : 1;
	if (*s == '\'' || *s == '"' || *s == '`') {
		while (i < n && s[i] != *s)
			i += *s != '\'' && s[i] == '\\' && i + 1 < n ? 2 : 1;
		return i < n ? i + 1 : n;
	}
	if (*s == '$' && n > 1 && (s[1] == '(' || s[1] == '{')) {
		size_t depth = 0;

		for (; i < n; i++) {
			depth += s[i] == s[1];
			if (s[i] == (s[1] == '(' ? ')' : '}') && --depth == 0)
				return i + 1;
		}
		return n;
	}
	return 1;
}

static const char *
separator(const char *s, size_t n)
{
	if (n > 1 && s[0] == '&' && s[1] == '&')
		return "&&";
	if (n > 1 && s[0] == '|' && s[1] == '|')
		return "||";
	return *s == ';' ? ";" : *s == '\n' ? "\n" : *s == '|' ? "|" : NULL;
}

/* Words before the command. */
static bool
goes_before(const struct vk_word *w)
{
	static const char *const words[] = { "sudo", "env", "exec", "time", "command", "nice", "!", "then", "do",
	    "else", "if",
		"while", "{", "(", "@" };
	const char *eq = memchr(w->p, '=', w->n);

	for (size_t i = 0; i < VK_COUNT(words); i++)
		if (vk_word_is(w, words[i]))
			return true;
	return eq && eq > w->p && !memchr(w->p, '/', (size_t)(eq - w->p)) && *w->p != '-';
}

static void
split_words(struct vk_segment *seg)
{
	for (size_t i = 0; i < seg->n && seg->n_w < VK_LINT_WORDS;) {
		size_t start = i;

		if (is_blank(seg->p[i])) {
			i++;
			continue;
		}
		while (i < seg->n && !is_blank(seg->p[i])) {
			size_t step = unit(seg->p + i, seg->n - i);

			/* A redirection is a word of its own: "echo x>f". */
			if (seg->p[i] == '>' && i > start && !strchr("0123456789>&", seg->p[i - 1]))
				break;
			i += step;
			if (seg->p[i - 1] == '>' && (i >= seg->n || seg->p[i] != '>'))
				break;
		}
		seg->w[seg->n_w++] = (struct vk_word){ seg->p + start, i - start };
	}
	while (seg->cmd + 1 < seg->n_w && goes_before(&seg->w[seg->cmd]))
		seg->cmd++;
}

struct vk_segment *
vk_segments(const char *s, size_t n, size_t *ret_n)
{
	struct vk_segment *v = NULL;
	size_t found = 0;

	while (n > 0 && found < VK_LINT_SEGMENTS) {
		size_t i = 0, from = 0;
		const char *sep = NULL;
		struct vk_segment *bigger;

		while (from < n && (is_blank(s[from]) || s[from] == ';'))
			from++;
		for (i = from; i < n && !(sep = separator(s + i, n - i)); i += unit(s + i, n - i))
			/* A comment of a script. */
			if (s[i] == '#' && (i == 0 || is_blank(s[i - 1])))
				while (i + 1 < n && s[i + 1] != '\n')
					i++;
		if (i > from) {
			if (!(bigger = reallocarray(v, found + 1, sizeof(*v)))) {
				free(v);
				return NULL;
			}
			v = bigger;
			v[found] = (struct vk_segment){ .p = s + from, .n = i - from, .sep = sep ? sep : "" };
			while (v[found].n > 0 && is_blank(v[found].p[v[found].n - 1]))
				v[found].n--;
			split_words(&v[found++]);
		}
		i += sep ? strlen(sep) : 0;
		i = i < n ? i : n;
		s += i;
		n -= i;
	}
	*ret_n = found;
	return v ? v : calloc(1, sizeof(*v));
}

/* The word without quotes around it. */
static struct vk_word
bare(const struct vk_word *w)
{
	struct vk_word b = *w;

	while (b.n > 1 && (*b.p == '"' || *b.p == '\'') && b.p[b.n - 1] == *b.p) {
		b.p++;
		b.n -= 2;
	}
	return b;
}

bool
vk_word_is(const struct vk_word *w, const char *text)
{
	struct vk_word b = bare(w);

	return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0;
}

/* Without the directories before it. */
static bool
word_base(const struct vk_word *w, const char *text)
{
	struct vk_word b = bare(w);
	const char *slash = memrchr(b.p, '/', b.n);

	if (slash) {
		b.n -= (size_t)(slash + 1 - b.p);
		b.p = slash + 1;
	}
	return vk_word_is(&b, text);
}

const char *
vk_word_cred(const struct vk_word *w)
{
	struct vk_word b = bare(w);
	char path[256];

	/* ">.npmrc" and ">>.npmrc" */
	while (b.n > 0 && strchr("0123456789>&", *b.p)) {
		b.p++;
		b.n--;
	}
	b = bare(&b);
	if (b.n == 0 || b.n >= sizeof(path))
		return NULL;
	memcpy(path, b.p, b.n);
	path[b.n] = '\0';
	return vk_lint_cred_name(path);
}

/* The ${at}th word behind the command that is no option; NULL: there is none. */
static const struct vk_word *
operand(const struct vk_segment *s, size_t at)
{
	for (size_t i = s->cmd + 1; i < s->n_w; i++)
		if (*s->w[i].p != '-' && at-- == 0)
			return &s->w[i];
	return NULL;
}

bool
vk_segment_is(const struct vk_segment *s, const char *command, const char *argument)
{
	if (s->cmd >= s->n_w || !word_base(&s->w[s->cmd], command))
		return false;
	for (size_t i = 0; argument && i < 3; i++) {
		const struct vk_word *w = operand(s, i);

		if (!w)
			return false;
		if (vk_word_is(w, argument))
			return true;
	}
	return !argument;
}

/* Downloads of what a manifest names.  An operand "." would need more than the manifest. */
static const struct download {
	const char *command, *argument;
	bool alone; /* with no other operand */
	const char *manifests;
} downloads[] = {
	{ "npm", "ci", true, "package*.json" }, { "npm", "install", true, "package*.json" },
	{ "npm", "i", true, "package*.json" },
	{ "pnpm", "install", true, "package.json pnpm-lock.yaml" },
	{ "pnpm", "i", true, "package.json pnpm-lock.yaml" },
	{ "yarn", "install", true, "package.json yarn.lock" }, { "go", "download", false, "go.mod go.sum" },
	{ "bundle", "install", true, "Gemfile*" }, { "composer", "install", true, NULL },
	{ "cargo", "fetch", true, NULL },
	{ "cargo", "build", true, NULL }, { "mvn", "dependency:go-offline", false, "pom.xml" },
	{ "mvn", "dependency:resolve", false, "pom.xml" },
	{ "poetry", "install", true, NULL }, { "uv", "sync", true, NULL },
};

/* The "-r FILE" of a pip; NULL: it installs something else. */
static const struct vk_word *
requirements(const struct vk_segment *s)
{
	bool pip = vk_segment_is(s, "pip", "install") || vk_segment_is(s, "pip3", "install") ||
	    ((vk_segment_is(s, "python", "pip") || vk_segment_is(s, "python3", "pip")) && operand(s, 1) &&
		vk_word_is(operand(s, 1), "install"));

	for (size_t i = s->cmd; pip && i + 1 < s->n_w; i++)
		if (vk_word_is(&s->w[i], "-r") || vk_word_is(&s->w[i], "--requirement"))
			return &s->w[i + 1];
	return NULL;
}

bool
vk_segment_downloads(const struct vk_segment *s, const char **ret_manifests)
{
	static char file[256];
	const struct vk_word *w;

	*ret_manifests = NULL;
	for (size_t i = s->cmd; i < s->n_w; i++)
		if (vk_word_is(&s->w[i], "-g") || vk_word_is(&s->w[i], "--global"))
			return false;
	if ((w = requirements(s)) != NULL) {
		if (w->n < sizeof(file)) {
			memcpy(file, w->p, w->n);
			file[w->n] = '\0';
			*ret_manifests = file;
		}
		return true;
	}
	if (vk_segment_is(s, "yarn", NULL) && !operand(s, 0)) {
		*ret_manifests = "package.json yarn.lock";
		return true;
	}
	for (size_t i = 0; i < VK_COUNT(downloads); i++) {
		const struct download *d = &downloads[i];

		if (!vk_segment_is(s, d->command, d->argument) || (d->alone && operand(s, 1)))
			continue;
		*ret_manifests = d->manifests;
		return true;
	}
	return false;
}

static const char *const npm_tools[] = { "npm", "npx", "yarn", "pnpm", NULL };
static const char *const netrc_tools[] = { "git", "go", "pip", "pip3", "python", "python3", "poetry", "uv", "curl",
    "wget", NULL };
static const char *const mvn_tools[] = { "mvn", "mvnw", NULL };
static const struct vk_lint_kind kinds[] = {
	{ "npmrc", ".npmrc", npm_tools },
	{ "netrc", ".netrc", netrc_tools },
	{ "settings.xml", ".m2/settings.xml", mvn_tools },
};

const struct vk_lint_kind *
vk_lint_kind_find(const char *id)
{
	for (size_t i = 0; i < VK_COUNT(kinds); i++)
		if (strcmp(kinds[i].id, id) == 0)
			return &kinds[i];
	/* git reads a netrc as well as its own file. */
	return strcmp(id, "git-credentials") == 0 || strcmp(id, "gitconfig") == 0 ? &kinds[1] : NULL;
}

bool
vk_lint_kind_reads(const struct vk_lint_kind *k, const struct vk_segment *s)
{
	static const char *const local[] = { "run", "test", "start", "config", "version", "--version", "build",
	    "cache", "init",
		"add", "commit", "checkout", "vet", "fmt", "-c", "-m", "prune", "exec", "rm", "status", "log",
		    "rev-parse" };
	const struct vk_word *first = operand(s, 0);
	bool tool = false;

	for (size_t i = 0; k->tools[i]; i++)
		tool |= vk_segment_is(s, k->tools[i], NULL);
	if (!tool)
		return false;
	/* "go build" downloads what is missing, "npm run build" does not; "python x.py" is anybody's. */
	if (vk_segment_is(s, "go", NULL))
		return first && !vk_word_is(first, "vet") && !vk_word_is(first, "fmt") && !vk_word_is(first, "env");
	if (vk_segment_is(s, "python", NULL) || vk_segment_is(s, "python3", NULL))
		return first && vk_word_is(first, "pip");
	for (size_t i = 0; first && i < VK_COUNT(local); i++)
		if (vk_word_is(first, local[i]) && !(vk_word_is(first, "add") && vk_segment_is(s, "yarn", NULL)))
			return false;
	return true;
}
