/* SPDX-License-Identifier: ISC */
/*
 * The tree with some changes in it, written beside the old one.  Going down, a node's changes are
 * divided among its children; children without any stay as they are.  Coming up, each changed
 * node has become one or more new ones, or none, and its parent is made of what is there now.
 *
 * Nodes split into equal parts.  One that is small joins its neighbour when both fit
 * into one page; the neighbour is read for that.
 */
#include <string.h>

#include "store/inplace.h"
#include "valetkey/secret.h"

enum {
	ROOM = VK_PAGE_PLAIN - VK_NODE_HEAD,
	SMALL = ROOM / 4, /* less than this looks for a neighbour */
};

/* A node among its siblings: written, or (${page}) still being made. */
struct part {
	unsigned char key[VK_TREE_KEY]; /* the lowest below it, when it is written */
	struct vk_child child;
	unsigned char *page; /* arena; NULL: it is in the file */
	unsigned used, count; /* of ${page}; head included */
};

/* The siblings of one level under one parent, from left to right; the last is held back. */
struct row {
	unsigned level;
	unsigned char *v; /* VK_INNER_ENTRY bytes each, as in an inner node */
	size_t n, cap;
	struct part last;
	bool any;
};

static void
row_release(struct row *r)
{
	vk_arena_free(r->last.page);
	free(r->v);
	*r = (struct row){ 0 };
}

static enum vk_err
row_append(struct row *r, const unsigned char *key, const struct vk_child *child)
{
	unsigned char *p;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 2 * VK_INNER_MAX;

		if (!(p = reallocarray(r->v, cap, VK_INNER_ENTRY)))
			return VK_ENOMEM;
		r->v = p;
		r->cap = cap;
	}
	p = r->v + r->n++ * VK_INNER_ENTRY;
	memcpy(p, key, VK_TREE_KEY);
	vk_put32(p + VK_TREE_KEY, child->pgno);
	memcpy(p + VK_TREE_KEY + 4, child->tag, VK_TAG_LEN);
	return VK_OK;
}

/* Write the one that was held back, if it is not in the file, and enter it. */
static enum vk_err
row_settle(struct vk_inplace *w, struct row *r)
{
	struct part *p = &r->last;
	enum vk_err e = VK_OK;

	if (!r->any)
		return VK_OK;
	if (p->page) {
		unsigned char *text = vk_page_text(p->page);

		vk_page_head(text, r->level == 0 ? VK_PAGE_LEAF : VK_PAGE_INNER, r->level, p->count, p->used,
		    w->generation);
		memcpy(p->key, text + VK_NODE_HEAD, VK_TREE_KEY);
		e = vk_pages_write(w, p->page, &p->child);
	}
	if (e == VK_OK)
		e = row_append(r, p->key, &p->child);
	vk_arena_free(p->page);
	*p = (struct part){ 0 };
	r->any = false;
	return e;
}

static enum vk_err
part_load(const struct vk_inplace *w, unsigned level, struct part *p)
{
	unsigned char *page;
	enum vk_err e;

	if (p->page)
		return VK_OK;
	if (!(page = vk_arena_alloc(VK_PAGE)))
		return VK_ENOMEM;
	e = vk_page_read(w->st, &p->child, level == 0 ? "leaf" : "inner", page);
	if (e == VK_OK && !vk_node_check(vk_page_text(page), level, w->file_pages))
		e = vk_store_damaged(w->st, "page %u is malformed", p->child.pgno);
	if (e != VK_OK) {
		vk_arena_free(page);
		return e;
	}
	p->page = page;
	p->used = vk_node_used(vk_page_text(page));
	p->count = vk_node_count(vk_page_text(page));
	return VK_OK;
}

static void
part_unload(struct part *p)
{
	if (p->child.pgno == 0)
		return;
	vk_arena_free(p->page);
	p->page = NULL;
}

static bool
is_small(const struct part *p)
{
	return p->page && p->used - VK_NODE_HEAD < SMALL;
}

