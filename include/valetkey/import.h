/* SPDX-License-Identifier: ISC */
/*
 * import.h - the credentials in other programs' files.  Bytes go in as they come; what the file
 * holds comes out in its order, together with what cannot be taken and why.  As in proto.h, nothing
 * here opens a file or knows the keystore.
 *
 *   netrc            words as curl reads them (curl's netrc page, git-credential-netrc for "user",
 *                    "passwd", "port" and host:port); a machine is an https host
 *   git-credentials  git-credential-store(1): one URL with user and password per line
 *   npmrc            npmrc(5): "//host/path/:_authToken" and its kin
 *   docker           config.json of docker and containers-auth.json(5): "auths"
 *   pypirc           the .pypirc specification of the Python packaging guide
 *
 * The first two are read as they come, in constant memory; the others are settings of a person,
 * and kept whole in the arena until the end.
 */
#ifndef VALETKEY_IMPORT_H
#define VALETKEY_IMPORT_H

#include "valetkey/cred.h"

/* How large a file may be. */
#define VK_IMPORT_MAX ((uint64_t)1024 * 1024 * 1024) /* netrc, git-credentials */
enum {
	VK_IMPORT_MAX_WHOLE = 1024 * 1024, /* npmrc, docker, pypirc: bytes ... */
	VK_IMPORT_MAX_KEYS = 10000,        /* ... and credentials or JSON members in them */
};

/*
 * Something in the file that is not taken.  ${what} is the file's own name for it (a host, a section, a
 * key), not fit for a terminal as it is, and "" where naming anything could show a secret.
 */
struct vk_import_left {
	uint64_t line; /* 0: not known */
	const char *what;
	const char *why;
	bool secret; /* a secret stays behind with it, or may */
};

/* Who is told.  What ${cred} and ${left} get is borrowed; anything but VK_OK stops the reading and is returned. */
struct vk_import_sink {
	enum vk_err (*cred)(const struct vk_cred *c, uint64_t line, void *arg);
	enum vk_err (*left)(const struct vk_import_left *l, void *arg);
	void *arg;
};

struct vk_import;

/**
 * vk_import_new(format, sink, ret):
 * A reader of ${format}, one of the names above; VK_EUSAGE with a reason that lists them.  ${sink} is
 * copied.
 */
enum vk_err vk_import_new(const char *format, const struct vk_import_sink *sink,
    struct vk_import **ret) VK_MUST;

/**
 * vk_import_feed(im, bytes, n), vk_import_end(im):
 * The next bytes; and there are no more.  What is wrong with one entry is told to the sink.
 * VK_ELIMIT for a file that is too large, VK_EPROTO for one that cannot be understood at all (docker's
 * JSON; a byte order mark, but in a .npmrc), whatever the sink returns.
 */
enum vk_err vk_import_feed(struct vk_import *im, const char *bytes, size_t n) VK_MUST;
enum vk_err vk_import_end(struct vk_import *im) VK_MUST;

/** vk_import_freep(im): For VK_CLEANUP; wipes what was kept. */
void vk_import_freep(struct vk_import **im);

/**
 * vk_import_npmrc_rest(text, n, out):
 * A .npmrc without the lines that reading it takes credentials from; every other byte stays.
 */
enum vk_err vk_import_npmrc_rest(const char *text, size_t n, struct vk_buf *out) VK_MUST;

#endif
