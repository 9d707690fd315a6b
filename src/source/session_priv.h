/* SPDX-License-Identifier: ISC */
/*
 * session_priv.h - the two places that remember a session key, and the record
 * they keep.  Only session.c talks to both.
 */
#ifndef VK_SOURCE_SESSION_PRIV_H
#define VK_SOURCE_SESSION_PRIV_H

#include "valetkey/unlock.h"

enum {
	VK_SESSION_TAG_LEN = 2 * VK_STORE_ID_LEN + 1, /* the store id in hex, and a NUL */
	/*
	 * offset 0  8 "VKSESS01"
	 *        8  8 end of the session, seconds since the epoch, little endian
	 *       16  8 the same on the clock that counts from boot and cannot be set
	 *       24 16 store id
	 *       40 32 session key
	 *       72 32 BLAKE2b-256 of the bytes before, keyed with the session key
	 */
	VK_SESSION_RECORD_LEN = 104,
};

/*
 * Kernel keyring (session_keyring.c).  ${tag} is the store id in hex.
 * VK_EBACKEND means that the kernel refuses key calls here; VK_ENOENT that there is no such key, and
 * get may then have written to ${ret_record}.
 */
enum vk_err vk_keyring_put(const char *tag, enum vk_session_scope scope, unsigned seconds,
    const unsigned char record[VK_SESSION_RECORD_LEN]) VK_MUST;
enum vk_err vk_keyring_get(const char *tag, unsigned char ret_record[VK_SESSION_RECORD_LEN])
    VK_MUST;

/** vk_keyring_drop(tag): Revoke the keys of ${tag} in every keyring we reach; how many. */
unsigned vk_keyring_drop(const char *tag);

/**
 * vk_keyring_where(tag, ret_place, size, ret_user, ret_scope):
 * Words for the keyring that vk_keyring_get() finds it in, whether every process of this user
 * can get there, and what was asked for when it was put there.
 */
void vk_keyring_where(const char *tag, char *ret_place, size_t size, bool *ret_user,
    enum vk_session_scope *ret_scope);

/** vk_keyring_refused(): Does the kernel refuse to add keys, or any key call? */
bool vk_keyring_refused(void) VK_MUST;

/** vk_keyring_elsewhere(tag): Is there a live key of ${tag} that we see and cannot read? */
bool vk_keyring_elsewhere(const char *tag) VK_MUST;

/*
 * Session file (session_file.c): $XDG_RUNTIME_DIR/valetkey, /run/user/UID/valetkey or
 * /dev/shm/valetkey-UID, whichever is first a memory file system and safely ours.
 * ${ret_place} gets the path, for messages; it may be NULL for get.
 */
enum vk_err vk_session_file_put(const char *tag, const unsigned char record[VK_SESSION_RECORD_LEN],
    char *ret_place, size_t size) VK_MUST;

/** VK_ENOENT: none.  VK_ELOCKED, with a reason: one that is cut short, or open to others. */
enum vk_err vk_session_file_get(const char *tag, unsigned char ret_record[VK_SESSION_RECORD_LEN],
    char *ret_place, size_t size) VK_MUST;

/** vk_session_file_drop(tag): Overwrite and remove the files of ${tag}; how many. */
unsigned vk_session_file_drop(const char *tag);

#endif
