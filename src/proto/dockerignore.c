/* SPDX-License-Identifier: ISC */
/*
 * What a .dockerignore leaves out of a build.  The builder does not compile every pattern to an expression: one
 * without wildcards is compared, "x**" is a prefix, and "**x" a suffix that need not begin at a '/'.  So do we.
 */
#include <string.h>

#include "dockerfile.h"

enum { MAX_PATH = 4096 };

/* The code point at ${s} and its length; a byte that is no UTF-8 is itself. */
static uint32_t
rune(const char *s, size_t *ret_n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0xc2 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 1;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*ret_n = 1;
			return u[0];
		}
		c = c << 6 | (u[i] & 0x3f);
	}
	*ret_n = n;
	return c;
}

/* One end of a range in a class, perhaps escaped; false when it is none. */
static bool
class_char(const char **at, uint32_t *ret)
{
	const char *s = *at;
	size_t n;

	if (!*s || *s == '-' || *s == ']' || (*s == '\\' && !*++s))
		return false;
	*ret = rune(s, &n);
	*at = s + n;
	return **at != '\0';
}

/* The class behind '[' at ${*at}; moves behind its ']'.  false when it is malformed. */
static bool
class(const char **at, uint32_t c, bool *ret_in)
{
	const char *s = *at;
	bool negated = *s == '^', in = false;
	uint32_t lo, hi;

	s += negated;
	for (size_t n = 0; *s != ']' || n == 0; n++) {
		if (!class_char(&s, &lo))
			return false;
		hi = lo;
		if (*s == '-') {
			s++;
			if (!class_char(&s, &hi))
				return false;
		}
		in |= c >= lo && c <= hi;
	}
	*at = s + 1;
	*ret_in = in != negated;
	return true;
}

static bool
is_valid(const char *s)
{
	bool in;

	while (*s) {
		char c = *s++;

		if ((c == '\\' && !*s++) || (c == '[' && !class(&s, 0, &in)))
			return false;
	}
	return true;
}

/*
 * One step of the pattern at ${*at} for the places ${from} of the path that are reached: ${to} are those reached
 * behind it.  Sets of places instead of backtracking, which patterns can make endless.
 */
static void
step(const char **at, const char *path, size_t n, const bool *from, bool *to)
{
	const char *s = *at;
	size_t len;

	memset(to, 0, n + 1);
	if (s[0] == '*' && s[1] == '*') {
		s += 2;
		s += *s == '/';
		for (size_t i = 0, on = 0; i <= n; i++) {
			/* At the end everything; else nothing, or up to and with a '/'. */
			on |= from[i];
			to[i] = from[i] || (on && (*s == '\0' || (i > 0 && path[i - 1] == '/')));
		}
		*at = s;
		return;
	}
	if (*s == '*') {
		for (size_t i = 0, on = 0; i <= n; i++) {
			if (i > 0 && path[i - 1] == '/')
				on = 0;
			on |= from[i];
			to[i] = on;
		}
		*at = s + 1;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *after = s + 1;
		uint32_t c = rune(path + i, &len), want;
		bool in = true;
		size_t skip;

		if (!from[i])
			continue;
		if (*s == '[') {
			if (!class(&after, c, &in))
				continue;
		} else if (*s == '?') {
			in = c != '/';
		} else {
			want = rune(s + (*s == '\\' && s[1]), &skip);
			in = want == c;
		}
		if (in)
			to[i + len] = true;
	}
	if (*s == '[') {
		bool in;

		s++;
		*at = class(&s, 0, &in) ? s : s + strlen(s);
		return;
	}
	s += *s == '\\' && s[1];
	(void)rune(s, &len);
	*at = s + len;
}

static bool
expression(const char *pattern, const char *path, size_t n)
{
	bool a[MAX_PATH + 4] = { true }, b[MAX_PATH + 4], *from = a, *to = b;

	for (const char *s = pattern; *s;) {
		bool *swap = from;

		step(&s, path, n, from, to);
		from = to;
		to = swap;
	}
	return from[n];
}

/* Does the pattern name the first ${n} bytes of ${path}? */
static bool
names(const char *p, const char *path, size_t n)
{
	size_t len = strlen(p), skip = p[0] == '*' && p[1] == '*' ? 2 : 0;
	const char *special = p + skip + strcspn(p + skip, "*?[]\\");

	if (skip && !*special) {
		size_t tail = len - 2;

		if (tail <= n && memcmp(path + n - tail, p + 2, tail) == 0)
			return true;
		return p[2] == '/' && n == tail - 1 && memcmp(path, p + 3, n) == 0;
	}
	if (!*special)
		return n == len && memcmp(p, path, n) == 0;
	if (!skip && strcmp(special, "**") == 0)
		return n >= len - 2 && memcmp(p, path, len - 2) == 0;
	return expression(p, path, n);
}

