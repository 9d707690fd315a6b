/* SPDX-License-Identifier: ISC */
/* Opening a keystore by one of its key slots, and saying which slots there are. */
#include <string.h>

#include "store/lock.h"
#include "store/slots.h"
#include "valetkey/secret.h"

/* What somebody offers: tried on every slot of ${type}, or on the one of ${id} alone. */
struct offer {
	enum vk_slot_type type;
	const unsigned char *id;
	const void *secret;
	size_t n;
	/* the slot that it opened */
	size_t index;
	unsigned char public[VK_KEY_LEN];
};

static enum vk_err
try_slot(const struct vk_store *st, const unsigned char *clear, struct offer *o,
    struct vk_keys *keys)
{
	unsigned char bound[VK_SLOT_BOUND_LEN], key[VK_KEY_LEN];
	struct vk_wrapped w;
	enum vk_err e;

	e = vk_slot_secret(st->header.store_id, clear, o->secret, o->n, key);
	if (e != VK_OK)
		return e == VK_ETAMPER ? vk_store_damaged(st, "%s", vk_reason()) : e;
	vk_slot_bound(st->header.store_id, clear, bound);
	memcpy(&w, clear + VK_SLOT_WRAPPED, sizeof(w));
	if ((e = vk_unwrap(key, bound, sizeof(bound), &w, keys->master)) == VK_OK)
		vk_x25519_public(key, o->public);
	vk_wipe(key, sizeof(key));
	return e == VK_ETAMPER ? vk_store_damaged(st, "a key slot was tampered with") : e;
}

static enum vk_err
try_page(const struct vk_store *st, const unsigned char *page, struct offer *o,
    struct vk_keys *keys)
{
	enum vk_err e = VK_EKEY;

	for (unsigned i = 0; e == VK_EKEY && i < vk_slots_in(page); i++) {
		const unsigned char *clear = vk_slot_clear(page, i);

		o->index = (size_t)vk_get16(page + VK_SLOTS_INDEX) * VK_SLOTS_PER_PAGE + i;
		if (clear[VK_SLOT_TYPE] == (unsigned char)o->type &&
		    (!o->id || memcmp(clear + VK_SLOT_ID, o->id, VK_SLOT_ID_LEN) == 0))
			e = try_slot(st, clear, o, keys);
	}
	return e;
}

/*
 * ${keys->master} is set: is it this store's?  And will the next rotation wrap for whoever opened this slot, or for
 * somebody who was put in the holder's place?
 */
static enum vk_err
accept(struct vk_store *st, struct vk_keys *keys, const struct offer *o, const unsigned char *pages,
    size_t n)
{
	struct vk_slots *slots = NULL;
	bool same;
	enum vk_err e;

	vk_keys_from_master(keys, st->header.store_id);
	if (!vk_mem_eq(keys->commit, st->header.commit, sizeof(keys->commit)))
		return vk_store_damaged(st, "its header and its key slots do not belong together");
	if ((e = vk_slots_open(st, keys, pages, n, &slots)) != VK_OK)
		return e;
	same = vk_mem_eq(slots->v[o->index].private + VK_PRIVATE_PUBLIC, o->public, VK_KEY_LEN);
	vk_arena_free(slots);
	if (!same)
		return vk_store_damaged(st, "key slot %zu is kept for another key than the one that opens it",
		    o->index + 1);
	return vk_store_open_header(st, keys);
}

static enum vk_err
not_opened(const struct vk_store *st, enum vk_slot_type type)
{
	static const char *const what[] = {
		[VK_SLOT_PASSPHRASE] = "this passphrase",
		[VK_SLOT_RAW] = "this key",
		[VK_SLOT_EXTERNAL] = "the key that was kept for it",
		[VK_SLOT_X25519] = "this identity",
	};

	return vk_fail(VK_EKEY, "%s does not open the keystore %s", what[type], st->path);
}

static enum vk_err
unlock_once(struct vk_store *st, void *arg)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	struct offer *o = arg;
	struct vk_keys *keys;
	size_t len;
	enum vk_err e;

	if ((e = vk_slots_read(st, &p, &len)) != VK_OK)
		return e;
	if (!(keys = vk_arena_alloc(sizeof(*keys))))
		return VK_ENOMEM;
	*keys = (struct vk_keys){ 0 };
	e = VK_EKEY;
	for (size_t at = 0; e == VK_EKEY && at < len; at += VK_PAGE)
		e = try_page(st, p + at, o, keys);
	if (e == VK_EKEY)
		e = not_opened(st, o->type);
	else if (e == VK_OK)
		e = accept(st, keys, o, p, len);
	if (e == VK_OK) {
		vk_arena_free(st->keys);
		st->keys = VK_TAKE(keys);
	}
	vk_arena_free(keys);
	return e;
}

