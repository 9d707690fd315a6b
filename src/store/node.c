/* SPDX-License-Identifier: ISC */
/* Pages of the tree, decrypted: docs/FORMAT.md, "Nodes". */
#include <string.h>

#include "store/format.h"

enum vk_err
vk_extent_seal(const struct vk_keys *k, const unsigned char *id, const char *label,
    uint64_t generation, uint32_t pgno, unsigned char *buf, size_t n,
    unsigned char ret_tag[VK_TAG_LEN])
{
	unsigned char fresh[VK_DIGEST_LEN], where[12], ad[24] = { 0 };
	unsigned char *text = buf + VK_NONCE_LEN, *tag = buf + n - VK_TAG_LEN;
	size_t len = n - VK_NONCE_LEN - VK_TAG_LEN;
	enum vk_err e;

	if ((e = vk_random(fresh, sizeof(fresh))) != VK_OK)
		return e;
	vk_put64(where, generation);
	vk_put32(where + 8, pgno);
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { where, sizeof(where) }, { text, len } };
	vk_prf(k->nonce, "vk0 nonce", parts, VK_COUNT(parts), buf, VK_NONCE_LEN);
	memcpy(ad, label, 4);
	vk_put32(ad + 4, pgno);
	memcpy(ad + 8, id, VK_STORE_ID_LEN);
	vk_seal(k->page, buf, ad, sizeof(ad), text, len, tag);
	memcpy(ret_tag, tag, VK_TAG_LEN);
	return VK_OK;
}

bool
vk_extent_open(const struct vk_keys *k, const unsigned char *id, const char *label,
    const struct vk_child *child, unsigned char *buf, size_t n)
{
	unsigned char ad[24] = { 0 };

	if (memcmp(buf + n - VK_TAG_LEN, child->tag, VK_TAG_LEN) != 0)
		return false;
	memcpy(ad, label, 4);
	vk_put32(ad + 4, child->pgno);
	memcpy(ad + 8, id, VK_STORE_ID_LEN);
	return vk_unseal(k->page, buf, ad, sizeof(ad), buf + VK_NONCE_LEN,
	    n - VK_NONCE_LEN - VK_TAG_LEN, child->tag);
}

static bool
check_inner(const unsigned char *text, uint32_t file_pages)
{
	unsigned count = vk_node_count(text);
	const unsigned char *prev = NULL;

	if (count < 1 || count > VK_INNER_MAX ||
	    vk_node_used(text) != VK_NODE_HEAD + count * VK_INNER_ENTRY)
		return false;
	for (unsigned i = 0; i < count; i++) {
		const unsigned char *key = vk_inner_key(text, i);
		struct vk_child child;

		vk_inner_child(text, i, &child);
		if ((prev && memcmp(prev, key, VK_TREE_KEY) >= 0) || child.pgno < VK_FIRST_PAGE ||
		    child.pgno >= file_pages)
			return false;
		prev = key;
	}
	return true;
}

static bool
check_record(const struct vk_record *r, uint32_t file_pages)
{
	if (r->blob) {
		uint32_t pgno, len;

		if (r->len != VK_BLOB_REF)
			return false;
		pgno = vk_get32(r->payload);
		len = vk_get32(r->payload + 4);
		return r->kind == VK_RECORD_ENTRY && len > VK_INLINE_MAX && len <= VK_PAYLOAD_MAX &&
		    pgno >= VK_FIRST_PAGE && pgno < file_pages &&
		    vk_blob_pages(len) <= file_pages - pgno;
	}
	switch (r->kind) {
	case VK_RECORD_ENTRY:
		return r->len <= VK_INLINE_MAX;
	case VK_RECORD_DEFAULT:
		return r->len == 8 && vk_all_zero(r->key + 16, 8);
	case VK_RECORD_NAME:
		return r->len == VK_TREE_KEY;
	}
	return false;
}

static bool
check_leaf(const unsigned char *text, uint32_t file_pages)
{
	unsigned used = vk_node_used(text), at = VK_NODE_HEAD;
	const unsigned char *prev = NULL;
	struct vk_record r;

	for (unsigned i = 0; i < vk_node_count(text); i++) {
		if (used - at < VK_RECORD_HEAD ||
		    used - at - VK_RECORD_HEAD < vk_get16(text + at + VK_TREE_KEY + 2) ||
		    (text[at + VK_TREE_KEY + 1] & ~VK_FLAG_BLOB) != 0)
			return false;
		at = vk_leaf_record(text, at, &r);
		if ((prev && memcmp(prev, r.key, VK_TREE_KEY) >= 0) || !check_record(&r, file_pages))
			return false;
		prev = r.key;
	}
	return at == used;
}

bool
vk_node_check(const unsigned char *text, unsigned level, uint32_t file_pages)
{
	unsigned used = vk_node_used(text);

	if (text[0] != (level == 0 ? VK_NODE_LEAF : VK_NODE_INNER) || text[1] != level ||
	    used < VK_NODE_HEAD || used > VK_PAGE_PLAIN || vk_get16(text + 6) != 0 ||
	    !vk_all_zero(text + used, VK_PAGE_PLAIN - used))
		return false;
	return level == 0 ? check_leaf(text, file_pages) : check_inner(text, file_pages);
}

const unsigned char *
vk_inner_key(const unsigned char *text, unsigned i)
{
	return text + VK_NODE_HEAD + i * VK_INNER_ENTRY;
}

void
vk_inner_child(const unsigned char *text, unsigned i, struct vk_child *ret)
{
	const unsigned char *p = vk_inner_key(text, i) + VK_TREE_KEY;

	ret->pgno = vk_get32(p);
	memcpy(ret->tag, p + 4, VK_TAG_LEN);
}

unsigned
vk_leaf_record(const unsigned char *text, unsigned at, struct vk_record *ret)
{
	const unsigned char *p = text + at;

	ret->key = p;
	ret->kind = (enum vk_record_kind)p[VK_TREE_KEY];
	ret->blob = (p[VK_TREE_KEY + 1] & VK_FLAG_BLOB) != 0;
	ret->len = vk_get16(p + VK_TREE_KEY + 2);
	ret->payload = p + VK_RECORD_HEAD;
	return at + VK_RECORD_HEAD + (unsigned)ret->len;
}
