/* SPDX-License-Identifier: ISC */
/*
 * pip.conf: lines "[section]" and "key = value" or "key: value"; lines that are indented further than the key's go on
 * with its value; '#' and ';' begin a comment only at the beginning of a line (Python, configparser.RawConfigParser).
 */
#include <string.h>

#include "valetkey/proto.h"

struct line {
	const char *p; /* without blanks around it */
	size_t n, indent;
};

static struct line
line_at(const char *text, size_t n, size_t *at)
{
	const char *lf = memchr(text + *at, '\n', n - *at);
	struct line l = { text + *at, lf ? (size_t)(lf - text) - *at : n - *at, 0 };

	*at += l.n + (lf != NULL);
	while (l.n > 0 && strchr(" \t\r\f\v", l.p[0]) && l.p[0])
		l.p++, l.n--, l.indent++;
	while (l.n > 0 && strchr(" \t\r\f\v", l.p[l.n - 1]) && l.p[l.n - 1])
		l.n--;
	return l;
}

static bool
is_key(struct line l, size_t n, const char *key)
{
	for (; n > 0 && *key; n--, key++) {
		char x[2] = { *l.p == '_' ? '-' : *l.p, '\0' }, y[2] = { *key, '\0' };

		if (!vk_str_ieq(x, y))
			return false;
		l.p++;
	}
	return n == 0 && !*key;
}

/* What follows the bracket is ignored, but another one would be part of the name. */
static bool
is_global(struct line l)
{
	static const char header[] = "[global]";
	size_t n = strlen(header);

	return l.n >= n && memcmp(l.p, header, n) == 0 && !memchr(l.p + n, ']', l.n - n);
}

enum kind {
	NOTHING, /* blank, or a comment */
	HEADER,
	KEY,
	MORE, /* of the value of the last key */
};

/* Of the next line.  ${*indent}: of the last key plus one, 0 where there is none. */
static enum kind
next_line(const char *text, size_t n, size_t *at, size_t *indent, struct line *ret)
{
	*ret = line_at(text, n, at);
	if (ret->n == 0 || *ret->p == '#' || *ret->p == ';')
		return NOTHING;
	if (*indent > 0 && ret->indent >= *indent)
		return MORE;
	if (*ret->p == '[') {
		*indent = 0;
		return HEADER;
	}
	*indent = ret->indent + 1;
	return KEY;
}

size_t
vk_pipconf_global(const char *text, size_t n)
{
	size_t indent = 0;
	struct line l;

	for (size_t at = 0; at < n;)
		if (next_line(text, n, &at, &indent, &l) == HEADER && is_global(l))
			return at;
	return 0;
}

/* Is ${l} about ${key}?  Then ${l} becomes its value. */
static bool
take_value(struct line *l, const char *key)
{
	size_t name = 0, value;

	while (name < l->n && l->p[name] != '=' && l->p[name] != ':')
		name++;
	value = name + 1;
	while (name > 0 && (l->p[name - 1] == ' ' || l->p[name - 1] == '\t'))
		name--;
	if (value > l->n || !is_key(*l, name, key))
		return false;
	while (value < l->n && (l->p[value] == ' ' || l->p[value] == '\t'))
		value++;
	l->p += value;
	l->n -= value;
	return true;
}

enum vk_err
vk_pipconf_get(const char *text, size_t n, const char *key, struct vk_buf *out, bool *ret_elsewhere)
{
	bool global = false, wanted = false;
	size_t indent = 0;
	struct line l;

	for (size_t at = 0; at < n;) {
		enum kind kind = next_line(text, n, &at, &indent, &l);

		if (kind == HEADER)
			global = is_global(l);
		if (kind == KEY && (wanted = take_value(&l, key)) && global) {
			vk_buf_clear(out);
			vk_buf_add(out, l.p, l.n);
		}
		if (kind == KEY && wanted && !global)
			*ret_elsewhere = true;
		if (kind == MORE && wanted && global)
			vk_buf_fmt(out, "\n%.*s", (int)l.n, l.p);
	}
	return out->err;
}
