/* SPDX-License-Identifier: ISC */
/*
 * store.h - the keystore: one file that is an authenticated tree of records
 * (docs/FORMAT.md).
 *
 * Nothing in the file is readable without a key, and every byte that can
 * influence an answer is authenticated: a damaged file gives VK_ETAMPER, never a
 * wrong answer and never VK_ENOENT.  Readers take no lock.  Writers hold an OFD
 * lock, build the new file beside the old one, fsync and rename: whoever is
 * killed at whatever point, the file is the old or the new one.
 *
 * A handle is: opened (header read; store id known) -> unlocked (a slot or a
 * session key was accepted) -> used.  Handles are not shared between threads.
 */
#ifndef VALETKEY_STORE_H
#define VALETKEY_STORE_H

#include "valetkey/cred.h"

enum {
	VK_STORE_ID_LEN = 16,
	VK_STORE_KEY_LEN = 32, /* raw keys and session keys */
	VK_SLOT_LABEL_MAX = 40,
};

struct vk_store;

enum vk_slot_type {
	VK_SLOT_PASSPHRASE = 1,
	VK_SLOT_RAW = 2,
};

enum vk_kdf_cost { /* Argon2id, paid once per unlock */
	VK_KDF_INTERACTIVE = 1, /* 64 MiB, 2 passes  */
	VK_KDF_MODERATE = 2,    /* 256 MiB, 3 passes; the default */
};

/* A slot to create: ${secret} is the passphrase, or VK_STORE_KEY_LEN raw bytes. */
struct vk_slot_new {
	enum vk_slot_type type;
	enum vk_kdf_cost cost;          /* passphrase only */
	const struct vk_secret *secret; /* borrowed */
};

/** What "status" and "slot list" show of a slot, without any key. */
struct vk_slot_info {
	enum vk_slot_type type;
	unsigned char id[8];
	int64_t created;
	unsigned kdf_mib, kdf_passes; /* passphrase only */
};

/**
 * vk_store_path(ret_path):
 * $VALETKEY_KEYSTORE, else $XDG_DATA_HOME/valetkey/keystore, else
 * ~/.local/share/valetkey/keystore.  The caller frees.
 */
enum vk_err vk_store_path(char **ret_path) VK_MUST;

/**
 * vk_store_create(path, slots, n):
 * Make an empty keystore, mode 0600.  VK_EEXIST if anything is at ${path}: an
 * unreadable keystore is never replaced by an empty one.
 */
enum vk_err vk_store_create(const char *path, const struct vk_slot_new *slots, size_t n) VK_MUST;

/**
 * vk_store_open(path, ret_store):
 * Open and read the header.  VK_ENOENT when there is no file; VK_EPOLICY when
 * others can write it or it belongs to somebody else (root excepted) or is not a
 * regular file; VK_EVERSION for another format; VK_ETAMPER for a damaged one.
 */
enum vk_err vk_store_open(const char *path, struct vk_store **ret_store) VK_MUST;

/** vk_store_close(st), vk_store_closep(st): Wipe keys and pages, close; NULL is fine. */
void vk_store_close(struct vk_store *st);
void vk_store_closep(struct vk_store **st);

/** vk_store_id(st): VK_STORE_ID_LEN bytes, borrowed. */
const unsigned char *vk_store_id(const struct vk_store *st);

/** vk_store_file(st): The path it was opened at, borrowed. */
const char *vk_store_file(const struct vk_store *st);

/** vk_store_generation(st): The commit counter of the header that was read. */
uint64_t vk_store_generation(const struct vk_store *st);

/** vk_store_slots(st, v, max, ret_n): Describe up to ${max} slots. */
enum vk_err vk_store_slots(struct vk_store *st, struct vk_slot_info *v, size_t max, size_t *ret_n)
    VK_MUST;

/**
 * vk_store_unlock_passphrase(st, pass), vk_store_unlock_raw(st, key):
 * Try every slot of that type.  VK_EKEY when none opens (also when there is no such slot).
 */
enum vk_err vk_store_unlock_passphrase(struct vk_store *st, const struct vk_secret *pass) VK_MUST;
enum vk_err vk_store_unlock_raw(struct vk_store *st,
    const unsigned char key[VK_STORE_KEY_LEN]) VK_MUST;

