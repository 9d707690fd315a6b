/* SPDX-License-Identifier: ISC */
/*
 * store.h - the keystore: one file that is an authenticated tree of records
 * (docs/FORMAT.md).
 *
 * Nothing in the file is readable without a key, and every byte that can
 * influence an answer is authenticated: a damaged file gives VK_ETAMPER, never a
 * wrong answer and never VK_ENOENT.  Readers take no lock.  Writers hold an OFD
 * lock and write new pages beside the ones in use, or a new file beside the old
 * one: whoever is killed at whatever point, the state is the old or the new one.
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
	VK_SLOT_PROGRAM_MAX = 20,
};

struct vk_store;

enum vk_slot_type {
	VK_SLOT_PASSPHRASE = 1,
	VK_SLOT_RAW = 2,
	VK_SLOT_EXTERNAL = 3, /* a program keeps VK_STORE_KEY_LEN bytes for us */
	VK_SLOT_X25519 = 4,   /* a recipient's public key */
};

/* What Argon2id costs, once per unlock.  0 KiB: measure this machine, see vk_kdf_calibrate(). */
struct vk_kdf_cost {
	unsigned passes, kib;
};

/*
 * A slot to create.  ${secret}, borrowed: the passphrase, the VK_STORE_KEY_LEN raw bytes or those that the
 * program keeps, or the recipient's public key.
 */
struct vk_slot_new {
	enum vk_slot_type type;
	struct vk_kdf_cost cost;            /* passphrase only */
	const struct vk_secret *secret;
	const char *program;                /* external only: its name */
	const char *label;                  /* at most VK_SLOT_LABEL_MAX bytes; NULL or "": none */
	const unsigned char *id;            /* NULL: random; external: what the program knows it by */
};

/** What "status" and "slot list" show of a slot, without any key but for the last two. */
struct vk_slot_info {
	enum vk_slot_type type;
	unsigned char id[8];
	int64_t created;
	unsigned kdf_kib, kdf_passes;       /* passphrase only */
	char program[VK_SLOT_PROGRAM_MAX + 1];
	char label[VK_SLOT_LABEL_MAX + 1];  /* "" unless a slot was opened */
	unsigned char public_key[VK_STORE_KEY_LEN]; /* zero unless a slot was opened */
};

