/* SPDX-License-Identifier: ISC */
/* Key slots: docs/FORMAT.md, "Slot pages". */
#include <stdio.h>
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

enum {
	/* a slot page */
	AT_COUNT = 8,
	AT_INDEX = 10,
	AT_SLOTS = 16,
	AT_NONCE = AT_SLOTS + VK_SLOTS_PER_PAGE * VK_SLOT_LEN, /* 1936: all before it is bound */
	AT_SEALED = AT_NONCE + VK_NONCE_LEN,
	SEALED_LEN = VK_SLOTS_PER_PAGE * VK_SLOT_LEN,
	AT_TAG = AT_SEALED + SEALED_LEN,
	AT_REST = AT_TAG + VK_TAG_LEN,

	/* a slot */
	S_TYPE = 0,
	S_ID = 8,
	S_CREATED = 16,
	S_SALT = 24,
	S_PASSES = 40,
	S_KIB = 44,
	S_LANES = 48,
	S_COMMIT = VK_SLOT_BOUND,
	S_NONCE = S_COMMIT + VK_KEY_LEN,
	S_WRAPPED = S_NONCE + VK_NONCE_LEN,
	S_TAG = S_WRAPPED + VK_KEY_LEN,
	S_REST = S_TAG + VK_TAG_LEN,

	/* what only the master key opens, per slot */
	P_ID = 0,
	P_TYPE = 8,
	P_KEK = 16,
	P_LABEL = 48,
	P_REST = P_LABEL + VK_SLOT_LABEL_MAX,
};

#define MAGIC "VKSLOTS0"
_Static_assert((int)AT_REST <= (int)VK_PAGE, "slot page layout");

static const struct {
	unsigned passes, mib;
} costs[] = {
	[VK_KDF_INTERACTIVE] = { 2, 64 },
	[VK_KDF_MODERATE] = { 3, 256 },
};

/* What a slot's own wrapping binds: the store and the slot's clear parameters. */
static void
bound(const unsigned char *id, const unsigned char *slot,
    unsigned char out[VK_STORE_ID_LEN + VK_SLOT_BOUND])
{
	memcpy(out, id, VK_STORE_ID_LEN);
	memcpy(out + VK_STORE_ID_LEN, slot, VK_SLOT_BOUND);
}

static enum vk_err
input_key(const unsigned char *slot, const void *secret, size_t n, unsigned char out[VK_KEY_LEN])
{
	if (slot[S_TYPE] == VK_SLOT_PASSPHRASE)
		return vk_stretch(secret, n, slot + S_SALT, vk_get32(slot + S_PASSES),
		    vk_get32(slot + S_KIB), out);
	memcpy(out, secret, VK_KEY_LEN);
	return VK_OK;
}

static enum vk_err
make_slot(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *new, unsigned char *slot, unsigned char *private)
{
	unsigned char ad[VK_STORE_ID_LEN + VK_SLOT_BOUND], ikm[VK_KEY_LEN];
	struct vk_wrapped w;
	enum vk_err e;

	if ((new->type != VK_SLOT_PASSPHRASE && new->type != VK_SLOT_RAW) || !new->secret->p)
		return vk_fail(VK_EUSAGE, "a key slot of unknown type");
	if (new->type == VK_SLOT_RAW ? new->secret->n != VK_STORE_KEY_LEN : new->secret->n == 0)
		return vk_fail(VK_EUSAGE, new->type == VK_SLOT_RAW ? "a raw key has 32 bytes"
								    : "an empty passphrase protects nothing");
	slot[S_TYPE] = (unsigned char)new->type;
	if ((e = vk_random(slot + S_ID, 8)) != VK_OK)
		return e;
	vk_put64(slot + S_CREATED, (uint64_t)now);
	if (new->type == VK_SLOT_PASSPHRASE) {
		if (new->cost != VK_KDF_INTERACTIVE && new->cost != VK_KDF_MODERATE)
			return vk_fail(VK_EUSAGE, "an unknown cost for a passphrase");
		if ((e = vk_random(slot + S_SALT, VK_SALT_LEN)) != VK_OK)
			return e;
		vk_put32(slot + S_PASSES, costs[new->cost].passes);
		vk_put32(slot + S_KIB, costs[new->cost].mib * 1024);
		vk_put32(slot + S_LANES, 1);
	}
	if ((e = input_key(slot, new->secret->p, new->secret->n, ikm)) != VK_OK)
		return e;
	bound(id, slot, ad);
	e = vk_wrap(ikm, ad, sizeof(ad), keys->master, &w, private + P_KEK);
	vk_wipe(ikm, sizeof(ikm));
	if (e != VK_OK)
		return e;
	memcpy(slot + S_COMMIT, w.commit, sizeof(w.commit));
	memcpy(slot + S_NONCE, w.nonce, sizeof(w.nonce));
	memcpy(slot + S_WRAPPED, w.key, sizeof(w.key));
	memcpy(slot + S_TAG, w.tag, sizeof(w.tag));
	memcpy(private + P_ID, slot + S_ID, 8);
	private[P_TYPE] = slot[S_TYPE];
	return VK_OK;
}

