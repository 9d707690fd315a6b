/* SPDX-License-Identifier: ISC */
/*
 * fetch.h - a file that is fetched into descriptor 3, by the verb "fetch" of docs/HELPER.md: as a whole, or the rest of
 * the very version that is there already.
 *
 *   fetch.c       what is asked for, and trying again
 *   fetch_try.c   one try: requests, and redirects by hand
 *   fetch_body.c  which bytes of an answer may be put where
 */
#ifndef VK_BACK_FETCH_H
#define VK_BACK_FETCH_H

#include "transfer.h"
#include "valetkey/cred.h"

enum {
	VK_FETCH_FD = 3,        /* the file */
	VK_FETCH_RECORD_FD = 4, /* which version of what the bytes in the file are of */
	VK_FETCH_VALIDATOR_MAX = 512,
	VK_FETCH_LOCATION_MAX = 8192,
};

struct vk_fetch {
	/* As it was asked for; borrowed from the request. */
	const char *url, *proxy, *accept;
	const char *record;      /* the first line of descriptor 4; NULL: there is none, and the file is empty */
	const char *label;       /* the credential, in messages */
	struct vk_server_tls tls;
	bool checked;            /* somebody compares the file's checksum: a rest may be of another version */
	bool downgrade;          /* a redirect may lead from https to http */
	bool tls_required;       /* ftp: not in clear */
	uint64_t retries, redirects, max_size, connect_s;

	/* The credential: for what ${scope} covers, and for nothing after a redirect that left it. */
	bool has_credential;
	struct vk_scope scope;
	struct vk_buf header;    /* http: "Name: value", in the arena */
	struct vk_secret user, password; /* ftp */

	/* The file. */
	uint64_t at;             /* bytes that are there */
	int64_t total;           /* -1: nobody said */
	char validator[VK_FETCH_VALIDATOR_MAX]; /* of these bytes; "": none */
	uint64_t resumed;        /* bytes that were not fetched again */
	int64_t told_ms;
	char *origin;            /* who gave the last byte */
};

/* One request of a try. */
struct vk_fetch_try {
	struct vk_fetch *f;
	CURL *c;
	const char *url;
	bool ftp, sends;         /* sends: the credential goes along */
	uint64_t from;           /* the first byte that is asked for */

	/* The answer. */
	long status;
	char location[VK_FETCH_LOCATION_MAX], etag[VK_FETCH_VALIDATOR_MAX], modified[64], date[64];
	bool has_range;
	int64_t range_from, range_total; /* -1: not said */
	bool begun;              /* its body belongs into the file */
	uint64_t dropped;        /* bytes of a body that does not */
	bool again;              /* with another try it may go well */
	int64_t wait_ms;         /* Retry-After; -1: none */
	enum vk_err err;         /* why the body was not taken */
};

/** vk_fetch(a, out): The verb. */
enum vk_err vk_fetch(struct vk_ask *a, struct vk_buf *out) VK_MUST;

/** vk_fetch_try(f, ret_again, ret_wait_ms): One try.  VK_OK: the file is whole. */
enum vk_err vk_fetch_try(struct vk_fetch *f, bool *ret_again, int64_t *ret_wait_ms) VK_MUST;

/** vk_fetch_open(f): What of descriptor 3 can be gone on with, by descriptor 4.  The rest is cut off. */
enum vk_err vk_fetch_open(struct vk_fetch *f) VK_MUST;

/** vk_fetch_can_go_on(f): Is there something, and a way to see that the rest belongs to it? */
bool vk_fetch_can_go_on(const struct vk_fetch *f) VK_MUST;

/** vk_fetch_restart(f): Nothing is there. */
enum vk_err vk_fetch_restart(struct vk_fetch *f) VK_MUST;

/** vk_fetch_header(...), vk_fetch_body(...): What libcurl calls, with a struct vk_fetch_try. */
size_t vk_fetch_header(char *line, size_t one, size_t n, void *arg);
size_t vk_fetch_body(char *bytes, size_t one, size_t n, void *arg);

/** vk_fetch_begin(t): A body begins, or has ended empty: false when it does not belong into the file (${t->err}). */
bool vk_fetch_begin(struct vk_fetch_try *t) VK_MUST;

#endif
