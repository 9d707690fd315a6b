/* SPDX-License-Identifier: ISC */
/* environ.h - the environment of the command: ours without what it must not see, and what it needs. */
#ifndef VK_INJECT_ENVIRON_H
#define VK_INJECT_ENVIRON_H

#include "valetkey/policy.h"

struct vk_environ {
	char **v;     /* NULL-terminated, for execve() */
	size_t n;
	char **owned; /* those of ${v} that were set here; in the arena, since values may be secret */
	size_t n_owned;
	char **lent;  /* names, of those that hold a credential */
	size_t n_lent;
	unsigned git_pairs; /* GIT_CONFIG_COUNT so far */
};

/** vk_environ_init(e, p): Ours without what ${p} removes; git's pairs are numbered anew. */
enum vk_err vk_environ_init(struct vk_environ *e, struct vk_policy *p) VK_MUST;

/** vk_environ_get(e, name): NULL when the command will not have it. */
const char *vk_environ_get(const struct vk_environ *e, const char *name);

/** vk_environ_set(e, name, value, n) */
enum vk_err vk_environ_set(struct vk_environ *e, const char *name, const char *value, size_t n)
    VK_MUST;

/** vk_environ_lend(e, name, value, n), vk_environ_take_back(e): The same for a credential; unset and wipe them all. */
enum vk_err vk_environ_lend(struct vk_environ *e, const char *name, const char *value, size_t n) VK_MUST;
void vk_environ_take_back(struct vk_environ *e);

/** vk_environ_forget(e, name): Unset it; what was set here is wiped. */
void vk_environ_forget(struct vk_environ *e, const char *name);

/** vk_environ_unset_npm(e, key): npm_config_KEY in whatever case. */
void vk_environ_unset_npm(struct vk_environ *e, const char *key);

/** vk_environ_git(e, key, value): One more pair of git's settings. */
enum vk_err vk_environ_git(struct vk_environ *e, const char *key, const char *value) VK_MUST;

/**
 * vk_environ_wipe_ours(e):
 * Overwrite in our own memory the values of variables that the command does not get, since
 * /proc/PID/environ shows that memory.  No reference can be resolved after it.
 */
void vk_environ_wipe_ours(const struct vk_environ *e);

void vk_environ_clear(struct vk_environ *e);

#endif
