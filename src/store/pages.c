/* SPDX-License-Identifier: ISC */
/* Which pages a commit in place may write to: docs/FORMAT.md, "Pages" and "Reading beside a writer". */
#include <string.h>

#include "store/inplace.h"
#include "valetkey/secret.h"

static enum vk_err
push(struct vk_numbers *l, uint32_t pgno)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		uint32_t *v = reallocarray(l->v, cap, sizeof(*v));

		if (!v)
			return VK_ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = pgno;
	return VK_OK;
}

/* Read the first of the list pages that were not read; ${quarantine} of its numbers, from the front, have to wait. */
static enum vk_err
read_list_page(struct vk_inplace *w, size_t quarantine)
{
	unsigned char *page = vk_arena_alloc(VK_PAGE), *text = page ? vk_page_text(page) : NULL;
	struct vk_child here = w->rest;
	enum vk_err e = page ? vk_page_read(w->st, &here, "list", page) : VK_ENOMEM;
	unsigned count = 0;

	if (e == VK_OK && !vk_chain_check(text, VK_PAGE_LIST, w->st->header.file_pages))
		e = vk_store_damaged(w->st, "list page %u is malformed", here.pgno);
	if (e == VK_OK && (count = vk_node_count(text)) > w->rest_free)
		e = vk_store_damaged(w->st, "more pages are free than its header says");
	for (unsigned i = 0; e == VK_OK && i < count; i++)
		e = push(i < quarantine ? &w->waiting : &w->ready,
		    vk_get32(text + VK_CHAIN_HEAD + (size_t)i * 4));
	if (e == VK_OK) {
		w->rest_free -= count;
		vk_chain_get(text, &w->rest);
		e = push(&w->freed, here.pgno);
	}
	vk_arena_free(page);
	return e;
}

enum vk_err
vk_pages_begin(struct vk_inplace *w, struct vk_store *st)
{
	const struct vk_header *h = &st->header;
	enum vk_err e = VK_OK;

	*w = (struct vk_inplace){ .st = st, .generation = h->generation + 1, .file_pages = h->file_pages,
		.rest = h->list, .rest_free = h->free_pages, .entries = h->entries, .records = h->records };
	while (e == VK_OK && w->waiting.n < h->quarantine)
		e = w->rest.pgno ? read_list_page(w, h->quarantine - w->waiting.n)
				 : vk_store_damaged(st, "fewer pages are free than its header says");
	return e;
}

void
vk_pages_release(struct vk_inplace *w)
{
	free(w->ready.v);
	free(w->waiting.v);
	free(w->freed.v);
	*w = (struct vk_inplace){ 0 };
}

/* A page to write to. */
static enum vk_err
take(struct vk_inplace *w, uint32_t *ret_pgno)
{
	enum vk_err e;

	while (w->ready.n == 0 && w->rest.pgno != 0)
		if ((e = read_list_page(w, 0)) != VK_OK)
			return e;
	if (w->ready.n > 0) {
		*ret_pgno = w->ready.v[--w->ready.n];
		return VK_OK;
	}
	if (w->file_pages == UINT32_MAX)
		return vk_fail(VK_ELIMIT, "the keystore would become too large");
	*ret_pgno = w->file_pages++;
	return VK_OK;
}

enum vk_err
vk_pages_free(struct vk_inplace *w, uint32_t pgno)
{
	return push(&w->freed, pgno);
}

enum vk_err
vk_pages_write(struct vk_inplace *w, unsigned char *page, struct vk_child *ret_child)
{
	const struct vk_store *st = w->st;
	struct vk_child c;
	enum vk_err e;

	if ((e = take(w, &c.pgno)) != VK_OK ||
	    (e = vk_page_seal(st->keys, st->header.store_id, w->generation, &c, page)) != VK_OK ||
	    (e = vk_pwrite_full(st->fd, page, VK_PAGE, (off_t)c.pgno * VK_PAGE)) != VK_OK)
		return e;
	*ret_child = c;
	return VK_OK;
}

static size_t
loose(const struct vk_inplace *w)
{
	return w->freed.n + w->waiting.n + w->ready.n;
}

/* The ${i}th number of the new list's part that is written anew. */
static uint32_t
number_at(const struct vk_inplace *w, size_t i)
{
	if (i < w->freed.n)
		return w->freed.v[i];
	i -= w->freed.n;
	return i < w->waiting.n ? w->waiting.v[i] : w->ready.v[i - w->waiting.n];
}

/*
 * Taking a page for the list shortens it, and may bring in another list page; there
 * is always at least one number, since every commit frees the old root or old slot pages.
 */
static enum vk_err
take_for_list(struct vk_inplace *w, struct vk_numbers *own)
{
	uint32_t pgno = 0;
	enum vk_err e = VK_OK;

	while (e == VK_OK && own->n < (loose(w) + VK_LIST_MAX - 1) / VK_LIST_MAX)
		if ((e = take(w, &pgno)) == VK_OK)
			e = push(own, pgno);
	return e;
}

/* The page ${c->pgno} with the numbers from ${at} on, in front of ${c->...}'s successor ${next}. */
static enum vk_err
write_list_page(struct vk_inplace *w, unsigned char *page, size_t at, unsigned count,
    const struct vk_child *next, struct vk_child *c)
{
	const struct vk_store *st = w->st;
	unsigned char *text = vk_page_text(page);
	enum vk_err e;

	memset(page, 0, VK_PAGE);
	vk_page_head(text, VK_PAGE_LIST, 0, count, VK_CHAIN_HEAD + count * 4, w->generation);
	vk_chain_put(text, next);
	for (unsigned i = 0; i < count; i++)
		vk_put32(text + VK_CHAIN_HEAD + (size_t)i * 4, number_at(w, at + i));
	if ((e = vk_page_seal(st->keys, st->header.store_id, w->generation, c, page)) != VK_OK)
		return e;
	return vk_pwrite_full(st->fd, page, VK_PAGE, (off_t)c->pgno * VK_PAGE);
}

enum vk_err
vk_pages_write_list(struct vk_inplace *w, struct vk_child *ret_list, uint32_t *ret_free,
    uint32_t *ret_quarantine)
{
	unsigned char page[VK_PAGE];
	struct vk_numbers own = { 0 };
	struct vk_child next;
	size_t left;
	enum vk_err e = take_for_list(w, &own);

	left = loose(w);
	next = w->rest;
	/* From the deepest page up, since each holds the tag of the one below; what is not full is the first one. */
	for (size_t i = own.n; e == VK_OK && i-- > 0;) {
		size_t count = left - i < VK_LIST_MAX ? left - i : VK_LIST_MAX;
		struct vk_child c = { .pgno = own.v[i] };

		left -= count;
		e = write_list_page(w, page, left, (unsigned)count, &next, &c);
		next = c;
	}
	free(own.v);
	if (e != VK_OK)
		return e;
	*ret_list = next;
	*ret_free = (uint32_t)(loose(w) + w->rest_free);
	*ret_quarantine = (uint32_t)w->freed.n;
	return VK_OK;
}
