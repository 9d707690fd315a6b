/* SPDX-License-Identifier: ISC */
/*
 * Walking over many entries.  They are read a few at a time, and handed on while nothing is held:
 * a slow reader does not keep writers waiting.  Where the file was changed meanwhile, the walk goes on in
 * its newer state behind the last record it had.
 */
#include <string.h>

#include "store/lock.h"
#include "valetkey/secret.h"

enum { BATCH = 16 };

struct walk {
	const struct vk_scope *origin; /* NULL: all */
	unsigned char prefix[8];         /* of its keys */
	unsigned char from[VK_TREE_KEY]; /* the next record is not below this one */
	unsigned char first[VK_TREE_KEY]; /* the default account of the scope we are in */
	unsigned char raw[VK_HEADER_LEN]; /* the state that the cursor stands in; zero: none */
	struct vk_cursor cur;
	struct vk_cred_list batch;
	bool end;
};

/* The key after ${key}; keys are never all ones. */
static void
step_over(unsigned char key[VK_TREE_KEY])
{
	for (unsigned i = VK_TREE_KEY; i-- > 0 && ++key[i] == 0;)
		;
}

static enum vk_err
take(struct vk_store *st, struct walk *w, const struct vk_record *r)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	if (r->kind == VK_RECORD_DEFAULT) {
		memcpy(w->first, r->key, 16);
		memcpy(w->first + 16, r->payload, 8);
	}
	if (r->kind != VK_RECORD_ENTRY)
		return VK_OK;
	if ((e = vk_record_cred(st, r, &c)) != VK_OK)
		return e;
	if (w->origin && !vk_scope_same_origin(&c->scope, w->origin))
		return VK_OK;
	if (memcmp(w->first, r->key, VK_TREE_KEY) == 0)
		c->flags |= VK_CRED_DEFAULT;
	if ((e = vk_cred_list_add(&w->batch, c)) == VK_OK)
		c = NULL;
	return e;
}

static enum vk_err
read_batch(struct vk_store *st, void *arg)
{
	struct walk *w = arg;
	struct vk_record r;
	enum vk_err e = VK_OK;

	if (memcmp(w->raw, st->raw, sizeof(w->raw)) != 0) {
		vk_cursor_free(&w->cur);
		memset(w->raw, 0, sizeof(w->raw));
		w->cur = (struct vk_cursor){ 0 };
		if ((e = vk_cursor_seek(&w->cur, st, w->from)) != VK_OK)
			return e;
		memcpy(w->raw, st->raw, sizeof(w->raw));
	}
	while (w->batch.n < BATCH && (e = vk_cursor_next(&w->cur, &r)) == VK_OK) {
		if (w->origin && memcmp(r.key, w->prefix, 8) != 0) {
			e = VK_ENOENT;
			break;
		}
		if ((e = take(st, w, &r)) != VK_OK)
			break;
		memcpy(w->from, r.key, sizeof(w->from));
		step_over(w->from);
	}
	if (e != VK_OK && e != VK_ENOENT)
		memset(w->raw, 0, sizeof(w->raw)); /* the cursor is lost */
	w->end = e == VK_ENOENT;
	return w->end ? VK_OK : e;
}

enum vk_err
vk_store_each(struct vk_store *st, const struct vk_scope *origin, vk_store_visit *fn, void *arg)
{
	struct walk w = { .origin = origin };
	enum vk_err e = vk_store_need_key(st);

	if (e == VK_OK && origin) {
		vk_key_origin(st->keys, origin, w.prefix);
		memcpy(w.from, w.prefix, sizeof(w.prefix));
	}
	while (e == VK_OK && !w.end) {
		e = vk_store_attempt(st, read_batch, &w);
		for (size_t i = 0; e == VK_OK && i < w.batch.n; i++)
			e = fn(w.batch.v[i], arg);
		vk_cred_list_clear(&w.batch);
	}
	vk_cursor_free(&w.cur);
	return e;
}
