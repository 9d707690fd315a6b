/* SPDX-License-Identifier: ISC */
/* Slot pages: docs/FORMAT.md, section 4. */
#include "make.h"

/* The slots of "all-types", in their order. */
enum { PASS, RAW, EXTERNAL, RECIPIENT };

/* Where a field of slot ${i} lies in its page: of the clear half, of the private one. */
#define CLEAR(i, field) (VK_SLOTS_CLEAR + (i) * VK_SLOT_LEN + (field))
#define PRIVATE(i, field) (VK_SLOTS_SEALED + (i) * VK_SLOT_PRIVATE_LEN + (field))

/* Opening a slot is to fail; a session key, which opens none, has to be asked for a full check. */
static void
ask_less(struct image *im, const struct variant *v)
{
	if (strcmp(v->how, "session") != 0)
		no_verify(im);
}

/* A byte, and the header's hash; nobody's key was needed. */
static void
flip_slots(struct image *im, const struct variant *v)
{
	ask_less(im, v);
	image_slots(im, 0)[v->at] ^= (unsigned char)v->value;
	image_fix_slots(im, false);
}

/* The same by a thief of the session key, who can make a header that fits. */
static void
flip_thief(struct image *im, const struct variant *v)
{
	ask_less(im, v);
	image_slots(im, 0)[v->at] ^= (unsigned char)v->value;
	image_fix_slots(im, true);
}

static void
flip_thief_last(struct image *im, const struct variant *v)
{
	ask_less(im, v);
	image_slots(im, vk_get32(image_newest(im) + 56) - 1)[v->at] ^= (unsigned char)v->value;
	image_fix_slots(im, true);
}

