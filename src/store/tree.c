/* SPDX-License-Identifier: ISC */
/* Down the tree and along its leaves.  Every page is checked against the tag its parent holds. */
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

void
vk_path_forget(struct vk_path *p)
{
	for (unsigned i = 0; i < VK_HEIGHT_MAX; i++)
		p->level[i].pgno = 0;
}

void
vk_path_free(struct vk_path *p)
{
	for (unsigned i = 0; i < VK_HEIGHT_MAX; i++)
		vk_arena_free(p->level[i].page);
	*p = (struct vk_path){ 0 };
}

enum vk_err
vk_page_read(const struct vk_store *st, const struct vk_child *child, const char *what,
    unsigned char *page)
{
	enum vk_err e = vk_pread_full(st->fd, page, VK_PAGE, (off_t)child->pgno * VK_PAGE);

	if (e == VK_ETAMPER)
		return vk_store_damaged(st, "%s page %u is cut off", what, child->pgno);
	if (e == VK_OK && !vk_page_open(st->keys, st->header.store_id, child, page))
		return vk_store_damaged(st, "%s page %u was changed", what, child->pgno);
	return e;
}

/* Bring ${child}, which is ${depth} levels below the root, into ${p}. */
static enum vk_err
load(struct vk_store *st, struct vk_path *p, unsigned depth, const struct vk_child *child,
    const unsigned char **ret_text)
{
	unsigned level = st->header.height - 1 - depth;
	const char *what = level == 0 ? "leaf" : "inner";
	unsigned char *page = p->level[depth].page;

	if (!page && !(page = p->level[depth].page = vk_arena_alloc(VK_PAGE)))
		return VK_ENOMEM;
	if (p->level[depth].pgno != child->pgno) {
		enum vk_err e;

		p->level[depth].pgno = 0;
		if ((e = vk_page_read(st, child, what, page)) != VK_OK)
			return e;
		if (!vk_node_check(vk_page_text(page), level, st->header.file_pages))
			return vk_store_damaged(st, "%s page %u is malformed", what, child->pgno);
		p->level[depth].pgno = child->pgno;
	}
	*ret_text = vk_page_text(page);
	return VK_OK;
}