/* The key of the sealed half: not derived from the session key, so a cached one cannot touch slots. */
static void
slots_key(const struct vk_keys *keys, const unsigned char *id, unsigned char out[VK_KEY_LEN])
{
	struct vk_part input = { id, VK_STORE_ID_LEN };

	vk_prf(keys->master, "vk1 slots", &input, 1, out, VK_KEY_LEN);
}

/* Seal the private half; the clear half and the store are bound to it. */
static enum vk_err
seal_page(const unsigned char *id, const struct vk_keys *keys, unsigned char *page)
{
	unsigned char key[VK_KEY_LEN], fresh[VK_DIGEST_LEN], ad[VK_STORE_ID_LEN + AT_NONCE];
	enum vk_err e;

	if ((e = vk_random(fresh, sizeof(fresh))) != VK_OK)
		return e;
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { page, AT_NONCE },
		{ page + AT_SEALED, SEALED_LEN } };
	vk_prf(keys->nonce, "vk1 nonce", parts, VK_COUNT(parts), page + AT_NONCE, VK_NONCE_LEN);
	slots_key(keys, id, key);
	memcpy(ad, id, VK_STORE_ID_LEN);
	memcpy(ad + VK_STORE_ID_LEN, page, AT_NONCE);
	vk_seal(key, page + AT_NONCE, ad, sizeof(ad), page + AT_SEALED, SEALED_LEN, page + AT_TAG);
	vk_wipe(key, sizeof(key));
	return VK_OK;
}

enum vk_err
vk_slots_make(const unsigned char *id, const struct vk_keys *keys, int64_t now,
    const struct vk_slot_new *slots, size_t n, unsigned char **ret, size_t *ret_len)
{
	size_t pages = (n + VK_SLOTS_PER_PAGE - 1) / VK_SLOTS_PER_PAGE, passphrases = 0;
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	enum vk_err e;

	for (size_t i = 0; i < n; i++)
		passphrases += slots[i].type == VK_SLOT_PASSPHRASE;
	if (n < 1)
		return vk_fail(VK_EUSAGE, "a keystore needs at least one key slot");
	if (n > VK_SLOTS_MAX || passphrases > VK_PASSPHRASES_MAX)
		return vk_fail(VK_ELIMIT, "a keystore has at most %d key slots, %d of them passphrases",
		    VK_SLOTS_MAX, VK_PASSPHRASES_MAX);
	if (!(p = calloc(pages, VK_PAGE)))
		return VK_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		unsigned char *page = p + i / VK_SLOTS_PER_PAGE * VK_PAGE;
		size_t in_page = i % VK_SLOTS_PER_PAGE;

		memcpy(page, MAGIC, 8);
		vk_put16(page + AT_COUNT, (unsigned)in_page + 1);
		vk_put16(page + AT_INDEX, (unsigned)(i / VK_SLOTS_PER_PAGE));
		e = make_slot(id, keys, now, &slots[i], page + AT_SLOTS + in_page * VK_SLOT_LEN,
		    page + AT_SEALED + in_page * VK_SLOT_LEN);
		if (e == VK_OK && (in_page + 1 == VK_SLOTS_PER_PAGE || i + 1 == n))
			e = seal_page(id, keys, page);
		if (e != VK_OK) {
			vk_wipe(p, pages * VK_PAGE);
			return e;
		}
	}
	*ret = VK_TAKE(p);
	*ret_len = pages * VK_PAGE;
	return VK_OK;
}

/* Slots of a type that is not known are left alone: another one may open the store. */
static bool
slot_ok(const unsigned char *s)
{
	switch (s[S_TYPE]) {
	case 0:
		return false;
	case VK_SLOT_PASSPHRASE:
		return vk_get32(s + S_LANES) == 1 && vk_all_zero(s + 1, S_ID - 1) &&
		    vk_all_zero(s + S_LANES + 4, VK_SLOT_BOUND - S_LANES - 4) &&
		    vk_all_zero(s + S_REST, VK_SLOT_LEN - S_REST);
	case VK_SLOT_RAW:
		return vk_all_zero(s + 1, S_ID - 1) &&
		    vk_all_zero(s + S_SALT, VK_SLOT_BOUND - S_SALT) &&
		    vk_all_zero(s + S_REST, VK_SLOT_LEN - S_REST);
	default:
		return true;
	}
}

