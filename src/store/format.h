/* SPDX-License-Identifier: ISC */
/*
 * format.h - the bytes of docs/FORMAT.md: offsets, limits, and the pure functions
 * that encode and check them.  No input or output here.
 *
 * All numbers are little endian.  A page is 4096 bytes whatever the machine's is.
 */
#ifndef VK_STORE_FORMAT_H
#define VK_STORE_FORMAT_H

#include "crypto/crypto.h"
#include "valetkey/store.h"

enum {
	VK_PAGE = 4096,
	VK_PAGE_PLAIN = VK_PAGE - VK_NONCE_LEN - VK_TAG_LEN, /* 4056 */

	VK_HEADER_LEN = 512,
	VK_HEADER_AD = 152, /* clear part, nonce included */
	VK_PRIVATE_LEN = 312,
	VK_HEADERS_SPAN = VK_PAGE + VK_HEADER_LEN, /* both header slots, in one read */

	VK_TREE_KEY = 24,
	VK_NODE_HEAD = 16,
	VK_INNER_ENTRY = VK_TREE_KEY + 4 + VK_TAG_LEN, /* 44 */
	VK_INNER_MAX = (VK_PAGE_PLAIN - VK_NODE_HEAD) / VK_INNER_ENTRY, /* 91 */
	VK_RECORD_HEAD = VK_TREE_KEY + 4, /* 28 */
	VK_INLINE_MAX = 1024,
	VK_BLOB_REF = 8 + VK_TAG_LEN, /* 24 */
	VK_PAYLOAD_MAX = 256 * 1024,
	VK_HEIGHT_MAX = 8,
	VK_FIRST_PAGE = 2, /* pages 0 and 1 hold the headers */

	VK_SLOT_LEN = 192,
	VK_SLOT_BOUND = 72, /* the bytes of a slot that its own wrapping authenticates */
	VK_SLOTS_PER_PAGE = 10,
	VK_SLOT_PAGES_MAX = 4,
	VK_SLOTS_MAX = VK_SLOTS_PER_PAGE * VK_SLOT_PAGES_MAX,
	VK_PASSPHRASES_MAX = 8,

	VK_DEPTH_MAX = 16, /* components of an entry's path */
};

enum vk_record_kind {
	VK_RECORD_ENTRY = 1,   /* a credential */
	VK_RECORD_DEFAULT = 2, /* the account to use on one (origin, path) when none is named */
	VK_RECORD_NAME = 3,    /* the entry that has a name */
};

/* The first byte of a node, and the flag of a record whose payload is a blob. */
enum { VK_NODE_LEAF = 1, VK_NODE_INNER = 2, VK_FLAG_BLOB = 1 };

static inline void
vk_put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

static inline void
vk_put32(unsigned char *p, uint32_t v)
{
	vk_put16(p, v & 0xffff);
	vk_put16(p + 2, v >> 16);
}

static inline void
vk_put64(unsigned char *p, uint64_t v)
{
	vk_put32(p, (uint32_t)v);
	vk_put32(p + 4, (uint32_t)(v >> 32));
}