/* Put ${b}'s entries behind ${a}'s when they fit. */
static enum vk_err
join(struct vk_inplace *w, unsigned level, struct part *a, struct part *b, bool *ret_joined)
{
	enum vk_err e;

	*ret_joined = false;
	if ((e = part_load(w, level, a)) != VK_OK || (e = part_load(w, level, b)) != VK_OK)
		return e;
	if (a->used + b->used - VK_NODE_HEAD > VK_PAGE_PLAIN) {
		part_unload(a);
		part_unload(b);
		return VK_OK;
	}
	for (const struct part *p = a; p; p = p == a ? b : NULL)
		if (p->child.pgno != 0 && (e = vk_pages_free(w, p->child.pgno)) != VK_OK)
			return e;
	memcpy(vk_page_text(a->page) + a->used, vk_page_text(b->page) + VK_NODE_HEAD,
	    b->used - VK_NODE_HEAD);
	a->used += b->used - VK_NODE_HEAD;
	a->count += b->count;
	a->child = (struct vk_child){ 0 };
	vk_arena_free(b->page);
	*b = (struct part){ 0 };
	*ret_joined = true;
	return VK_OK;
}

/* The next sibling.  Takes ${p->page}. */
static enum vk_err
row_push(struct vk_inplace *w, struct row *r, struct part *p)
{
	bool joined = false;
	enum vk_err e = VK_OK;

	if (r->any && (is_small(&r->last) || is_small(p)))
		e = join(w, r->level, &r->last, p, &joined);
	if (e == VK_OK && !joined && (e = row_settle(w, r)) == VK_OK) {
		r->last = *p;
		r->any = true;
		*p = (struct part){ 0 };
	}
	vk_arena_free(p->page);
	return e;
}

/* A node that is filled entry by entry, until it has ${goal} bytes. */
struct filling {
	struct row *row;
	struct part now;
	unsigned goal;
};

/* Room for ${n} bytes of one more entry. */
static enum vk_err
fill(struct vk_inplace *w, struct filling *f, unsigned n, unsigned char **ret)
{
	struct part *p = &f->now;
	enum vk_err e;

	if (p->page && (p->used - VK_NODE_HEAD >= f->goal || p->used + n > VK_PAGE_PLAIN)) {
		e = row_push(w, f->row, p);
		*p = (struct part){ 0 };
		if (e != VK_OK)
			return e;
	}
	if (!p->page) {
		if (!(p->page = vk_arena_alloc(VK_PAGE)))
			return VK_ENOMEM;
		memset(p->page, 0, VK_PAGE);
		p->used = VK_NODE_HEAD;
	}
	*ret = vk_page_text(p->page) + p->used;
	p->used += n;
	p->count++;
	return VK_OK;
}

static enum vk_err
fill_end(struct vk_inplace *w, struct filling *f)
{
	enum vk_err e = f->now.page ? row_push(w, f->row, &f->now) : VK_OK;

	f->now = (struct part){ 0 };
	return e;
}

static void
filling_release(struct filling *f)
{
	vk_arena_free(f->now.page);
}

/* Equal parts, as few as there can be. */
static unsigned
goal_of(size_t total)
{
	size_t parts = (total + ROOM - 1) / ROOM;

	return parts > 1 ? (unsigned)((total + parts - 1) / parts) : ROOM;
}

/* What a leaf holds of a staged record. */
static unsigned
stored_len(const struct vk_staged *s)
{
	return s->len > VK_INLINE_MAX ? VK_BLOB_REF : s->len;
}

/* One step of the merge of a leaf with its changes: an old record, a change, or both for one key. */
struct merge {
	const unsigned char *text;
	unsigned at, left;
	const struct vk_staged *v, *end;
};

static bool
merge_next(struct merge *m, struct vk_record *ret_old, const struct vk_staged **ret_new)
{
	struct vk_record r = { 0 };
	unsigned next = m->at;
	int order;

	if (m->left == 0 && m->v == m->end)
		return false;
	if (m->left > 0)
		next = vk_leaf_record(m->text, m->at, &r);
	order = m->left == 0 ? 1 : m->v == m->end ? -1 : memcmp(r.key, m->v->key, VK_TREE_KEY);
	*ret_new = order >= 0 ? m->v++ : NULL;
	*ret_old = (struct vk_record){ 0 };
	if (order <= 0) {
		*ret_old = r;
		m->at = next;
		m->left--;
	}
	return true;
}