/**
 * vk_store_unlock_session(st, key):
 * With the key that vk_store_session_key() gave.  VK_EKEY when it is not this
 * file's (any more): the store was re-keyed, which reads as "locked".
 */
enum vk_err vk_store_unlock_session(struct vk_store *st,
    const unsigned char key[VK_STORE_KEY_LEN]) VK_MUST;

/** vk_store_session_key(st, ret_key): The key a session caches; it cannot make or change slots. */
enum vk_err vk_store_session_key(const struct vk_store *st,
    unsigned char ret_key[VK_STORE_KEY_LEN]) VK_MUST;

/**
 * vk_store_find(st, q, ret_cred):
 * The credential for ${q}: longest path prefix first; on one scope the
 * account named by the query, else its default account, else its only one, else the
 * oldest.  Expired entries are returned (the caller decides).  VK_ENOENT when
 * there is none.  Cost does not grow with the number of entries.
 */
enum vk_err vk_store_find(struct vk_store *st, const struct vk_query *q, struct vk_cred **ret_cred)
    VK_MUST;

/** vk_store_find_name(st, name, ret_cred): By its unique name, for "keystore:NAME". */
enum vk_err vk_store_find_name(struct vk_store *st, const char *name, struct vk_cred **ret_cred)
    VK_MUST;

/**
 * vk_store_each(st, origin, fn, arg):
 * Call ${fn} for every entry (of ${origin}'s scheme, host and port only, unless
 * NULL); it borrows the credential and stops the walk by returning anything but
 * VK_OK, which is then returned.
 */
typedef enum vk_err vk_store_visit(const struct vk_cred *c, void *arg);
enum vk_err vk_store_each(struct vk_store *st, const struct vk_scope *origin, vk_store_visit *fn,
    void *arg) VK_MUST;

/** vk_store_count(st, ret_n): How many entries. */
enum vk_err vk_store_count(struct vk_store *st, uint64_t *ret_n) VK_MUST;

/**
 * vk_store_commit(st, decide, arg):
 * Run one write transaction: take the writer's lock, read the newest state, call
 * ${decide} with the handle at that state, write what it added with
 * vk_store_stage_*(), release.  Lost updates are impossible, since the decision
 * is made under the lock.  Nothing is written when nothing was staged or when
 * every staged change leaves the store as it is.  On any error the file is as it was, but for
 * the one of vk_replace_commit(), whose reason says so.
 *
 * Entries are identified by (scope, username); a path has at most 16 components
 * (VK_ELIMIT).  PUT of a name that another entry has is VK_EEXIST.  The first
 * account on a scope becomes its default; removing the default makes the oldest
 * remaining account the default.
 */
typedef enum vk_err vk_store_decide(struct vk_store *st, void *arg);
enum vk_err vk_store_commit(struct vk_store *st, vk_store_decide *decide, void *arg) VK_MUST;

/**
 * vk_store_stage_put(st, c), vk_store_stage_remove(st, s, username),
 * vk_store_stage_default(st, s, username):
 * For use inside ${decide} only.  Credentials are copied.  Lookups inside ${decide}
 * see the file, not what was staged; staging sees both: VK_EEXIST when the name is another
 * entry's by now, VK_ENOENT when there is no such entry to remove or prefer.
 * A ${created} of 0 keeps the time that the entry has, or is now; VK_CRED_DEFAULT in
 * ${flags} makes it the default account, its absence changes nothing.
 */
enum vk_err vk_store_stage_put(struct vk_store *st, const struct vk_cred *c) VK_MUST;
enum vk_err vk_store_stage_remove(struct vk_store *st, const struct vk_scope *s,
    const char *username) VK_MUST;
enum vk_err vk_store_stage_default(struct vk_store *st, const struct vk_scope *s,
    const char *username) VK_MUST;

/** vk_store_verify(st): Read and authenticate every page and record; VK_ETAMPER names the first bad layer. */
enum vk_err vk_store_verify(struct vk_store *st) VK_MUST;

#endif
