/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <time.h>

#include "source/helper_call.h"
#include "valetkey/oauth.h"

enum {
	REQUEST_S = 10, /* a writer of the keystore may wait for it */
	HURRY_S = 3,
	DEADLINE_MS = 15 * 1000,
	LOOKING_UP_MS = 40 * 1000,
};

static const struct vk_helper asking = { .program = "http", .none = "has none", .deadline_ms = DEADLINE_MS };
static const struct vk_helper looking_up = { .program = "http", .none = "has none", .deadline_ms = LOOKING_UP_MS };

void
vk_device_clear(struct vk_device *d)
{
	free(d->user_code);
	free(d->page);
	free(d->page_with_code);
	vk_secret_clear(&d->code);
	*d = (struct vk_device){ 0 };
}

void
vk_tokens_clear(struct vk_tokens *t)
{
	vk_secret_clear(&t->access);
	vk_secret_clear(&t->refresh);
}

static enum vk_err
put_text(struct vk_buf *b, const char *name, const char *value)
{
	if (!*value)
		return b->err;
	if (vk_str_has_control(value, strlen(value)))
		return vk_fail(VK_EUSAGE, "the login's %s holds control characters", name);
	return vk_buf_fmt(b, "%s=%s\n", name, value);
}

static enum vk_err
put_client(struct vk_buf *b, const struct vk_grant *g)
{
	enum vk_err e = put_text(b, "client-id", g->client_id);

	if (e == VK_OK && g->client_secret.p)
		e = vk_helper_put_secret(b, "client-secret", g->client_secret.p, g->client_secret.n);
	return e;
}

static enum vk_err
take_text(const struct vk_helper_attr *a, char **ret)
{
	char *copy = strndup(a->p, a->n);

	if (!copy)
		return VK_ENOMEM;
	free(*ret);
	*ret = copy;
	return VK_OK;
}

enum { DEVICE_URL, TOKEN_URL, USER_CODE, PAGE, PAGE_WITH_CODE, DEVICE_CODE, EXPIRES_IN, INTERVAL, N_DEVICE };

static enum vk_err
take_device(const struct vk_helper_attr *attrs, struct vk_grant *g, struct vk_device *ret)
{
	VK_CLEANUP(vk_device_clear) struct vk_device d = { 0 };
	enum vk_err e = take_text(&attrs[DEVICE_URL], &g->device_url);

	if (e == VK_OK)
		e = take_text(&attrs[TOKEN_URL], &g->token_url);
	if (e == VK_OK)
		e = take_text(&attrs[USER_CODE], &d.user_code);
	if (e == VK_OK)
		e = take_text(&attrs[PAGE], &d.page);
	if (e == VK_OK && attrs[PAGE_WITH_CODE].p)
		e = take_text(&attrs[PAGE_WITH_CODE], &d.page_with_code);
	if (e == VK_OK)
		e = vk_helper_take_secret(&asking, &attrs[DEVICE_CODE], g->issuer, &d.code);
	if (e == VK_OK)
		e = vk_helper_take_number(&asking, &attrs[EXPIRES_IN], &d.seconds);
	if (e == VK_OK)
		e = vk_helper_take_number(&asking, &attrs[INTERVAL], &d.interval);
	if (e != VK_OK)
		return e;
	*ret = d;
	d = (struct vk_device){ 0 };
	return VK_OK;
}

enum vk_err
vk_oauth_begin(struct vk_grant *g, struct vk_device *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(VK_HELPER_ANSWER_MAX);
	struct vk_helper_attr attrs[N_DEVICE] = {
		[DEVICE_URL] = { .name = "device-url", .needed = true },
		[TOKEN_URL] = { .name = "token-url", .needed = true },
		[USER_CODE] = { .name = "user-code", .needed = true },
		[PAGE] = { .name = "verification-uri", .needed = true },
		[PAGE_WITH_CODE] = { .name = "verification-uri-complete" },
		[DEVICE_CODE] = { .name = "device-code", .needed = true },
		[EXPIRES_IN] = { .name = "expires-in", .needed = true },
		[INTERVAL] = { .name = "interval", .needed = true },
	};
	enum vk_err e;

	vk_buf_str(&b, "device-code\n");
	if ((e = put_client(&b, g)) == VK_OK)
		e = put_text(&b, "scope", g->scope);
	if (e == VK_OK && *g->device_url && *g->token_url) {
		if ((e = put_text(&b, "device-url", g->device_url)) == VK_OK)
			e = put_text(&b, "token-url", g->token_url);
	} else if (e == VK_OK) {
		e = put_text(&b, "issuer", g->issuer);
	}
	if (e == VK_OK)
		e = vk_helper_ask(&looking_up, &b, &answer, attrs, N_DEVICE);
	return e == VK_OK ? take_device(attrs, g, ret) : e;
}