/* By a holder of the master key: all seals are as they must be. */
static void
flip_sealed(struct image *im, const struct variant *v)
{
	ask_less(im, v);
	image_open_slots(im, 0);
	image_slots(im, 0)[v->at] ^= (unsigned char)v->value;
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

static void
set_sealed(struct image *im, const struct variant *v)
{
	ask_less(im, v);
	image_open_slots(im, 0);
	vk_put32(image_slots(im, 0) + v->at, v->value);
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

/* Both halves of a slot get another type, as the private halves' seal wants it. */
static void
retype(struct image *im, const struct variant *v)
{
	image_open_slots(im, 0);
	image_slots(im, 0)[CLEAR(v->at, VK_SLOT_TYPE)] = (unsigned char)v->value;
	image_slots(im, 0)[PRIVATE(v->at, VK_PRIVATE_TYPE)] = (unsigned char)v->value;
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

static void
rename_program(struct image *im, const struct variant *v)
{
	unsigned char *name;

	image_open_slots(im, 0);
	name = image_slots(im, 0) + CLEAR(v->at, VK_SLOT_PROGRAM);
	memset(name, 0, VK_SLOT_PROGRAM_MAX);
	memcpy(name, v->text, v->value);
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

/* Slot ${at} of ${value} copies, itself included; the others are as many less. */
static void
repeat(struct image *im, const struct variant *v)
{
	unsigned char *p = image_slots(im, 0);

	image_open_slots(im, 0);
	for (unsigned i = 0; i < v->value; i++) {
		memcpy(p + CLEAR(i, 0), p + CLEAR(v->at, 0), VK_SLOT_LEN);
		memcpy(p + PRIVATE(i, 0), p + PRIVATE(v->at, 0), VK_SLOT_PRIVATE_LEN);
	}
	vk_put16(p + VK_SLOTS_COUNT, v->value);
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

/* The first page has one slot less than it could have. */
static void
take_one(struct image *im, const struct variant *v)
{
	unsigned char *p = image_slots(im, 0);
	unsigned last = VK_SLOTS_PER_PAGE - 1;

	(void)v;
	image_open_slots(im, 0);
	memset(p + CLEAR(last, 0), 0, VK_SLOT_LEN);
	memset(p + PRIVATE(last, 0), 0, VK_SLOT_PRIVATE_LEN);
	vk_put16(p + VK_SLOTS_COUNT, last);
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

/* The second page has none. */
static void
empty_last(struct image *im, const struct variant *v)
{
	unsigned char *p = image_slots(im, 1);

	(void)v;
	image_open_slots(im, 1);
	memset(p + CLEAR(0, 0), 0, 2 * VK_SLOT_LEN);
	memset(p + PRIVATE(0, 0), 0, 2 * VK_SLOT_PRIVATE_LEN);
	vk_put16(p + VK_SLOTS_COUNT, 0);
	image_seal_slots(im, 1);
	image_fix_slots(im, true);
}

static void
swap_slot_pages(struct image *im, const struct variant *v)
{
	swap_pages(im, v);
	image_fix_slots(im, true);
}

/* A page that another store's slots are in, and a hash that fits. */
static void
foreign_slots(struct image *im, const struct variant *v)
{
	memcpy(image_slots(im, 0), other_image()->p + (size_t)v->at * VK_PAGE, VK_PAGE);
	image_fix_slots(im, true);
}

/* The last slot is taken away by a thief of the session key. */
static void
take_last(struct image *im, const struct variant *v)
{
	unsigned char *p = image_slots(im, 0);

	(void)v;
	memset(p + CLEAR(RECIPIENT, 0), 0, VK_SLOT_LEN);
	vk_put16(p + VK_SLOTS_COUNT, RECIPIENT);
	image_fix_slots(im, true);
}

/* Wrapped so that it would open for everybody: the ephemeral key is one with which all shared secrets are zero. */
static void
open_for_all(struct image *im, const struct variant *v)
{
	static const unsigned char zero[VK_KEY_LEN];
	unsigned char bound[VK_SLOT_BOUND_LEN + VK_KEY_LEN], both[2 * VK_KEY_LEN];
	unsigned char *s = image_slots(im, 0) + CLEAR(0, 0);
	const unsigned char *public;
	struct vk_wrapped w = { .ephemeral = { (unsigned char)v->at }, .nonce = { 1 } };

	image_open_slots(im, 0);
	public = image_slots(im, 0) + PRIVATE(0, VK_PRIVATE_PUBLIC);
	memset(s + VK_SLOT_WRAPPED, 0, sizeof(w));
	vk_slot_bound(im->id, s, bound);
	memcpy(bound + VK_SLOT_BOUND_LEN, w.ephemeral, VK_KEY_LEN);
	struct vk_part parts[] = { { bound, sizeof(bound) }, { public, VK_KEY_LEN } };
	vk_prf(zero, "vk1 slot", parts, VK_COUNT(parts), both, sizeof(both));
	memcpy(w.commit, both + VK_KEY_LEN, VK_KEY_LEN);
	memcpy(w.key, im->keys.master, VK_KEY_LEN);
	vk_seal(both, w.nonce, bound, sizeof(bound), w.key, VK_KEY_LEN, w.tag);
	memcpy(s + VK_SLOT_WRAPPED, &w, sizeof(w));
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

/* A slot of a type of the future: nothing is known of it but whose it is. */
static void
add_future(struct image *im, const struct variant *v)
{
	unsigned char *p = image_slots(im, 0);

	image_open_slots(im, 0);
	memset(p + CLEAR(v->at, 0), (int)v->value, VK_SLOT_LEN);
	memset(p + PRIVATE(v->at, 0), (int)v->value, VK_SLOT_PRIVATE_LEN);
	vk_put16(p + VK_SLOTS_COUNT, v->at + 1);
	image_seal_slots(im, 0);
	image_fix_slots(im, true);
}

#define G "good"
#define D "damaged"
#define S "slot"
#define K "key"
const struct variant variants_slot[] = {
	{ "slot-future", "a slot of an unknown type", "small", G, NULL, NULL, add_future, 1, 0x77, NULL },
	{ "slot-program-long", "the longest name of a program", "all-types", G, NULL, "raw", rename_program,
	    EXTERNAL, 20, "abcdefghijklmnopqr-0" },
	{ "slot-passphrases-eight", "eight passphrases", "pass", G, NULL, "passphrase", repeat, PASS, 8, NULL },

	{ "slot-rot", "a bit of a slot", "small", D, S, "raw", flip_file, 8220, 1, NULL },
	{ "slot-magic", "the slot page's magic", "small", D, S, "raw", flip_sealed, 7, 1, NULL },
	{ "slot-count", "two slots where there is one", "small", D, S, "raw", flip_sealed, 8, 3, NULL },
	{ "slot-count-zero", "no slot in the page", "small", D, S, "raw", flip_sealed, 8, 1, NULL },
	{ "slot-count-thirteen", "thirteen slots in a page", "small", D, S, "raw", flip_sealed, 8, 12, NULL },
	{ "slot-count-many", "257 slots in a page", "small", D, S, "raw", flip_sealed, 9, 1, NULL },
	{ "slot-index", "another index of the page", "small", D, S, "raw", flip_sealed, 10, 1, NULL },
	{ "slot-zero-head", "a byte of the page's head that must be zero", "small", D, S, "raw", flip_sealed, 12, 1, NULL },
	{ "slot-zero-head-last", "the last one", "small", D, S, "raw", flip_sealed, 15, 1, NULL },
	{ "slot-unused", "a clear half without a slot", "small", D, S, "raw", flip_sealed,
	    CLEAR(1, VK_SLOT_SALT), 1, NULL },
	{ "slot-unused-last", "the last byte of the last one", "small", D, S, "raw", flip_sealed, 2703, 1, NULL },
	{ "slot-rest", "the rest of the page is not zero", "small", D, S, "raw", flip_sealed, 3896, 1, NULL },
	{ "slot-rest-last", "its last byte", "small", D, S, "raw", flip_sealed, 4095, 1, NULL },
	{ "slot-gap", "a page that is not the last has eleven slots", "slots", D, S, "raw", take_one, 0, 0, NULL },
	{ "slot-last-empty", "a last page without slots", "slots", D, S, "session", empty_last, 0, 0, NULL },
	{ "slot-pages-swapped", "two slot pages swapped", "slots", D, S, "raw", swap_slot_pages, 2, 3, NULL },
	{ "slot-second-page", "a bit of the private halves in the other page", "slots", D, S, "raw", flip_thief_last,
	    PRIVATE(1, VK_PRIVATE_LABEL), 1, NULL },
	{ "slot-second-clear", "the age of another slot, in the other page", "slots", D, S, "raw", flip_thief_last,
	    CLEAR(0, VK_SLOT_CREATED), 1, NULL },
	{ "slot-foreign", "the slot page of another store", "small", K, NULL, "raw", foreign_slots, 2, 0, NULL },
	{ "slot-count-session", "two slots where there is one, met by a full check with a session key", "small", D, S,
	    "session", flip_sealed, 8, 3, NULL },

	{ "slot-type-zero", "a slot of type 0", "all-types", D, S, "raw", retype, EXTERNAL, 0, NULL },
	{ "slot-type-other", "a raw key's slot says that it is of another type", "all-types", D, S, "passphrase", flip_thief,
	    CLEAR(RAW, VK_SLOT_TYPE), 200, NULL },
	{ "slot-zero", "a byte of the slot that must be zero", "small", D, S, "raw", flip_sealed, CLEAR(0, 1), 1, NULL },
	{ "slot-zero-id", "another one", "small", D, S, "raw", flip_sealed, CLEAR(0, 7), 1, NULL },
	{ "slot-zero-rest", "another one", "small", D, S, "raw", flip_sealed, CLEAR(0, VK_SLOT_REST), 1, NULL },
	{ "slot-zero-last", "the last one", "small", D, S, "raw", flip_sealed, CLEAR(0, VK_SLOT_LEN - 1), 1, NULL },
	{ "slot-raw-salt", "a raw key's slot with a salt", "all-types", D, S, "passphrase", flip_sealed,
	    CLEAR(RAW, VK_SLOT_SALT), 1, NULL },
	{ "slot-raw-lanes", "a raw key's slot with lanes", "all-types", D, S, "passphrase", flip_sealed,
	    CLEAR(RAW, VK_SLOT_LANES), 1, NULL },
	{ "slot-external-cost", "an external slot with a cost", "all-types", D, S, "raw", flip_sealed,
	    CLEAR(EXTERNAL, VK_SLOT_KIB), 1, NULL },
	{ "slot-recipient-salt", "an X25519 slot with a salt", "all-types", D, S, "raw", flip_sealed,
	    CLEAR(RECIPIENT, VK_SLOT_SALT + 15), 1, NULL },
	{ "slot-passphrase-program", "a passphrase slot with a program", "all-types", D, S, "raw", rename_program,
	    PASS, 3, "abc" },
	{ "slot-raw-program", "a raw key's slot with a program", "all-types", D, S, "raw", rename_program, RAW, 3, "abc" },
	{ "slot-recipient-program", "an X25519 slot with a program", "all-types", D, S, "raw", rename_program,
	    RECIPIENT, 20, "abcdefghijklmnopqrst" },
	{ "slot-program-none", "an external slot without a program", "all-types", D, S, "raw", rename_program,
	    EXTERNAL, 0, "" },
	{ "slot-program-upper", "a program with a capital letter", "all-types", D, S, "raw", rename_program,
	    EXTERNAL, 6, "keyRin" },
	{ "slot-program-slash", "a program with a slash", "all-types", D, S, "raw", rename_program, EXTERNAL, 7, "../key1" },
	{ "slot-program-end", "a bad character at the end of the longest name", "all-types", D, S, "raw", rename_program,
	    EXTERNAL, 20, "abcdefghijklmnopqrs_" },
	{ "slot-program-padding", "a letter behind a program's name", "all-types", D, S, "raw", rename_program,
	    EXTERNAL, 8, "key1\0\0\0k" },
	{ "slot-passes-zero", "a passphrase slot without passes", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_PASSES), 0, NULL },
	{ "slot-passes", "a passphrase slot that asks for 17 passes", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_PASSES), 17, NULL },
	{ "slot-memory-small", "a passphrase slot that asks for 7 KiB", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_KIB), 7, NULL },
	{ "slot-memory", "a passphrase slot that asks for more than 1 GiB", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_KIB), 1048577, NULL },
	{ "slot-memory-thief", "one that asks for 3 GiB, by somebody without a key", "pass", D, S, "passphrase", flip_slots,
	    CLEAR(PASS, VK_SLOT_KIB + 2), 48, NULL },
	{ "slot-lanes", "a passphrase slot with two lanes", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_LANES), 2, NULL },
	{ "slot-lanes-zero", "a passphrase slot without lanes", "pass", D, S, "raw", set_sealed,
	    CLEAR(PASS, VK_SLOT_LANES), 0, NULL },
	{ "slot-passphrases", "nine passphrases", "pass", D, S, "raw", repeat, PASS, 9, NULL },

	{ "slot-age", "another time of creation", "small", K, NULL, "raw", flip_thief, CLEAR(0, VK_SLOT_CREATED), 1, NULL },
	{ "slot-id", "another id", "small", K, NULL, "raw", flip_thief, CLEAR(0, VK_SLOT_ID), 1, NULL },
	{ "slot-salt", "another salt", "all-types", K, NULL, "passphrase", flip_thief, CLEAR(PASS, VK_SLOT_SALT), 1, NULL },
	{ "slot-cost", "another cost, within the limits", "all-types", K, NULL, "passphrase", set_sealed,
	    CLEAR(PASS, VK_SLOT_PASSES), 1, NULL },
	{ "slot-program", "another program, of the same length", "all-types", K, NULL, "external", flip_thief,
	    CLEAR(EXTERNAL, VK_SLOT_PROGRAM), 2, NULL },
	{ "slot-ephemeral", "another ephemeral key", "all-types", K, NULL, "raw", flip_thief,
	    CLEAR(RAW, VK_SLOT_WRAPPED), 1, NULL },
	{ "slot-ephemeral-top", "the bit of an ephemeral key that X25519 does not look at", "all-types", K, NULL, "identity",
	    flip_thief, CLEAR(RECIPIENT, VK_SLOT_WRAPPED + 31), 128, NULL },
	{ "slot-commit", "another slot commitment", "all-types", K, NULL, "identity", flip_thief,
	    CLEAR(RECIPIENT, VK_SLOT_WRAPPED + 32), 1, NULL },
	{ "slot-open-for-all", "an ephemeral key of zero: so is the shared secret, for every key", "small", K, NULL, "raw",
	    open_for_all, 0, 0, NULL },
	{ "slot-open-for-all-one", "an ephemeral key of one: the same", "small", K, NULL, "raw", open_for_all, 1, 0, NULL },
	{ "slot-retyped", "a raw key's slot made one of an unknown type", "small", K, NULL, "raw", retype, 0, 200, NULL },
	{ "slot-nonce", "another nonce of the slot", "all-types", D, S, "external", flip_thief,
	    CLEAR(EXTERNAL, VK_SLOT_WRAPPED + 64), 1, NULL },
	{ "slot-wrapped", "a bit of the wrapped key", "all-types", D, S, "passphrase", flip_thief,
	    CLEAR(PASS, VK_SLOT_WRAPPED + 88), 1, NULL },
	{ "slot-tag", "a bit of the wrapping's tag", "all-types", D, S, "identity", flip_thief,
	    CLEAR(RECIPIENT, VK_SLOT_WRAPPED + 120), 1, NULL },
	{ "slot-other-age", "the age of another slot than the one that opens", "all-types", D, S, "raw", flip_thief,
	    CLEAR(EXTERNAL, VK_SLOT_CREATED), 1, NULL },
	{ "slot-other-commit", "the commitment of another slot", "all-types", D, S, "raw", flip_thief,
	    CLEAR(PASS, VK_SLOT_WRAPPED + 32), 1, NULL },
	{ "slot-taken", "a slot taken away by a thief of the session key", "all-types", D, S, "raw", take_last, 0, 0, NULL },

	{ "slot-seal-nonce", "the nonce of the private halves", "small", D, S, "raw", flip_thief, VK_SLOTS_NONCE, 1, NULL },
	{ "slot-sealed", "a bit of the private halves", "small", D, S, "raw", flip_thief, VK_SLOTS_SEALED, 1, NULL },
	{ "slot-seal-tag", "the last bit of their tag", "small", D, S, "raw", flip_thief, VK_SLOTS_TAG + 15, 128, NULL },
	{ "slot-half-id", "a private half with another id", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_ID), 1, NULL },
	{ "slot-half-type", "a private half of another type", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_TYPE), 1, NULL },
	{ "slot-half-public", "a private half with another public key than the slot's", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_PUBLIC), 1, NULL },
	{ "slot-half-public-recipient", "the same of an X25519 slot", "all-types", D, S, "identity", flip_sealed,
	    PRIVATE(RECIPIENT, VK_PRIVATE_PUBLIC + 31), 1, NULL },
	{ "slot-half-zero", "a byte of it that must be zero", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_TYPE + 1), 1, NULL },
	{ "slot-half-label", "a letter behind the end of a label", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_LABEL + 1), 'x', NULL },
	{ "slot-half-rest", "a byte behind the label", "small", D, S, "raw", flip_sealed,
	    PRIVATE(0, VK_PRIVATE_REST), 1, NULL },
	{ "slot-half-unused", "a private half without a slot", "small", D, S, "raw", flip_sealed,
	    PRIVATE(1, VK_PRIVATE_LABEL), 1, NULL },
	{ "slot-half-unused-last", "the last byte of the last one", "small", D, S, "raw", flip_sealed,
	    VK_SLOTS_TAG - 1, 1, NULL },
	{ 0 },
};
