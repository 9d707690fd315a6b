/* SPDX-License-Identifier: ISC */
/*
 * Of TOML just what says which index has which name: tables "[[TABLE]]" with lines name = "..." and url = "...", as
 * people and Poetry and uv write them.  Other spellings of the same are not seen.
 */
#include <string.h>

#include "valetkey/proto.h"

/* One line without blanks around it; moves ${*at} behind it. */
static const char *
line_at(const char *text, size_t n, size_t *at, size_t *ret_n)
{
	const char *p = text + *at, *lf = memchr(p, '\n', n - *at);
	size_t len = lf ? (size_t)(lf - p) : n - *at;

	*at += len + (lf != NULL);
	while (len > 0 && (*p == ' ' || *p == '\t'))
		p++, len--;
	while (len > 0 && strchr(" \t\r", p[len - 1]))
		len--;
	*ret_n = len;
	return p;
}

/* The string after "${key} =", a heap copy; NULL: it is another line, or not a string that stands for itself. */
static char *
value_of(const char *p, size_t n, const char *key)
{
	size_t len = strlen(key), i = len;
	const char *end;

	if (n < len || memcmp(p, key, len) != 0)
		return NULL;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	if (i == n || p[i++] != '=')
		return NULL;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	if (i == n || (p[i] != '"' && p[i] != '\'') || !(end = memchr(p + i + 1, p[i], n - i - 1)))
		return NULL;
	if (p[i] == '"' && memchr(p + i, '\\', (size_t)(end - p) - i))
		return NULL;
	return strndup(p + i + 1, (size_t)(end - p) - i - 1);
}

static bool
is_table(const char *p, size_t n, const char *table)
{
	size_t len = strlen(table);

	return n >= len + 4 && memcmp(p, "[[", 2) == 0 && memcmp(p + 2, table, len) == 0 &&
	    memcmp(p + 2 + len, "]]", 2) == 0;
}

bool
vk_toml_source(const char *text, size_t n, const char *table, size_t *at, char **ret_name, char **ret_url)
{
	VK_CLEANUP(vk_freep) char *name = NULL;
	VK_CLEANUP(vk_freep) char *url = NULL;
	bool within = false;

	while (*at < n) {
		size_t len, before = *at;
		const char *p = line_at(text, n, at, &len);

		if (len > 0 && *p == '[' && within) {
			/* The next table may be one more. */
			*at = before;
			if (name && url)
				break;
			free(VK_TAKE(name));
			free(VK_TAKE(url));
			within = false;
			continue;
		}
		within = within || is_table(p, len, table);
		if (within && !name)
			name = value_of(p, len, "name");
		if (within && !url)
			url = value_of(p, len, "url");
	}
	if (!name || !url)
		return false;
	*ret_name = VK_TAKE(name);
	*ret_url = VK_TAKE(url);
	return true;
}
