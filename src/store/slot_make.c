/* SPDX-License-Identifier: ISC */
/* A key slot: from what is asked for, or wrapped anew. */
#include <string.h>

#include "store/slots.h"
#include "valetkey/secret.h"

static enum vk_err
check_text(const struct vk_slot_new *new)
{
	const char *program = new->program ? new->program : "", *label = new->label ? new->label : "";

	if (new->type == VK_SLOT_EXTERNAL
		? !*program || strlen(program) > VK_SLOT_PROGRAM_MAX ||
		    program[strspn(program, "abcdefghijklmnopqrstuvwxyz0123456789-")]
		: *program != '\0')
		return vk_fail(VK_EUSAGE, "the name of a program that keeps a key has 1 to %d of a-z, 0-9 and -",
		    VK_SLOT_PROGRAM_MAX);
	if (strlen(label) > VK_SLOT_LABEL_MAX || vk_str_has_control(label, strlen(label)))
		return vk_fail(VK_EUSAGE, "the label of a key slot has at most %d bytes, and no control characters",
		    VK_SLOT_LABEL_MAX);
	return VK_OK;
}

static enum vk_err
check(const struct vk_slot_new *new)
{
	if (!vk_slot_known(new->type) || !new->secret->p)
		return vk_fail(VK_EUSAGE, "a key slot of unknown type");
	if (new->type == VK_SLOT_PASSPHRASE && new->secret->n == 0)
		return vk_fail(VK_EUSAGE, "an empty passphrase protects nothing");
	if (new->type != VK_SLOT_PASSPHRASE && new->secret->n != VK_STORE_KEY_LEN)
		return vk_fail(VK_EUSAGE, "a key has %d bytes", VK_STORE_KEY_LEN);
	return check_text(new);
}

static enum vk_err
put_cost(const struct vk_kdf_cost *cost, unsigned char *clear)
{
	unsigned passes = cost->passes, kib = cost->kib;
	enum vk_err e;

	if (kib == 0 && (e = vk_kdf_calibrate(&passes, &kib)) != VK_OK)
		return e;
	if (passes < VK_KDF_PASSES_LEAST || passes > VK_KDF_PASSES_MAX || kib < VK_KDF_KIB_LEAST ||
	    kib > VK_KDF_KIB_MAX)
		return vk_fail(VK_EUSAGE, "%u passes over %u KiB is no cost for a passphrase", passes, kib);
	vk_put32(clear + VK_SLOT_PASSES, passes);
	vk_put32(clear + VK_SLOT_KIB, kib);
	vk_put32(clear + VK_SLOT_LANES, 1);
	return vk_random(clear + VK_SLOT_SALT, VK_SALT_LEN);
}

void
vk_slot_bound(const unsigned char *id, const unsigned char *clear,
    unsigned char out[VK_SLOT_BOUND_LEN])
{
	memcpy(out, id, VK_STORE_ID_LEN);
	memcpy(out + VK_STORE_ID_LEN, clear, VK_SLOT_WRAPPED);
}

enum vk_err
vk_slot_secret(const unsigned char *id, const unsigned char *clear, const void *secret, size_t n,
    unsigned char ret_key[VK_KEY_LEN])
{
	unsigned char bound[VK_SLOT_BOUND_LEN], ikm[VK_KEY_LEN];
	struct vk_part part = { bound, sizeof(bound) };
	enum vk_err e;

	if (clear[VK_SLOT_TYPE] == VK_SLOT_X25519) {
		memcpy(ret_key, secret, VK_KEY_LEN);
		return VK_OK;
	}
	if (clear[VK_SLOT_TYPE] != VK_SLOT_PASSPHRASE)
		memcpy(ikm, secret, VK_KEY_LEN);
	else if ((e = vk_stretch(secret, n, clear + VK_SLOT_SALT, vk_get32(clear + VK_SLOT_PASSES),
		      vk_get32(clear + VK_SLOT_KIB), ikm)) != VK_OK)
		return e;
	vk_slot_bound(id, clear, bound);
	vk_prf(ikm, "vk1 slot key", &part, 1, ret_key, VK_KEY_LEN);
	vk_wipe(ikm, sizeof(ikm));
	return VK_OK;
}

