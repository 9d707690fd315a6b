/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "source/value.h"
#include "valetkey/remote.h"

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

/* "STORE:WHAT" and "STORE@SERVER:WHAT"; VK_ENOENT: it is nothing of the kind. */
static enum vk_err
parse_remote(const char *text, struct vk_ref *ret)
{
	size_t n = strcspn(text, ":"), word = strcspn(text, "@:"), server = n - word;
	char name[32];
	const struct vk_remote_store *store;

	if (text[n] != ':' || word >= sizeof(name))
		return VK_ENOENT;
	memcpy(name, text, word);
	name[word] = '\0';
	if (!(store = vk_remote_store(name)))
		return VK_ENOENT;
	*ret = (struct vk_ref){ .kind = VK_SOURCE_REMOTE, .store = store->name, .what = text + n + 1 };
	if (server == 0 && !store->program)
		return vk_fail(VK_EUSAGE, "%s needs the name of its program: %s@NAME:...", name, name);
	if (server == 0)
		return VK_OK;
	if (server == 1 || server - 1 > VK_SERVER_NAME_MAX)
		return vk_fail(VK_EUSAGE, "the name of a server is 1 to %d characters", VK_SERVER_NAME_MAX);
	memcpy(ret->server, text + word + 1, server - 1);
	return VK_OK;
}

static enum vk_err
parse_local(const char *text, struct vk_ref *ret)
{
	for (size_t i = 0; i < VK_COUNT(kinds); i++)
		if (vk_str_starts(text, kinds[i].prefix)) {
			*ret = (struct vk_ref){ .kind = kinds[i].kind, .what = text + strlen(kinds[i].prefix) };
			return VK_OK;
		}
	return VK_ENOENT;
}

enum vk_err
vk_ref_parse(const char *text, struct vk_ref *ret)
{
	struct vk_ref r;
	enum vk_err e = parse_local(text, &r);

	if (e == VK_ENOENT)
		e = parse_remote(text, &r);
	/* The text is not repeated: whoever puts a secret where a reference belongs must not see it logged. */
	if (e == VK_ENOENT)
		return vk_fail(VK_EUSAGE, "this is not a reference to a secret; known are keystore:NAME, env:NAME, "
		    "file:/absolute/path, and with their own words after the colon %s", vk_remote_names());
	if (e != VK_OK)
		return e;
	if (*r.what == '\0')
		return vk_fail(VK_EUSAGE, "the reference %.*s names nothing", (int)(r.what - text), text);
	if (strlen(r.what) > VK_MAX_FIELD || vk_str_has_control(text, strlen(text)))
		return vk_fail(VK_EUSAGE, "the reference %.*s... is too long or holds control characters",
		    (int)strcspn(text, "@:") + 1, text);
	if (r.kind == VK_SOURCE_ENV && !is_variable_name(r.what))
		return vk_fail(VK_EUSAGE, "env: needs the name of a variable, such as env:NPM_TOKEN");
	if (r.kind == VK_SOURCE_FILE && *r.what != '/')
		return vk_fail(VK_EUSAGE, "file: needs an absolute path, such as file:/run/secrets/token");
	*ret = r;
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
