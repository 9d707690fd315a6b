/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"

static enum vk_err
member(struct vk_buf *out, const char *name, const char *p, size_t n)
{
	vk_buf_fmt(out, ",\"%s\":", name);
	return vk_json_add_string(out, p, n);
}

enum vk_err
vk_aws_answer(const struct vk_cred *c, struct vk_buf *out)
{
	const char *blank = memchr(c->secret.p, ' ', c->secret.n);
	size_t key = blank ? (size_t)(blank - c->secret.p) : c->secret.n;
	char stamp[VK_STAMP_TEXT];
	enum vk_err e;

	if (c->kind != VK_KIND_BASIC || !*c->username)
		return vk_fail(VK_EPOLICY, "it has no user name, which is the access key's id");
	if (key == 0 || (blank && (key + 1 == c->secret.n || memchr(blank + 1, ' ', c->secret.n - key - 1))))
		return vk_fail(VK_EPOLICY, "its secret is neither a secret key nor one with a session token behind one "
			"blank");
	vk_buf_str(out, "{\"Version\":1");
	e = member(out, "AccessKeyId", c->username, strlen(c->username));
	if (e == VK_OK)
		e = member(out, "SecretAccessKey", c->secret.p, key);
	if (e == VK_OK && blank)
		e = member(out, "SessionToken", blank + 1, c->secret.n - key - 1);
	if (e == VK_OK && c->expires && vk_stamp(c->expires, stamp))
		e = member(out, "Expiration", stamp, strlen(stamp));
	return e == VK_OK ? vk_buf_str(out, "}\n") : e;
}
