/* SPDX-License-Identifier: ISC */
/*
 * http.h - requests to stores of secrets: bounded in time and size, tried again where that is safe, and never with a
 * credential to another place than the one that was asked for.
 *
 * The only part of valetkey that is linked with libcurl, and it runs in a program of its own, for one request.
 */
#ifndef VK_BACK_HTTP_H
#define VK_BACK_HTTP_H

#include "../common/ask.h"

enum {
	VK_HTTP_BODY_MAX = 1024 * 1024, /* an answer to a request for a secret has no reason to be larger */
	VK_HTTP_HEADERS_MAX = 12,
	VK_HTTP_TRIES_MAX = 6,
	VK_HTTP_REDIRECTS_MAX = 3,
	VK_HTTP_TIMEOUT_S = 20, /* of all requests of one answer together, unless the server's settings say otherwise */
};

/* How a server is reached.  Borrowed. */
struct vk_server_tls {
	const char *ca, *certificate, *key; /* absolute paths; NULL: the system's, none */
};

struct vk_http {
	const char *method;      /* "GET", "POST", "PUT" */
	const char *url;         /* no credential in it.  https; http to this machine alone, or with ${metadata} */
	const char *headers[VK_HTTP_HEADERS_MAX]; /* "Name: value", secrets in the arena; NULL: no more */
	const char *body;        /* in the arena when it is secret; NULL: none */
	size_t n_body;
	bool again;              /* sending it twice does what sending it once does */
	bool polls;              /* whoever asks comes back by himself when he is turned away */
	bool follow;             /* 307 and 308, as standby nodes of a cluster answer: to the same origin, and ... */
	const char *nodes;       /* ... to these, separated by commas; NULL: none.  Else a redirect is an answer */
	bool metadata;           /* a cloud's metadata service: plain http to a link-local address, and no proxy */
	struct vk_server_tls tls;
};

struct vk_http_answer {
	long status;
	struct vk_buf body; /* in the arena; VK_HTTP_ANSWER initialises it */
	bool flavored;      /* "Metadata-Flavor: Google" was among the headers */
};

#define VK_HTTP_ANSWER { .body = VK_BUF_SECRET(VK_HTTP_BODY_MAX) }

/**
 * vk_http_begin(a):
 * Start libcurl, and the clock: the attribute "timeout" of ${a} in seconds (1 to 55), else VK_HTTP_TIMEOUT_S.
 */
enum vk_err vk_http_begin(struct vk_ask *a) VK_MUST;
void vk_http_end(void);

/** vk_http_allow(ms): From now on that is the time of all requests together, for what the answer does not depend on. */
void vk_http_allow(int ms);
/** vk_wiping_free(p), vk_wiping_realloc(p, n): For libraries; what they give back is wiped. */
void vk_wiping_free(void *p);
void *vk_wiping_realloc(void *p, size_t n) VK_MUST;

/** vk_http_tls(a, ret): The attributes ca, certificate and key. */
void vk_http_tls(struct vk_ask *a, struct vk_server_tls *ret);

/**
 * vk_http_do(h, ret):
 * VK_OK whatever the server's status is.  Tried again, with growing and random pauses or as Retry-After says, within
 * the time of vk_http_begin(): what got no connection; 429 and 503, which say that nothing was done, but for
 * ${h->polls}; and with ${h->again} what broke off, and 412, 500, 502, 504.
 * VK_EBACKEND: not reached, not in time, not trusted, too large; VK_EPOLICY: not a URL to send a secret to.
 */
enum vk_err vk_http_do(const struct vk_http *h, struct vk_http_answer *ret) VK_MUST;

/** vk_http_answer_clear(r) */
void vk_http_answer_clear(struct vk_http_answer *r);

/** vk_http_url(out, base, fmt, ...): ${base} without its trailing slashes, and what follows it. */
enum vk_err vk_http_url(struct vk_buf *out, const char *base, const char *fmt, ...) VK_PRINTF(3, 4) VK_MUST;

/** vk_http_path(out, path), vk_http_word(out, text): Percent-encode; path: but for its slashes. */
enum vk_err vk_http_path(struct vk_buf *out, const char *path) VK_MUST;
enum vk_err vk_http_word(struct vk_buf *out, const char *text) VK_MUST;

/** vk_http_same_origin(a, b, n): Do ${a} and the first ${n} bytes of ${b} have the same scheme, host and port? */
bool vk_http_same_origin(const char *a, const char *b, size_t n) VK_MUST;

/** vk_http_origin(url): How it is named in messages: "https://host:port".  Heap. */
char *vk_http_origin(const char *url) VK_MUST;

#endif
