/* SPDX-License-Identifier: ISC */
/*
 * internal.h - what the files of this floor share.
 *
 *   open.c     handle, headers, session      lock.c     locks; readers beside writers
 *   slots.c    key slots                      record.c   credentials as records, tree keys
 *   tree.c     walking down and along         find.c     lookups
 *   stage.c, txn.c, settle.c   what a transaction wants changed
 *   commit.c   transactions: which way to write
 *   splice.c, pages.c          in place: the tree's new nodes; free pages
 *   builder.c, replace.c       anew: a whole file from a stream
 *   create.c   the first file                 verify.c   the whole file
 */
#ifndef VK_STORE_INTERNAL_H
#define VK_STORE_INTERNAL_H

#include <sys/stat.h>

#include "store/format.h"
#include "valetkey/io.h"

/* One decrypted page per level of the tree; a walk that stays nearby reads nothing again. */
struct vk_path {
	struct {
		unsigned char *page; /* VK_PAGE bytes in the arena; NULL until needed */
		uint32_t pgno;       /* 0: holds nothing */
	} level[VK_HEIGHT_MAX];
};

struct vk_txn;

struct vk_store {
	char *path;
	int fd;
	struct stat stat;
	struct vk_header header;
	unsigned char raw[VK_HEADER_LEN], older[VK_HEADER_LEN]; /* both headers as they lie in the file */
	bool witnessed;        /* the newest header has reached the disk */
	bool suspect;          /* what the kernel shows of this file may not be what is on the disk */
	bool lenient;          /* opened for repair: any header that is sound will do */
	struct vk_keys *keys;  /* NULL: locked */
	struct vk_path walk;   /* of lookups */
	struct vk_txn *txn;    /* inside a transaction */
	const struct vk_progress *progress; /* of writing a whole file */
	struct vk_store_anchor anchor; /* the state must not be older than this, when ${anchored} */
	bool anchored;
	vk_store_committed *committed; /* NULL: nobody follows */
	vk_store_reopen *reopen;       /* after a rotation; NULL: it opens no more */
};

/** vk_store_damaged(st, fmt, ...): VK_ETAMPER, the reason naming the file and the layer. */
enum vk_err vk_store_damaged(const struct vk_store *st, const char *fmt, ...) VK_PRINTF(2, 3);

/**
 * vk_store_attach(st, fd, locked):
 * Go over to the file ${fd}: check it, read its headers, open the newest with the keys if there are any.
 * ${locked}: the caller holds a lock on it.  On failure the handle, and ${fd}, are as they were.
 */
enum vk_err vk_store_attach(struct vk_store *st, int fd, bool locked) VK_MUST;

/** vk_store_open_header(st, keys): Check the header against ${keys}; VK_EKEY when they are another store's. */
enum vk_err vk_store_open_header(struct vk_store *st, struct vk_keys *keys) VK_MUST;

/** vk_store_need_key(st): VK_ELOCKED, with a hint, unless the handle is unlocked. */
enum vk_err vk_store_need_key(const struct vk_store *st) VK_MUST;

/** vk_page_read(st, child, what, page): Read and open the page ${child}; VK_ETAMPER, saying ${what} it is. */
enum vk_err vk_page_read(const struct vk_store *st, const struct vk_child *child, const char *what,
    unsigned char *page) VK_MUST;

/** vk_store_now(): Seconds since the epoch; in a file of its own for the same reason as vk_random(). */
int64_t vk_store_now(void);

/** vk_path_forget(p), vk_path_free(p): Drop what the pages hold; and the pages. */
void vk_path_forget(struct vk_path *p);
void vk_path_free(struct vk_path *p);

/** vk_tree_get(st, walk, key, ret): The record of exactly ${key}, valid until ${walk} moves; VK_ENOENT. */
enum vk_err vk_tree_get(struct vk_store *st, struct vk_path *walk, const unsigned char *key,
    struct vk_record *ret) VK_MUST;

/* A position in the tree, between records. */
struct vk_cursor {
	struct vk_store *st;
	struct vk_path path;
	unsigned index[VK_HEIGHT_MAX]; /* of the child taken, per inner level */
	unsigned at, left;             /* in the leaf: offset, records from there on */
	uint64_t pages;                /* pages read so far */
};

