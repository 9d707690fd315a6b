/* SPDX-License-Identifier: ISC */
/* pip.conf */
#include <string.h>

#include "ini.h"
#include "valetkey/proto.h"

static bool
is_key(struct vk_ini_line l, size_t n, const char *key)
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
is_global(struct vk_ini_line l)
{
	static const char header[] = "[global]";
	size_t n = strlen(header);

	return l.n >= n && memcmp(l.p, header, n) == 0 && !memchr(l.p + n, ']', l.n - n);
}

size_t
vk_pipconf_global(const char *text, size_t n)
{
	size_t indent = 0;
	struct vk_ini_line l;

	for (size_t at = 0; at < n;)
		if (vk_ini_next(text, n, &at, &indent, &l) == VK_INI_HEADER && is_global(l))
			return at;
	return 0;
}

/* Is ${l} about ${key}?  Then ${l} becomes its value. */
static bool
take_value(struct vk_ini_line *l, const char *key)
{
	size_t value, name = vk_ini_name(l, &value);

	if (value > l->n || !is_key(*l, name, key))
		return false;
	l->p += value;
	l->n -= value;
	return true;
}

enum vk_err
vk_pipconf_get(const char *text, size_t n, const char *key, struct vk_buf *out, bool *ret_elsewhere)
{
	bool global = false, wanted = false;
	size_t indent = 0;
	struct vk_ini_line l;

	for (size_t at = 0; at < n;) {
		enum vk_ini_kind kind = vk_ini_next(text, n, &at, &indent, &l);

		if (kind == VK_INI_HEADER)
			global = is_global(l);
		if (kind == VK_INI_KEY && (wanted = take_value(&l, key)) && global) {
			vk_buf_clear(out);
			vk_buf_add(out, l.p, l.n);
		}
		if (kind == VK_INI_KEY && wanted && !global)
			*ret_elsewhere = true;
		if (kind == VK_INI_MORE && wanted && global)
			vk_buf_fmt(out, "\n%.*s", (int)l.n, l.p);
	}
	return out->err;
}
