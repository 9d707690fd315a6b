/* SPDX-License-Identifier: ISC */
/* What the "keyring" command prints (keyring 25, cli.py), within what its clients do with it. */
#include <string.h>

#include "json_text.h"
#include "valetkey/proto.h"

static enum vk_err
refuse(const struct vk_cred *c, const char *why)
{
	return vk_fail(VK_EPOLICY, "%s cannot be given to a client of keyring: %s", *c->name ? c->name : c->scope.host,
	    why);
}

static bool
is_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static bool
is_line(const char *s, size_t n)
{
	return !vk_str_has_control(s, n) && vk_utf8_valid(s, n);
}

static bool
ends_blank(const char *s, size_t n)
{
	return n > 0 && (s[0] == ' ' || s[n - 1] == ' ');
}

/* Lines are for uv, which takes blanks away; JSON is pip's, which sends letters beyond ASCII in another encoding. */
static enum vk_err
check(const struct vk_cred *c, bool json)
{
	const char *user = c->username, *secret = c->secret.p;
	size_t user_n = strlen(user), n = c->secret.n;

	if (c->kind != VK_KIND_BASIC)
		return refuse(c, "it is not a user name and password");
	if (strchr(user, ':'))
		return refuse(c, "its user name holds a colon");
	if (json)
		return is_ascii(user, user_n) && is_ascii(secret, n) ? VK_OK :
		    refuse(c, "pip would not send letters beyond ASCII as they are");
	if (n == 0 || !is_line(secret, n) || !is_line(user, user_n))
		return refuse(c, "it is empty, or holds control characters or what is not UTF-8");
	if (ends_blank(secret, n) || ends_blank(user, user_n))
		return refuse(c, "it begins or ends with a blank, which the client would take away");
	return VK_OK;
}

enum vk_err
vk_keyring_answer(const struct vk_cred *c, bool creds, bool json, struct vk_buf *out)
{
	enum vk_err e = check(c, json);

	if (e != VK_OK)
		return e;
	if (!json) {
		if (creds)
			vk_buf_fmt(out, "%s\n", c->username);
		vk_buf_add(out, c->secret.p, c->secret.n);
		return vk_buf_char(out, '\n');
	}
	vk_buf_char(out, '{');
	if (creds) {
		vk_buf_str(out, "\"username\": ");
		vk_json_str(out, c->username, strlen(c->username));
		vk_buf_str(out, ", ");
	}
	vk_buf_str(out, "\"password\": ");
	vk_json_str(out, c->secret.p, c->secret.n);
	return vk_buf_str(out, "}\n");
}
