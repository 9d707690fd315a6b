/* SPDX-License-Identifier: ISC */
/*
 * keyctl.h - the kernel's key calls (keyrings(7)) by raw system calls, and what the keys of a
 * session are called there.
 *
 * What a process may do with a key depends on whether it possesses it, that is, reaches it from its
 * thread, process or session keyring.  Of the two keys of a session
 *   the session key gives its possessors everything but writing; the rest of this user may view its
 *   description, which is how another session is known of, and may "write" it, which the kernel wants
 *   of who revokes a key that he does not possess.  We never do write it: that would take its timeout away;
 *   the anchor has no secret in it and is written by every commit, by its possessors only.
 */
#ifndef VK_SOURCE_KEYCTL_H
#define VK_SOURCE_KEYCTL_H

#include <linux/keyctl.h>

#include "source/session_priv.h"

enum vk_key_kind { VK_KEY_SESSION, VK_KEY_ANCHOR, VK_KEY_KINDS };

enum { VK_KEY_NAME_LEN = 16 + VK_SESSION_TAG_LEN };

/** vk_keyctl(op, a, b, c, d): keyctl(2). */
long vk_keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/** vk_keyctl_ring(ring): A KEY_SPEC_* as an argument of that. */
unsigned long vk_keyctl_ring(int ring);

/**
 * vk_keyctl_session_ring():
 * The session keyring's number.  Asked for in this way, a process that has none gets its user's
 * default one.  Linking to or from it must go by the number: where the special name stands, the
 * kernel puts a new anonymous keyring in the default one's place, which dies with the process.
 */
long vk_keyctl_session_ring(void);

/** vk_keyctl_refused(err): Is ${err} how a container or kernel says that it has no key calls for us? */
bool vk_keyctl_refused(int err) VK_MUST;

/** vk_keyctl_name(kind, tag, out): The description of a key, "valetkey:TAG" or "valetkey-anchor:TAG". */
void vk_keyctl_name(enum vk_key_kind kind, const char *tag, char out[VK_KEY_NAME_LEN]);

/* What KEYCTL_DESCRIBE says: "user;1000;1000;3b050000;valetkey:..." */
struct vk_keyctl_info {
	char text[256];   /* the rest of a longer one is cut off */
	unsigned uid;
	const char *name; /* the description, within ${text} */
};

/** vk_keyctl_describe(key, ret): false when the key is dead, or may not be viewed. */
bool vk_keyctl_describe(long key, struct vk_keyctl_info *ret) VK_MUST;

/** vk_keyctl_is_ours(description): Is it a key of a session, of whichever keystore? */
bool vk_keyctl_is_ours(const char *description) VK_MUST;

#endif
