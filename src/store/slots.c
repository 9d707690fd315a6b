/* SPDX-License-Identifier: ISC */
/* Slot pages: what is checked of them before anything in them is believed, and writing them. */
#include <string.h>

#include "store/lock.h"
#include "store/slots.h"
#include "valetkey/secret.h"

#define MAGIC "VKSLOTS1"

static bool
program_ok(const unsigned char *p)
{
	size_t n = 0;

	while (n < VK_SLOT_PROGRAM_MAX && ((p[n] >= 'a' && p[n] <= 'z') ||
		(p[n] >= '0' && p[n] <= '9') || p[n] == '-'))
		n++;
	return n > 0 && vk_all_zero(p + n, VK_SLOT_PROGRAM_MAX - n);
}

static bool
cost_ok(const unsigned char *s)
{
	uint32_t passes = vk_get32(s + VK_SLOT_PASSES), kib = vk_get32(s + VK_SLOT_KIB);

	return passes >= 1 && passes <= VK_KDF_PASSES_MAX && kib >= VK_KDF_KIB_MIN &&
	    kib <= VK_KDF_KIB_MAX && vk_get32(s + VK_SLOT_LANES) == 1;
}

/* Slots of a type that is not known are left alone: another one may open the store. */
static bool
clear_ok(const unsigned char *s)
{
	unsigned type = s[VK_SLOT_TYPE];

	if (!vk_slot_known(type))
		return type != 0;
	return vk_all_zero(s + 1, VK_SLOT_ID - 1) &&
	    vk_all_zero(s + VK_SLOT_REST, VK_SLOT_LEN - VK_SLOT_REST) &&
	    (type == VK_SLOT_PASSPHRASE ? cost_ok(s)
				    : vk_all_zero(s + VK_SLOT_SALT, VK_SLOT_PROGRAM - VK_SLOT_SALT)) &&
	    (type == VK_SLOT_EXTERNAL ? program_ok(s + VK_SLOT_PROGRAM)
				      : vk_all_zero(s + VK_SLOT_PROGRAM, VK_SLOT_PROGRAM_MAX));
}

static enum vk_err
check_pages(const struct vk_store *st, const unsigned char *p, unsigned pages)
{
	unsigned passphrases = 0;

	for (unsigned i = 0; i < pages; i++, p += VK_PAGE) {
		unsigned count = vk_slots_in(p);

		if (memcmp(p, MAGIC, 8) != 0 || count < 1 || count > VK_SLOTS_PER_PAGE ||
		    (i + 1 < pages && count != VK_SLOTS_PER_PAGE) || vk_get16(p + VK_SLOTS_INDEX) != i ||
		    !vk_all_zero(p + VK_SLOTS_INDEX + 2, VK_SLOTS_CLEAR - VK_SLOTS_INDEX - 2) ||
		    !vk_all_zero(vk_slot_clear(p, count), (VK_SLOTS_PER_PAGE - (size_t)count) * VK_SLOT_LEN) ||
		    !vk_all_zero(p + VK_SLOTS_REST, VK_PAGE - VK_SLOTS_REST))
			return vk_store_damaged(st, "slot page %u is malformed", i + 1);
		for (unsigned j = 0; j < count; j++) {
			const unsigned char *s = vk_slot_clear(p, j);

			if (!clear_ok(s))
				return vk_store_damaged(st, "key slot %u is malformed",
				    i * VK_SLOTS_PER_PAGE + j + 1);
			passphrases += s[VK_SLOT_TYPE] == VK_SLOT_PASSPHRASE;
		}
	}
	/* Each costs the reader up to a minute: a hostile file shall not ask for forty. */
	if (passphrases > VK_PASSPHRASES_MAX)
		return vk_store_damaged(st, "it has too many passphrase slots");
	return VK_OK;
}

struct pages {
	unsigned char *p;
	size_t n;
};

