/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "ini.h"

static struct vk_ini_line
line_at(const char *text, size_t n, size_t *at)
{
	const char *lf = memchr(text + *at, '\n', n - *at);
	struct vk_ini_line l = { text + *at, lf ? (size_t)(lf - text) - *at : n - *at, 0 };

	*at += l.n + (lf != NULL);
	while (l.n > 0 && strchr(" \t\r\f\v", l.p[0]) && l.p[0])
		l.p++, l.n--, l.indent++;
	while (l.n > 0 && strchr(" \t\r\f\v", l.p[l.n - 1]) && l.p[l.n - 1])
		l.n--;
	return l;
}

enum vk_ini_kind
vk_ini_next(const char *text, size_t n, size_t *at, size_t *indent, struct vk_ini_line *ret)
{
	*ret = line_at(text, n, at);
	if (ret->n == 0 || *ret->p == '#' || *ret->p == ';')
		return VK_INI_NOTHING;
	if (*indent > 0 && ret->indent >= *indent)
		return VK_INI_MORE;
	if (*ret->p == '[') {
		*indent = 0;
		return VK_INI_HEADER;
	}
	*indent = ret->indent + 1;
	return VK_INI_KEY;
}

size_t
vk_ini_name(const struct vk_ini_line *l, size_t *ret_value)
{
	size_t name = 0, value;

	while (name < l->n && l->p[name] != '=' && l->p[name] != ':')
		name++;
	value = name + 1;
	while (name > 0 && (l->p[name - 1] == ' ' || l->p[name - 1] == '\t'))
		name--;
	while (value < l->n && (l->p[value] == ' ' || l->p[value] == '\t'))
		value++;
	*ret_value = value;
	return name;
}
