/* SPDX-License-Identifier: ISC */
/*
 * seen.h - which credentials of a long file came by already.  Keyed hashes under a key of this process
 * alone: neither names nor secrets are kept, and some 50 bytes per credential are enough.
 */
#ifndef VK_CLI_SEEN_H
#define VK_CLI_SEEN_H

#include "valetkey/cred.h"

struct vk_seen {
	unsigned char *key; /* in the arena */
	struct vk_seen_slot *v;
	size_t n, cap;
};

/**
 * vk_seen_add(s, c, line, ret_line, ret_same):
 * VK_EEXIST when one with this scope and user name was added before: its line, and whether it had the same
 * secret.  Begins with a struct of zeros.
 */
enum vk_err vk_seen_add(struct vk_seen *s, const struct vk_cred *c, uint64_t line,
    uint64_t *ret_line, bool *ret_same) VK_MUST;

/** vk_seen_clear(s): Forget all. */
void vk_seen_clear(struct vk_seen *s);

#endif
