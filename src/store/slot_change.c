/* SPDX-License-Identifier: ISC */
/*
 * Changing who can open a keystore.  What takes long, deriving keys, is done before the lock; what is decided,
 * under it, on the slots that there are by then.
 */
#include <string.h>

#include "store/slots.h"
#include "store/stage.h"
#include "valetkey/secret.h"

enum what { ADD, CHANGE, REMOVE, ROTATE };

struct change {
	enum what what;
	unsigned char id[VK_SLOT_ID_LEN]; /* of the slot to change or remove */
	struct vk_slot *slot;             /* the new one, in the arena, */
	unsigned char commit[VK_KEY_LEN]; /* and the keys that it was made for */
	bool keep_label, rotate;
};

static bool
has_id(const struct vk_slot *s, const unsigned char *id)
{
	return memcmp(s->clear + VK_SLOT_ID, id, VK_SLOT_ID_LEN) == 0;
}

static struct vk_slot *
find(struct vk_slots *all, const unsigned char *id)
{
	for (size_t i = 0; i < all->n; i++)
		if (has_id(&all->v[i], id))
			return &all->v[i];
	return NULL;
}

static enum vk_err
edit(struct vk_slots *all, const struct change *c)
{
	struct vk_slot *s = c->what == CHANGE || c->what == REMOVE ? find(all, c->id) : NULL;
	struct vk_slot *end = all->v + all->n;

	/* External slots bring their own id: the program could not tell two of them apart. */
	if (c->slot && find(all, c->slot->clear + VK_SLOT_ID))
		return vk_fail(VK_EEXIST, "there is a key slot of this id already");
	if (c->what == ROTATE)
		return VK_OK;
	if (c->what == ADD && all->n == VK_SLOTS_MAX)
		return vk_fail(VK_ELIMIT, "a keystore has at most %d key slots", VK_SLOTS_MAX);
	if (c->what == ADD) {
		*end = *c->slot;
		all->n++;
		return VK_OK;
	}
	if (!s)
		return vk_fail(VK_ENOENT, "there is no such key slot");
	if (c->what == CHANGE) {
		if (c->keep_label)
			memcpy(c->slot->private + VK_PRIVATE_LABEL, s->private + VK_PRIVATE_LABEL,
			    VK_SLOT_LABEL_MAX);
		*s = *c->slot;
		return VK_OK;
	}
	if (all->n == 1)
		return vk_fail(VK_EPOLICY, "this is the last key slot: nothing could open the keystore without it");
	memmove(s, s + 1, (size_t)(end - s - 1) * sizeof(*s));
	all->n--;
	return VK_OK;
}

/* A new master key for the store, wrapped for everybody in ${all}. */
static enum vk_err
rekey(const struct vk_store *st, struct vk_slots *all, struct vk_keys *keys)
{
	const unsigned char *id = st->header.store_id;
	enum vk_err e;

	for (size_t i = 0; i < all->n; i++)
		if (!vk_slot_known(all->v[i].clear[VK_SLOT_TYPE]))
			return vk_fail(VK_EVERSION, "the keystore %s has a key slot of a type that this version does "
			    "not know: with new keys it would open no more", st->path);
	if ((e = vk_random(keys->master, sizeof(keys->master))) != VK_OK)
		return e;
	vk_keys_from_master(keys, id);
	/* What orders the records stays. */
	memcpy(keys->tag, st->keys->tag, sizeof(keys->tag));
	for (size_t i = 0; e == VK_OK && i < all->n; i++)
		e = vk_slot_wrap(id, keys, &all->v[i]);
	return e;
}

static enum vk_err
stage(struct vk_store *st, struct vk_slots *all, bool rotate)
{
	struct vk_keys *keys = NULL;
	unsigned char *pages = NULL;
	size_t len;
	enum vk_err e = VK_OK;

	if (rotate) {
		if (!(keys = vk_arena_alloc(sizeof(*keys))))
			return VK_ENOMEM;
		*keys = (struct vk_keys){ 0 };
		e = rekey(st, all, keys);
	}
	if (e == VK_OK)
		e = vk_slots_encode(st->header.store_id, keys ? keys : st->keys, all, &pages, &len);
	if (e == VK_OK)
		vk_txn_slots(st->txn, pages, len);
	if (e == VK_OK && keys)
		vk_txn_rekey(st->txn, VK_TAKE(keys));
	vk_arena_free(keys);
	return e;
}

static enum vk_err
need_master(const struct vk_store *st)
{
	if (vk_store_has_master(st))
		return VK_OK;
	return vk_fail(VK_ELOCKED, "who can open the keystore %s is changed only by who opens it by a key slot: a "
	    "session is not enough", st->path);
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	VK_CLEANUP(vk_freep) unsigned char *pages = NULL;
	const struct change *c = arg;
	struct vk_slots *all = NULL;
	size_t len;
	enum vk_err e;

	/* Keys that were rotated meanwhile may have been opened again by a session. */
	if ((e = need_master(st)) != VK_OK)
		return e;
	if (c->slot && memcmp(c->commit, st->keys->commit, sizeof(c->commit)) != 0 &&
	    (e = vk_slot_wrap(st->header.store_id, st->keys, c->slot)) != VK_OK)
		return e;
	if ((e = vk_slots_read(st, &pages, &len)) != VK_OK ||
	    (e = vk_slots_open(st, st->keys, pages, len, &all)) != VK_OK)
		return e;
	if ((e = edit(all, c)) == VK_OK && (e = vk_slots_fit(all)) == VK_OK)
		e = stage(st, all, c->rotate);
	vk_arena_free(all);
	return e;
}

/* ${new}: NULL when the change needs no new slot. */
static enum vk_err
run(struct vk_store *st, struct change *c, const struct vk_slot_new *new, unsigned char *ret_id)
{
	unsigned char id[VK_SLOT_ID_LEN];
	enum vk_err e;

	if ((e = need_master(st)) != VK_OK)
		return e;
	if (!new)
		return vk_store_commit(st, decide, c);
	if (!(c->slot = vk_arena_alloc(sizeof(*c->slot))))
		return VK_ENOMEM;
	memcpy(c->commit, st->keys->commit, sizeof(c->commit));
	e = vk_slot_make(st->header.store_id, st->keys, vk_store_now(), new, c->slot);
	if (e == VK_OK) {
		memcpy(id, c->slot->clear + VK_SLOT_ID, sizeof(id));
		e = vk_store_commit(st, decide, c);
	}
	vk_arena_free(c->slot);
	if (e == VK_OK)
		memcpy(ret_id, id, sizeof(id));
	return e;
}

enum vk_err
vk_store_slot_add(struct vk_store *st, const struct vk_slot_new *new, unsigned char ret_id[8])
{
	struct change c = { .what = ADD };

	return run(st, &c, new, ret_id);
}

enum vk_err
vk_store_slot_change(struct vk_store *st, const unsigned char id[8], const struct vk_slot_new *new,
    unsigned char ret_id[8])
{
	struct change c = { .what = CHANGE, .keep_label = !new->label };

	memcpy(c.id, id, sizeof(c.id));
	return run(st, &c, new, ret_id);
}

enum vk_err
vk_store_slot_remove(struct vk_store *st, const unsigned char id[8], bool keep_key)
{
	struct change c = { .what = REMOVE, .rotate = !keep_key };

	memcpy(c.id, id, sizeof(c.id));
	return run(st, &c, NULL, NULL);
}

enum vk_err
vk_store_rotate(struct vk_store *st)
{
	struct change c = { .what = ROTATE, .rotate = true };

	return run(st, &c, NULL, NULL);
}
