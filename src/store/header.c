/* SPDX-License-Identifier: ISC */
/* The header slots: docs/FORMAT.md, "Header". */
#include <string.h>

#include "store/format.h"
#include "valetkey/secret.h"

#define MAGIC "VKSTORE1"
enum {
	AT_MAGIC = 0,
	AT_MAJOR = 8,
	AT_LENGTH = 10,
	AT_PAGE = 12,
	AT_ID = 16,
	AT_GENERATION = 32,
	AT_INCOMPAT = 40,
	AT_ROCOMPAT = 44,
	AT_COMPAT = 48,
	AT_SLOTS_PGNO = 52,
	AT_SLOTS_PAGES = 56,
	AT_SUITE = 60,
	AT_ZERO = 61,
	AT_SLOTS_HASH = 64,
	AT_COMMIT = 96,
	AT_NONCE = 128,
	AT_PRIVATE = VK_HEADER_AD,
	AT_TAG = AT_PRIVATE + VK_PRIVATE_LEN,
	AT_SUM = AT_TAG + VK_TAG_LEN,

	/* in the sealed part */
	IN_ROOT = 0,
	IN_ROOT_TAG = 4,
	IN_HEIGHT = 20,
	IN_ZERO = 21,
	IN_ENTRIES = 24,
	IN_RECORDS = 32,
	IN_PAGES = 40,
	IN_EPOCH = 44,
	IN_OLDER_TAG = 48,
	IN_CREATED = 64,
	IN_COMMITTED = 72,
	IN_LIST = 80,
	IN_LIST_TAG = 84,
	IN_FREE = 100,
	IN_QUARANTINE = 104,
	IN_ZERO2 = 108,
	IN_TAG_KEY = 112,
	IN_REST = IN_TAG_KEY + VK_KEY_LEN,

	MAJOR = 1,
	SUITE_XCHACHA_BLAKE2 = 1,
};

_Static_assert(AT_SUM + VK_DIGEST_LEN == VK_HEADER_LEN, "header layout");

