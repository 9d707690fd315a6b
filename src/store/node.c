/* SPDX-License-Identifier: ISC */
/* Pages, sealed and open: docs/FORMAT.md, "Pages". */
#include <string.h>

#include "store/format.h"

/* What a page's own encryption binds it to: its place in this store. */
enum { AD_LEN = 8 + VK_STORE_ID_LEN };

static void
bound(const unsigned char *id, uint32_t pgno, unsigned char ad[AD_LEN])
{
	memcpy(ad, "page", 4);
	vk_put32(ad + 4, pgno);
	memcpy(ad + 8, id, VK_STORE_ID_LEN);
}

enum vk_err
vk_page_seal(const struct vk_keys *k, const unsigned char *id, uint64_t generation,
    struct vk_child *child, unsigned char *page)
{
	unsigned char fresh[VK_DIGEST_LEN], where[12], ad[AD_LEN];
	unsigned char *text = vk_page_text(page), *tag = page + VK_PAGE - VK_TAG_LEN;
	enum vk_err e;

	if ((e = vk_random(fresh, sizeof(fresh))) != VK_OK)
		return e;
	vk_put64(where, generation);
	vk_put32(where + 8, child->pgno);
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { where, sizeof(where) },
		{ text, VK_PAGE_PLAIN } };
	vk_prf(k->nonce, "vk1 nonce", parts, VK_COUNT(parts), page, VK_NONCE_LEN);
	bound(id, child->pgno, ad);
	vk_seal(k->page, page, ad, sizeof(ad), text, VK_PAGE_PLAIN, tag);
	memcpy(child->tag, tag, VK_TAG_LEN);
	return VK_OK;
}

bool
vk_page_open(const struct vk_keys *k, const unsigned char *id, const struct vk_child *child,
    unsigned char *page)
{
	unsigned char ad[AD_LEN];

	if (memcmp(page + VK_PAGE - VK_TAG_LEN, child->tag, VK_TAG_LEN) != 0)
		return false;
	bound(id, child->pgno, ad);
	return vk_unseal(k->page, page, ad, sizeof(ad), vk_page_text(page), VK_PAGE_PLAIN, child->tag);
}

void
vk_page_head(unsigned char *text, enum vk_page_type type, unsigned level, unsigned count,
    unsigned used, uint64_t generation)
{
	text[0] = (unsigned char)type;
	text[1] = (unsigned char)level;
	vk_put16(text + 2, count);
	vk_put16(text + 4, used);
	vk_put16(text + 6, 0);
	vk_put64(text + 8, generation);
}

void
vk_chain_put(unsigned char *text, const struct vk_child *next)
{
	vk_put32(text + VK_NODE_HEAD, next->pgno);
	memcpy(text + VK_NODE_HEAD + 4, next->tag, VK_TAG_LEN);
}

void
vk_chain_get(const unsigned char *text, struct vk_child *ret)
{
	ret->pgno = vk_get32(text + VK_NODE_HEAD);
	memcpy(ret->tag, text + VK_NODE_HEAD + 4, VK_TAG_LEN);
}

/* What holds for pages of every kind. */
static bool
check_head(const unsigned char *text, enum vk_page_type type, unsigned level)
{
	unsigned used = vk_node_used(text);

	return text[0] == type && text[1] == level && used >= VK_NODE_HEAD && used <= VK_PAGE_PLAIN &&
	    vk_get16(text + 6) == 0 && vk_all_zero(text + used, VK_PAGE_PLAIN - used);
}

bool
vk_chain_check(const unsigned char *text, enum vk_page_type type, uint32_t file_pages)
{
	unsigned count = vk_node_count(text), used = vk_node_used(text);
	struct vk_child next;

	if (!check_head(text, type, 0) || used <= VK_CHAIN_HEAD)
		return false;
	vk_chain_get(text, &next);
	if (next.pgno == 0 ? !vk_all_zero(next.tag, VK_TAG_LEN)
			   : next.pgno < VK_FIRST_PAGE || next.pgno >= file_pages)
		return false;
	if (type == VK_PAGE_BLOB)
		return count == 0 && (next.pgno == 0 || used == VK_PAGE_PLAIN);
	if (used != VK_CHAIN_HEAD + count * 4)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint32_t pgno = vk_get32(text + VK_CHAIN_HEAD + (size_t)i * 4);

		if (pgno < VK_FIRST_PAGE || pgno >= file_pages)
			return false;
	}
	return true;
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
		    pgno >= VK_FIRST_PAGE && pgno < file_pages;
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
	if (!check_head(text, level == 0 ? VK_PAGE_LEAF : VK_PAGE_INNER, level))
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
