/* SPDX-License-Identifier: ISC */
/* What renews an entry, in its extra fields: docs/FORMAT.md, "Records". */
#include <string.h>

#include "store/internal.h"

enum { FIELD_HEAD = 4, EXTRA_MAX = 32 * 1024 };

enum field {
	F_ISSUER = 128,
	F_DEVICE_URL,
	F_TOKEN_URL,
	F_CLIENT_ID,
	F_CLIENT_SECRET,
	F_OAUTH_SCOPE,
	F_RENEWED,
	F_END,
};

static char **
text_field(struct vk_grant *g, unsigned f)
{
	switch (f) {
	case F_ISSUER:
		return &g->issuer;
	case F_DEVICE_URL:
		return &g->device_url;
	case F_TOKEN_URL:
		return &g->token_url;
	case F_CLIENT_ID:
		return &g->client_id;
	case F_OAUTH_SCOPE:
		return &g->scope;
	default:
		return NULL;
	}
}

void
vk_grant_clear(struct vk_grant *g)
{
	for (unsigned f = F_ISSUER; f < F_END; f++) {
		char **text = text_field(g, f);

		if (text) {
			free(*text);
			*text = NULL;
		}
	}
	vk_secret_clear(&g->client_secret);
}

enum vk_err
vk_grant_init(struct vk_grant *g)
{
	*g = (struct vk_grant){ 0 };
	for (unsigned f = F_ISSUER; f < F_END; f++) {
		char **text = text_field(g, f);

		if (text && !(*text = vk_strdup("")))
			return VK_ENOMEM;
	}
	return VK_OK;
}

bool
vk_grant_has(const struct vk_cred *c)
{
	/* They come before what is not known here. */
	return c->extra.n > 0 && (unsigned char)c->extra.p[0] < F_END;
}

static enum vk_err
take(struct vk_grant *g, unsigned f, const unsigned char *p, size_t n)
{
	VK_CLEANUP(vk_freep) char *copy = NULL;
	char **text = text_field(g, f);

	if (f == F_CLIENT_SECRET)
		return vk_secret_set(&g->client_secret, p, n);
	if (f == F_RENEWED ? n != 8 : n > VK_MAX_FIELD || memchr(p, '\0', n))
		return vk_fail(VK_ETAMPER, "what renews an entry is malformed");
	if (f == F_RENEWED) {
		g->renewed = (int64_t)vk_get64(p);
		return VK_OK;
	}
	copy = strndup((const char *)p, n);
	return copy && text ? vk_cred_set(text, copy) : VK_ENOMEM;
}

/* The length of the whole field at ${p}, which the store has checked. */
static size_t
field_len(const unsigned char *p)
{
	return FIELD_HEAD + (vk_get16(p + 1) | (size_t)p[3] << 16);
}

enum vk_err
vk_grant_read(const struct vk_cred *c, struct vk_grant *ret)
{
	VK_CLEANUP(vk_grant_clear) struct vk_grant g = { 0 };
	const unsigned char *p = (const unsigned char *)c->extra.p;
	enum vk_err e;

	if (!vk_grant_has(c))
		return VK_ENOENT;
	if ((e = vk_grant_init(&g)) != VK_OK)
		return e;
	for (size_t at = 0; e == VK_OK && at < c->extra.n && p[at] < F_END; at += field_len(p + at))
		e = take(&g, p[at], p + at + FIELD_HEAD, field_len(p + at) - FIELD_HEAD);
	if (e != VK_OK)
		return e;
	*ret = g;
	g = (struct vk_grant){ 0 };
	return VK_OK;
}

/* So many bytes of its extra fields are ours. */
static size_t
own_len(const struct vk_cred *c)
{
	const unsigned char *p = (const unsigned char *)c->extra.p;
	size_t n = 0;

	while (n < c->extra.n && p[n] < F_END)
		n += field_len(p + n);
	return n;
}

enum vk_err
vk_grant_forget(struct vk_cred *c)
{
	struct vk_secret rest = { NULL, 0 };
	size_t own = own_len(c);
	enum vk_err e = VK_OK;

	if (own == 0)
		return VK_OK;
	if (own < c->extra.n)
		e = vk_secret_set(&rest, c->extra.p + own, c->extra.n - own);
	if (e != VK_OK)
		return e;
	vk_secret_clear(&c->extra);
	c->extra = rest;
	return VK_OK;
}

static void
add(struct vk_buf *b, unsigned f, const void *p, size_t n)
{
	unsigned char head[FIELD_HEAD] = { (unsigned char)f };

	if (n == 0)
		return;
	vk_put16(head + 1, (unsigned)n & 0xffff);
	head[3] = (unsigned char)(n >> 16);
	vk_buf_add(b, head, sizeof(head));
	vk_buf_add(b, p, n);
}

enum vk_err
vk_grant_write(const struct vk_grant *grant, struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(EXTRA_MAX);
	struct vk_grant g = *grant; /* the accessor takes a changeable one */
	unsigned char time[8];
	size_t own = own_len(c);

	for (unsigned f = F_ISSUER; f < F_RENEWED; f++) {
		char **text = text_field(&g, f);

		add(&b, f, text ? *text : g.client_secret.p, text ? strlen(*text) : g.client_secret.n);
	}
	vk_put64(time, (uint64_t)g.renewed);
	add(&b, F_RENEWED, time, g.renewed != 0 ? sizeof(time) : 0);
	if (own < c->extra.n)
		vk_buf_add(&b, c->extra.p + own, c->extra.n - own);
	if (b.err != VK_OK)
		return b.err == VK_ELIMIT ? vk_fail(VK_ELIMIT, "what renews an entry is too long") : b.err;
	return vk_secret_set(&c->extra, b.p, b.len);
}