static enum vk_err
read_pages(struct vk_store *st, void *arg)
{
	struct pages *ret = arg;
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
	*ret = (struct pages){ VK_TAKE(p), n };
	return VK_OK;
}

enum vk_err
vk_slots_read(struct vk_store *st, unsigned char **ret, size_t *ret_len)
{
	struct pages pages;
	enum vk_err e = vk_store_attempt(st, read_pages, &pages);

	if (e != VK_OK)
		return e;
	*ret = pages.p;
	*ret_len = pages.n;
	return VK_OK;
}

/* The key of the private halves: not derived from the session key, so a cached one cannot touch slots. */
static void
slots_key(const struct vk_keys *keys, const unsigned char *id, unsigned char out[VK_KEY_LEN])
{
	struct vk_part input = { id, VK_STORE_ID_LEN };

	vk_prf(keys->master, "vk1 slots", &input, 1, out, VK_KEY_LEN);
}

struct page_ad {
	unsigned char p[VK_STORE_ID_LEN + VK_SLOTS_NONCE];
};

static void
page_ad(const unsigned char *id, const unsigned char *page, struct page_ad *ret)
{
	memcpy(ret->p, id, VK_STORE_ID_LEN);
	memcpy(ret->p + VK_STORE_ID_LEN, page, VK_SLOTS_NONCE);
}

/* Of a known type, everything is; of another one, what tells whose it is. */
static bool
halves_agree(const unsigned char *clear, const unsigned char *private)
{
	const unsigned char *label = private + VK_PRIVATE_LABEL;
	size_t n = strnlen((const char *)label, VK_SLOT_LABEL_MAX);

	if (memcmp(private + VK_PRIVATE_ID, clear + VK_SLOT_ID, VK_SLOT_ID_LEN) != 0 ||
	    private[VK_PRIVATE_TYPE] != clear[VK_SLOT_TYPE])
		return false;
	return !vk_slot_known(clear[VK_SLOT_TYPE]) ||
	    (vk_all_zero(private + VK_PRIVATE_TYPE + 1, VK_PRIVATE_PUBLIC - VK_PRIVATE_TYPE - 1) &&
		vk_all_zero(label + n, VK_SLOT_LABEL_MAX - n) &&
		vk_all_zero(private + VK_PRIVATE_REST, VK_SLOT_PRIVATE_LEN - VK_PRIVATE_REST));
}

/* ${text}: VK_SLOTS_SEALED_LEN bytes for the private halves.  ${to}: where the page's slots go, or NULL. */
static bool
open_page(const unsigned char *key, const unsigned char *id, const unsigned char *page,
    unsigned char *text, struct vk_slot *to)
{
	struct page_ad ad;

	page_ad(id, page, &ad);
	memcpy(text, page + VK_SLOTS_SEALED, VK_SLOTS_SEALED_LEN);
	if (!vk_unseal(key, page + VK_SLOTS_NONCE, ad.p, sizeof(ad.p), text, VK_SLOTS_SEALED_LEN,
		page + VK_SLOTS_TAG))
		return false;
	for (unsigned i = 0; i < VK_SLOTS_PER_PAGE; i++) {
		const unsigned char *clear = vk_slot_clear(page, i);
		const unsigned char *private = text + (size_t)i * VK_SLOT_PRIVATE_LEN;

		if (i < vk_slots_in(page) ? !halves_agree(clear, private)
					  : !vk_all_zero(private, VK_SLOT_PRIVATE_LEN))
			return false;
		if (to && i < vk_slots_in(page)) {
			memcpy(to[i].clear, clear, VK_SLOT_LEN);
			memcpy(to[i].private, private, VK_SLOT_PRIVATE_LEN);
		}
	}
	return true;
}

