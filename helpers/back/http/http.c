/* SPDX-License-Identifier: ISC */
/* One request by way of libcurl, and when it is made again. */
#include <curl/curl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http.h"

enum { FIRST_PAUSE_MS = 200, PAUSE_MAX_MS = 5000, CONNECT_MS = 10000, METADATA_CONNECT_MS = 3000 };

static struct {
	int64_t deadline; /* ms of the monotonic clock */
	uint64_t random;
} state;

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What libcurl copies, headers with tokens among it, is not left in its heap. */
void
vk_wiping_free(void *p)
{
	if (p)
		vk_wipe(p, malloc_usable_size(p));
	free(p);
}

void *
vk_wiping_realloc(void *p, size_t n)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *fresh = malloc(n > 0 ? n : 1);

	if (!fresh)
		return NULL;
	if (p)
		memcpy(fresh, p, had < n ? had : n);
	vk_wiping_free(p);
	return fresh;
}

enum vk_err
vk_http_begin(struct vk_ask *a)
{
	const char *text = vk_ask_get(a, "timeout");
	long seconds = text ? strtol(text, NULL, 10) : VK_HTTP_TIMEOUT_S;

	if (text && (strspn(text, "0123456789") != strlen(text) || seconds < 1 || seconds > 55))
		return vk_fail(VK_EPROTO, "timeout is 1 to 55 seconds");
	state.deadline = now_ms() + seconds * 1000;
	state.random = (uint64_t)now_ms() * 2654435761u ^ (uint64_t)(uintptr_t)&text;
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, vk_wiping_free, vk_wiping_realloc, strdup, calloc) !=
	    CURLE_OK)
		return vk_fail(VK_EBACKEND, "libcurl cannot be started");
	return VK_OK;
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
	char location[2048]; /* where a redirect leads; "" */
	int64_t wait_ms;     /* Retry-After; -1: none */
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

/* The value of header ${name}, without blanks around it; NULL: ${line} is another. */
static const char *
header_value(const char *line, size_t n, const char *name, size_t *ret_n)
{
	size_t at = strlen(name);

	if (n <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return NULL;
	for (at++; at < n && (line[at] == ' ' || line[at] == '\t'); at++)
		;
	while (n > at && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	*ret_n = n - at;
	return line + at;
}

static size_t
take_header(char *line, size_t one, size_t n, void *arg)
{
	struct attempt *t = arg;
	const char *v;
	size_t len;

	n *= one;
	if ((v = header_value(line, n, "location", &len)) && len < sizeof(t->location)) {
		memcpy(t->location, v, len);
		t->location[len] = '\0';
	} else if ((v = header_value(line, n, "retry-after", &len)) && len > 0 && len < 6 &&
	    strspn(v, "0123456789") >= len) {
		t->wait_ms = strtol(v, NULL, 10) * 1000;
	} else if ((v = header_value(line, n, "metadata-flavor", &len))) {
		t->answer->flavored |= len == 6 && strncmp(v, "Google", 6) == 0;
	}
	return n;
}

static bool
is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static bool
is_metadata(const char *host)
{
	return strncmp(host, "169.254.", 8) == 0 || strcmp(host, "metadata.google.internal") == 0 ||
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
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		e = vk_fail(VK_EPOLICY, "the server's address is no URL");
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		e = vk_fail(VK_EPOLICY, "the server's address holds a user name");
	else if (strcmp(scheme, "https") != 0 &&
	    (strcmp(scheme, "http") != 0 || !(h->metadata ? is_metadata(host) : is_here(host))))
		e = vk_fail(VK_EPOLICY, "%s://%s is not asked: a secret goes by https, or stays on this machine", scheme, host);
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

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	/* A server's own authority is all that vouches for it. */
	if (tls->ca)
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	if (tls->certificate) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, tls->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key ? tls->key : tls->certificate);
	}
}

static struct curl_slist *
headers_of(const struct vk_http *h)
{
	struct curl_slist *list = NULL, *more;

	for (size_t i = 0; i < VK_HTTP_HEADERS_MAX && h->headers[i]; i++) {
		if (!(more = curl_slist_append(list, h->headers[i]))) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = more;
	}
	/* One request and no question whether it may be sent. */
	if ((more = curl_slist_append(list, "Expect:")))
		return more;
	curl_slist_free_all(list);
	return NULL;
}

static void
set_request(CURL *c, struct attempt *t, char *why)
{
	const struct vk_http *h = t->h;
	int64_t left = state.deadline - now_ms();

	curl_easy_setopt(c, CURLOPT_URL, t->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "valetkey/" VK_VERSION);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(h->metadata ? METADATA_CONNECT_MS : CONNECT_MS));
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
	if (h->metadata)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	set_tls(c, &h->tls);
}

