/* SPDX-License-Identifier: ISC */
/*
 * format.h - the bytes of docs/FORMAT.md: offsets, limits, and the pure functions
 * that encode and check them.  No input or output here.
 *
 * All numbers are little endian.  A page is 4096 bytes whatever the machine's is.
 */
#ifndef VK_STORE_FORMAT_H
#define VK_STORE_FORMAT_H

#include <sys/types.h>

#include "crypto/crypto.h"
#include "valetkey/store.h"

enum {
	VK_PAGE = 4096,
	VK_PAGE_PLAIN = VK_PAGE - VK_NONCE_LEN - VK_TAG_LEN, /* 4056 */

	VK_HEADER_LEN = 512,
	VK_HEADER_AD = 152, /* clear part, nonce included */
	VK_PRIVATE_LEN = 312,
	VK_SUSPECT_AT = VK_HEADER_LEN, /* a byte of its own, see docs/FORMAT.md, "Reading beside a writer" */
	VK_WITNESS_AT = VK_HEADER_LEN + 8,
	VK_WITNESS_LEN = 32,
	VK_HEADER_END = VK_WITNESS_AT + VK_WITNESS_LEN, /* 552: what follows in a header's page is zero */
	VK_HEADERS_SPAN = VK_PAGE + VK_HEADER_END, /* both header slots, in one read */

	VK_TREE_KEY = 24,
	VK_NODE_HEAD = 16, /* of every sealed page's text */
	VK_INNER_ENTRY = VK_TREE_KEY + 4 + VK_TAG_LEN, /* 44 */
	VK_INNER_MAX = (VK_PAGE_PLAIN - VK_NODE_HEAD) / VK_INNER_ENTRY, /* 91 */
	VK_RECORD_HEAD = VK_TREE_KEY + 4, /* 28 */
	VK_INLINE_MAX = 1024,
	VK_BLOB_REF = 8 + VK_TAG_LEN, /* 24 */
	VK_PAYLOAD_MAX = 256 * 1024,
	VK_HEIGHT_MAX = 8,
	VK_FIRST_PAGE = 2, /* pages 0 and 1 hold the headers */

	VK_CHAIN_HEAD = VK_NODE_HEAD + 4 + VK_TAG_LEN, /* 36: pages that point to the next of their kind */
	VK_BLOB_CHUNK = VK_PAGE_PLAIN - VK_CHAIN_HEAD, /* 4020 */
	VK_LIST_MAX = (VK_PAGE_PLAIN - VK_CHAIN_HEAD) / 4, /* 1005 page numbers */

