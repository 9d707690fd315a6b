/* SPDX-License-Identifier: ISC */
/*
 * unlock.h - how a process comes by a keystore's key, and the session that
 * remembers it.
 *
 * The ladder, first answer wins; a step that is present but wrong is an error,
 * not a reason to try the next:
 *   1 VALETKEY_KEY            raw key, base64 (CI)
 *   2 VALETKEY_KEY_FILE       file with the raw key, base64
 *   3 VALETKEY_IDENTITY       identity (identity.h)
 *   4 VALETKEY_IDENTITY_FILE  file with the identity
 *   5 kernel keyring          session key put there by "valetkey unlock": this session's
 *                             keyring, else the user's
 *   6 session file            the same on a memory file system, only where the
 *                             kernel refuses the key calls (containers)
 * Beside a session key lies an anchor: the newest state of the keystore that was written since, by
 * whoever reaches it.  5 and 6 refuse a file that is older (VK_ETAMPER).
 * No step prompts, runs a program or derives a key from a passphrase: that is
 * "valetkey unlock", once.
 */
#ifndef VALETKEY_UNLOCK_H
#define VALETKEY_UNLOCK_H

#include "valetkey/store.h"

enum vk_unlock_how {
	VK_UNLOCK_NONE = 0,
	VK_UNLOCK_KEY_ENV,
	VK_UNLOCK_KEY_FILE,
	VK_UNLOCK_IDENTITY_ENV,
	VK_UNLOCK_IDENTITY_FILE,
	VK_UNLOCK_KEYRING,
	VK_UNLOCK_SESSION_FILE,
};

/**
 * vk_unlock(st, ret_how):
 * Climb the ladder.  VK_ELOCKED with reason and hint when no step answers; VK_EKEY when a key
 * is not this store's; VK_ETAMPER when the file is older than the session; vk_pin_check() comes first and
 * last.  ${ret_how} may be NULL.
 */
enum vk_err vk_unlock(struct vk_store *st, enum vk_unlock_how *ret_how) VK_MUST;

/** vk_unlock_variable(): The name of the first variable of the ladder that is set, and not empty; else NULL. */
const char *vk_unlock_variable(void);

/**
 * vk_unlock_env(name):
 * The value of the ladder's variable ${name}, or NULL.  The first call for VALETKEY_KEY or VALETKEY_IDENTITY moves
 * it into locked memory and wipes it in our environment block, so ask here and not getenv().
 */
const char *vk_unlock_env(const char *name);

/**
 * vk_pin_check(st):
 * VK_EPOLICY when VALETKEY_STORE_ID is set and names another keystore, or other keys than this one's; VK_EPROTO when it
 * names nothing.  Before ${st} is unlocked that only saves asking for a passphrase: a file can claim any id until a
 * key has opened it, so whoever unlocks it otherwise than with vk_unlock() asks again then.
 */
enum vk_err vk_pin_check(const struct vk_store *st) VK_MUST;

enum { VK_PIN_TEXT = 2 * VK_STORE_ID_LEN + 1 + 32 };

/** vk_pin_text(st, ret_text): What pins ${st} and its keys: "ID:COMMITMENT" in hex. */
void vk_pin_text(const struct vk_store *st, char ret_text[VK_PIN_TEXT + 1]);

/** vk_unlock_env_forget(): Wipe that copy as well, before a process that stays or another program. */
void vk_unlock_env_forget(void);

/** vk_unlock_how_text(how): "the session key in the kernel keyring", ... */
const char *vk_unlock_how_text(enum vk_unlock_how how);

/** vk_raw_key_new(ret_key): A new random key. */
enum vk_err vk_raw_key_new(unsigned char ret_key[VK_STORE_KEY_LEN]) VK_MUST;

/** vk_raw_key_parse(text, n, ret_key): 32 bytes from base64 or hex, one trailing line end allowed. */
enum vk_err vk_raw_key_parse(const char *text, size_t n, unsigned char ret_key[VK_STORE_KEY_LEN])
    VK_MUST;

/**
 * vk_raw_key_read(path, ret_key):
 * From a file.  It may be a link, and belong to us or root; others must not be able
 * to write it (VK_EPOLICY).
 */
enum vk_err vk_raw_key_read(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN]) VK_MUST;

enum vk_session_scope {
	VK_SESSION_LOGIN = 0, /* the session keyring, only its possessors */
	VK_SESSION_USER = 1,  /* the user keyring: every process of this user, asked for */
};

/* What the session is, for "unlock", "lock" and "status". */
struct vk_session_info {
	enum vk_unlock_how how; /* KEYRING, SESSION_FILE or NONE */
	bool user_scope;        /* every process of this user can use it */
	enum vk_session_scope scope; /* as it was put; LOGIN in a file */
	bool damaged;           /* there is one, and it was changed: vk_session_get() says how */
	bool elsewhere;         /* a key for this store exists that this process may not read */
	bool unseen;            /* /proc/keys cannot be read, so that ${elsewhere} is not known */
	bool keyring_refused;   /* the kernel refuses key calls here */
	bool keyring_gone;      /* this process's session keyring was revoked: its login has ended */
	int64_t expires;        /* 0: not known */
	char place[256];        /* "session keyring", "/run/user/1000/valetkey/session-..." */
};

/**
 * vk_session_put(st, scope, seconds, ret_info):
 * Remember the key of an unlocked ${st}, and its state.  The kernel keyring with a timeout; where
 * it refuses, a 0600 file on a memory file system (ret_info says so); where there is none
 * either, VK_EBACKEND.  VK_ETAMPER when a session is there already and knows of a newer state.
 */
enum vk_err vk_session_put(struct vk_store *st, enum vk_session_scope scope, unsigned seconds,
    struct vk_session_info *ret_info) VK_MUST;

/**
 * vk_session_get(st, ret_key, ret_anchor, ret_how):
 * VK_ENOENT when there is none.  VK_ELOCKED, with a reason, when it was changed.
 */
enum vk_err vk_session_get(const struct vk_store *st, unsigned char ret_key[VK_STORE_KEY_LEN],
    struct vk_store_anchor *ret_anchor, enum vk_unlock_how *ret_how) VK_MUST;

/** vk_session_follow(st): After each commit of ${st}, let the anchors of its sessions follow. */
void vk_session_follow(struct vk_store *st);

/**
 * vk_session_drop(st, ret_n):
 * Revoke every key for this store that is this user's, in whichever session, and remove the session files;
 * how many.  vk_session_describe() tells what could not be revoked.
 */
enum vk_err vk_session_drop(const struct vk_store *st, unsigned *ret_n) VK_MUST;

/** vk_session_describe(st, ret_info): For status and doctor. */
enum vk_err vk_session_describe(const struct vk_store *st, struct vk_session_info *ret_info)
    VK_MUST;

/**
 * vk_session_isolate():
 * For a child before exec: a new session keyring that holds every key of the old
 * one except ours.  VK_OK also where the kernel refuses key calls.
 */
enum vk_err vk_session_isolate(void) VK_MUST;

/**
 * vk_session_in_reach():
 * Does the user's keyring hold a session (--scope user)?  Every process of the user can use it, an isolated
 * one too, unless its key calls are refused.
 */
bool vk_session_in_reach(void) VK_MUST;

/**
 * vk_tty_secret(prompt, confirm, ret):
 * Ask on /dev/tty without echo; the terminal is restored also when a signal ends
 * us.  ${confirm} asks twice.  VK_ELOCKED when there is no terminal.
 */
enum vk_err vk_tty_secret(const char *prompt, bool confirm, struct vk_secret *ret) VK_MUST;

#endif