/* What is remembered outside of the file, to notice that an older one was put back. */
struct vk_store_anchor {
	uint64_t generation;
	unsigned char tag[16]; /* of that generation's header */
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

/** vk_store_commitment(st): VK_STORE_KEY_LEN public bytes that follow from the keys; borrowed.  For pinning. */
const unsigned char *vk_store_commitment(const struct vk_store *st);

/**
 * vk_store_reload(st):
 * Go over to the newest state of the file that has the name now.  For handles that live long; lookups
 * by themselves notice another state only when it is in their way.
 */
enum vk_err vk_store_reload(struct vk_store *st) VK_MUST;

/**
 * vk_store_anchor(st, ret), vk_store_expect(st, a):
 * The state that was read; and, from here on, VK_ETAMPER when the file is older than ${a} or another one of
 * the same generation.
 */
void vk_store_anchor(const struct vk_store *st, struct vk_store_anchor *ret);
enum vk_err vk_store_expect(struct vk_store *st, const struct vk_store_anchor *a) VK_MUST;

/** vk_store_on_commit(st, fn): Called with the handle after each commit of it, so that an anchor can follow. */
typedef void vk_store_committed(const struct vk_store *st);
void vk_store_on_commit(struct vk_store *st, vk_store_committed *fn);

/**
 * vk_store_on_rekey(st, fn):
 * When the keys turn out to have been rotated since ${st} was unlocked, ${fn} unlocks a new handle of the file as
 * ${st} was, and ${st} goes on with its keys.  Without one that is VK_EKEY.
 */
typedef enum vk_err vk_store_reopen(struct vk_store *fresh);
void vk_store_on_rekey(struct vk_store *st, vk_store_reopen *fn);

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
 * vk_store_unlock_identity(st, identity), vk_store_unlock_external(st, slot, key):
 * With the secret half of a recipient's key pair; with what the program of the external slot ${slot} (its id) keeps.
 */
enum vk_err vk_store_unlock_identity(struct vk_store *st,
    const unsigned char identity[VK_STORE_KEY_LEN]) VK_MUST;
enum vk_err vk_store_unlock_external(struct vk_store *st, const unsigned char slot[8],
    const unsigned char key[VK_STORE_KEY_LEN]) VK_MUST;

/** vk_store_has_master(st): Was it opened by a slot?  Only then can slots be changed. */
bool vk_store_has_master(const struct vk_store *st);

/**
 * vk_store_slot_add(st, new, ret_id):
 * vk_store_slot_change(st, id, new, ret_id):
 * vk_store_slot_remove(st, id, keep_key):
 * vk_store_rotate(st):
 * Change who can open the keystore; credentials are not touched, but for a rotation, which writes the file anew under
 * a new master key that every remaining slot opens.  change puts a new secret in the place of slot ${id}'s and
 * keeps its label.  remove rotates unless ${keep_key}; the last slot cannot be removed (VK_EPOLICY).  VK_ELOCKED
 * when the handle was not opened by a slot, VK_ENOENT for an unknown id.
 */
enum vk_err vk_store_slot_add(struct vk_store *st, const struct vk_slot_new *new,
    unsigned char ret_id[8]) VK_MUST;
enum vk_err vk_store_slot_change(struct vk_store *st, const unsigned char id[8],
    const struct vk_slot_new *new, unsigned char ret_id[8]) VK_MUST;
enum vk_err vk_store_slot_remove(struct vk_store *st, const unsigned char id[8], bool keep_key) VK_MUST;
enum vk_err vk_store_rotate(struct vk_store *st) VK_MUST;

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
 * Extra fields of an entry are kept when ${c} has none, but for how it is renewed, unless ${c} has a refresh token.
 * A ${created} of 0 keeps the time that the entry has, or is now; VK_CRED_DEFAULT in
 * ${flags} makes it the default account, its absence changes nothing.
 */
enum vk_err vk_store_stage_put(struct vk_store *st, const struct vk_cred *c) VK_MUST;
enum vk_err vk_store_stage_remove(struct vk_store *st, const struct vk_scope *s,
    const char *username) VK_MUST;
enum vk_err vk_store_stage_default(struct vk_store *st, const struct vk_scope *s,
    const char *username) VK_MUST;

/* How far a long piece of work is; NULL: nobody wants to know. */
struct vk_progress {
	void (*fn)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

/**
 * vk_store_verify(st, progress):
 * Read and authenticate every page and record; VK_ETAMPER names the first bad layer.  Writers wait meanwhile.
 */
enum vk_err vk_store_verify(struct vk_store *st, const struct vk_progress *progress) VK_MUST;

/** vk_store_compact(st, progress): Write the file anew, without its free pages, in the place of the old one. */
enum vk_err vk_store_compact(struct vk_store *st, const struct vk_progress *progress) VK_MUST;

/**
 * vk_store_backup(st, path, progress):
 * Copy the file, as it is between two commits, to a new one; no key is needed.  VK_EEXIST when there is something
 * at ${path}.
 */
enum vk_err vk_store_backup(struct vk_store *st, const char *path,
    const struct vk_progress *progress) VK_MUST;

/* What a repair found. */
struct vk_repair {
	bool one_header;     /* the other one is lost; should that have been the newest, the last commit is missing */
	uint64_t expected;   /* entries, as the header counts them */
	uint64_t entries;    /* there are now */
	uint64_t lost_pages; /* nodes and blobs that could not be read */
	uint64_t recovered;  /* entries from pages that were not in use any more, in the place of lost ones */
	char kept[512];      /* the damaged file's new name */
};

/**
 * vk_store_open_damaged(path, ret_store), vk_store_repair(st, progress, ret):
 * Open what vk_store_open() refuses, with any header that is sound; unlock it as usual, then write all entries that can
 * be read to a new file in its place.  The damaged one is kept under another name.  Entries in damaged parts
 * come from older states of their pages if there are any: they may be out of date, or have been removed.
 */
enum vk_err vk_store_open_damaged(const char *path, struct vk_store **ret_store) VK_MUST;
enum vk_err vk_store_repair(struct vk_store *st, const struct vk_progress *progress,
    struct vk_repair *ret) VK_MUST;

/** vk_store_watch(st, progress): Report the progress of commits that write the file anew; NULL: no more. */
void vk_store_watch(struct vk_store *st, const struct vk_progress *progress);

/** vk_store_size(st, ret_pages, ret_free): Pages of the file, and how many of them are free. */
enum vk_err vk_store_size(struct vk_store *st, uint64_t *ret_pages, uint64_t *ret_free) VK_MUST;

/* A credential as the bytes of docs/FORMAT.md, "Records", wherever they lie. */
struct vk_payload {
	const unsigned char *p;
	size_t n;
	void *owned; /* arena */
};

/** vk_cred_encode(c, ret): Its canonical payload, in the arena; VK_ELIMIT, VK_EUSAGE when it cannot be stored. */
enum vk_err vk_cred_encode(const struct vk_cred *c, struct vk_payload *ret) VK_MUST;

/** vk_cred_decode(p, n, ret): VK_ETAMPER when it is not a canonical payload; VK_EVERSION for an unknown field. */
enum vk_err vk_cred_decode(const unsigned char *p, size_t n, struct vk_cred **ret) VK_MUST;

void vk_payload_clear(struct vk_payload *p);

/*
 * How an entry's secret is had anew with its refresh token, and its login is made anew by a person: extra fields of the
 * entry (docs/FORMAT.md).  Strings are heap, "" when absent.
 */
struct vk_grant {
	char *issuer;     /* who issues, a URL; for people, and for "valetkey login" */
	char *device_url; /* where a login begins, */
	char *token_url;  /* and where tokens are issued */
	char *client_id;
	char *scope;      /* what was asked for */
	struct vk_secret client_secret;
	int64_t renewed;  /* when the secret was, last; 0: not since the login */
};

/** vk_grant_init(g), vk_grant_clear(g): All fields present and empty; wipe and free. */
enum vk_err vk_grant_init(struct vk_grant *g) VK_MUST;
void vk_grant_clear(struct vk_grant *g);

/** vk_grant_has(c): Was ${c} had by a login? */
bool vk_grant_has(const struct vk_cred *c) VK_MUST;

/** vk_grant_forget(c): Other extra fields stay. */
enum vk_err vk_grant_forget(struct vk_cred *c) VK_MUST;

/** vk_grant_read(c, ret), vk_grant_write(g, c): From and to ${c->extra}; VK_ENOENT: there is none. */
enum vk_err vk_grant_read(const struct vk_cred *c, struct vk_grant *ret) VK_MUST;
enum vk_err vk_grant_write(const struct vk_grant *g, struct vk_cred *c) VK_MUST;

#endif