enum { WAIT, ACCESS, REFRESH, LIFE, N_TOKENS };

#define TOKEN_ATTRS                                                                                 \
	{                                                                                           \
		[WAIT] = { .name = "wait" }, [ACCESS] = { .name = "access-token" },                 \
		[REFRESH] = { .name = "refresh-token" }, [LIFE] = { .name = "expires-in" },         \
	}

/* The server says how long, and its clock may be wrong: ${asked} is when we asked, by ours. */
static enum vk_err
take_tokens(const struct vk_helper_attr *attrs, const char *issuer, int64_t asked, struct vk_tokens *ret)
{
	VK_CLEANUP(vk_tokens_clear) struct vk_tokens t = { .expires = 0 };
	int64_t life = 0;
	enum vk_err e;

	if (!attrs[ACCESS].p)
		return vk_fail(VK_EBACKEND, "valetkey-http answers what is not understood");
	if ((e = vk_helper_take_secret(&asking, &attrs[ACCESS], issuer, &t.access)) == VK_OK && attrs[REFRESH].p)
		e = vk_helper_take_secret(&asking, &attrs[REFRESH], issuer, &t.refresh);
	if (e == VK_OK)
		e = vk_helper_take_number(&asking, &attrs[LIFE], &life);
	if (e != VK_OK)
		return e;
	t.expires = life > 0 ? asked + life : 0;
	*ret = t;
	t = (struct vk_tokens){ .expires = 0 };
	return VK_OK;
}

static enum vk_err
begin(struct vk_buf *b, const char *verb, const struct vk_grant *g, int seconds)
{
	enum vk_err e;

	vk_buf_fmt(b, "%s\ntimeout=%d\n", verb, seconds);
	return (e = put_client(b, g)) == VK_OK ? put_text(b, "token-url", g->token_url) : e;
}

static const struct {
	const char *name;
	enum vk_oauth_wait wait;
} waits[] = {
	{ "pending", VK_OAUTH_PENDING },
	{ "slow-down", VK_OAUTH_SLOW_DOWN },
	{ "unreachable", VK_OAUTH_UNREACHABLE },
};

enum vk_err
vk_oauth_ask(const struct vk_grant *g, const struct vk_device *d, enum vk_oauth_wait *ret_wait,
    struct vk_tokens *ret_tokens)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(VK_HELPER_ANSWER_MAX);
	struct vk_helper_attr attrs[N_TOKENS] = TOKEN_ATTRS;
	int64_t now = (int64_t)time(NULL);
	enum vk_err e = begin(&b, "device-token", g, REQUEST_S);

	if (e == VK_OK)
		e = vk_helper_put_secret(&b, "device-code", d->code.p, d->code.n);
	if (e == VK_OK)
		e = vk_helper_ask(&asking, &b, &answer, attrs, N_TOKENS);
	for (size_t i = 0; e == VK_OK && attrs[WAIT].p && i < VK_COUNT(waits); i++)
		if (strlen(waits[i].name) == attrs[WAIT].n &&
		    memcmp(waits[i].name, attrs[WAIT].p, attrs[WAIT].n) == 0) {
			*ret_wait = waits[i].wait;
			return VK_OK;
		}
	if (e == VK_OK && (e = take_tokens(attrs, g->issuer, now, ret_tokens)) == VK_OK)
		*ret_wait = VK_OAUTH_DONE;
	return e;
}

enum vk_err
vk_oauth_refresh(const struct vk_grant *g, const struct vk_secret *refresh, bool hurry,
    struct vk_tokens *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(VK_HELPER_ANSWER_MAX);
	struct vk_helper_attr attrs[N_TOKENS] = TOKEN_ATTRS;
	int64_t now = (int64_t)time(NULL);
	enum vk_err e = begin(&b, "refresh-token", g, hurry ? HURRY_S : REQUEST_S);

	if (e == VK_OK)
		e = vk_helper_put_secret(&b, "refresh-token", refresh->p, refresh->n);
	if (e == VK_OK)
		e = vk_helper_ask(&asking, &b, &answer, attrs, N_TOKENS);
	return e == VK_OK ? take_tokens(attrs, g->issuer, now, ret) : e;
}
