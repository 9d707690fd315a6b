/* SPDX-License-Identifier: ISC */
/* One small request by way of libcurl, and when it is made again. */
#include <arpa/inet.h>
#include <string.h>

#include "transfer.h"

enum { HEAD_MAX = 64 * 1024, METADATA_CONNECT_MS = 3000 };

enum vk_err
vk_http_begin(struct vk_ask *a)
{
	const char *text = vk_ask_get(a, "timeout");
	long seconds = text ? strtol(text, NULL, 10) : VK_HTTP_TIMEOUT_S;

	if (text && (strspn(text, "0123456789") != strlen(text) || seconds < 1 || seconds > 55))
		return vk_fail(VK_EPROTO, "timeout is 1 to 55 seconds");
	return vk_http_start(seconds);
}

void
vk_http_tls(struct vk_ask *a, struct vk_server_tls *ret)
{
	ret->ca = vk_ask_get(a, "ca");
	ret->certificate = vk_ask_get(a, "certificate");
	ret->key = vk_ask_get(a, "key");
}

void
vk_http_answer_clear(struct vk_http_answer *r)
{
	vk_buf_clear(&r->body);
}

/* One attempt. */
struct attempt {
	const struct vk_http *h;
	struct vk_http_answer *answer;
	const char *url;
	char *location;    /* where a redirect leads, absolute; NULL: nowhere */
	int64_t wait_ms;   /* Retry-After; -1: none */
	bool sent;         /* the server may have seen it */
	size_t n_head;
	bool too_large;
	CURLcode code;
};

static size_t
take_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct attempt *t = arg;

	if (vk_buf_add(&t->answer->body, bytes, one * n) != VK_OK) {
		t->too_large = true;
		return 0;
	}
	return one * n;
}

/* libcurl keeps every header that a server sends, and some versions of it as many as it likes. */
static size_t
take_header(char *line, size_t one, size_t n, void *arg)
{
	static const char flavor[] = "metadata-flavor: Google\r\n";
	struct attempt *t = arg;

	n *= one;
	t->answer->flavored |= n == sizeof(flavor) - 1 && vk_str_ifind(line, n, flavor) == line;
	t->too_large |= (t->n_head += n) > HEAD_MAX;
	return t->too_large ? 0 : n;
}

/* A name that begins like an address is somebody's name. */
static bool
is_net(const char *host, const char *start)
{
	struct in_addr a;

	return vk_str_starts(host, start) && inet_pton(AF_INET, host, &a) == 1;
}

static bool
is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || is_net(host, "127.") || strcmp(host, "[::1]") == 0;
}

static bool
is_metadata(const char *host)
{
	return is_net(host, "169.254.") || strcmp(host, "metadata.google.internal") == 0 ||
	    strcmp(host, "[fd00:ec2::254]") == 0 || strcmp(host, "[fd00:ec2::23]") == 0 || is_here(host);
}

/* A secret goes by https, or stays on this machine. */
static enum vk_err
check_url(const struct vk_http *h, const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	enum vk_err e = VK_OK;

	if (!u)
		return VK_ENOMEM;
	if (strchr(url, '#') || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		e = vk_fail(VK_EPOLICY, "the server's address is no URL");
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PASSWORD, &user, 0) == CURLUE_OK)
		e = vk_fail(VK_EPOLICY, "the server's address holds a user name or a password");
	else if (strcmp(scheme, "https") != 0 &&
	    (strcmp(scheme, "http") != 0 || !(h->metadata ? is_metadata(host) : is_here(host))))
		e = vk_fail(VK_EPOLICY, "%s://%s is not asked: a secret goes by https, or stays on this machine",
		    scheme, host);
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return e;
}

static enum vk_err
add_header(struct curl_slist **list, const char *header)
{
	struct curl_slist *more;

	/* A line end in a token would begin a header of somebody else's making. */
	if (vk_str_has_control(header, strlen(header)))
		return vk_fail(VK_EPROTO, "a token, or what else goes into a header, holds control characters");
	if (!(more = curl_slist_append(*list, header)))
		return VK_ENOMEM;
	*list = more;
	return VK_OK;
}

static enum vk_err
headers_of(const struct vk_http *h, struct curl_slist **list)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < VK_HTTP_HEADERS_MAX && h->headers[i]; i++)
		e = add_header(list, h->headers[i]);
	/* One request and no question whether it may be sent. */
	return e == VK_OK ? add_header(list, "Expect:") : e;
}

static void
set_request(CURL *c, struct attempt *t, char *why)
{
	const struct vk_http *h = t->h;

	vk_http_set(c, t->url, &h->tls, why);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (h->metadata)
		curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)METADATA_CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, h->method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	if (h->body || strcmp(h->method, "GET") != 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, h->body ? h->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)h->n_body);
	}
	/* What a proxy is asked to pass on has left this machine; and with https it sees no more than the name. */
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!vk_str_starts(t->url, "https:"))
		curl_easy_setopt(c, CURLOPT_PROXY, "");
}