	VK_SLOT_LEN = 224, /* the clear half */
	VK_SLOTS_PER_PAGE = 12,
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

/* The first byte of a page's text; the flag of a record whose payload is a blob. */
enum vk_page_type { VK_PAGE_LEAF = 1, VK_PAGE_INNER = 2, VK_PAGE_LIST = 3, VK_PAGE_BLOB = 4 };
enum { VK_FLAG_BLOB = 1 };

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

/* A pointer to a page: where it is and what its tag must be.  ${pgno} 0: there is none. */
struct vk_child {
	uint32_t pgno;
	unsigned char tag[VK_TAG_LEN];
};

/* Everything that hangs from the master key, and the header's key for names.  In the arena. */
struct vk_keys {
	unsigned char master[VK_KEY_LEN]; /* only after a slot was opened */
	unsigned char session[VK_KEY_LEN];
	unsigned char commit[VK_KEY_LEN];
	unsigned char header[VK_KEY_LEN];
	unsigned char page[VK_KEY_LEN];
	unsigned char nonce[VK_KEY_LEN];
	unsigned char tag[VK_KEY_LEN]; /* from the header, once that is open */
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
	struct vk_child list; /* the free pages */
	uint32_t free_pages, quarantine;
};

/** vk_header_open(raw, k, ret): The sealed half of a header; sets ${k->tag}.  VK_ETAMPER. */
enum vk_err vk_header_open(const unsigned char raw[VK_HEADER_LEN], struct vk_keys *k,
    struct vk_header *ret) VK_MUST;

/** vk_header_at(generation): Where in the file the header of that generation lies. */
static inline off_t
vk_header_at(uint64_t generation)
{
	return (off_t)(generation % 2) * VK_PAGE;
}

/** vk_header_tag(raw): What the next header remembers of this one; borrowed. */
const unsigned char *vk_header_tag(const unsigned char raw[VK_HEADER_LEN]);

/** vk_witness_encode(generation, tag, ret): What the other header's page says of the header with that tag. */
void vk_witness_encode(uint64_t generation, const unsigned char tag[VK_TAG_LEN],
    unsigned char ret[VK_WITNESS_LEN]);

/** vk_witness_at(generation): Where in the file the witness of the header of that generation lies. */
static inline off_t
vk_witness_at(uint64_t generation)
{
	return vk_header_at(generation + 1) + VK_WITNESS_AT;
}

/** vk_header_encode(h, k, ret_raw): Both halves. */
enum vk_err vk_header_encode(const struct vk_header *h, const struct vk_keys *k,
    unsigned char ret_raw[VK_HEADER_LEN]) VK_MUST;

/**
 * vk_header_decode(raw, at, ret):
 * The clear half of the header in slot ${at} (0 or 1).  VK_EVERSION for another format or an unknown
 * incompatible feature, VK_ETAMPER for anything else that is not as it must be.
 */
enum vk_err vk_header_decode(const unsigned char raw[VK_HEADER_LEN], unsigned at,
    struct vk_header *ret) VK_MUST;

/** vk_headers_version(raw): VK_EVERSION when either slot has the magic of another version of the format. */
enum vk_err vk_headers_version(const unsigned char *raw) VK_MUST;

/**
 * vk_headers_pick(raw, ret, ret_newest):
 * From both slots as they lie in the file (VK_HEADERS_SPAN bytes): the newest header and which slot has it.
 */
enum vk_err vk_headers_pick(const unsigned char *raw, struct vk_header *ret, unsigned *ret_newest)
    VK_MUST;

/**
 * vk_page_seal(k, id, generation, child, page), vk_page_open(k, id, child, page):
 * VK_PAGE bytes, nonce | text | tag, in place.  Seal for page number ${child->pgno} sets the tag in ${child};
 * open also compares with it.  The text's head is written by vk_page_head().
 */
enum vk_err vk_page_seal(const struct vk_keys *k, const unsigned char *id, uint64_t generation,
    struct vk_child *child, unsigned char *page) VK_MUST;
bool vk_page_open(const struct vk_keys *k, const unsigned char *id, const struct vk_child *child,
    unsigned char *page) VK_MUST;

/** vk_page_head(text, type, level, count, used, generation): The first VK_NODE_HEAD bytes. */
void vk_page_head(unsigned char *text, enum vk_page_type type, unsigned level, unsigned count,
    unsigned used, uint64_t generation);

/** vk_page_text(page): Where the text of a page begins. */
static inline unsigned char *
vk_page_text(unsigned char *page)
{
	return page + VK_NONCE_LEN;
}

/** vk_chain_put(text, next), vk_chain_get(text, ret): The pointer to the next page of a blob or list. */
void vk_chain_put(unsigned char *text, const struct vk_child *next);
void vk_chain_get(const unsigned char *text, struct vk_child *ret);

/** vk_blob_pages(n): How many pages a payload of ${n} bytes takes. */
static inline size_t
vk_blob_pages(size_t n)
{
	return (n + VK_BLOB_CHUNK - 1) / VK_BLOB_CHUNK;
}

/**
 * vk_blob_chunk(page, payload, n, i, generation, next):
 * vk_blob_put_ref(ref, first, n):
 * The text of the ${i}th page of a blob; what a leaf holds in the place of a payload.
 */
void vk_blob_chunk(unsigned char *page, const unsigned char *payload, size_t n, size_t i,
    uint64_t generation, const struct vk_child *next);
void vk_blob_put_ref(unsigned char ref[VK_BLOB_REF], const struct vk_child *first, size_t n);

/* A record as it lies in a leaf. */
struct vk_record {
	const unsigned char *key;
	enum vk_record_kind kind;
	bool blob;
	const unsigned char *payload;
	size_t len;
};

/**
 * vk_chain_check(text, type, file_pages):
 * Is this decrypted page a well-formed blob or list page?
 */
bool vk_chain_check(const unsigned char *text, enum vk_page_type type, uint32_t file_pages) VK_MUST;

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
