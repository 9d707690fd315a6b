/* SPDX-License-Identifier: ISC */
/*
 * Writes a tree bottom up from records in ascending order: nodes are filled, sealed
 * and written one after the other, and what a parent needs of them (first key, page, tag) is
 * kept.  Memory: one node per level and a little output.
 */
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

enum { OUT_PAGES = 16 };

static enum vk_err
drain(struct vk_builder *b)
{
	enum vk_err e = vk_write_full(b->fd, b->out, b->out_len);

	b->out_len = 0;
	return e;
}

static enum vk_err
put_page(struct vk_builder *b, const void *page)
{
	memcpy(b->out + b->out_len, page, VK_PAGE);
	b->out_len += VK_PAGE;
	if (b->next == UINT32_MAX)
		return vk_fail(VK_ELIMIT, "the keystore would become too large");
	b->next++;
	return b->out_len == OUT_PAGES * VK_PAGE ? drain(b) : VK_OK;
}

/* Seal and write the page whose text is complete. */
static enum vk_err
put_sealed(struct vk_builder *b, unsigned char *page, struct vk_child *ret)
{
	struct vk_child c = { .pgno = b->next };
	enum vk_err e = vk_page_seal(b->keys, b->header.store_id, b->header.generation, &c, page);

	if (e == VK_OK && (e = put_page(b, page)) == VK_OK)
		*ret = c;
	return e;
}

enum vk_err
vk_builder_begin(struct vk_builder *b, int fd, const struct vk_keys *keys,
    const struct vk_header *base, const unsigned char *slots, size_t slots_len)
{
	static const unsigned char nothing[VK_PAGE];
	enum vk_err e;

	*b = (struct vk_builder){ .fd = fd, .keys = keys, .header = *base };
	b->header.entries = b->header.records = 0;
	b->header.list = (struct vk_child){ 0 };
	b->header.free_pages = b->header.quarantine = 0;
	b->header.slots_pgno = VK_FIRST_PAGE;
	b->header.slots_pages = (uint32_t)(slots_len / VK_PAGE);
	vk_digest(slots, slots_len, b->header.slots_hash);
	memcpy(b->header.commit, keys->commit, sizeof(b->header.commit));
	memset(b->header.older_tag, 0, sizeof(b->header.older_tag));
	if (!(b->out = malloc((size_t)OUT_PAGES * VK_PAGE)))
		return VK_ENOMEM;
	/* The header pages come last, over these. */
	if ((e = put_page(b, nothing)) != VK_OK || (e = put_page(b, nothing)) != VK_OK)
		return e;
	for (size_t at = 0; at < slots_len; at += VK_PAGE)
		if ((e = put_page(b, slots + at)) != VK_OK)
			return e;
	return VK_OK;
}

/* An empty node at ${level}. */
static enum vk_err
start_node(struct vk_builder *b, unsigned level)
{
	unsigned char *page = b->level[level].page;

	if (!page && !(page = b->level[level].page = vk_arena_alloc(VK_PAGE)))
		return VK_ENOMEM;
	memset(page, 0, VK_PAGE);
	b->level[level].used = VK_NODE_HEAD;
	b->level[level].count = 0;
	if (level >= b->top)
		b->top = level + 1;
	return VK_OK;
}

/* Seal and write the node being filled at ${level}. */
static enum vk_err
write_node(struct vk_builder *b, unsigned level, struct vk_child *ret)
{
	unsigned char *page = b->level[level].page;

	vk_page_head(vk_page_text(page), level == 0 ? VK_PAGE_LEAF : VK_PAGE_INNER, level,
	    b->level[level].count, b->level[level].used, b->header.generation);
	return put_sealed(b, page, ret);
}

static enum vk_err flush_node(struct vk_builder *b, unsigned level);

static enum vk_err
add_child(struct vk_builder *b, unsigned level, const unsigned char *first,
    const struct vk_child *child)
{
	unsigned char *p;
	enum vk_err e;

	if (level >= VK_HEIGHT_MAX)
		return vk_fail(VK_ELIMIT, "the keystore would become too large");
	if (b->level[level].count == VK_INNER_MAX && (e = flush_node(b, level)) != VK_OK)
		return e;
	if (b->level[level].count == 0) {
		if ((e = start_node(b, level)) != VK_OK)
			return e;
		memcpy(b->level[level].first, first, VK_TREE_KEY);
	}
	p = b->level[level].page + VK_NONCE_LEN + b->level[level].used;
	memcpy(p, first, VK_TREE_KEY);
	vk_put32(p + VK_TREE_KEY, child->pgno);
	memcpy(p + VK_TREE_KEY + 4, child->tag, VK_TAG_LEN);
	b->level[level].used += VK_INNER_ENTRY;
	b->level[level].count++;
	return VK_OK;
}

static enum vk_err
flush_node(struct vk_builder *b, unsigned level)
{
	struct vk_child child;
	enum vk_err e = write_node(b, level, &child);

	if (e != VK_OK)
		return e;
	b->level[level].count = 0;
	b->level[level].flushed = true;
	return add_child(b, level + 1, b->level[level].first, &child);
}