/** vk_cursor_seek(c, st, key): Before the first record whose key is not below ${key} (NULL: the first of all). */
enum vk_err vk_cursor_seek(struct vk_cursor *c, struct vk_store *st, const unsigned char *key) VK_MUST;

/** vk_cursor_next(c, ret): Step over one record, valid until the next call; VK_ENOENT at the end. */
enum vk_err vk_cursor_next(struct vk_cursor *c, struct vk_record *ret) VK_MUST;

void vk_cursor_free(struct vk_cursor *c);

/** vk_payload_read(st, r, ret): Borrowed from the record's page, or read from its blob. */
enum vk_err vk_payload_read(struct vk_store *st, const struct vk_record *r, struct vk_payload *ret)
    VK_MUST;

/** vk_blob_ref(r, ret_first, ret_len): What a record of a blob points to. */
void vk_blob_ref(const struct vk_record *r, struct vk_child *ret_first, size_t *ret_len);

/* Tree keys (record.c). */
void vk_key_origin(const struct vk_keys *k, const struct vk_scope *s, unsigned char out[8]);
void vk_key_path(const struct vk_keys *k, const char *path, size_t n, unsigned char out[8]);
void vk_key_user(const struct vk_keys *k, const char *user, unsigned char out[8]);
void vk_key_entry(const struct vk_keys *k, const struct vk_scope *s, const char *user,
    unsigned char out[VK_TREE_KEY]);
void vk_key_name(const struct vk_keys *k, const char *name, unsigned char out[VK_TREE_KEY]);

/** vk_record_cred(st, r, ret): Read and decode an entry. */
enum vk_err vk_record_cred(struct vk_store *st, const struct vk_record *r, struct vk_cred **ret)
    VK_MUST;

/* A tree being written as one stream of pages. */
struct vk_builder {
	int fd;
	const struct vk_keys *keys;
	struct vk_header header; /* filled as it grows */
	uint32_t next;           /* page number of the next page written */
	unsigned top;            /* levels in use */
	struct {
		unsigned char *page; /* the node being filled, in the arena */
		unsigned used, count;
		bool flushed; /* a node of this level was already written */
		unsigned char first[VK_TREE_KEY];
	} level[VK_HEIGHT_MAX];
	unsigned char *out; /* sealed pages that wait to be written */
	size_t out_len;
};

/**
 * vk_builder_begin(b, fd, keys, base, slots, slots_len):
 * vk_builder_add(b, key, kind, payload, n):
 * vk_builder_finish(b, ret_older, ret_newest):
 * vk_builder_release(b):
 * Write a whole keystore to the empty file ${fd}: begin with the header fields of
 * ${base} (its generation is the older of the two that are written) and the slot pages, add records in ascending
 * order of key, finish.  The two headers' VK_HEADER_LEN bytes are returned; ${b->header} is the newest.
 */
enum vk_err vk_builder_begin(struct vk_builder *b, int fd, const struct vk_keys *keys,
    const struct vk_header *base, const unsigned char *slots, size_t slots_len) VK_MUST;
enum vk_err vk_builder_add(struct vk_builder *b, const unsigned char *key, enum vk_record_kind kind,
    const unsigned char *payload, size_t n) VK_MUST;
enum vk_err vk_builder_finish(struct vk_builder *b, unsigned char *ret_older,
    unsigned char *ret_newest) VK_MUST;
void vk_builder_release(struct vk_builder *b);

/** vk_slots_read(st, ret, ret_len): The slot pages, checked against the header's hash; heap. */
enum vk_err vk_slots_read(struct vk_store *st, unsigned char **ret, size_t *ret_len) VK_MUST;

/** vk_slots_make(id, keys, now, slots, n, ret, ret_len): Slot pages for a new store; heap. */
enum vk_err vk_slots_make(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *slots, size_t n, unsigned char **ret, size_t *ret_len) VK_MUST;

/** vk_slots_check(st): Every byte of the slot pages that is not covered otherwise. */
enum vk_err vk_slots_check(struct vk_store *st) VK_MUST;

#endif