static inline unsigned
vk_get16(const unsigned char *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t
vk_get32(const unsigned char *p)
{
	return (uint32_t)vk_get16(p) | (uint32_t)vk_get16(p + 2) << 16;
}

static inline uint64_t
vk_get64(const unsigned char *p)
{
	return (uint64_t)vk_get32(p) | (uint64_t)vk_get32(p + 4) << 32;
}

/** vk_all_zero(p, n): Are ${n} bytes zero? */
bool vk_all_zero(const void *p, size_t n) VK_MUST;

/* A pointer from a parent to a page or blob: where it is and what its tag must be. */
struct vk_child {
	uint32_t pgno;
	unsigned char tag[VK_TAG_LEN];
};

/* Everything that hangs from the master key.  In the arena. */
struct vk_keys {
	unsigned char master[VK_KEY_LEN]; /* only after a slot was opened */
	unsigned char session[VK_KEY_LEN];
	unsigned char commit[VK_KEY_LEN];
	unsigned char header[VK_KEY_LEN];
	unsigned char page[VK_KEY_LEN];
	unsigned char tag[VK_KEY_LEN];
	unsigned char nonce[VK_KEY_LEN];
	bool have_master;
};

/** vk_keys_from_master(k, id), vk_keys_from_session(k, id): Derive what hangs below the key that is set. */
void vk_keys_from_master(struct vk_keys *k, const unsigned char id[VK_STORE_ID_LEN]);
void vk_keys_from_session(struct vk_keys *k, const unsigned char id[VK_STORE_ID_LEN]);

/* The header: first what anyone can read, then what is sealed. */
struct vk_header {
	unsigned char store_id[VK_STORE_ID_LEN];
	uint64_t generation;
	uint32_t rocompat, compat;
	uint32_t slots_pgno, slots_pages;
	unsigned char slots_hash[VK_DIGEST_LEN];
	unsigned char commit[VK_KEY_LEN];

	struct vk_child root;
	unsigned height;
	uint64_t entries, records;
	uint32_t file_pages;
	unsigned char older_tag[VK_TAG_LEN];
	uint64_t created, committed;
	uint32_t epoch; /* how often the keys were rotated */
};

/** vk_header_open(raw, k, ret): The sealed half of a header; VK_ETAMPER. */
enum vk_err vk_header_open(const unsigned char raw[VK_HEADER_LEN], const struct vk_keys *k,
    struct vk_header *ret) VK_MUST;

/** vk_header_encode(h, k, ret_raw): Both halves. */
enum vk_err vk_header_encode(const struct vk_header *h, const struct vk_keys *k,
    unsigned char ret_raw[VK_HEADER_LEN]) VK_MUST;

/**
 * vk_headers_pick(raw, ret, ret_raw, ret_older):
 * From both slots as they lie in the file (VK_HEADERS_SPAN bytes): the newest header, its bytes, and
 * the older one's tag or NULL.  VK_EVERSION for another format or an unknown incompatible feature,
 * VK_ETAMPER for anything else that is not as it must be.
 */
enum vk_err vk_headers_pick(const unsigned char *raw, struct vk_header *ret,
    const unsigned char **ret_raw, const unsigned char **ret_older) VK_MUST;

/**
 * vk_extent_seal(k, id, label, gen, pgno, buf, n, ret_tag):
 * vk_extent_open(k, id, label, child, buf, n):
 * A page ("node") or blob of ${n} bytes, nonce | text | tag, in place.  Open also compares the tag
 * with the parent's.
 */
enum vk_err vk_extent_seal(const struct vk_keys *k, const unsigned char *id, const char *label,
    uint64_t generation, uint32_t pgno, unsigned char *buf, size_t n,
    unsigned char ret_tag[VK_TAG_LEN]) VK_MUST;
bool vk_extent_open(const struct vk_keys *k, const unsigned char *id, const char *label,
    const struct vk_child *child, unsigned char *buf, size_t n) VK_MUST;

#define VK_EXTENT_NODE "node"
#define VK_EXTENT_BLOB "blob"

/** vk_blob_pages(len): How many pages hold a payload of ${len} bytes. */
static inline uint32_t
vk_blob_pages(size_t len)
{
	return (uint32_t)((len + VK_NONCE_LEN + VK_TAG_LEN + VK_PAGE - 1) / VK_PAGE);
}

/* A record as it lies in a leaf. */
struct vk_record {
	const unsigned char *key;
	enum vk_record_kind kind;
	bool blob;
	const unsigned char *payload;
	size_t len;
};

/**
 * vk_node_check(text, level, file_pages):
 * Is this decrypted page a well-formed node of ${level} (0: leaf)?  Everything that later code relies
 * on is checked here, once: a key holder may have written anything.
 */
bool vk_node_check(const unsigned char *text, unsigned level, uint32_t file_pages) VK_MUST;

/** vk_node_count(text), vk_node_used(text) */
static inline unsigned
vk_node_count(const unsigned char *text)
{
	return vk_get16(text + 2);
}

static inline unsigned
vk_node_used(const unsigned char *text)
{
	return vk_get16(text + 4);
}

/** vk_inner_key(text, i), vk_inner_child(text, i, ret): Entry ${i} of a checked inner node. */
const unsigned char *vk_inner_key(const unsigned char *text, unsigned i);
void vk_inner_child(const unsigned char *text, unsigned i, struct vk_child *ret);

/** vk_leaf_record(text, at, ret): The record at offset ${at} of a checked leaf; returns the next offset. */
unsigned vk_leaf_record(const unsigned char *text, unsigned at, struct vk_record *ret);

#endif
