/* SPDX-License-Identifier: ISC */
/*
 * stage.h - what a transaction wants changed: records by tree key, the last word
 * on each.  Entries wait sealed under a key of this process alone, so that any
 * number of them can be staged without leaving secrets outside the arena.
 */
#ifndef VK_STORE_STAGE_H
#define VK_STORE_STAGE_H

#include "store/internal.h"

enum vk_stage_state {
	VK_STAGE_PUT = 1,
	VK_STAGE_REMOVE,
	VK_STAGE_OLDEST, /* a default record: the oldest account that remains, found at the end */
};

struct vk_staged {
	unsigned char key[VK_TREE_KEY];
	enum vk_record_kind kind;
	enum vk_stage_state state;
	size_t at;    /* in the log */
	uint32_t len; /* of the payload */
};

struct vk_txn {
	unsigned char key[VK_KEY_LEN];
	struct vk_staged *v;
	size_t n, cap;
	uint32_t *index; /* hash table of positions in ${v}, plus 1; 0: empty */
	size_t index_cap;
	unsigned char *log; /* payloads: entries sealed, with their tags */
	size_t log_len, log_cap;
	unsigned char *slots; /* heap: new slot pages; NULL: as they are */
	size_t slots_len;
	struct vk_keys *rekey; /* arena: keys to write everything anew under, ${slots} being wrapped for them */
	bool anew;             /* write everything anew in any case */
};

/* What a commit wrote. */
struct vk_written {
	struct stat stat;
	struct vk_header header;
	unsigned char older[VK_HEADER_LEN], newest[VK_HEADER_LEN];
};

/** vk_store_sweep(path): Remove what writers of that keystore left beside it that were killed; the lock is held. */
void vk_store_sweep(const char *path);

/** vk_commit_anew(st, ret): The old records and the staged ones to a new file, in the place of the old one. */
enum vk_err vk_commit_anew(struct vk_store *st, struct vk_written *ret) VK_MUST;

/** vk_txn_slots(t, pages, len), vk_txn_rekey(t, keys): What to write besides records; both are taken. */
void vk_txn_slots(struct vk_txn *t, unsigned char *pages, size_t len);
void vk_txn_rekey(struct vk_txn *t, struct vk_keys *keys);

/** vk_txn_new(ret), vk_txn_free(t): In the arena, with heap behind it. */
enum vk_err vk_txn_new(struct vk_txn **ret) VK_MUST;
void vk_txn_free(struct vk_txn *t);

/** vk_txn_get(t, key): What is staged for ${key}; NULL when nothing is. */
struct vk_staged *vk_txn_get(const struct vk_txn *t, const unsigned char *key);

/** vk_txn_set(t, key, kind, state, payload, n): Stage; replaces what was staged for ${key}. */
enum vk_err vk_txn_set(struct vk_txn *t, const unsigned char *key, enum vk_record_kind kind,
    enum vk_stage_state state, const void *payload, size_t n) VK_MUST;

/** vk_txn_payload(t, s, ret): The payload of a staged PUT. */
enum vk_err vk_txn_payload(const struct vk_txn *t, const struct vk_staged *s,
    struct vk_payload *ret) VK_MUST;

/** vk_txn_reindex(t): After ${t->v} was reordered. */
void vk_txn_reindex(struct vk_txn *t);

/**
 * vk_txn_settle(st):
 * Before writing: find the oldest accounts that are asked for, leave out what
 * changes nothing, and sort by key.  Nothing left (${st->txn->n} is 0): nothing to write.
 */
enum vk_err vk_txn_settle(struct vk_store *st) VK_MUST;

#endif