bool
vk_all_zero(const void *p, size_t n)
{
	const unsigned char *b = p;

	/* Every byte equals the one before it, and the first is zero. */
	return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

static bool
sum_fits(const unsigned char *raw)
{
	unsigned char sum[VK_DIGEST_LEN];

	vk_digest(raw, AT_SUM, sum);
	return memcmp(sum, raw + AT_SUM, sizeof(sum)) == 0;
}

static enum vk_err
check_features(const unsigned char *raw)
{
	if (vk_get16(raw + AT_MAJOR) != MAJOR || raw[AT_SUITE] != SUITE_XCHACHA_BLAKE2 ||
	    vk_get32(raw + AT_INCOMPAT) != 0)
		return vk_fail(VK_EVERSION, "it uses features that this version does not know");
	return VK_OK;
}

enum vk_err
vk_header_decode(const unsigned char raw[VK_HEADER_LEN], unsigned at, struct vk_header *ret)
{
	struct vk_header h = { 0 };
	enum vk_err e;

	if (memcmp(raw, MAGIC, 8) != 0)
		return vk_fail(VK_ETAMPER, "it is not a keystore, or its header is damaged");
	if (!sum_fits(raw))
		return vk_fail(VK_ETAMPER, "its header is damaged");
	if ((e = check_features(raw)) != VK_OK)
		return e;
	if (vk_get16(raw + AT_LENGTH) != VK_HEADER_LEN || vk_get32(raw + AT_PAGE) != VK_PAGE ||
	    !vk_all_zero(raw + AT_ZERO, AT_SLOTS_HASH - AT_ZERO))
		return vk_fail(VK_ETAMPER, "its header is malformed");
	memcpy(h.store_id, raw + AT_ID, sizeof(h.store_id));
	h.generation = vk_get64(raw + AT_GENERATION);
	h.rocompat = vk_get32(raw + AT_ROCOMPAT);
	h.compat = vk_get32(raw + AT_COMPAT);
	h.slots_pgno = vk_get32(raw + AT_SLOTS_PGNO);
	h.slots_pages = vk_get32(raw + AT_SLOTS_PAGES);
	memcpy(h.slots_hash, raw + AT_SLOTS_HASH, sizeof(h.slots_hash));
	memcpy(h.commit, raw + AT_COMMIT, sizeof(h.commit));
	if (h.generation == 0 || h.slots_pgno < VK_FIRST_PAGE || h.slots_pages < 1 ||
	    h.slots_pages > VK_SLOT_PAGES_MAX)
		return vk_fail(VK_ETAMPER, "its header is malformed");
	if (h.generation % 2 != at)
		return vk_fail(VK_ETAMPER, "its header is in the wrong place");
	*ret = h;
	return VK_OK;
}

static bool
decode_private(const unsigned char *in, struct vk_header *h)
{
	h->root.pgno = vk_get32(in + IN_ROOT);
	memcpy(h->root.tag, in + IN_ROOT_TAG, sizeof(h->root.tag));
	h->height = in[IN_HEIGHT];
	h->entries = vk_get64(in + IN_ENTRIES);
	h->records = vk_get64(in + IN_RECORDS);
	h->file_pages = vk_get32(in + IN_PAGES);
	h->epoch = vk_get32(in + IN_EPOCH);
	memcpy(h->older_tag, in + IN_OLDER_TAG, sizeof(h->older_tag));
	h->created = vk_get64(in + IN_CREATED);
	h->committed = vk_get64(in + IN_COMMITTED);
	h->list.pgno = vk_get32(in + IN_LIST);
	memcpy(h->list.tag, in + IN_LIST_TAG, sizeof(h->list.tag));
	h->free_pages = vk_get32(in + IN_FREE);
	h->quarantine = vk_get32(in + IN_QUARANTINE);
	return vk_all_zero(in + IN_ZERO2, IN_TAG_KEY - IN_ZERO2) &&
	    (h->list.pgno == 0 ? h->free_pages == 0 && vk_all_zero(h->list.tag, VK_TAG_LEN)
			       : h->list.pgno >= VK_FIRST_PAGE && h->free_pages > 0) &&
	    h->list.pgno < h->file_pages && h->free_pages < h->file_pages &&
	    h->quarantine <= h->free_pages && vk_all_zero(in + IN_ZERO, IN_ENTRIES - IN_ZERO) &&
	    vk_all_zero(in + IN_REST, VK_PRIVATE_LEN - IN_REST) && h->height >= 1 &&
	    h->height <= VK_HEIGHT_MAX && h->root.pgno >= VK_FIRST_PAGE &&
	    h->root.pgno < h->file_pages && h->slots_pgno < h->file_pages &&
	    h->slots_pages <= h->file_pages - h->slots_pgno && h->entries <= h->records;
}

enum vk_err
vk_header_open(const unsigned char raw[VK_HEADER_LEN], struct vk_keys *k, struct vk_header *ret)
{
	unsigned char in[VK_PRIVATE_LEN];
	struct vk_header h = *ret;
	bool ok;

	memcpy(in, raw + AT_PRIVATE, sizeof(in));
	ok = vk_unseal(k->header, raw + AT_NONCE, raw, VK_HEADER_AD, in, sizeof(in), raw + AT_TAG) &&
	    decode_private(in, &h);
	if (ok)
		memcpy(k->tag, in + IN_TAG_KEY, sizeof(k->tag));
	vk_wipe(in, sizeof(in));
	if (!ok)
		return vk_fail(VK_ETAMPER, "its header was tampered with");
	*ret = h;
	return VK_OK;
}

enum vk_err
vk_header_encode(const struct vk_header *h, const struct vk_keys *k,
    unsigned char ret_raw[VK_HEADER_LEN])
{
	unsigned char raw[VK_HEADER_LEN] = { 0 };
	unsigned char *in = raw + AT_PRIVATE;
	unsigned char fresh[VK_DIGEST_LEN];
	enum vk_err e;

	if ((e = vk_random(fresh, sizeof(fresh))) != VK_OK)
		return e;
	memcpy(raw + AT_MAGIC, MAGIC, 8);
	vk_put16(raw + AT_MAJOR, MAJOR);
	vk_put16(raw + AT_LENGTH, VK_HEADER_LEN);
	vk_put32(raw + AT_PAGE, VK_PAGE);
	memcpy(raw + AT_ID, h->store_id, sizeof(h->store_id));
	vk_put64(raw + AT_GENERATION, h->generation);
	vk_put32(raw + AT_ROCOMPAT, h->rocompat);
	vk_put32(raw + AT_COMPAT, h->compat);
	vk_put32(raw + AT_SLOTS_PGNO, h->slots_pgno);
	vk_put32(raw + AT_SLOTS_PAGES, h->slots_pages);
	raw[AT_SUITE] = SUITE_XCHACHA_BLAKE2;
	memcpy(raw + AT_SLOTS_HASH, h->slots_hash, sizeof(h->slots_hash));
	memcpy(raw + AT_COMMIT, h->commit, sizeof(h->commit));
	vk_put32(in + IN_ROOT, h->root.pgno);
	memcpy(in + IN_ROOT_TAG, h->root.tag, sizeof(h->root.tag));
	in[IN_HEIGHT] = (unsigned char)h->height;
	vk_put64(in + IN_ENTRIES, h->entries);
	vk_put64(in + IN_RECORDS, h->records);
	vk_put32(in + IN_PAGES, h->file_pages);
	vk_put32(in + IN_EPOCH, h->epoch);
	memcpy(in + IN_OLDER_TAG, h->older_tag, sizeof(h->older_tag));
	vk_put64(in + IN_CREATED, h->created);
	vk_put64(in + IN_COMMITTED, h->committed);
	vk_put32(in + IN_LIST, h->list.pgno);
	memcpy(in + IN_LIST_TAG, h->list.tag, sizeof(h->list.tag));
	vk_put32(in + IN_FREE, h->free_pages);
	vk_put32(in + IN_QUARANTINE, h->quarantine);
	memcpy(in + IN_TAG_KEY, k->tag, sizeof(k->tag));
	/* Hedged: were the random bytes to repeat, different texts would still get different nonces. */
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { raw, AT_TAG } };
	vk_prf(k->nonce, "vk1 nonce", parts, VK_COUNT(parts), raw + AT_NONCE, VK_NONCE_LEN);
	vk_seal(k->header, raw + AT_NONCE, raw, VK_HEADER_AD, in, VK_PRIVATE_LEN, raw + AT_TAG);
	vk_digest(raw, AT_SUM, raw + AT_SUM);
	memcpy(ret_raw, raw, sizeof(raw));
	return VK_OK;
}

