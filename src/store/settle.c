/* SPDX-License-Identifier: ISC */
/* The last step before writing: which of the staged changes are changes? */
#include <stdlib.h>
#include <string.h>

#include "store/stage.h"
#include "valetkey/secret.h"

static int
by_key(const void *a, const void *b)
{
	return memcmp(((const struct vk_staged *)a)->key, ((const struct vk_staged *)b)->key,
	    VK_TREE_KEY);
}

/* The account of a scope that was created first; between equals, the one whose key is lower. */
struct oldest {
	bool any;
	int64_t created;
	unsigned char user[8];
};

static enum vk_err
consider(struct vk_store *st, struct oldest *o, const unsigned char *key,
    const struct vk_payload *p)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e = vk_cred_decode(p->p, p->n, &c);

	if (e != VK_OK)
		return e == VK_ETAMPER ? vk_store_damaged(st, "an entry is malformed") : e;
	if (o->any && (c->created > o->created ||
			  (c->created == o->created && memcmp(key + 16, o->user, 8) > 0)))
		return VK_OK;
	*o = (struct oldest){ .any = true, .created = c->created };
	memcpy(o->user, key + 16, 8);
	return VK_OK;
}

/* Those of the file that stay as they are. */
static enum vk_err
consider_file(struct vk_store *st, struct oldest *o, const unsigned char *group)
{
	VK_CLEANUP(vk_cursor_free) struct vk_cursor cur = { 0 };
	struct vk_record r;
	enum vk_err e = vk_cursor_seek(&cur, st, group);

	if (e != VK_OK)
		return e;
	while ((e = vk_cursor_next(&cur, &r)) == VK_OK && memcmp(r.key, group, 16) == 0) {
		VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };

		if (r.kind != VK_RECORD_ENTRY || vk_txn_get(st->txn, r.key))
			continue;
		if ((e = vk_payload_read(st, &r, &p)) != VK_OK ||
		    (e = consider(st, o, r.key, &p)) != VK_OK)
			return e;
	}
	return e == VK_ENOENT ? VK_OK : e;
}

/* ${at}: the group's default record in the sorted list; its accounts follow it. */
static enum vk_err
find_oldest(struct vk_store *st, size_t at)
{
	struct vk_txn *t = st->txn;
	unsigned char group[VK_TREE_KEY];
	struct oldest o = { 0 };
	enum vk_err e;

	memcpy(group, t->v[at].key, sizeof(group));
	if ((e = consider_file(st, &o, group)) != VK_OK)
		return e;
	for (size_t i = at + 1; i < t->n && memcmp(t->v[i].key, group, 16) == 0; i++) {
		VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };

		if (t->v[i].kind != VK_RECORD_ENTRY || t->v[i].state != VK_STAGE_PUT)
			continue;
		if ((e = vk_txn_payload(t, &t->v[i], &p)) != VK_OK ||
		    (e = consider(st, &o, t->v[i].key, &p)) != VK_OK)
			return e;
	}
	return vk_txn_set(t, group, VK_RECORD_DEFAULT, o.any ? VK_STAGE_PUT : VK_STAGE_REMOVE, o.user,
	    o.any ? sizeof(o.user) : 0);
}

/* Would writing ${s} change anything? */
static enum vk_err
is_change(struct vk_store *st, const struct vk_staged *s, bool *ret)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload now = { 0 };
	VK_CLEANUP(vk_payload_clear) struct vk_payload then = { 0 };
	struct vk_record r;
	enum vk_err e = vk_tree_get(st, &st->walk, s->key, &r);

	if (e == VK_ENOENT) {
		*ret = s->state == VK_STAGE_PUT;
		return VK_OK;
	}
	if (e != VK_OK)
		return e;
	if (s->state == VK_STAGE_REMOVE) {
		*ret = true;
		return VK_OK;
	}
	if ((e = vk_payload_read(st, &r, &then)) != VK_OK ||
	    (e = vk_txn_payload(st->txn, s, &now)) != VK_OK)
		return e;
	*ret = r.kind != s->kind || now.n != then.n || !vk_mem_eq(now.p, then.p, now.n);
	return VK_OK;
}

enum vk_err
vk_txn_settle(struct vk_store *st)
{
	struct vk_txn *t = st->txn;
	size_t kept = 0;
	enum vk_err e;

	if (t->n == 0)
		return VK_OK;
	qsort(t->v, t->n, sizeof(*t->v), by_key);
	vk_txn_reindex(t);
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].state == VK_STAGE_OLDEST && (e = find_oldest(st, i)) != VK_OK)
			return e;
	for (size_t i = 0; i < t->n; i++) {
		bool change = false;

		if ((e = is_change(st, &t->v[i], &change)) != VK_OK)
			return e;
		if (change)
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
	vk_txn_reindex(t);
	return VK_OK;
}
