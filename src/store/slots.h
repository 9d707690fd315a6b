/* SPDX-License-Identifier: ISC */
/*
 * slots.h - key slots: the layout of slot pages (docs/FORMAT.md, "Slot pages"), and what the files share
 * that read them (slots.c), open one (slot_open.c), make and change them (slot_make.c, slot_change.c).
 */
#ifndef VK_STORE_SLOTS_H
#define VK_STORE_SLOTS_H

#include "store/internal.h"

enum {
	/* a slot page */
	VK_SLOTS_COUNT = 8,
	VK_SLOTS_INDEX = 10,
	VK_SLOTS_CLEAR = 16,
	VK_SLOTS_NONCE = VK_SLOTS_CLEAR + VK_SLOTS_PER_PAGE * VK_SLOT_LEN, /* 2704: all before it is bound */
	VK_SLOTS_SEALED = VK_SLOTS_NONCE + VK_NONCE_LEN,
	VK_SLOT_PRIVATE_LEN = 96,
	VK_SLOTS_SEALED_LEN = VK_SLOTS_PER_PAGE * VK_SLOT_PRIVATE_LEN,
	VK_SLOTS_TAG = VK_SLOTS_SEALED + VK_SLOTS_SEALED_LEN,
	VK_SLOTS_REST = VK_SLOTS_TAG + VK_TAG_LEN, /* 3896 */

	/* the clear half of a slot */
	VK_SLOT_TYPE = 0,
	VK_SLOT_ID = 8,
	VK_SLOT_ID_LEN = 8,
	VK_SLOT_CREATED = 16,
	VK_SLOT_SALT = 24,
	VK_SLOT_PASSES = 40,
	VK_SLOT_KIB = 44,
	VK_SLOT_LANES = 48,
	VK_SLOT_PROGRAM = 52,
	VK_SLOT_WRAPPED = 72, /* a struct vk_wrapped */
	VK_SLOT_REST = VK_SLOT_WRAPPED + (int)sizeof(struct vk_wrapped), /* 208 */

	/* its private half */
	VK_PRIVATE_ID = 0,
	VK_PRIVATE_TYPE = 8,
	VK_PRIVATE_PUBLIC = 16,
	VK_PRIVATE_LABEL = 48,
	VK_PRIVATE_REST = VK_PRIVATE_LABEL + VK_SLOT_LABEL_MAX,
};

_Static_assert((int)VK_SLOTS_REST == 3896 && (int)VK_SLOT_REST == 208, "slot page layout");

/* Both halves of a slot, and of all slots of a file.  In the arena: who holds a key is nobody's business. */
struct vk_slot {
	unsigned char clear[VK_SLOT_LEN];
	unsigned char private[VK_SLOT_PRIVATE_LEN];
};

struct vk_slots {
	size_t n;
	struct vk_slot v[VK_SLOTS_MAX];
};

/** vk_slot_known(type): Do we know what a slot of this type holds? */
static inline bool
vk_slot_known(unsigned type)
{
	return type >= VK_SLOT_PASSPHRASE && type <= VK_SLOT_X25519;
}

/** vk_slots_in(page): How many slots a checked page holds. */
static inline unsigned
vk_slots_in(const unsigned char *page)
{
	return vk_get16(page + VK_SLOTS_COUNT);
}

/** vk_slot_clear(page, i): The clear half of slot ${i} of a page. */
static inline const unsigned char *
vk_slot_clear(const unsigned char *page, unsigned i)
{
	return page + VK_SLOTS_CLEAR + (size_t)i * VK_SLOT_LEN;
}

/**
 * vk_slots_open(st, keys, pages, len, ret):
 * With the master key: open the private halves of checked pages, and see that they agree with the clear ones.
 * ${ret}, which may be NULL, is set to both halves of all slots, in the arena; the caller frees.
 */
enum vk_err vk_slots_open(const struct vk_store *st, const struct vk_keys *keys,
    const unsigned char *pages, size_t len, struct vk_slots **ret) VK_MUST;

/** vk_slots_encode(id, keys, slots, ret, ret_len): The pages that hold ${slots}, sealed; heap. */
enum vk_err vk_slots_encode(const unsigned char *id, const struct vk_keys *keys,
    const struct vk_slots *slots, unsigned char **ret, size_t *ret_len) VK_MUST;

/** vk_slots_fit(slots): VK_ELIMIT when there are more than a file may have, VK_EUSAGE when there are none. */
enum vk_err vk_slots_fit(const struct vk_slots *slots) VK_MUST;

/**
 * vk_slot_make(id, keys, now, new, ret):
 * A slot of the store ${id} that opens its master key.  Passphrases take their time here.
 */
enum vk_err vk_slot_make(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *new, struct vk_slot *ret) VK_MUST;

/** vk_slot_wrap(id, keys, slot): Wrap the master key of ${keys} for the holder of ${slot}'s secret key. */
enum vk_err vk_slot_wrap(const unsigned char *id, const struct vk_keys *keys, struct vk_slot *slot)
    VK_MUST;

/**
 * vk_slot_secret(id, clear, secret, n, ret_key):
 * The secret key of a slot: from the passphrase, or from the VK_STORE_KEY_LEN bytes that its type wants.
 */
enum vk_err vk_slot_secret(const unsigned char *id, const unsigned char *clear, const void *secret,
    size_t n, unsigned char ret_key[VK_KEY_LEN]) VK_MUST;

/** vk_slot_bound(id, clear, out): What a wrapping is bound to: the store and the slot's parameters. */
enum { VK_SLOT_BOUND_LEN = VK_STORE_ID_LEN + VK_SLOT_WRAPPED };
void vk_slot_bound(const unsigned char *id, const unsigned char *clear,
    unsigned char out[VK_SLOT_BOUND_LEN]);

#endif
