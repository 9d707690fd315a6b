/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "source/value.h"

static const struct {
	const char *prefix;
	enum vk_source_kind kind;
} kinds[] = {
	{ "keystore:", VK_SOURCE_KEYSTORE },
	{ "env:", VK_SOURCE_ENV },
	{ "file:", VK_SOURCE_FILE },
};

static bool
is_variable_name(const char *s)
{
	if (!((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || *s == '_'))
		return false;
	for (; *s; s++)
		if (!((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
			(*s >= '0' && *s <= '9') || *s == '_'))
			return false;
	return true;
}

enum vk_err
vk_ref_parse(const char *text, struct vk_ref *ret)
{
	size_t i;
	const char *what;

	for (i = 0; i < VK_COUNT(kinds); i++)
		if (vk_str_starts(text, kinds[i].prefix))
			break;
	/* The text is not repeated: whoever puts a secret where a reference belongs must not see it logged. */
	if (i == VK_COUNT(kinds))
		return vk_fail(VK_EUSAGE, "this is not a reference to a secret; known are "
					  "keystore:NAME, env:NAME and file:/absolute/path");
	what = text + strlen(kinds[i].prefix);
	if (*what == '\0')
		return vk_fail(VK_EUSAGE, "the reference %s names nothing", kinds[i].prefix);
	if (strlen(what) > VK_MAX_FIELD || vk_str_has_control(what, strlen(what)))
		return vk_fail(VK_EUSAGE, "the reference %s... is too long or holds control characters",
		    kinds[i].prefix);
	if (kinds[i].kind == VK_SOURCE_ENV && !is_variable_name(what))
		return vk_fail(VK_EUSAGE, "env: needs the name of a variable, such as env:NPM_TOKEN");
	if (kinds[i].kind == VK_SOURCE_FILE && *what != '/')
		return vk_fail(VK_EUSAGE, "file: needs an absolute path, such as file:/run/secrets/token");
	*ret = (struct vk_ref){ .kind = kinds[i].kind, .what = what };
	return VK_OK;
}

enum vk_err
vk_source_value(const char *kind, const char *what, const char *bytes, size_t n,
    struct vk_secret *ret)
{
	if (n > 0 && bytes[n - 1] == '\n') {
		n--;
		if (n > 0 && bytes[n - 1] == '\r')
			n--;
	}
	if (n == 0)
		return vk_fail(VK_EBACKEND, "%s %s is empty", kind, what);
	if (n > VK_MAX_SECRET)
		return vk_fail(VK_ELIMIT, "%s %s holds more than %d bytes", kind, what, VK_MAX_SECRET);
	if (memchr(bytes, '\n', n) || memchr(bytes, '\r', n) || memchr(bytes, '\0', n))
		return vk_fail(VK_EBACKEND,
		    "%s %s holds more than one line, or a NUL: this is not one secret", kind, what);
	return vk_secret_set(ret, bytes, n);
}