static enum vk_err
put_staged(struct vk_inplace *w, struct filling *f, const struct vk_staged *s)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	unsigned n = stored_len(s);
	unsigned char *to;
	enum vk_err e;

	if ((e = vk_txn_payload(w->st->txn, s, &p)) != VK_OK ||
	    (e = fill(w, f, VK_RECORD_HEAD + n, &to)) != VK_OK)
		return e;
	memcpy(to, s->key, VK_TREE_KEY);
	to[VK_TREE_KEY] = (unsigned char)s->kind;
	to[VK_TREE_KEY + 1] = n < s->len ? VK_FLAG_BLOB : 0;
	vk_put16(to + VK_TREE_KEY + 2, n);
	if (n < s->len)
		return vk_blob_write(w, p.p, p.n, to + VK_RECORD_HEAD);
	memcpy(to + VK_RECORD_HEAD, p.p, n);
	return VK_OK;
}

static enum vk_err
put_old(struct vk_inplace *w, struct filling *f, const struct vk_record *r)
{
	unsigned char *to;
	enum vk_err e = fill(w, f, VK_RECORD_HEAD + (unsigned)r->len, &to);

	if (e == VK_OK)
		memcpy(to, r->key, VK_RECORD_HEAD + r->len);
	return e;
}

/* The old record goes; count it, and free what it points to. */
static enum vk_err
drop_old(struct vk_inplace *w, const struct vk_record *r)
{
	w->records--;
	w->entries -= r->kind == VK_RECORD_ENTRY;
	return r->blob ? vk_blob_free(w, r) : VK_OK;
}

static enum vk_err
splice_leaf(struct vk_inplace *w, const unsigned char *text, const struct vk_staged *v, size_t n,
    struct row *up)
{
	const struct merge start = { text, VK_NODE_HEAD, vk_node_count(text), v, v + n };
	VK_CLEANUP(filling_release) struct filling f = { .row = up };
	const struct vk_staged *new;
	struct merge m = start;
	struct vk_record old;
	size_t total = 0;
	enum vk_err e = VK_OK;

	while (merge_next(&m, &old, &new))
		if (!new)
			total += VK_RECORD_HEAD + old.len;
		else if (new->state == VK_STAGE_PUT)
			total += VK_RECORD_HEAD + stored_len(new);
	f.goal = goal_of(total);
	m = start;
	while (e == VK_OK && merge_next(&m, &old, &new)) {
		if (!new) {
			e = put_old(w, &f, &old);
			continue;
		}
		if (old.key)
			e = drop_old(w, &old);
		if (e == VK_OK && new->state == VK_STAGE_PUT) {
			w->records++;
			w->entries += new->kind == VK_RECORD_ENTRY;
			e = put_staged(w, &f, new);
		}
	}
	return e == VK_OK ? fill_end(w, &f) : e;
}

/* ${below}'s nodes as the entries of new inner nodes. */
static enum vk_err
make_inner(struct vk_inplace *w, struct row *below, struct row *up)
{
	VK_CLEANUP(filling_release) struct filling f = { .row = up };
	unsigned char *to;
	enum vk_err e = row_settle(w, below);

	f.goal = goal_of(below->n * VK_INNER_ENTRY);
	for (size_t i = 0; e == VK_OK && i < below->n; i++)
		if ((e = fill(w, &f, VK_INNER_ENTRY, &to)) == VK_OK)
			memcpy(to, below->v + i * VK_INNER_ENTRY, VK_INNER_ENTRY);
	return e == VK_OK ? fill_end(w, &f) : e;
}

static enum vk_err splice_node(struct vk_inplace *w, unsigned level, const struct vk_child *child,
    const struct vk_staged *v, size_t n, struct row *up);

/* The children of an inner node, each with its share of the changes. */
static enum vk_err
splice_children(struct vk_inplace *w, const unsigned char *text, const struct vk_staged *v, size_t n,
    struct row *below)
{
	unsigned count = vk_node_count(text);
	enum vk_err e = VK_OK;

