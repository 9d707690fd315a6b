/* SPDX-License-Identifier: ISC */
/*
 * fetch.h - "valetkey fetch": what is asked for (fetch_input.c), where it goes (fetch_target.c), and having it fetched
 * by valetkey-http (fetch_call.c).
 */
#ifndef VK_CLI_FETCH_H
#define VK_CLI_FETCH_H

#include <sys/types.h>

#include "valetkey/cred.h"
#include "valetkey/io.h"

/* All that can be asked for.  Each is an option, and, but for the last four, a member of the JSON document. */
enum vk_fetch_field {
	VK_FETCH_URL, /* the operand */
	VK_FETCH_OUTPUT,
	VK_FETCH_RETRIES,
	VK_FETCH_TIMEOUT,
	VK_FETCH_CONNECT_TIMEOUT,
	VK_FETCH_MAX_SIZE,
	VK_FETCH_MAX_REDIRS,
	VK_FETCH_SHA256,
	VK_FETCH_CONTINUE,
	VK_FETCH_PROXY,
	VK_FETCH_ACCEPT,
	VK_FETCH_USERNAME,
	VK_FETCH_NO_CREDENTIAL,
	VK_FETCH_DOWNGRADE,
	VK_FETCH_TLS_REQUIRED,
	VK_FETCH_CA,
	VK_FETCH_CERT,
	VK_FETCH_KEY,
	VK_FETCH_INPUT,
	VK_FETCH_CONFIG,
	VK_FETCH_PROFILE,
	VK_FETCH_QUIET,
	VK_FETCH_JSON,
	VK_FETCH_FIELDS,
};

struct vk_fetch {
	const char *values[VK_FETCH_FIELDS]; /* as text, flags "yes"; NULL: not said.  Borrowed */
	struct vk_buf kept[VK_FETCH_FIELDS]; /* what came from the document or was made of it */
	char *url;                           /* without its user name */
	char *user;                          /* which account; NULL: any */
	struct vk_scope scope;               /* of the URL */
};

/** vk_fetch_read(f): Fill what is not set from the document that --input names. */
enum vk_err vk_fetch_read(struct vk_fetch *f) VK_MUST;

/**
 * vk_fetch_check(f):
 * Everything that can be found wrong before anything is opened or asked; defaults are filled in.  VK_EUSAGE, VK_EPROTO.
 */
enum vk_err vk_fetch_check(struct vk_fetch *f) VK_MUST;

void vk_fetch_clear(struct vk_fetch *f);

/* The file until it is whole. */
struct vk_fetch_target {
	struct vk_replace r; /* ${r.fd} is where the bytes go */
	int record;          /* --continue: which version they are of; else -1 */
	char *part, *record_path; /* --continue: kept when it fails */
	bool to_stdout;
};

/**
 * vk_fetch_target_open(f, ret):
 * A file beside the target that has no name (with --continue the target's and ".valetkey-part", locked).  VK_EUSAGE:
 * the target is no place for a file; VK_EEXIST: another process is at it.
 */
enum vk_err vk_fetch_target_open(const struct vk_fetch *f, struct vk_fetch_target *ret) VK_MUST;

/** vk_fetch_target_commit(t): Put it in place of what is there, or write it to standard output. */
enum vk_err vk_fetch_target_commit(struct vk_fetch_target *t) VK_MUST;

/** vk_fetch_target_drop(t): What is there is of no use, not even for --continue. */
void vk_fetch_target_drop(struct vk_fetch_target *t);

/** vk_fetch_target_clear(t): Without a commit nothing is left, but what --continue can go on with. */
void vk_fetch_target_clear(struct vk_fetch_target *t);

struct vk_fetch_result {
	uint64_t bytes, resumed, tries;
	char origin[512];
	bool length_known; /* else its end is where the server hung up */
};

/**
 * vk_fetch_call(f, c, t, ret):
 * Have it fetched, with ${c}, which may be NULL.  VK_ENOENT: the server says that it is not there; VK_EPOLICY: it, or a
 * rule of ours, refuses; VK_EBACKEND.
 */
enum vk_err vk_fetch_call(const struct vk_fetch *f, const struct vk_cred *c, const struct vk_fetch_target *t,
    struct vk_fetch_result *ret) VK_MUST;

#endif