/* Somebody may have taken his time to type a passphrase, and slots may have moved meanwhile. */
static enum vk_err
unlock(struct vk_store *st, enum vk_slot_type type, const unsigned char *id, const void *secret,
    size_t n)
{
	struct offer o = { .type = type, .id = id, .secret = secret, .n = n };

	return vk_store_attempt(st, unlock_once, &o);
}

enum vk_err
vk_store_unlock_passphrase(struct vk_store *st, const struct vk_secret *pass)
{
	return unlock(st, VK_SLOT_PASSPHRASE, NULL, pass->p ? pass->p : "", pass->n);
}

enum vk_err
vk_store_unlock_raw(struct vk_store *st, const unsigned char key[VK_STORE_KEY_LEN])
{
	return unlock(st, VK_SLOT_RAW, NULL, key, VK_STORE_KEY_LEN);
}

enum vk_err
vk_store_unlock_identity(struct vk_store *st, const unsigned char identity[VK_STORE_KEY_LEN])
{
	return unlock(st, VK_SLOT_X25519, NULL, identity, VK_STORE_KEY_LEN);
}

enum vk_err
vk_store_unlock_external(struct vk_store *st, const unsigned char slot[8],
    const unsigned char key[VK_STORE_KEY_LEN])
{
	return unlock(st, VK_SLOT_EXTERNAL, slot, key, VK_STORE_KEY_LEN);
}

bool
vk_store_has_master(const struct vk_store *st)
{
	return st->keys && st->keys->have_master;
}

static void
describe(const unsigned char *clear, struct vk_slot_info *ret)
{
	*ret = (struct vk_slot_info){ .type = (enum vk_slot_type)clear[VK_SLOT_TYPE],
		.created = (int64_t)vk_get64(clear + VK_SLOT_CREATED) };
	memcpy(ret->id, clear + VK_SLOT_ID, sizeof(ret->id));
	if (ret->type == VK_SLOT_PASSPHRASE) {
		ret->kdf_passes = vk_get32(clear + VK_SLOT_PASSES);
		ret->kdf_kib = vk_get32(clear + VK_SLOT_KIB);
	}
	if (ret->type == VK_SLOT_EXTERNAL)
		memcpy(ret->program, clear + VK_SLOT_PROGRAM, VK_SLOT_PROGRAM_MAX);
}

static void
describe_private(const struct vk_slot *slot, struct vk_slot_info *info)
{
	if (!vk_slot_known(info->type))
		return;
	memcpy(info->label, slot->private + VK_PRIVATE_LABEL, VK_SLOT_LABEL_MAX);
	memcpy(info->public_key, slot->private + VK_PRIVATE_PUBLIC, sizeof(info->public_key));
}

struct listing {
	struct vk_slot_info *v;
	size_t max, n;
};

static enum vk_err
list_once(struct vk_store *st, void *arg)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	struct vk_slots *slots = NULL;
	struct listing *l = arg;
	size_t len;
	enum vk_err e = vk_slots_read(st, &p, &len);

	if (e == VK_OK && vk_store_has_master(st))
		e = vk_slots_open(st, st->keys, p, len, &slots);
	if (e != VK_OK)
		return e;
	l->n = 0;
	for (size_t at = 0; at < len; at += VK_PAGE)
		for (unsigned i = 0; i < vk_slots_in(p + at) && l->n < l->max; i++, l->n++) {
			describe(vk_slot_clear(p + at, i), &l->v[l->n]);
			if (slots)
				describe_private(&slots->v[l->n], &l->v[l->n]);
		}
	vk_arena_free(slots);
	return VK_OK;
}

enum vk_err
vk_store_slots(struct vk_store *st, struct vk_slot_info *v, size_t max, size_t *ret_n)
{
	struct listing l = { .v = v, .max = max };
	enum vk_err e = vk_store_attempt(st, list_once, &l);

	if (e == VK_OK)
		*ret_n = l.n;
	return e;
}