static enum vk_err
check_pages(const struct vk_store *st, const unsigned char *p, unsigned pages)
{
	unsigned passphrases = 0;

	for (unsigned i = 0; i < pages; i++, p += VK_PAGE) {
		unsigned count = vk_get16(p + AT_COUNT);

		if (memcmp(p, MAGIC, 8) != 0 || count < 1 || count > VK_SLOTS_PER_PAGE ||
		    (i + 1 < pages && count != VK_SLOTS_PER_PAGE) || vk_get16(p + AT_INDEX) != i ||
		    !vk_all_zero(p + AT_INDEX + 2, AT_SLOTS - AT_INDEX - 2) ||
		    !vk_all_zero(p + AT_SLOTS + count * VK_SLOT_LEN,
			(VK_SLOTS_PER_PAGE - count) * VK_SLOT_LEN) ||
		    !vk_all_zero(p + AT_REST, VK_PAGE - AT_REST))
			return vk_store_damaged(st, "slot page %u is malformed", i + 1);
		for (unsigned j = 0; j < count; j++) {
			const unsigned char *s = p + AT_SLOTS + j * VK_SLOT_LEN;

			if (!slot_ok(s))
				return vk_store_damaged(st, "key slot %u is malformed",
				    i * VK_SLOTS_PER_PAGE + j + 1);
			passphrases += s[S_TYPE] == VK_SLOT_PASSPHRASE;
		}
	}
	/* Each costs the reader up to a minute: a hostile file shall not ask for forty. */
	if (passphrases > VK_PASSPHRASES_MAX)
		return vk_store_damaged(st, "it has too many passphrase slots");
	return VK_OK;
}

enum vk_err
vk_slots_read(struct vk_store *st, unsigned char **ret, size_t *ret_len)
{
	size_t n = (size_t)st->header.slots_pages * VK_PAGE;
	VK_CLEANUP(vk_freep) unsigned char *p = malloc(n);
	unsigned char hash[VK_DIGEST_LEN];
	enum vk_err e;

	if (!p)
		return VK_ENOMEM;
	e = vk_pread_full(st->fd, p, n, (off_t)st->header.slots_pgno * VK_PAGE);
	if (e == VK_ETAMPER)
		return vk_store_damaged(st, "its slot pages are cut off");
	if (e != VK_OK)
		return e;
	vk_digest(p, n, hash);
	if (memcmp(hash, st->header.slots_hash, sizeof(hash)) != 0)
		return vk_store_damaged(st, "its slot pages were changed");
	if ((e = check_pages(st, p, st->header.slots_pages)) != VK_OK)
		return e;
	*ret = VK_TAKE(p);
	*ret_len = n;
	return VK_OK;
}

/* With the master key: does the sealed half agree that these are the slots? */
static enum vk_err
check_sealed(const struct vk_store *st, const struct vk_keys *keys, const unsigned char *page,
    unsigned index)
{
	unsigned char key[VK_KEY_LEN], ad[VK_STORE_ID_LEN + AT_NONCE];
	unsigned char *text = vk_arena_alloc(SEALED_LEN);
	bool ok;

	if (!text)
		return VK_ENOMEM;
	slots_key(keys, st->header.store_id, key);
	memcpy(ad, st->header.store_id, VK_STORE_ID_LEN);
	memcpy(ad + VK_STORE_ID_LEN, page, AT_NONCE);
	memcpy(text, page + AT_SEALED, SEALED_LEN);
	ok = vk_unseal(key, page + AT_NONCE, ad, sizeof(ad), text, SEALED_LEN, page + AT_TAG);
	for (unsigned i = 0; ok && i < VK_SLOTS_PER_PAGE; i++) {
		const unsigned char *s = page + AT_SLOTS + i * VK_SLOT_LEN;
		const unsigned char *private = text + i * VK_SLOT_LEN;

		ok = i < vk_get16(page + AT_COUNT)
		    ? memcmp(private + P_ID, s + S_ID, 8) == 0 && private[P_TYPE] == s[S_TYPE] &&
			(s[S_TYPE] > VK_SLOT_RAW ||
			    (vk_all_zero(private + P_TYPE + 1, P_KEK - P_TYPE - 1) &&
				vk_all_zero(private + P_REST, VK_SLOT_LEN - P_REST)))
		    : vk_all_zero(private, VK_SLOT_LEN);
	}
	vk_wipe(key, sizeof(key));
	vk_arena_free(text);
	return ok ? VK_OK : vk_store_damaged(st, "slot page %u was tampered with", index + 1);
}