/* The last entry of an inner node whose key is not above ${key}; -1 when even the first is. */
static int
inner_search(const unsigned char *text, const unsigned char *key)
{
	unsigned low = 0, high = vk_node_count(text);

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (memcmp(vk_inner_key(text, mid), key, VK_TREE_KEY) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (int)low - 1;
}

enum vk_err
vk_tree_get(struct vk_store *st, struct vk_path *walk, const unsigned char *key,
    struct vk_record *ret)
{
	struct vk_child child = st->header.root;
	unsigned depth = 0, at = VK_NODE_HEAD;
	const unsigned char *text;
	struct vk_record r;
	enum vk_err e;

	for (; depth + 1 < st->header.height; depth++) {
		int i;

		if ((e = load(st, walk, depth, &child, &text)) != VK_OK)
			return e;
		if ((i = inner_search(text, key)) < 0)
			return VK_ENOENT;
		vk_inner_child(text, (unsigned)i, &child);
	}
	if ((e = load(st, walk, depth, &child, &text)) != VK_OK)
		return e;
	for (unsigned n = vk_node_count(text); n > 0; n--) {
		int order;

		at = vk_leaf_record(text, at, &r);
		order = memcmp(r.key, key, VK_TREE_KEY);
		if (order > 0)
			break;
		if (order == 0) {
			*ret = r;
			return VK_OK;
		}
	}
	return VK_ENOENT;
}

/* From an entry of an inner node at ${depth}, go down to a leaf, taking what is closest to ${key}. */
static enum vk_err
descend(struct vk_cursor *c, unsigned depth, struct vk_child child, const unsigned char *key)
{
	const unsigned char *text = NULL;
	enum vk_err e;

	for (;; depth++) {
		int i = 0;

		if (c->path.level[depth].pgno != child.pgno)
			c->pages++;
		if ((e = load(c->st, &c->path, depth, &child, &text)) != VK_OK)
			return e;
		if (depth + 1 == c->st->header.height)
			break;
		if (key && (i = inner_search(text, key)) < 0)
			i = 0;
		c->index[depth] = (unsigned)i;
		vk_inner_child(text, (unsigned)i, &child);
	}
	c->at = VK_NODE_HEAD;
	c->left = vk_node_count(text);
	return VK_OK;
}

enum vk_err
vk_cursor_seek(struct vk_cursor *c, struct vk_store *st, const unsigned char *key)
{
	enum vk_err e;

	c->st = st;
	if ((e = descend(c, 0, st->header.root, key)) != VK_OK)
		return e;
	while (key && c->left > 0) {
		const unsigned char *text = c->path.level[st->header.height - 1].page + VK_NONCE_LEN;
		struct vk_record r;
		unsigned next = vk_leaf_record(text, c->at, &r);

		if (memcmp(r.key, key, VK_TREE_KEY) >= 0)
			break;
		c->at = next;
		c->left--;
	}
	return VK_OK;
}

/* To the next leaf, up and down again; VK_ENOENT after the last. */
static enum vk_err
next_leaf(struct vk_cursor *c)
{
	for (unsigned depth = c->st->header.height - 1; depth-- > 0;) {
		const unsigned char *text = c->path.level[depth].page + VK_NONCE_LEN;
		struct vk_child child;

		if (c->index[depth] + 1 >= vk_node_count(text))
			continue;
		vk_inner_child(text, ++c->index[depth], &child);
		return descend(c, depth + 1, child, NULL);
	}
	return VK_ENOENT;
}

enum vk_err
vk_cursor_next(struct vk_cursor *c, struct vk_record *ret)
{
	enum vk_err e;

	while (c->left == 0)
		if ((e = next_leaf(c)) != VK_OK)
			return e;
	c->at = vk_leaf_record(c->path.level[c->st->header.height - 1].page + VK_NONCE_LEN, c->at,
	    ret);
	c->left--;
	return VK_OK;
}

void
vk_cursor_free(struct vk_cursor *c)
{
	vk_path_free(&c->path);
}

/* A blob's payload from its chain of pages, ${len} bytes in all. */
static enum vk_err
read_blob(const struct vk_store *st, struct vk_child next, unsigned char *page,
    unsigned char *to, size_t len)
{
	unsigned char *text = vk_page_text(page);
	size_t at = 0;
	enum vk_err e;

	while (next.pgno != 0) {
		uint32_t pgno = next.pgno;
		size_t n;

		if ((e = vk_page_read(st, &next, "blob", page)) != VK_OK)
			return e;
		if (!vk_chain_check(text, VK_PAGE_BLOB, st->header.file_pages))
			return vk_store_damaged(st, "blob page %u is malformed", pgno);
		n = vk_node_used(text) - VK_CHAIN_HEAD;
		if (n > len - at)
			return vk_store_damaged(st, "a blob has another length than its record says");
		memcpy(to + at, text + VK_CHAIN_HEAD, n);
		at += n;
		vk_chain_get(text, &next);
	}
	return at == len ? VK_OK
			 : vk_store_damaged(st, "a blob has another length than its record says");
}

void
vk_blob_ref(const struct vk_record *r, struct vk_child *ret_first, size_t *ret_len)
{
	ret_first->pgno = vk_get32(r->payload);
	memcpy(ret_first->tag, r->payload + 8, VK_TAG_LEN);
	*ret_len = vk_get32(r->payload + 4);
}

enum vk_err
vk_payload_read(struct vk_store *st, const struct vk_record *r, struct vk_payload *ret)
{
	unsigned char *buf, *page;
	struct vk_child first;
	size_t len;
	enum vk_err e;

	if (!r->blob) {
		*ret = (struct vk_payload){ r->payload, r->len, NULL };
		return VK_OK;
	}
	vk_blob_ref(r, &first, &len);
	buf = vk_arena_alloc(len);
	page = vk_arena_alloc(VK_PAGE);
	e = buf && page ? read_blob(st, first, page, buf, len) : VK_ENOMEM;
	vk_arena_free(page);
	if (e != VK_OK) {
		vk_arena_free(buf);
		return e;
	}
	*ret = (struct vk_payload){ buf, len, buf };
	return VK_OK;
}

void
vk_payload_clear(struct vk_payload *p)
{
	vk_arena_free(p->owned);
	*p = (struct vk_payload){ 0 };
}