bool
vk_ignore_match(const struct vk_ignore *g, const char *path)
{
	size_t n = strlen(path);
	bool out = false;

	if (n > MAX_PATH)
		return false;
	for (size_t i = 0; i < g->n; i++) {
		bool hit;

		if (g->v[i].except != out)
			continue;
		hit = names(g->v[i].text, path, n);
		for (size_t k = 0; k < n && !hit; k++)
			hit = path[k] == '/' && names(g->v[i].text, path, k);
		if (hit)
			out = !out;
	}
	return out;
}

/* Go's path.Clean, in place, of a string that is not empty. */
static void
clean(char *s)
{
	bool rooted = *s == '/';
	size_t out = rooted, floor = rooted;

	for (const char *p = s; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (out > floor) {
				out--;
				while (out > floor && s[out] != '/')
					out--;
			} else if (!rooted) {
				if (out > 0)
					s[out++] = '/';
				memcpy(s + out, "..", 2);
				floor = out += 2;
			}
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (out > (size_t)rooted)
				s[out++] = '/';
			memmove(s + out, p, n);
			out += n;
		}
		p += n + (p[n] == '/');
	}
	if (out == 0)
		s[out++] = '.';
	s[out] = '\0';
}

/* Blanks around ${n} bytes taken away. */
static const char *
trim(const char *s, size_t *n)
{
	while (*n > 0 && vk_is_blank(s[*n - 1]))
		(*n)--;
	for (; *n > 0 && vk_is_blank(*s); s++)
		(*n)--;
	return s;
}

/*
 * The builder reads a line twice: once as a line of the file, which is trimmed and cleaned behind its '!' and loses a
 * leading '/', and what comes of it once more as a pattern.  So "/!a" is an exception.
 */
static enum vk_err
add(struct vk_ignore *g, const char *s, size_t n, size_t line)
{
	VK_CLEANUP(vk_freep) char *p = NULL, *text = NULL;
	struct vk_ignore_pattern *v = g->v;
	bool except = *s == '!';
	const char *again;

	if (except) {
		n--;
		s = trim(s + 1, &n);
	}
	/* Bytes for a '!' and for the "." that an empty one becomes. */
	if (!(p = calloc(n + 3, 1)))
		return VK_ENOMEM;
	*p = '!';
	memcpy(p + except, s, n);
	p[except + n] = '\0';
	if (n > 0)
		clean(p + except);
	if (n > 0 && p[except] == '/' && p[except + 1])
		memmove(p + except, p + except + 1, strlen(p + except));
	n = strlen(p);
	again = trim(p, &n);
	if (n == 0)
		return VK_OK;
	if (!(text = calloc(n + 2, 1)))
		return VK_ENOMEM;
	memcpy(text, again, n);
	clean(text);
	if ((except = *text == '!'))
		memmove(text, text + 1, strlen(text));
	if (!*text)
		return vk_fail(VK_EPROTO, "line %zu: \"!\" without a pattern", line);
	if (!is_valid(text))
		return vk_fail(VK_EPROTO, "line %zu: malformed pattern", line);
	if (g->n >= VK_MAX_IGNORE_PATTERNS)
		return vk_fail(VK_ELIMIT, "more than %d patterns", VK_MAX_IGNORE_PATTERNS);
	if ((g->n & (g->n - 1)) == 0 && !(v = reallocarray(g->v, g->n ? g->n * 2 : 1, sizeof(*v))))
		return VK_ENOMEM;
	g->v = v;
	v[g->n].except = except;
	v[g->n++].text = VK_TAKE(text);
	return VK_OK;
}

enum vk_err
vk_ignore_parse(const char *text, size_t n, struct vk_ignore *ret)
{
	const char *s = text, *end = text + n;
	struct vk_ignore g = { 0 };
	enum vk_err e = VK_OK;

	if (n && memchr(text, '\0', n))
		return vk_fail(VK_EPROTO, "line 1: not a text");
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		s += 3;
	for (size_t line = 1; e == VK_OK && s < end; line++) {
		const char *nl = memchr(s, '\n', (size_t)(end - s)), *p;
		size_t len = nl ? (size_t)(nl - s) : (size_t)(end - s);
		bool comment = *s == '#';

		p = trim(s, &len);
		if (len > 0 && !comment)
			e = add(&g, p, len, line);
		s = nl ? nl + 1 : end;
	}
	if (e != VK_OK) {
		vk_ignore_clear(&g);
		return e;
	}
	*ret = g;
	return VK_OK;
}

void
vk_ignore_clear(struct vk_ignore *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].text);
	free(g->v);
	*g = (struct vk_ignore){ 0 };
}
