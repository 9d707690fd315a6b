/* SPDX-License-Identifier: ISC */
/*
 * What we served, as a digest that git hands back with "store".  A plain mark would not do:
 * git keeps state[] when it drops an answer of ours that has just expired, and would then send
 * it with a password that somebody typed.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "crypto/crypto.h"

static void
add_part(struct vk_buf *b, const void *p, size_t n)
{
	uint64_t len = n;

	vk_buf_add(b, &len, sizeof(len));
	if (n > 0)
		vk_buf_add(b, p, n);
}

static void
add_text(struct vk_buf *b, const char *s)
{
	add_part(b, s, strlen(s));
}

enum vk_err
vk_git_state(const struct vk_scope *asked, const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(256 * 1024);
	static const char hex[] = "0123456789abcdef";
	unsigned char digest[VK_DIGEST_LEN];
	bool bearer = c->kind == VK_KIND_BEARER;

	add_text(&b, "git state");
	add_text(&b, asked->scheme);
	add_text(&b, asked->host);
	add_part(&b, &asked->port, sizeof(asked->port));
	add_text(&b, asked->path);
	add_text(&b, bearer ? *c->authtype ? c->authtype : "Bearer" : "");
	add_text(&b, c->username);
	add_part(&b, c->secret.p, c->secret.n);
	add_part(&b, c->refresh.p, c->refresh.n);
	add_part(&b, &c->expires, sizeof(c->expires));
	if (b.err != VK_OK)
		return b.err;
	vk_digest(b.p, b.len, digest);
	vk_buf_str(out, "valetkey:1:");
	for (size_t i = 0; i < 16; i++) {
		vk_buf_char(out, hex[digest[i] >> 4]);
		vk_buf_char(out, hex[digest[i] & 15]);
	}
	return out->err;
}
