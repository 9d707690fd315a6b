/* SPDX-License-Identifier: ISC */
/*
 * ask.h - the side of docs/HELPER.md that every back helper is on: one request from standard input, one answer to
 * standard output, and nothing left in memory.
 */
#ifndef VK_BACK_ASK_H
#define VK_BACK_ASK_H

#include "valetkey/secret.h"

enum { VK_ASK_MAX = 256 * 1024, VK_ASK_ATTRS_MAX = 64 };

/* A request.  Names and values point into ${text}, which lies in the arena. */
struct vk_ask {
	struct vk_buf text;
	const char *verb;
	struct {
		const char *name, *value;
	} attrs[VK_ASK_ATTRS_MAX];
	size_t n_attrs;
	bool used[VK_ASK_ATTRS_MAX];
};

/* One verb; it appends attributes of its answer ("NAME=VALUE\n") to ${out}, which lies in the arena. */
struct vk_ask_verb {
	const char *name;
	enum vk_err (*answer)(struct vk_ask *a, struct vk_buf *out);
	void (*after)(void); /* when "ok" was answered, or could not be, and standard output is closed; NULL: nothing */
};

/** vk_ask_get(a, name): Its value; NULL: there is none. */
const char *vk_ask_get(struct vk_ask *a, const char *name) VK_MUST;

/** vk_ask_need(a, name, ret): VK_EPROTO: there is none, or it is empty. */
enum vk_err vk_ask_need(struct vk_ask *a, const char *name, const char **ret) VK_MUST;

/**
 * vk_ask_secret(a, name, ret):
 * The bytes of its base64, which is wiped: it is had once.  Absent when there is none.  VK_EPROTO: it is no base64.
 */
enum vk_err vk_ask_secret(struct vk_ask *a, const char *name, struct vk_secret *ret) VK_MUST;

/** vk_ask_all_used(a): VK_EPROTO when it has an attribute that nobody has looked at: one that is not known. */
enum vk_err vk_ask_all_used(const struct vk_ask *a) VK_MUST;

/** vk_answer_secret(out, name, bytes, n): Append "NAME=" and the base64 of ${bytes}. */
enum vk_err vk_answer_secret(struct vk_buf *out, const char *name, const void *bytes, size_t n) VK_MUST;

/**
 * vk_ask_hold():
 * For "hold", before anything is asked for that has to be given back: SIGHUP, SIGINT and SIGTERM, which may be for
 * every process there is, do not end us from now on.
 */
enum vk_err vk_ask_hold(void) VK_MUST;

/**
 * vk_ask_goes_on(ms):
 * Is standard input, which "hold" keeps open, still so after that time, and did none of vk_ask_hold()'s signals come?
 * -1: wait for one of them.
 */
bool vk_ask_goes_on(int ms) VK_MUST;

/**
 * vk_back_main(name, argc, verbs, n):
 * All of main() of the program valetkey-${name}: harden, read the request, let the verb answer, say "ok" or what
 * vk_err and its reason amount to, wipe; the exit code.
 */
int vk_back_main(const char *name, int argc, const struct vk_ask_verb *verbs, size_t n) VK_MUST;

#endif