enum vk_err
vk_slots_open(const struct vk_store *st, const struct vk_keys *keys, const unsigned char *pages,
    size_t len, struct vk_slots **ret)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *text = vk_arena_alloc(VK_SLOTS_SEALED_LEN);
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_KEY_LEN);
	struct vk_slots *slots = ret ? vk_arena_alloc(sizeof(*slots)) : NULL;
	enum vk_err e = text && key && (slots || !ret) ? VK_OK : VK_ENOMEM;

	if (slots)
		slots->n = 0;
	if (e == VK_OK)
		slots_key(keys, st->header.store_id, key);
	for (size_t at = 0; e == VK_OK && at < len; at += VK_PAGE) {
		if (!open_page(key, st->header.store_id, pages + at, text,
			slots ? slots->v + slots->n : NULL))
			e = vk_store_damaged(st, "slot page %zu was tampered with", at / VK_PAGE + 1);
		else if (slots)
			slots->n += vk_slots_in(pages + at);
	}
	if (e == VK_OK && ret)
		*ret = VK_TAKE(slots);
	vk_arena_free(slots);
	return e;
}

enum vk_err
vk_slots_check(struct vk_store *st)
{
	VK_CLEANUP(vk_freep) unsigned char *p = NULL;
	size_t n;
	enum vk_err e = vk_slots_read(st, &p, &n);

	return e == VK_OK && st->keys->have_master ? vk_slots_open(st, st->keys, p, n, NULL) : e;
}

/* Seal the private halves; the clear ones and the store are bound to them. */
static enum vk_err
seal_page(const unsigned char *id, const struct vk_keys *keys, const unsigned char *key,
    unsigned char *page)
{
	unsigned char fresh[VK_DIGEST_LEN];
	struct page_ad ad;
	enum vk_err e;

	if ((e = vk_random(fresh, sizeof(fresh))) != VK_OK)
		return e;
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { page, VK_SLOTS_NONCE },
		{ page + VK_SLOTS_SEALED, VK_SLOTS_SEALED_LEN } };
	vk_prf(keys->nonce, "vk1 nonce", parts, VK_COUNT(parts), page + VK_SLOTS_NONCE, VK_NONCE_LEN);
	page_ad(id, page, &ad);
	vk_seal(key, page + VK_SLOTS_NONCE, ad.p, sizeof(ad.p), page + VK_SLOTS_SEALED,
	    VK_SLOTS_SEALED_LEN, page + VK_SLOTS_TAG);
	return VK_OK;
}

enum vk_err
vk_slots_encode(const unsigned char *id, const struct vk_keys *keys, const struct vk_slots *slots,
    unsigned char **ret, size_t *ret_len)
{
	size_t len = (slots->n + VK_SLOTS_PER_PAGE - 1) / VK_SLOTS_PER_PAGE * VK_PAGE;
	VK_CLEANUP(vk_freep) unsigned char *p = calloc(1, len);
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_KEY_LEN);
	enum vk_err e = VK_OK;

	if (!p || !key)
		return VK_ENOMEM;
	for (size_t i = 0; i < slots->n; i++) {
		unsigned char *page = p + i / VK_SLOTS_PER_PAGE * VK_PAGE;
		size_t in_page = i % VK_SLOTS_PER_PAGE;

		memcpy(page, MAGIC, 8);
		vk_put16(page + VK_SLOTS_COUNT, (unsigned)in_page + 1);
		vk_put16(page + VK_SLOTS_INDEX, (unsigned)(i / VK_SLOTS_PER_PAGE));
		memcpy(page + VK_SLOTS_CLEAR + in_page * VK_SLOT_LEN, slots->v[i].clear, VK_SLOT_LEN);
		memcpy(page + VK_SLOTS_SEALED + in_page * VK_SLOT_PRIVATE_LEN, slots->v[i].private,
		    VK_SLOT_PRIVATE_LEN);
	}
	slots_key(keys, id, key);
	for (size_t at = 0; e == VK_OK && at < len; at += VK_PAGE)
		e = seal_page(id, keys, key, p + at);
	if (e != VK_OK) {
		vk_wipe(p, len); /* private halves that are not sealed yet */
		return e;
	}
	*ret = VK_TAKE(p);
	*ret_len = len;
	return VK_OK;
}
