/* SPDX-License-Identifier: ISC */
/*
 * helper_call.h - one call of a back helper, a program that valetkey starts for what needs a heavy library:
 * docs/HELPER.md.  What is asked and answered is for the callers to know.
 */
#ifndef VK_SOURCE_HELPER_CALL_H
#define VK_SOURCE_HELPER_CALL_H

#include "valetkey/secret.h"

enum {
	VK_HELPER_DEADLINE_MS = 10 * 1000,
	VK_HELPER_REQUEST_MAX = 256 * 1024,
	VK_HELPER_ANSWER_MAX = 256 * 1024,
	VK_HELPER_PATH = 4096,
};

/**
 * vk_helper_program(name, ret_path):
 * The path of valetkey-${name}: in $VALETKEY_LIBEXEC if that is set, else beside our own program, else where the build
 * puts it; never looked for elsewhere.  VK_EBACKEND: not there; VK_EPOLICY: it or its directory belongs to somebody
 * else than root and us, or others can write it.
 */
enum vk_err vk_helper_program(const char *name, char ret_path[VK_HELPER_PATH]) VK_MUST;

/* Who is asked, and for how long. */
struct vk_helper {
	const char *program; /* NAME of valetkey-NAME */
	const char *none;    /* what its "not-found" means: "keeps no key for this keystore" */
	int deadline_ms;     /* from its start to its end */
	bool hold;           /* to its answer, and it then goes on until vk_helper_let_go() or our end */
	const int *fds;      /* its descriptors from 3 on; borrowed */
	size_t n_fds;
	/* What its lines "progress DONE TOTAL", which come before the answer, are told to; NULL: it may send none. */
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

enum { VK_HELPER_FDS_MAX = 2 };

/* One attribute of an answer; ${p} points into it, NULL: it has none of that name. */
struct vk_helper_attr {
	const char *name;
	bool needed;
	const char *p;
	size_t n;
};

/**
 * vk_helper_call(h, request, answer, ret_status):
 * Start it without arguments, in an environment of its own; give it ${request}, read all that it answers
 * into ${answer}, whose ceiling is the limit, and wait for its end.  ${ret_status}: its exit code, or 128 and the
 * signal that ended it.  VK_EBACKEND, and it is killed with its process group, when it answers too much or not within
 * the deadline.  The group is also killed when we die meanwhile, but not with ${h->hold}: it has to give back what it
 * holds, and is told of our end by that of its input.
 */
enum vk_err vk_helper_call(const struct vk_helper *h, const struct vk_buf *request, struct vk_buf *answer,
    int *ret_status) VK_MUST;

/** vk_helper_let_go(): Tell all that hold something that it is not needed any more, and wait for them a moment. */
void vk_helper_let_go(void);

/** vk_helper_put_secret(b, name, bytes, n): Append an attribute of a request that is a secret: base64 of any bytes. */
enum vk_err vk_helper_put_secret(struct vk_buf *b, const char *name, const void *bytes, size_t n) VK_MUST;

/**
 * vk_helper_ask(h, request, answer, attrs, n_attrs):
 * The same with what docs/HELPER.md says about both: ${request} is verb and attributes, without its first line and its
 * end; ${attrs} are the only ones that the answer may have.  VK_ENOENT, VK_ELOCKED, VK_EPOLICY and VK_EBACKEND for its
 * errors, with its sentence; VK_EBACKEND for an answer that is not understood.
 */
enum vk_err vk_helper_ask(const struct vk_helper *h, const struct vk_buf *request, struct vk_buf *answer,
    struct vk_helper_attr *attrs, size_t n_attrs) VK_MUST;

/** vk_helper_take_secret(h, a, what, ret): The secret in attribute ${a}; ${what} names it where it is none. */
enum vk_err vk_helper_take_secret(const struct vk_helper *h, const struct vk_helper_attr *a, const char *what,
    struct vk_secret *ret) VK_MUST;

/** vk_helper_take_number(h, a, ret): The seconds in attribute ${a}; 0 when it is not there. */
enum vk_err vk_helper_take_number(const struct vk_helper *h, const struct vk_helper_attr *a, int64_t *ret) VK_MUST;

#endif