enum vk_err
vk_slot_wrap(const unsigned char *id, const struct vk_keys *keys, struct vk_slot *slot)
{
	unsigned char bound[VK_SLOT_BOUND_LEN];
	struct vk_wrapped w;
	enum vk_err e;

	vk_slot_bound(id, slot->clear, bound);
	if ((e = vk_wrap(slot->private + VK_PRIVATE_PUBLIC, bound, sizeof(bound), keys->master, &w)) !=
	    VK_OK)
		return e;
	memcpy(slot->clear + VK_SLOT_WRAPPED, &w, sizeof(w));
	return VK_OK;
}

/* A recipient's is given; the others have one that follows from their secret. */
static enum vk_err
put_public(const unsigned char *id, const struct vk_slot_new *new, struct vk_slot *slot)
{
	unsigned char key[VK_KEY_LEN];
	enum vk_err e;

	if (new->type == VK_SLOT_X25519) {
		memcpy(slot->private + VK_PRIVATE_PUBLIC, new->secret->p, VK_KEY_LEN);
		return VK_OK;
	}
	if ((e = vk_slot_secret(id, slot->clear, new->secret->p, new->secret->n, key)) != VK_OK)
		return e;
	vk_x25519_public(key, slot->private + VK_PRIVATE_PUBLIC);
	vk_wipe(key, sizeof(key));
	return VK_OK;
}

enum vk_err
vk_slot_make(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *new, struct vk_slot *ret)
{
	struct vk_slot s = { { 0 }, { 0 } };
	enum vk_err e;

	if ((e = check(new)) != VK_OK)
		return e;
	s.clear[VK_SLOT_TYPE] = (unsigned char)new->type;
	if (new->id)
		memcpy(s.clear + VK_SLOT_ID, new->id, VK_SLOT_ID_LEN);
	else if ((e = vk_random(s.clear + VK_SLOT_ID, VK_SLOT_ID_LEN)) != VK_OK)
		return e;
	vk_put64(s.clear + VK_SLOT_CREATED, (uint64_t)now);
	if (new->type == VK_SLOT_PASSPHRASE && (e = put_cost(&new->cost, s.clear)) != VK_OK)
		return e;
	if (new->type == VK_SLOT_EXTERNAL)
		memcpy(s.clear + VK_SLOT_PROGRAM, new->program, strlen(new->program));
	memcpy(s.private + VK_PRIVATE_ID, s.clear + VK_SLOT_ID, VK_SLOT_ID_LEN);
	s.private[VK_PRIVATE_TYPE] = s.clear[VK_SLOT_TYPE];
	if (new->label)
		memcpy(s.private + VK_PRIVATE_LABEL, new->label, strlen(new->label));
	if ((e = put_public(id, new, &s)) != VK_OK || (e = vk_slot_wrap(id, keys, &s)) != VK_OK)
		return e;
	*ret = s;
	return VK_OK;
}

enum vk_err
vk_slots_fit(const struct vk_slots *slots)
{
	unsigned passphrases = 0;

	for (size_t i = 0; i < slots->n; i++)
		passphrases += slots->v[i].clear[VK_SLOT_TYPE] == VK_SLOT_PASSPHRASE;
	if (passphrases > VK_PASSPHRASES_MAX)
		return vk_fail(VK_ELIMIT, "a keystore has at most %d passphrases", VK_PASSPHRASES_MAX);
	return VK_OK;
}

enum vk_err
vk_slots_make(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *slots, size_t n, unsigned char **ret, size_t *ret_len)
{
	struct vk_slots *all;
	enum vk_err e = VK_OK;

	if (n < 1)
		return vk_fail(VK_EUSAGE, "a keystore needs at least one key slot");
	if (n > VK_SLOTS_MAX)
		return vk_fail(VK_ELIMIT, "a keystore has at most %d key slots", VK_SLOTS_MAX);
	if (!(all = vk_arena_alloc(sizeof(*all))))
		return VK_ENOMEM;
	for (all->n = 0; e == VK_OK && all->n < n; all->n++)
		e = vk_slot_make(id, keys, now, &slots[all->n], &all->v[all->n]);
	if (e == VK_OK && (e = vk_slots_fit(all)) == VK_OK)
		e = vk_slots_encode(id, keys, all, ret, ret_len);
	vk_arena_free(all);
	return e;
}