static enum vk_err
not_reached(const struct attempt *t, const char *why)
{
	VK_CLEANUP(vk_freep) char *origin = vk_http_origin(t->url);

	if (!origin)
		return VK_ENOMEM;
	if (t->too_large)
		return vk_fail(VK_EBACKEND, "%s answers more than %d bytes", origin, VK_HTTP_BODY_MAX);
	if (t->code == CURLE_OPERATION_TIMEDOUT)
		return vk_fail(VK_EBACKEND, "%s did not answer in time", origin);
	return vk_fail(VK_EBACKEND, "%s: %s", origin, *why ? why : curl_easy_strerror(t->code));
}

static enum vk_err
try_once(struct attempt *t)
{
	CURL *c = curl_easy_init();
	struct curl_slist *headers = headers_of(t->h);
	char why[CURL_ERROR_SIZE] = "";
	enum vk_err e = VK_OK;

	vk_buf_clear(&t->answer->body);
	t->answer->body.err = VK_OK;
	t->answer->status = 0;
	t->answer->flavored = t->too_large = false;
	t->location[0] = '\0';
	t->wait_ms = -1;
	if (!c || !headers) {
		e = VK_ENOMEM;
	} else {
		set_request(c, t, why);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		if ((t->code = curl_easy_perform(c)) != CURLE_OK)
			e = not_reached(t, why);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &t->answer->status);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return e;
}

static bool
is_again(const struct attempt *t, enum vk_err e)
{
	long s = t->answer->status;

	if (e == VK_ENOMEM || t->too_large)
		return false;
	if (e == VK_OK)
		return t->h->again && (s == 412 || s == 429 || s == 500 || (s >= 502 && s <= 504));
	if (t->code == CURLE_COULDNT_CONNECT || t->code == CURLE_COULDNT_RESOLVE_HOST)
		return true;
	return t->h->again && (t->code == CURLE_GOT_NOTHING || t->code == CURLE_RECV_ERROR || t->code == CURLE_SEND_ERROR ||
	    t->code == CURLE_PARTIAL_FILE || t->code == CURLE_HTTP2 || t->code == CURLE_HTTP2_STREAM);
}

/* As long as the server says, else longer each time, by chance, so that many do not come back together. */
static bool
pause_before(unsigned tries, int64_t wait_ms)
{
	int64_t most = FIRST_PAUSE_MS << tries, ms = wait_ms;
	struct timespec t;

	if (most > PAUSE_MAX_MS)
		most = PAUSE_MAX_MS;
	state.random = state.random * 6364136223846793005u + 1442695040888963407u;
	if (wait_ms < 0)
		ms = most / 2 + (int64_t)((state.random >> 33) % (uint64_t)(most / 2));
	if (now_ms() + ms >= state.deadline)
		return false;
	t = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
	return true;
}

static enum vk_err
try_often(struct attempt *t)
{
	enum vk_err e = try_once(t);

	for (unsigned tries = 0; is_again(t, e) && tries + 1 < VK_HTTP_TRIES_MAX; tries++) {
		if (!pause_before(tries, t->wait_ms))
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

/* Where ${t} was sent on to, absolute. */
static enum vk_err
next_url(const struct attempt *t, char **ret)
{
	CURLU *u = curl_url();
	char *url = NULL;
	enum vk_err e = VK_OK;

	if (!u)
		return VK_ENOMEM;
	if (curl_url_set(u, CURLUPART_URL, t->url, 0) != CURLUE_OK || curl_url_set(u, CURLUPART_URL, t->location, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK) {
		e = vk_fail(VK_EBACKEND, "the server sends on to what is no URL");
	} else if (!may_go(t->h, url)) {
		VK_CLEANUP(vk_freep) char *origin = vk_http_origin(url);

		e = vk_fail(VK_EPOLICY, "the server sends on to %s, which the setting \"nodes\" does not name", origin);
	} else if (!(*ret = vk_strdup(url))) {
		e = VK_ENOMEM;
	}
	curl_free(url);
	curl_url_cleanup(u);
	return e;
}

enum vk_err
vk_http_do(const struct vk_http *h, struct vk_http_answer *ret)
{
	VK_CLEANUP(vk_freep) char *url = vk_strdup(h->url);
	struct attempt t = { .h = h, .answer = ret };
	enum vk_err e = url ? VK_OK : VK_ENOMEM;

	for (unsigned hops = 0; e == VK_OK; hops++) {
		char *next = NULL;

		t.url = url;
		if ((e = check_url(h, url)) == VK_OK)
			e = try_often(&t);
		if (e != VK_OK || !h->follow || (ret->status != 307 && ret->status != 308) || !t.location[0])
			break;
		if (hops == VK_HTTP_REDIRECTS_MAX)
			return vk_fail(VK_EBACKEND, "the server sends on more than %d times", VK_HTTP_REDIRECTS_MAX);
		if ((e = next_url(&t, &next)) == VK_OK) {
			free(url);
			url = next;
		}
	}
	return e;
}
