/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <time.h>

#include "aws.h"
#include "sign.h"

static const char algorithm[] = "AWS4-HMAC-SHA256";

void
vk_aws_headers_clear(struct vk_aws_headers *h)
{
	vk_buf_clear(&h->host);
	vk_buf_clear(&h->date);
	vk_buf_clear(&h->token);
	vk_buf_clear(&h->authorization);
	vk_buf_clear(&h->type);
	vk_buf_clear(&h->target);
}

/* What one signature is made of. */
struct signing {
	char time[32], day[16];
	struct vk_buf names, canonical, text; /* "host;x-amz-date"; the canonical request; the string to sign */
	unsigned char *key;                   /* in the arena */
};

static void
clear(struct signing *s)
{
	vk_buf_clear(&s->names);
	vk_buf_clear(&s->canonical);
	vk_buf_clear(&s->text);
	vk_arena_free(s->key);
}

/* One header for the request, in lower case, and for what is signed; they come sorted. */
static void
add_header(struct signing *s, struct vk_buf *line, const char *name, const char *value)
{
	vk_buf_fmt(line, "%s: %s", name, value);
	vk_buf_fmt(&s->canonical, "%s:%s\n", name, value);
	vk_buf_fmt(&s->names, "%s%s", s->names.len > 0 ? ";" : "", name);
}

static enum vk_err
canonical(const struct vk_aws_keys *k, const struct vk_aws_request *r, struct signing *s, struct vk_aws_headers *ret)
{
	const char *host = strstr(r->url, "://"), *path, *query;
	VK_CLEANUP(vk_freep) char *name = host ? strndup(host + 3, strcspn(host + 3, "/?#")) : NULL;
	char digest[VK_SHA256_HEX];
	enum vk_err e;

	if (!name)
		return VK_ENOMEM;
	path = host + 3 + strlen(name);
	query = strchr(path, '?');
	vk_buf_fmt(&s->canonical, "%s\n%.*s\n%s\n", r->method, (int)strcspn(path, "?"), path, query ? query + 1 : "");
	if (r->type)
		add_header(s, &ret->type, "content-type", r->type);
	add_header(s, &ret->host, "host", name);
	add_header(s, &ret->date, "x-amz-date", s->time);
	if (k->token.p)
		add_header(s, &ret->token, "x-amz-security-token", k->token.p);
	if (r->target)
		add_header(s, &ret->target, "x-amz-target", r->target);
	if ((e = vk_sha256(r->body, strlen(r->body), digest)) == VK_OK)
		e = vk_buf_fmt(&s->canonical, "\n%s\n%s", s->names.p, digest);
	return e;
}

static enum vk_err
derive(const struct vk_aws_keys *k, const struct vk_aws_request *r, struct signing *s)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf first = VK_BUF_SECRET(1024);
	const char *steps[] = { r->region, r->service, "aws4_request", s->text.p };
	enum vk_err e;

	vk_buf_str(&first, "AWS4");
	if ((e = vk_buf_add(&first, k->secret.p, k->secret.n)) != VK_OK)
		return e;
	if (!(s->key = vk_arena_alloc(VK_SHA256_LEN)))
		return VK_ENOMEM;
	e = vk_hmac(first.p, first.len, s->day, s->key);
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(steps); i++)
		e = vk_hmac(s->key, VK_SHA256_LEN, steps[i], s->key);
	return e;
}

enum vk_err
vk_aws_sign(const struct vk_aws_keys *k, const struct vk_aws_request *r, int64_t now, struct vk_aws_headers *ret)
{
	VK_CLEANUP(clear) struct signing s = { .names = VK_BUF(256), .text = VK_BUF(1024),
		.canonical = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX + 8192) };
	char digest[VK_SHA256_HEX];
	time_t t = (time_t)now;
	struct tm tm;
	enum vk_err e;

	gmtime_r(&t, &tm);
	strftime(s.time, sizeof(s.time), "%Y%m%dT%H%M%SZ", &tm);
	strftime(s.day, sizeof(s.day), "%Y%m%d", &tm);
	if ((e = canonical(k, r, &s, ret)) == VK_OK)
		e = vk_sha256(s.canonical.p, s.canonical.len, digest);
	if (e == VK_OK)
		e = vk_buf_fmt(&s.text, "%s\n%s\n%s/%s/%s/aws4_request\n%s", algorithm, s.time, s.day, r->region,
		    r->service, digest);
	if (e == VK_OK)
		e = derive(k, r, &s);
	if (e != VK_OK)
		return e;
	vk_hex(s.key, digest);
	return vk_buf_fmt(&ret->authorization,
	    "Authorization: %s Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s", algorithm,
	    k->id.p, s.day, r->region, r->service, s.names.p, digest);
}
