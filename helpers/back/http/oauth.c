/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "oauth.h"
#include "oauth_answer.h"

enum { FORM_MAX = 1024 * 1024, CODE_LIFE_S = 900, INTERVAL_S = 5 };

struct client {
	const char *id;
	struct vk_secret secret;
	struct vk_buf basic; /* its header, when there is a secret */
};

static void
client_clear(struct client *c)
{
	vk_secret_clear(&c->secret);
	vk_buf_clear(&c->basic);
}

/* RFC 6749, 2.3.1: both encoded as in a form, then as a user name and a password. */
static enum vk_err
make_basic(struct client *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf pair = VK_BUF_SECRET(FORM_MAX);
	VK_CLEANUP(vk_arena_freep) char *text = NULL;
	enum vk_err e = vk_http_word(&pair, c->id);

	vk_buf_char(&pair, ':');
	if (e == VK_OK)
		e = vk_http_word(&pair, c->secret.p);
	if (e != VK_OK)
		return e;
	if (!(text = vk_arena_alloc(VK_BASE64_LEN(pair.len) + 1)))
		return VK_ENOMEM;
	vk_base64_encode((const unsigned char *)pair.p, pair.len, text);
	vk_buf_str(&c->basic, "Authorization: Basic ");
	return vk_buf_str(&c->basic, text);
}

static enum vk_err
client_read(struct vk_ask *a, struct client *c)
{
	enum vk_err e = vk_ask_need(a, "client-id", &c->id);

	if (e == VK_OK)
		e = vk_ask_secret(a, "client-secret", &c->secret);
	return e == VK_OK && c->secret.p ? make_basic(c) : e;
}

static enum vk_err
field(struct vk_buf *form, const char *name, const char *value)
{
	if (form->len > 0)
		vk_buf_char(form, '&');
	vk_buf_str(form, name);
	vk_buf_char(form, '=');
	return vk_http_word(form, value);
}

/* Never sent twice: a refresh token may be good for one use, and a second use may end the login. */
static enum vk_err
post(const struct client *c, const char *url, const struct vk_buf *form, struct vk_http_answer *ret)
{
	struct vk_http h = { .method = "POST", .url = url, .polls = true, .body = form->p, .n_body = form->len };
	size_t n = 0;

	if (form->err != VK_OK)
		return form->err;
	/* GitHub answers with a form otherwise. */
	h.headers[n++] = "Accept: application/json";
	h.headers[n++] = "Content-Type: application/x-www-form-urlencoded";
	h.headers[n] = c->basic.p;
	return vk_http_do(&h, ret);
}

/* ---- the endpoints --------------------------------------------------------------------------------------------- */

struct endpoints {
	char *device, *token;
};

static void
endpoints_clear(struct endpoints *p)
{
	free(p->device);
	free(p->token);
}

/* RFC 8414, 3.3: what does not say that it is the issuer's may be anybody's. */
static enum vk_err
take_metadata(const char *issuer, const struct vk_http_answer *answer, struct endpoints *p)
{
	VK_CLEANUP(vk_json_freep) json_t *o = NULL;
	const char *who, *device, *token;
	size_t n = strlen(issuer), len;
	enum vk_err e = vk_oauth_object(issuer, answer, &o);

	if (e != VK_OK)
		return e;
	who = json_string_value(json_object_get(o, "issuer"));
	device = json_string_value(json_object_get(o, "device_authorization_endpoint"));
	token = json_string_value(json_object_get(o, "token_endpoint"));
	len = who ? strlen(who) : 0;
	while (n > 0 && issuer[n - 1] == '/')
		n--;
	while (len > 0 && who[len - 1] == '/')
		len--;
	if (!who || n != len || strncmp(who, issuer, n) != 0)
		return vk_oauth_fail(VK_EPOLICY, issuer, "answers with the metadata of another issuer");
	/* The other document may have it. */
	if (!device || !token)
		return VK_OK;
	p->device = vk_strdup(device);
	p->token = vk_strdup(token);
	return p->device && p->token ? VK_OK : VK_ENOMEM;
}

static enum vk_err
look_up(const char *issuer, const char *url, struct endpoints *p)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	struct vk_http h = { .method = "GET", .url = url, .again = true, .headers = { "Accept: application/json" } };
	enum vk_err e = vk_http_do(&h, &answer);

	if (e != VK_OK || answer.status != 200)
		return e;
	return take_metadata(issuer, &answer, p);
}

