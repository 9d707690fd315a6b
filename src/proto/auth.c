/* SPDX-License-Identifier: ISC */
/* A credential as the field of an HTTP request that presents it. */
#include <string.h>

#include "valetkey/proto.h"

enum { PAIR_MAX = VK_MAX_FIELD + 1 + VK_MAX_SECRET };

const char *
vk_auth_field(const struct vk_cred *c)
{
	return c->kind == VK_KIND_HEADER ? c->header : "Authorization";
}

enum vk_err
vk_auth_pair(const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf pair = VK_BUF_SECRET(PAIR_MAX);
	VK_CLEANUP(vk_arena_freep) char *text = NULL;

	if (strchr(c->username, ':'))
		return vk_fail(VK_EPOLICY, "its user name holds a colon, which basic authentication cannot express");
	vk_buf_str(&pair, c->username);
	vk_buf_char(&pair, ':');
	vk_buf_add(&pair, c->secret.p, c->secret.n);
	if (pair.err != VK_OK || !(text = vk_arena_alloc(VK_BASE64_LEN(pair.len) + 1)))
		return VK_ENOMEM;
	vk_base64_encode((const unsigned char *)pair.p, pair.len, text);
	return vk_buf_str(out, text);
}

enum vk_err
vk_auth_percent(const char *p, size_t n, struct vk_buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr("-._~", c));

		if (plain) {
			vk_buf_char(out, (char)c);
			continue;
		}
		vk_buf_char(out, '%');
		vk_buf_char(out, digits[c >> 4]);
		vk_buf_char(out, digits[c & 15]);
	}
	return out->err;
}

enum vk_err
vk_auth_userinfo(const struct vk_cred *c, struct vk_buf *out)
{
	enum vk_err e = VK_OK;

	if (*c->username) {
		e = vk_auth_percent(c->username, strlen(c->username), out);
		vk_buf_char(out, ':');
	}
	return e == VK_OK ? vk_auth_percent(c->secret.p, c->secret.n, out) : e;
}

/* RFC 9110 section 5.5: visible bytes, blanks and tabs inside, and what is beyond ASCII. */
static enum vk_err
add_field_text(const char *p, size_t n, struct vk_buf *out)
{
	if (n == 0)
		return vk_fail(VK_EPOLICY, "its secret is empty");
	if (vk_str_has_control(p, n) || *p == ' ' || p[n - 1] == ' ')
		return vk_fail(VK_EPOLICY, "its secret holds what the field of an HTTP request cannot");
	return vk_buf_add(out, p, n);
}

enum vk_err
vk_auth_value(const struct vk_cred *c, struct vk_buf *out)
{
	if (c->kind == VK_KIND_BASIC) {
		vk_buf_str(out, "Basic ");
		return vk_auth_pair(c, out);
	}
	if (c->kind == VK_KIND_BEARER)
		vk_buf_fmt(out, "%s ", *c->authtype ? c->authtype : "Bearer");
	return add_field_text(c->secret.p, c->secret.n, out);
}