static enum vk_err
not_reached(const struct attempt *t, const char *why)
{
	VK_CLEANUP(vk_freep) char *origin = vk_http_origin(t->url);

	if (!origin)
		return VK_ENOMEM;
	if (t->too_large)
		return vk_fail(VK_EBACKEND, "%s answers too much: more than a secret can have", origin);
	if (t->code == CURLE_OPERATION_TIMEDOUT)
		return vk_fail(VK_EBACKEND, "%s did not answer in time", origin);
	return vk_fail(VK_EBACKEND, "%s: %s", origin, *why ? why : curl_easy_strerror(t->code));
}

static enum vk_err
perform(CURL *c, struct attempt *t)
{
	struct curl_slist *headers = NULL;
	char why[CURL_ERROR_SIZE] = "", *location = NULL;
	enum vk_err e = headers_of(t->h, &headers);

	if (e == VK_OK) {
		set_request(c, t, why);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		if ((t->code = curl_easy_perform(c)) != CURLE_OK)
			e = not_reached(t, why);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &t->answer->status);
		t->sent = !vk_http_not_sent(c, t->code);
		t->wait_ms = vk_http_wait_ms(c);
		curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &location);
		if (location && !(t->location = vk_strdup(location)))
			e = VK_ENOMEM;
	}
	curl_slist_free_all(headers);
	return e;
}

static enum vk_err
try_once(struct attempt *t)
{
	CURL *c = curl_easy_init();
	enum vk_err e;

	vk_http_answer_clear(t->answer);
	t->answer->body.err = VK_OK;
	t->answer->status = 0;
	t->answer->flavored = t->too_large = false;
	t->wait_ms = -1;
	t->sent = false;
	t->n_head = 0;
	t->code = CURLE_OK;
	free(VK_TAKE(t->location));
	e = c ? perform(c, t) : VK_ENOMEM;
	curl_easy_cleanup(c);
	return e;
}

/* Who is too busy, or not there behind the one who answers, has done nothing. */
static bool
is_turned_away(long status)
{
	return status == 429 || status == 503;
}

static bool
is_again(const struct attempt *t, enum vk_err e)
{
	long s = t->answer->status;

	if (t->too_large || (e != VK_OK && t->code == CURLE_OK))
		return false;
	/* 410: Azure's metadata service is being renewed. */
	if (e == VK_OK)
		return (is_turned_away(s) && !t->h->polls) || (t->h->metadata && s == 410) ||
		    (t->h->again && (s == 412 || s == 500 || s == 502 || s == 504));
	/* Nobody is there, on most machines. */
	if (t->h->metadata && t->code == CURLE_OPERATION_TIMEDOUT)
		return false;
	return !t->sent || (t->h->again && vk_http_broke_off(t->code));
}

static enum vk_err
try_often(struct attempt *t)
{
	enum vk_err e = try_once(t);

	for (unsigned tries = 0; is_again(t, e) && tries + 1 < VK_HTTP_TRIES_MAX; tries++) {
		if (!vk_http_pause(tries, t->wait_ms))
			break;
		e = try_once(t);
	}
	return e;
}

/* The request's token goes along, so only where that may go. */
static bool
may_go(const struct vk_http *h, const char *url)
{
	if (vk_http_same_origin(h->url, url, strlen(url)))
		return true;
	for (const char *s = h->nodes; s && *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ',')) {
		s += strspn(s, " ");
		if (vk_http_same_origin(url, s, strcspn(s, ", ")))
			return true;
	}
	return false;
}

static enum vk_err
check_next(const struct vk_http *h, const char *url)
{
	VK_CLEANUP(vk_freep) char *origin = NULL;

	if (may_go(h, url))
		return VK_OK;
	if (!(origin = vk_http_origin(url)))
		return VK_ENOMEM;
	return vk_fail(VK_EPOLICY, "the server sends on to %s, which the setting \"nodes\" does not name", origin);
}

/* Takes turns: ask, be sent on, ask there. */
static enum vk_err
follow(struct attempt *t)
{
	const struct vk_http *h = t->h;
	VK_CLEANUP(vk_freep) char *url = vk_strdup(h->url);
	enum vk_err e = url ? VK_OK : VK_ENOMEM;

	for (unsigned hops = 0; e == VK_OK; hops++) {
		t->url = url;
		if ((e = check_url(h, url)) == VK_OK)
			e = try_often(t);
		if (e != VK_OK || !h->follow || (t->answer->status != 307 && t->answer->status != 308) || !t->location)
			break;
		if (hops == VK_HTTP_REDIRECTS_MAX)
			return vk_fail(VK_EBACKEND, "the server sends on more than %d times", VK_HTTP_REDIRECTS_MAX);
		if ((e = check_next(h, t->location)) == VK_OK) {
			free(url);
			url = VK_TAKE(t->location);
		}
	}
	return e;
}

enum vk_err
vk_http_do(const struct vk_http *h, struct vk_http_answer *ret)
{
	struct attempt t = { .h = h, .answer = ret };
	enum vk_err e = follow(&t);

	free(t.location);
	return e;
}