const unsigned char *
vk_header_tag(const unsigned char raw[VK_HEADER_LEN])
{
	return raw + AT_TAG;
}

void
vk_witness_encode(uint64_t generation, const unsigned char tag[VK_TAG_LEN],
    unsigned char ret[VK_WITNESS_LEN])
{
	unsigned char sum[VK_DIGEST_LEN];

	vk_put64(ret, generation);
	memcpy(ret + 8, tag, VK_TAG_LEN);
	vk_digest(ret, 8 + VK_TAG_LEN, sum);
	memcpy(ret + 8 + VK_TAG_LEN, sum, 8);
}

static enum vk_err
meaningless(unsigned i)
{
	return vk_fail(VK_ETAMPER, "header page %u has bytes that mean nothing", i);
}

static enum vk_err
check_mark(const unsigned char *raw, unsigned i)
{
	const unsigned char *p = raw + (size_t)i * VK_PAGE + VK_SUSPECT_AT;

	return p[0] <= 1 && vk_all_zero(p + 1, VK_WITNESS_AT - VK_SUSPECT_AT - 1) ? VK_OK : meaningless(i);
}

/* The witness in the page of slot ${i} speaks of the header in the other one. */
static enum vk_err
check_witness(const unsigned char *raw, unsigned i, const struct vk_header h[2], unsigned newest)
{
	const unsigned char *p = raw + (size_t)i * VK_PAGE + VK_WITNESS_AT;
	const unsigned char *other = raw + (size_t)!i * VK_PAGE;
	unsigned char expect[VK_WITNESS_LEN];
	uint64_t generation = vk_get64(p);

	if (generation == 0)
		return vk_all_zero(p, VK_WITNESS_LEN) ? VK_OK : meaningless(i);
	if (generation % 2 == i)
		return vk_fail(VK_ETAMPER, "the witness in header page %u is wrong", i);
	if (generation > h[newest].generation)
		return vk_fail(VK_ETAMPER, "its newest header is gone, and an older one in its place");
	vk_witness_encode(generation, generation == h[!i].generation ? vk_header_tag(other) : p + 8, expect);
	return memcmp(expect, p, sizeof(expect)) == 0
	    ? VK_OK
	    : vk_fail(VK_ETAMPER, "the witness in header page %u is wrong", i);
}

/* The magic of another version is trusted to say so: where its checksum lies is not known. */
enum vk_err
vk_headers_version(const unsigned char *raw)
{
	enum vk_err e;

	for (unsigned i = 0; i < 2; i++) {
		const unsigned char *p = raw + (size_t)i * VK_PAGE;

		if (memcmp(p, MAGIC, 7) == 0 && p[7] != MAGIC[7])
			return vk_fail(VK_EVERSION,
			    "it has another format version (VKSTORE%c, this program knows %s)", p[7], MAGIC);
		if (memcmp(p, MAGIC, 8) == 0 && sum_fits(p) && (e = check_features(p)) != VK_OK)
			return e;
	}
	return VK_OK;
}

/*
 * One that is not sound is an error even if the other one is: falling back to an older state in
 * silence is how a revoked credential comes back.
 */
enum vk_err
vk_headers_pick(const unsigned char *raw, struct vk_header *ret, unsigned *ret_newest)
{
	struct vk_header h[2];
	unsigned newest;
	enum vk_err e;

	if ((e = vk_headers_version(raw)) != VK_OK)
		return e;
	for (unsigned i = 0; i < 2; i++)
		if ((e = vk_header_decode(raw + (size_t)i * VK_PAGE, i, &h[i])) != VK_OK)
			return e;
	newest = h[1].generation > h[0].generation;
	if (memcmp(h[0].store_id, h[1].store_id, sizeof(h[0].store_id)) != 0 ||
	    memcmp(h[0].commit, h[1].commit, sizeof(h[0].commit)) != 0 ||
	    h[newest].generation - h[!newest].generation != 1)
		return vk_fail(VK_ETAMPER, "its two headers do not belong together");
	for (unsigned i = 0; i < 2; i++)
		if ((e = check_mark(raw, i)) != VK_OK || (e = check_witness(raw, i, h, newest)) != VK_OK)
			return e;
	*ret = h[newest];
	*ret_newest = newest;
	return VK_OK;
}