/* Write a payload that is too large for a leaf, the last page first; ${ref} is what the leaf holds instead. */
static enum vk_err
write_blob(struct vk_builder *b, const unsigned char *payload, size_t n,
    unsigned char ref[VK_BLOB_REF])
{
	unsigned char *page = vk_arena_alloc(VK_PAGE);
	struct vk_child next = { 0 };
	enum vk_err e = page ? VK_OK : VK_ENOMEM;

	for (size_t i = vk_blob_pages(n); e == VK_OK && i-- > 0;) {
		vk_blob_chunk(page, payload, n, i, b->header.generation, &next);
		e = put_sealed(b, page, &next);
	}
	vk_arena_free(page);
	if (e == VK_OK)
		vk_blob_put_ref(ref, &next, n);
	return e;
}

enum vk_err
vk_builder_add(struct vk_builder *b, const unsigned char *key, enum vk_record_kind kind,
    const unsigned char *payload, size_t n)
{
	unsigned char ref[VK_BLOB_REF], *p;
	bool blob = n > VK_INLINE_MAX;
	enum vk_err e;

	if (n > VK_PAYLOAD_MAX)
		return vk_fail(VK_ELIMIT, "an entry is larger than %d bytes", VK_PAYLOAD_MAX);
	if (blob) {
		if ((e = write_blob(b, payload, n, ref)) != VK_OK)
			return e;
		payload = ref;
		n = sizeof(ref);
	}
	if (b->level[0].count > 0 && b->level[0].used + VK_RECORD_HEAD + n > VK_PAGE_PLAIN &&
	    (e = flush_node(b, 0)) != VK_OK)
		return e;
	if (b->level[0].count == 0) {
		if ((e = start_node(b, 0)) != VK_OK)
			return e;
		memcpy(b->level[0].first, key, VK_TREE_KEY);
	}
	p = b->level[0].page + VK_NONCE_LEN + b->level[0].used;
	memcpy(p, key, VK_TREE_KEY);
	p[VK_TREE_KEY] = (unsigned char)kind;
	p[VK_TREE_KEY + 1] = blob ? VK_FLAG_BLOB : 0;
	vk_put16(p + VK_TREE_KEY + 2, (unsigned)n);
	memcpy(p + VK_RECORD_HEAD, payload, n);
	b->level[0].used += VK_RECORD_HEAD + (unsigned)n;
	b->level[0].count++;
	b->header.records++;
	b->header.entries += kind == VK_RECORD_ENTRY;
	return VK_OK;
}

/* Close all open nodes; the one that has no siblings is the root. */
static enum vk_err
write_root(struct vk_builder *b)
{
	enum vk_err e;

	if (b->top == 0 && (e = start_node(b, 0)) != VK_OK)
		return e;
	for (unsigned level = 0; level < b->top; level++) {
		if (!b->level[level].flushed && level + 1 == b->top) {
			b->header.height = level + 1;
			return write_node(b, level, &b->header.root);
		}
		if ((e = flush_node(b, level)) != VK_OK)
			return e;
	}
	return vk_fail(VK_ESYS, "the tree has no root"); /* not reached */
}

/* The header of ${b->header.generation}, to its slot. */
static enum vk_err
write_header(struct vk_builder *b, unsigned char *ret_raw)
{
	unsigned char raw[VK_HEADER_LEN];
	enum vk_err e = vk_header_encode(&b->header, b->keys, raw);

	if (e == VK_OK)
		e = vk_pwrite_full(b->fd, raw, sizeof(raw), vk_header_at(b->header.generation));
	if (e == VK_OK)
		memcpy(ret_raw, raw, sizeof(raw));
	return e;
}

enum vk_err
vk_builder_finish(struct vk_builder *b, unsigned char *ret_older, unsigned char *ret_newest)
{
	unsigned char witness[VK_WITNESS_LEN];
	enum vk_err e;

	if ((e = write_root(b)) != VK_OK || (e = drain(b)) != VK_OK)
		return e;
	b->header.file_pages = b->next;
	/* Two at once: were a slot empty, it could not be told from one that was wiped out. */
	if ((e = write_header(b, ret_older)) != VK_OK)
		return e;
	b->header.generation++;
	memcpy(b->header.older_tag, vk_header_tag(ret_older), sizeof(b->header.older_tag));
	if ((e = write_header(b, ret_newest)) != VK_OK)
		return e;
	vk_witness_encode(b->header.generation, vk_header_tag(ret_newest), witness);
	return vk_pwrite_full(b->fd, witness, sizeof(witness), vk_witness_at(b->header.generation));
}

void
vk_builder_release(struct vk_builder *b)
{
	for (unsigned i = 0; i < VK_HEIGHT_MAX; i++)
		vk_arena_free(b->level[i].page);
	free(b->out);
	*b = (struct vk_builder){ .fd = -1 };
}