/* OpenID Connect Discovery 1.0, 4: behind the issuer's path.  RFC 8414, 3.1: before it. */
static enum vk_err
discover(const char *issuer, struct endpoints *p)
{
	static const char openid[] = "/.well-known/openid-configuration";
	static const char oauth[] = "/.well-known/oauth-authorization-server";
	VK_CLEANUP(vk_freep) char *origin = vk_http_origin(issuer);
	VK_CLEANUP(vk_buf_clear) struct vk_buf first = VK_BUF(8192), second = VK_BUF(8192);
	const char *path;
	enum vk_err e;

	if (!origin)
		return VK_ENOMEM;
	path = vk_str_starts(issuer, origin) ? issuer + strlen(origin) : "";
	if ((e = vk_http_url(&first, issuer, "%s", openid)) != VK_OK ||
	    (e = look_up(issuer, first.p, p)) != VK_OK || p->token)
		return e;
	vk_buf_fmt(&second, "%s%s", origin, oauth);
	if ((e = vk_http_url(&second, path, "%s", "")) != VK_OK ||
	    (e = look_up(issuer, second.p, p)) != VK_OK || p->token)
		return e;
	return vk_oauth_fail(VK_EPOLICY, issuer, "offers no device flow");
}

/* ---- a login --------------------------------------------------------------------------------------------------- */

/* What a person is shown, and what comes back to us. */
static enum vk_err
say_device(const char *url, const struct endpoints *p, const json_t *o, struct vk_buf *out)
{
	const char *code = json_string_value(json_object_get(o, "device_code"));
	const char *user = json_string_value(json_object_get(o, "user_code"));
	const char *uri = json_string_value(json_object_get(o, "verification_uri"));
	const char *whole = json_string_value(json_object_get(o, "verification_uri_complete"));
	int64_t life = 0, interval = 0;

	/* The name that it had in drafts, and still has at some. */
	if (!uri)
		uri = json_string_value(json_object_get(o, "verification_url"));
	if (!vk_oauth_is_token(code) || !vk_oauth_is_text(user, 128) || !vk_oauth_is_page(uri) ||
	    vk_oauth_seconds(o, "expires_in", &life) != VK_OK || vk_oauth_seconds(o, "interval", &interval) != VK_OK)
		return vk_oauth_fail(VK_EPROTO, url, "answers what is not understood");
	vk_buf_fmt(out, "device-url=%s\ntoken-url=%s\nuser-code=%s\nverification-uri=%s\n", p->device, p->token,
	    user, uri);
	if (vk_oauth_is_page(whole))
		vk_buf_fmt(out, "verification-uri-complete=%s\n", whole);
	vk_buf_fmt(out, "expires-in=%lld\ninterval=%lld\n", (long long)(life > 0 ? life : CODE_LIFE_S),
	    (long long)(interval > 0 ? interval : INTERVAL_S));
	return vk_answer_secret(out, "device-code", code, strlen(code));
}

static enum vk_err
ask_device(const struct client *c, const char *scope, const struct endpoints *p, struct vk_buf *out)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf form = VK_BUF_SECRET(FORM_MAX);
	VK_CLEANUP(vk_json_freep) json_t *o = NULL;
	const char *error;
	enum vk_err e = field(&form, "client_id", c->id);

	if (e == VK_OK && scope)
		e = field(&form, "scope", scope);
	if (e == VK_OK)
		e = post(c, p->device, &form, &answer);
	if (e == VK_OK)
		e = vk_oauth_object(p->device, &answer, &o);
	if (e != VK_OK)
		return e;
	if ((error = vk_oauth_error(o)))
		return vk_oauth_fail(VK_EPOLICY, p->device, "refuses to begin a login: %s", error);
	return say_device(p->device, p, o, out);
}

static enum vk_err
find_endpoints(struct vk_ask *a, struct endpoints *p)
{
	const char *device = vk_ask_get(a, "device-url"), *token = vk_ask_get(a, "token-url"), *issuer = NULL;
	enum vk_err e;

	if (!device || !token)
		return (e = vk_ask_need(a, "issuer", &issuer)) == VK_OK ? discover(issuer, p) : e;
	p->device = vk_strdup(device);
	p->token = vk_strdup(token);
	return p->device && p->token ? VK_OK : VK_ENOMEM;
}

/* They come back as lines. */
static enum vk_err
check_endpoints(const struct endpoints *p)
{
	if (vk_oauth_is_page(p->device) && vk_oauth_is_page(p->token))
		return VK_OK;
	return vk_fail(VK_EPROTO, "an endpoint of the issuer is no URL");
}

static enum vk_err
begin(struct vk_ask *a, struct client *c)
{
	enum vk_err e = vk_http_begin(a);

	return e == VK_OK ? client_read(a, c) : e;
}