	for (unsigned i = 0; e == VK_OK && i < count; i++) {
		struct part p = { 0 };
		size_t share = 0;

		vk_inner_child(text, i, &p.child);
		while (share < n && (i + 1 == count ||
				       memcmp(v[share].key, vk_inner_key(text, i + 1), VK_TREE_KEY) < 0))
			share++;
		memcpy(p.key, vk_inner_key(text, i), VK_TREE_KEY);
		e = share ? splice_node(w, below->level, &p.child, v, share, below)
			  : row_push(w, below, &p);
		v += share;
		n -= share;
	}
	return e;
}

static enum vk_err
splice_node(struct vk_inplace *w, unsigned level, const struct vk_child *child,
    const struct vk_staged *v, size_t n, struct row *up)
{
	VK_CLEANUP(row_release) struct row below = { .level = level - 1 };
	struct part p = { .child = *child };
	enum vk_err e;

	if ((e = part_load(w, level, &p)) != VK_OK)
		return e;
	e = vk_pages_free(w, child->pgno);
	if (e == VK_OK && level == 0)
		e = splice_leaf(w, vk_page_text(p.page), v, n, up);
	else if (e == VK_OK)
		e = splice_children(w, vk_page_text(p.page), v, n, &below);
	vk_arena_free(p.page);
	if (e == VK_OK && level > 0)
		e = make_inner(w, &below, up);
	return e;
}

/* A tree without records is one leaf without records. */
static enum vk_err
write_empty(struct vk_inplace *w, struct vk_child *ret_root)
{
	unsigned char *page = vk_arena_alloc(VK_PAGE);
	enum vk_err e = VK_ENOMEM;

	if (page) {
		memset(page, 0, VK_PAGE);
		vk_page_head(vk_page_text(page), VK_PAGE_LEAF, 0, 0, VK_NODE_HEAD, w->generation);
		e = vk_pages_write(w, page, ret_root);
	}
	vk_arena_free(page);
	return e;
}

/* A root with one child is not needed: the child is. */
static enum vk_err
lower_root(struct vk_inplace *w, struct vk_child *root, unsigned *level)
{
	enum vk_err e = VK_OK;

	while (*level > 0) {
		struct part p = { .child = *root };
		bool one;

		if ((e = part_load(w, *level, &p)) != VK_OK)
			return e;
		one = vk_node_count(vk_page_text(p.page)) == 1;
		if (one)
			vk_inner_child(vk_page_text(p.page), 0, root);
		vk_arena_free(p.page);
		if (!one)
			break;
		if ((e = vk_pages_free(w, p.child.pgno)) != VK_OK)
			return e;
		--*level;
	}
	return e;
}

enum vk_err
vk_splice(struct vk_inplace *w, const struct vk_staged *v, size_t n, struct vk_child *ret_root,
    unsigned *ret_height)
{
	VK_CLEANUP(row_release) struct row top = { .level = w->st->header.height - 1 };
	unsigned level;
	enum vk_err e;

	if ((e = splice_node(w, top.level, &w->st->header.root, v, n, &top)) != VK_OK ||
	    (e = row_settle(w, &top)) != VK_OK)
		return e;
	while (top.n > 1) {
		struct row above = { .level = top.level + 1 };

		if (above.level == VK_HEIGHT_MAX)
			return vk_fail(VK_ELIMIT, "the keystore would become too large");
		e = make_inner(w, &top, &above);
		if (e == VK_OK)
			e = row_settle(w, &above);
		row_release(&top);
		top = above;
		if (e != VK_OK)
			return e;
	}
	if (top.n == 0) {
		*ret_height = 1;
		return write_empty(w, ret_root);
	}
	ret_root->pgno = vk_get32(top.v + VK_TREE_KEY);
	memcpy(ret_root->tag, top.v + VK_TREE_KEY + 4, VK_TAG_LEN);
	level = top.level;
	e = lower_root(w, ret_root, &level);
	*ret_height = level + 1;
	return e;
}