enum vk_err
vk_slots_check(struct vk_store *st)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	size_t n;
	enum vk_err e = vk_slots_read(st, &p, &n);

	for (unsigned i = 0; e == VK_OK && st->keys->have_master && i < n / VK_PAGE; i++)
		e = check_sealed(st, st->keys, p + (size_t)i * VK_PAGE, i);
	return e;
}

/* ${keys->master} is set: is it this store's? */
static enum vk_err
accept(struct vk_store *st, struct vk_keys *keys, const unsigned char *pages, size_t n)
{
	enum vk_err e;

	vk_keys_from_master(keys, st->header.store_id);
	if (!vk_mem_eq(keys->commit, st->header.commit, sizeof(keys->commit)))
		return vk_store_damaged(st, "its header and its key slots do not belong together");
	for (unsigned i = 0; i < n / VK_PAGE; i++)
		if ((e = check_sealed(st, keys, pages + (size_t)i * VK_PAGE, i)) != VK_OK)
			return e;
	return vk_store_open_header(st, keys);
}

static enum vk_err
try_slot(struct vk_store *st, const unsigned char *slot, const void *secret, size_t n,
    struct vk_keys *keys)
{
	unsigned char ad[VK_STORE_ID_LEN + VK_SLOT_BOUND], ikm[VK_KEY_LEN];
	struct vk_wrapped w;
	enum vk_err e;

	if ((e = input_key(slot, secret, n, ikm)) != VK_OK)
		return e == VK_ETAMPER ? vk_store_damaged(st, "%s", vk_reason()) : e;
	bound(st->header.store_id, slot, ad);
	memcpy(w.commit, slot + S_COMMIT, sizeof(w.commit));
	memcpy(w.nonce, slot + S_NONCE, sizeof(w.nonce));
	memcpy(w.key, slot + S_WRAPPED, sizeof(w.key));
	memcpy(w.tag, slot + S_TAG, sizeof(w.tag));
	e = vk_unwrap(ikm, ad, sizeof(ad), &w, keys->master);
	vk_wipe(ikm, sizeof(ikm));
	return e == VK_ETAMPER ? vk_store_damaged(st, "a key slot was tampered with") : e;
}

static enum vk_err
unlock(struct vk_store *st, enum vk_slot_type type, const void *secret, size_t n)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
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
		for (unsigned i = 0; e == VK_EKEY && i < vk_get16(p + at + AT_COUNT); i++)
			if (p[at + AT_SLOTS + i * VK_SLOT_LEN + S_TYPE] == (unsigned char)type)
				e = try_slot(st, p + at + AT_SLOTS + i * VK_SLOT_LEN, secret, n, keys);
	if (e == VK_EKEY)
		vk_fail(e, "this %s does not open the keystore %s",
		    type == VK_SLOT_PASSPHRASE ? "passphrase" : "key", st->path);
	else if (e == VK_OK)
		e = accept(st, keys, p, len);
	if (e == VK_OK) {
		vk_arena_free(st->keys);
		st->keys = VK_TAKE(keys);
	}
	vk_arena_free(keys);
	return e;
}

enum vk_err
vk_store_unlock_passphrase(struct vk_store *st, const struct vk_secret *pass)
{
	return unlock(st, VK_SLOT_PASSPHRASE, pass->p ? pass->p : "", pass->n);
}

enum vk_err
vk_store_unlock_raw(struct vk_store *st, const unsigned char key[VK_STORE_KEY_LEN])
{
	return unlock(st, VK_SLOT_RAW, key, VK_STORE_KEY_LEN);
}

enum vk_err
vk_store_slots(struct vk_store *st, struct vk_slot_info *v, size_t max, size_t *ret_n)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	size_t len, n = 0;
	enum vk_err e = vk_slots_read(st, &p, &len);

	if (e != VK_OK)
		return e;
	for (size_t at = 0; at < len; at += VK_PAGE)
		for (unsigned i = 0; i < vk_get16(p + at + AT_COUNT) && n < max; i++, n++) {
			const unsigned char *s = p + at + AT_SLOTS + i * VK_SLOT_LEN;

			v[n] = (struct vk_slot_info){ .type = (enum vk_slot_type)s[S_TYPE],
				.created = (int64_t)vk_get64(s + S_CREATED),
				.kdf_passes = vk_get32(s + S_PASSES), .kdf_mib = vk_get32(s + S_KIB) / 1024 };
			memcpy(v[n].id, s + S_ID, sizeof(v[n].id));
		}
	*ret_n = n;
	return VK_OK;
}