enum vk_err
vk_oauth_device_code(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(client_clear) struct client c = { .basic = VK_BUF_SECRET(FORM_MAX) };
	VK_CLEANUP(endpoints_clear) struct endpoints p = { NULL, NULL };
	enum vk_err e = begin(a, &c);
	const char *scope = vk_ask_get(a, "scope");

	if (e == VK_OK)
		e = find_endpoints(a, &p);
	if (e == VK_OK)
		e = check_endpoints(&p);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = ask_device(&c, scope, &p, out);
	return e;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

/* RFC 8628, 3.5 */
static enum vk_err
not_yet(const char *url, const char *error, struct vk_buf *out)
{
	if (strcmp(error, "authorization_pending") == 0)
		return vk_buf_str(out, "wait=pending\n");
	if (strcmp(error, "slow_down") == 0)
		return vk_buf_str(out, "wait=slow-down\n");
	if (strcmp(error, "access_denied") == 0)
		return vk_oauth_fail(VK_EPOLICY, url, "says that the login was denied");
	if (strcmp(error, "expired_token") == 0)
		return vk_oauth_fail(VK_EPOLICY, url, "says that the code has expired");
	return vk_oauth_fail(VK_EPOLICY, url, "refuses: %s", error);
}

/* What both ways to a token have in common: the grant, and the one secret that it goes by. */
struct exchange {
	const char *grant_type, *attribute, *field;
	const char *url;              /* the outcome, as the server's answer */
	struct vk_http_answer answer;
};

#define EXCHANGE(type, attr, name) \
	{ .grant_type = (type), .attribute = (attr), .field = (name), .answer = VK_HTTP_ANSWER }

static void
exchange_clear(struct exchange *x)
{
	vk_http_answer_clear(&x->answer);
}

static enum vk_err
exchange(struct vk_ask *a, struct exchange *x)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf form = VK_BUF_SECRET(FORM_MAX);
	VK_CLEANUP(client_clear) struct client c = { .basic = VK_BUF_SECRET(FORM_MAX) };
	VK_CLEANUP(vk_secret_clear) struct vk_secret secret = { NULL, 0 };
	enum vk_err e = begin(a, &c);

	if (e == VK_OK)
		e = vk_ask_need(a, "token-url", &x->url);
	if (e == VK_OK)
		e = vk_ask_secret(a, x->attribute, &secret);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = field(&form, "grant_type", x->grant_type);
	if (e == VK_OK && (e = field(&form, x->field, secret.p ? secret.p : "")) == VK_OK)
		e = field(&form, "client_id", c.id);
	return e == VK_OK ? post(&c, x->url, &form, &x->answer) : e;
}

static bool
is_busy(const struct exchange *x)
{
	return x->answer.status == 429 || x->answer.status >= 500;
}

enum vk_err
vk_oauth_device_token(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(exchange_clear) struct exchange x =
	    EXCHANGE("urn:ietf:params:oauth:grant-type:device_code", "device-code", "device_code");
	VK_CLEANUP(vk_json_freep) json_t *o = NULL;
	const char *error;
	enum vk_err e = exchange(a, &x);

	/* To be tried again, less often. */
	if (e == VK_EBACKEND || (e == VK_OK && is_busy(&x))) {
		vk_reason_clear();
		return vk_buf_str(out, "wait=unreachable\n");
	}
	if (e == VK_OK)
		e = vk_oauth_object(x.url, &x.answer, &o);
	if (e != VK_OK)
		return e;
	return (error = vk_oauth_error(o)) ? not_yet(x.url, error, out) : vk_oauth_tokens(x.url, &x.answer, o, out);
}

enum vk_err
vk_oauth_refresh_token(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(exchange_clear) struct exchange x = EXCHANGE("refresh_token", "refresh-token", "refresh_token");
	VK_CLEANUP(vk_json_freep) json_t *o = NULL;
	const char *error;
	enum vk_err e = exchange(a, &x);

	if (e == VK_OK && is_busy(&x))
		e = vk_oauth_fail(VK_EBACKEND, x.url, "answers with status %ld", x.answer.status);
	if (e == VK_OK)
		e = vk_oauth_object(x.url, &x.answer, &o);
	if (e != VK_OK)
		return e;
	if (!(error = vk_oauth_error(o)))
		return vk_oauth_tokens(x.url, &x.answer, o, out);
	if (strcmp(error, "invalid_grant") == 0 || strcmp(error, "bad_refresh_token") == 0)
		return vk_oauth_fail(VK_EPOLICY, x.url, "says that the login has ended: %s", error);
	return vk_oauth_fail(VK_EPOLICY, x.url, "refuses: %s", error);
}
