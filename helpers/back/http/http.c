/* SPDX-License-Identifier: ISC */
/* One request by way of libcurl, and when it is made again. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "http.h"

enum { FIRST_PAUSE_MS = 200, PAUSE_MAX_MS = 5000, CONNECT_MS = 10000, HEAD_MAX = 64 * 1024 };

static int64_t deadline; /* ms of the monotonic clock */

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What libcurl copies, headers with tokens among it, is not left in its heap. */
static void
wiping_free(void *p)
{
	if (p)
		vk_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *
wiping_realloc(void *p, size_t n)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *fresh = malloc(n > 0 ? n : 1);

	if (!fresh)
		return NULL;
	if (p)
		memcpy(fresh, p, had < n ? had : n);
	wiping_free(p);
	return fresh;
}

enum vk_err
vk_http_begin(struct vk_ask *a)
{
	const char *text = vk_ask_get(a, "timeout");
	long seconds = text ? strtol(text, NULL, 10) : VK_HTTP_TIMEOUT_S;

	if (text && (strspn(text, "0123456789") != strlen(text) || seconds < 1 || seconds > 55))
		return vk_fail(VK_EPROTO, "timeout is 1 to 55 seconds");
	deadline = now_ms() + seconds * 1000;
	/* The TLS library frees its buffers, with what it has decrypted, as they are: the C library overwrites them. */
#ifdef M_PERTURB
	mallopt(M_PERTURB, 0x5a);
#endif
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc, strdup, calloc) !=
	    CURLE_OK)
		return vk_fail(VK_EBACKEND, "libcurl cannot be started");
	return VK_OK;
}

void
vk_http_allow(int ms)
{
	deadline = now_ms() + ms;
}

void
vk_http_end(void)
{
	curl_global_cleanup();
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
	curl_off_t wait_s; /* Retry-After; 0: none */
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
	    strcmp(host, "[fd00:ec2::254]") == 0 || is_here(host);
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

static const char *
first_of(const char *a, const char *b)
{
	const char *v = getenv(a);

	if (!v || !*v)
		v = getenv(b);
	return v && *v ? v : NULL;
}

static void
set_tls(CURL *c, const struct vk_server_tls *tls)
{
	const char *ca = tls->ca ? tls->ca : first_of("CURL_CA_BUNDLE", "SSL_CERT_FILE");
	const char *dir = getenv("SSL_CERT_DIR");

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	/* A server's own authority is all that vouches for it. */
	if (tls->ca)
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	else if (dir && *dir)
		curl_easy_setopt(c, CURLOPT_CAPATH, dir);
	if (tls->certificate) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, tls->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key ? tls->key : tls->certificate);
	}
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
	int64_t left = deadline - now_ms();

	curl_easy_setopt(c, CURLOPT_URL, t->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A resolver that hangs is not waited for. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(c, CURLOPT_USERAGENT, "valetkey/" VK_VERSION);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, h->method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	if (h->body || strcmp(h->method, "GET") != 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, h->body ? h->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)h->n_body);
	}
	/* What a proxy is asked to pass on has left this machine; and with https it sees no more than the name. */
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!vk_str_starts(t->url, "https:"))
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (h->sigv4) {
		curl_easy_setopt(c, CURLOPT_AWS_SIGV4, h->sigv4);
		curl_easy_setopt(c, CURLOPT_USERNAME, h->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, h->password);
	}
	set_tls(c, &h->tls);
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
		curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &t->wait_s);
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
	t->wait_s = 0;
	t->n_head = 0;
	t->code = CURLE_OK;
	free(VK_TAKE(t->location));
	e = c ? perform(c, t) : VK_ENOMEM;
	curl_easy_cleanup(c);
	return e;
}

static bool
is_again(const struct attempt *t, enum vk_err e)
{
	long s = t->answer->status;

	if (t->too_large || (e != VK_OK && t->code == CURLE_OK))
		return false;
	if (e == VK_OK)
		return t->h->again && (s == 412 || s == 429 || s == 500 || (s >= 502 && s <= 504));
	if (t->code == CURLE_COULDNT_CONNECT || t->code == CURLE_COULDNT_RESOLVE_HOST ||
	    t->code == CURLE_SSL_CONNECT_ERROR)
		return true;
	return t->h->again && (t->code == CURLE_GOT_NOTHING || t->code == CURLE_RECV_ERROR ||
	    t->code == CURLE_SEND_ERROR || t->code == CURLE_PARTIAL_FILE);
}

/* As long as the server says, else longer each time, by chance, so that many do not come back together. */
static bool
pause_before(unsigned tries, curl_off_t wait_s)
{
	int64_t most = FIRST_PAUSE_MS << tries, ms = wait_s * 1000;
	uint32_t chance = 0;

	if (most > PAUSE_MAX_MS)
		most = PAUSE_MAX_MS;
	if (ms <= 0 && getrandom(&chance, sizeof(chance), 0) > 0)
		ms = most / 2 + chance % (most / 2);
	if (now_ms() + ms >= deadline)
		return false;
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
	return true;
}

static enum vk_err
try_often(struct attempt *t)
{
	enum vk_err e = try_once(t);

	for (unsigned tries = 0; is_again(t, e) && tries + 1 < VK_HTTP_TRIES_MAX; tries++) {
		if (!pause_before(tries, t->wait_s))
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
