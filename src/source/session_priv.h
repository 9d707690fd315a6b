/* SPDX-License-Identifier: ISC */
/*
 * session_priv.h - the two places that remember a session key, and the records
 * they keep.  Only session.c talks to both.
 */
#ifndef VK_SOURCE_SESSION_PRIV_H
#define VK_SOURCE_SESSION_PRIV_H

#include "valetkey/unlock.h"

enum {
	VK_SESSION_TAG_LEN = 2 * VK_STORE_ID_LEN + 1, /* the store id in hex, and a NUL */
	/*
	 * The session:
	 * offset 0  8 "VKSESS01"
	 *        8  8 end of the session, seconds since the epoch, little endian
	 *       16  8 the same on the clock that counts from boot and cannot be set
	 *       24 16 store id
	 *       40 32 session key
	 *       72 32 BLAKE2b-256 of the bytes before, keyed with the session key
	 */
	VK_SESSION_RECORD_LEN = 104,
	/*
	 * The anchor, the newest state of the keystore that this session has seen written:
	 * offset 0  8 "VKANCH01"
	 *        8  8 generation, little endian
	 *       16 16 tag of its header
	 *       32 32 BLAKE2b-256 of the bytes before, keyed with the session key, personalised "vk anchor"
	 */
	VK_SESSION_ANCHOR_LEN = 64,
	/* The anchor's key outlives the session's, so that a session never lacks it. */
	VK_SESSION_ANCHOR_EXTRA = 60, /* seconds */
};

/* Both, as they lie in a session file; in the kernel they are two keys. */
struct vk_session_raw {
	unsigned char record[VK_SESSION_RECORD_LEN];
	unsigned char anchor[VK_SESSION_ANCHOR_LEN];
};

/* The records (session_record.c). */

/** vk_session_tag(st, tag): The store id in hex. */
void vk_session_tag(const struct vk_store *st, char tag[VK_SESSION_TAG_LEN]);

/** vk_session_encode(st, seconds, ret): A session of the unlocked ${st} and of the state that it has read. */
enum vk_err vk_session_encode(const struct vk_store *st, unsigned seconds,
    struct vk_session_raw *ret) VK_MUST;

/** vk_session_set_anchor(a, raw): Another anchor for the session in ${raw}. */
void vk_session_set_anchor(const struct vk_store_anchor *a, struct vk_session_raw *raw);

/**
 * vk_session_check(st, raw):
 * VK_ENOENT: it has ended.  VK_ELOCKED, with a reason: it is no session of this store, or was changed.
 */
enum vk_err vk_session_check(const struct vk_store *st, const struct vk_session_raw *raw) VK_MUST;

/* Fields of what was checked. */
const unsigned char *vk_session_key_of(const struct vk_session_raw *raw);
int64_t vk_session_expires(const struct vk_session_raw *raw);
unsigned vk_session_seconds_left(const struct vk_session_raw *raw);
void vk_session_anchor_of(const struct vk_session_raw *raw, struct vk_store_anchor *ret);

/*
 * Kernel keyring (session_keyring.c).  ${tag} is the store id in hex, ${which} one of the keyrings that
 * are looked in, in this order.
 */
enum { VK_KEYRING_OF_SESSION, VK_KEYRING_OF_USER, VK_KEYRINGS };

/**
 * vk_keyring_put(tag, scope, seconds, raw):
 * Two new keys in the place of those that are there.  VK_EBACKEND when the kernel does not take them.
 */
enum vk_err vk_keyring_put(const char *tag, enum vk_session_scope scope, unsigned seconds,
    const struct vk_session_raw *raw) VK_MUST;

/**
 * vk_keyring_get(which, tag, ret):
 * VK_EBACKEND: the kernel refuses key calls here.  VK_ENOENT: there is no such key.  VK_ELOCKED, with a
 * reason: there is, and it is not one that we wrote, or its anchor is missing.  ${ret} is in the arena, and
 * then may have been written to.
 */
enum vk_err vk_keyring_get(int which, const char *tag, struct vk_session_raw *ret) VK_MUST;

/** vk_keyring_write_anchor(which, tag, raw): Give the anchor that get finds new contents. */
void vk_keyring_write_anchor(int which, const char *tag, const struct vk_session_raw *raw);

/** vk_keyring_drop(tag): Revoke the keys of ${tag} in every keyring we reach; how many sessions. */
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

/** vk_keyring_gone(): Was the session keyring of this process revoked, or did it expire? */
bool vk_keyring_gone(void) VK_MUST;

/* Session keys of this user anywhere (session_others.c), as far as /proc/keys shows them. */
struct vk_keyring_others {
	unsigned revoked; /* by this call */
	unsigned alive;   /* that we cannot read */
	bool unseen;      /* /proc/keys cannot be read */
};

/** vk_keyring_others(tag, revoke, ret): Look at the keys of ${tag}; end those that live. */
void vk_keyring_others(const char *tag, bool revoke, struct vk_keyring_others *ret);

/*
 * Session file (session_file.c): $XDG_RUNTIME_DIR/valetkey, /run/user/UID/valetkey or
 * /dev/shm/valetkey-UID, whichever is first a memory file system and safely ours.
 * ${ret_place} gets the path, for messages; it may be NULL for get.
 */
enum vk_err vk_session_file_put(const char *tag, const struct vk_session_raw *raw,
    char *ret_place, size_t size) VK_MUST;

/** VK_ENOENT: none.  VK_ELOCKED, with a reason: one that is cut short, or open to others. */
enum vk_err vk_session_file_get(const char *tag, struct vk_session_raw *ret, char *ret_place,
    size_t size) VK_MUST;

/** vk_session_file_write_anchor(tag, raw): Give the anchor in the file that get finds new contents. */
void vk_session_file_write_anchor(const char *tag, const struct vk_session_raw *raw);

/** vk_session_file_drop(tag): Overwrite and remove the files of ${tag}; how many. */
unsigned vk_session_file_drop(const char *tag);

#endif
