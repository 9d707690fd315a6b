/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "fetch.h"

enum { SECONDS_MAX = 7 * 24 * 3600, COUNT_MAX = 1000 };

static enum vk_err
number(struct vk_ask *a, const char *name, uint64_t max, uint64_t otherwise, uint64_t *ret)
{
	const char *text = vk_ask_get(a, name);

	*ret = otherwise;
	if (text && vk_str_u64(text, max, ret) != VK_OK)
		return vk_fail(VK_EPROTO, "%s is no number up to %" PRIu64, name, max);
	return VK_OK;
}

static bool
says_yes(struct vk_ask *a, const char *name)
{
	const char *text = vk_ask_get(a, name);

	return text && strcmp(text, "yes") == 0;
}

static enum vk_err
limits(struct vk_ask *a, struct vk_fetch *f)
{
	enum vk_err e = number(a, "retries", COUNT_MAX, 0, &f->retries);

	if (e == VK_OK)
		e = number(a, "redirects", COUNT_MAX, 0, &f->redirects);
	if (e == VK_OK)
		e = number(a, "max-size", INT64_MAX, 0, &f->max_size);
	if (e == VK_OK)
		e = number(a, "connect-timeout", SECONDS_MAX, 10, &f->connect_s);
	return e;
}

/* A field of a request, or user and password; either is for what ${scope} covers. */
static enum vk_err
credential(struct vk_ask *a, struct vk_fetch *f)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret header = { 0 };
	const char *scope = vk_ask_get(a, "scope");
	enum vk_err e = vk_ask_secret(a, "header", &header);

	if (e == VK_OK)
		e = vk_ask_secret(a, "user", &f->user);
	if (e == VK_OK)
		e = vk_ask_secret(a, "password", &f->password);
	if (e == VK_OK && header.n > 0)
		e = vk_buf_add(&f->header, header.p, header.n);
	f->has_credential = header.n > 0 || f->password.p;
	if (e != VK_OK || !f->has_credential)
		return e;
	if (vk_str_has_control(header.p ? header.p : "", header.n))
		return vk_fail(VK_EPROTO, "header holds control characters");
	return scope ? vk_scope_parse(scope, &f->scope, NULL) : vk_fail(VK_EPROTO, "a credential without its scope");
}

static enum vk_err
settings(struct vk_ask *a, struct vk_fetch *f)
{
	struct vk_scope asked = { 0 };
	enum vk_err e = vk_ask_need(a, "url", &f->url);

	if (e == VK_OK)
		e = vk_scope_of_url(f->url, &asked, NULL);
	vk_scope_clear(&asked);
	f->proxy = vk_ask_get(a, "proxy");
	f->accept = vk_ask_get(a, "accept");
	f->record = vk_ask_get(a, "record");
	f->label = vk_ask_get(a, "label");
	f->checked = says_yes(a, "checked");
	f->downgrade = says_yes(a, "downgrade");
	f->tls_required = says_yes(a, "tls-required");
	vk_http_tls(a, &f->tls);
	if (e == VK_OK)
		e = limits(a, f);
	return e == VK_OK ? credential(a, f) : e;
}

/* Whatever was asked can be asked again: nothing is changed by it. */
static enum vk_err
try_often(struct vk_fetch *f, unsigned *ret_tries)
{
	enum vk_err e;

	for (unsigned tries = 0;; tries++) {
		int64_t wait_ms = -1;
		uint64_t had = f->at;
		bool again = false;

		e = vk_fetch_try(f, &again, &wait_ms);
		*ret_tries = tries + 1;
		if (e == VK_OK || !again || tries == f->retries)
			return e;
		/* Who gave something is not the one to wait long for. */
		if (!vk_http_pause(f->at > had ? 0 : tries, wait_ms))
			return vk_fail(e, "%s; no time is left for another try", vk_reason());
		if (!vk_fetch_can_go_on(f) && (e = vk_fetch_restart(f)) != VK_OK)
			return e;
	}
}

static void
clear(struct vk_fetch *f)
{
	vk_scope_clear(&f->scope);
	vk_buf_clear(&f->header);
	vk_secret_clear(&f->user);
	vk_secret_clear(&f->password);
	free(f->origin);
}

enum vk_err
vk_fetch(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct vk_fetch f = { .header = VK_BUF_SECRET(2 * VK_MAX_SECRET) };
	uint64_t seconds = 0;
	unsigned tries = 0;
	enum vk_err e = settings(a, &f);

	if (e == VK_OK)
		e = number(a, "timeout", SECONDS_MAX, VK_HTTP_TIMEOUT_S, &seconds);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = vk_http_start((long)seconds);
	if (e == VK_OK && (e = vk_fetch_open(&f)) == VK_OK)
		e = try_often(&f, &tries);
	/* "unavailable" is said of stores of secrets. */
	if (e != VK_OK)
		return e == VK_EBACKEND ? VK_ESYS : e;
	vk_buf_fmt(out, "bytes=%" PRIu64 "\nresumed=%" PRIu64 "\ntries=%u\n", f.at, f.resumed, tries);
	return vk_buf_fmt(out, "origin=%s\nlength=%s\n", f.origin, f.total < 0 ? "unknown" : "known");
}
