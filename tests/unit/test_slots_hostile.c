/* SPDX-License-Identifier: ISC */
/* Slot pages by those who know the format: of a thief of the session key, of the key's holders, of former holders. */
#include <fcntl.h>

#include "store_util.h"

#include "store/slots.h"
#include "store/stage.h"

enum { SLOTS = 14 }; /* two pages */

static void
key_of(unsigned i, unsigned char key[VK_STORE_KEY_LEN])
{
	for (unsigned j = 0; j < VK_STORE_KEY_LEN; j++)
		key[j] = (unsigned char)(i * 3 + j);
}

/* Opens with key_of(0 to 12), and a passphrase. */
static int
make_store(void **state)
{
	struct vk_secret keys[SLOTS] = { { 0 } };
	struct vk_slot_new slots[SLOTS];

	if (make_scratch(state) != 0)
		return -1;
	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned char key[VK_STORE_KEY_LEN];

		key_of(i, key);
		assert_ok(vk_secret_set(&keys[i], key, sizeof(key)));
		slots[i] = (struct vk_slot_new){ .type = i % 3 == 0 ? VK_SLOT_RAW : VK_SLOT_EXTERNAL,
			.secret = &keys[i], .program = i % 3 == 0 ? NULL : "fake", .label = "somebody" };
	}
	slots[SLOTS - 1] = (struct vk_slot_new){ .type = VK_SLOT_PASSPHRASE, .cost = { 2, 19456 },
		.secret = &keys[SLOTS - 1] };
	assert_ok(vk_store_create(store_file, slots, SLOTS));
	for (unsigned i = 0; i < SLOTS; i++)
		vk_secret_clear(&keys[i]);
	return 0;
}

static struct vk_store *
open_first(void)
{
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_store *st = NULL;

	key_of(0, key);
	assert_ok(vk_store_open(store_file, &st));
	assert_ok(vk_store_unlock_raw(st, key));
	return st;
}

struct forged {
	const unsigned char *pages;
	size_t len;
};

static enum vk_err
stage_forged(struct vk_store *st, void *arg)
{
	const struct forged *f = arg;
	unsigned char *copy = malloc(f->len);

	assert_non_null(copy);
	memcpy(copy, f->pages, f->len);
	vk_txn_slots(st->txn, copy, f->len);
	return VK_OK;
}

/*
 * Whoever has the session key can write such pages, with a header that has their hash.  So they are in the
 * header's place here: all that is left to notice is in the pages themselves.
 */
static void
test_flips(void **state)
{
	struct vk_store *st = open_first(), *other = NULL;
	unsigned char *pages = NULL, *again = NULL;
	off_t where = (off_t)st->header.slots_pgno * VK_PAGE;
	int fd = open(store_file, O_RDWR);
	size_t len, n;

	(void)state;
	assert_true(fd >= 0);
	assert_ok(vk_slots_read(st, &pages, &len));
	assert_int_equal(len, 2 * VK_PAGE);
	assert_ok(vk_store_open(store_file, &other));
	for (size_t at = 0; at < len; at++) {
		enum vk_err e;

		pages[at] ^= (unsigned char)(1u << at % 8);
		assert_int_equal(pwrite(fd, pages, len, where), (ssize_t)len);
		vk_digest(pages, len, other->header.slots_hash);
		if ((e = vk_slots_read(other, &again, &n)) == VK_OK) {
			e = vk_slots_open(other, st->keys, again, n, NULL);
			free(again);
		}
		if (e != VK_ETAMPER)
			fail_msg("byte %zu: %s", at, vk_err_text(e));
		pages[at] ^= (unsigned char)(1u << at % 8);
	}
	assert_int_equal(pwrite(fd, pages, len, where), (ssize_t)len);
	vk_store_close(other);
	vk_store_close(st);
	vk_store_close(open_first());
	free(pages);
	close(fd);
}

/* Pages that only a holder of the master key can make: sealed as they must be, and wrong in one thing. */
static void
spoil(struct vk_slots *all, unsigned way)
{
	unsigned char *clear = all->v[13].clear, *private = all->v[13].private;

	switch (way) {
	case 0:
		private[VK_PRIVATE_ID] ^= 1;
		break;
	case 1:
		private[VK_PRIVATE_TYPE] = VK_SLOT_RAW;
		break;
	case 2:
		private[VK_PRIVATE_TYPE + 1] = 1;
		break;
	case 3:
		memcpy(private + VK_PRIVATE_LABEL, "a\0b", 3);
		break;
	case 4:
		private[VK_PRIVATE_REST] = 1;
		break;
	case 5:
		clear[VK_SLOT_TYPE] = private[VK_PRIVATE_TYPE] = 0;
		break;
	case 6:
		clear[1] = 1;
		break;
	case 7:
		vk_put32(clear + VK_SLOT_PASSES, 0);
		break;
	case 8:
		vk_put32(clear + VK_SLOT_PASSES, 17);
		break;
	case 9:
		vk_put32(clear + VK_SLOT_KIB, 7);
		break;
	case 10:
		vk_put32(clear + VK_SLOT_KIB, 1024 * 1024 + 1);
		break;
	case 11:
		vk_put32(clear + VK_SLOT_LANES, 2);
		break;
	case 12:
		clear[VK_SLOT_PROGRAM] = 'a';
		break;
	case 13:
		clear[VK_SLOT_REST] = 1;
		break;
	case 14:
		all->v[0].clear[VK_SLOT_SALT] = 1;
		break;
	case 15:
		all->v[1].clear[VK_SLOT_PROGRAM] = '/';
		break;
	case 16:
		all->v[1].clear[VK_SLOT_PROGRAM + 5] = 'x'; /* behind a NUL */
		break;
	case 17:
		memset(all->v[1].clear + VK_SLOT_PROGRAM, 0, VK_SLOT_PROGRAM_MAX);
		break;
	case 18: /* of the slot that is opened: a rotation would wrap for somebody else */
		all->v[0].private[VK_PRIVATE_PUBLIC] ^= 1;
		break;
	default:
		for (unsigned i = 0; i < 9; i++) {
			memcpy(all->v[i + 1].clear, clear, VK_SLOT_LEN);
			memcpy(all->v[i + 1].private, private, VK_SLOT_PRIVATE_LEN);
		}
	}
}

static void
test_sealed_wrongly(void **state)
{
	unsigned char first[VK_STORE_KEY_LEN];

	(void)state;
	key_of(0, first);
	for (unsigned way = 0; way <= 19; way++) {
		struct vk_store *st, *other = NULL;
		unsigned char *pages = NULL;
		struct vk_slots *all = NULL;
		struct forged f;
		size_t len;

		assert_int_equal(drop_scratch(state), 0);
		assert_int_equal(make_store(state), 0);
		st = open_first();
		assert_ok(vk_slots_read(st, &pages, &len));
		assert_ok(vk_slots_open(st, st->keys, pages, len, &all));
		free(pages);
		spoil(all, way);
		assert_ok(vk_slots_encode(st->header.store_id, st->keys, all, &pages, &len));
		f = (struct forged){ pages, len };
		assert_ok(vk_store_commit(st, stage_forged, &f));
		assert_ok(vk_store_open(store_file, &other));
		if (vk_store_unlock_raw(other, first) != VK_ETAMPER)
			fail_msg("way %u was accepted", way);
		vk_store_close(other);
		vk_arena_free(all);
		free(pages);
		vk_store_close(st);
	}
}

/* A slot of a type of the future: left alone by everything but a rotation, which would lock its holder out. */
static void
test_future_type(void **state)
{
	struct vk_store *st = open_first();
	struct vk_slots *all = NULL;
	struct vk_slot_info v[16];
	unsigned char *pages = NULL, id[8], key[VK_STORE_KEY_LEN];
	struct vk_secret s = { 0 };
	struct vk_slot_new new = { .type = VK_SLOT_RAW, .secret = &s };
	struct forged f;
	size_t len, n;

	(void)state;
	assert_ok(vk_slots_read(st, &pages, &len));
	assert_ok(vk_slots_open(st, st->keys, pages, len, &all));
	free(pages);
	memset(all->v[3].clear + 16, 0x77, VK_SLOT_LEN - 16);
	memset(all->v[3].private + 16, 0x77, VK_SLOT_PRIVATE_LEN - 16);
	all->v[3].clear[VK_SLOT_TYPE] = all->v[3].private[VK_PRIVATE_TYPE] = 200;
	assert_ok(vk_slots_encode(st->header.store_id, st->keys, all, &pages, &len));
	f = (struct forged){ pages, len };
	assert_ok(vk_store_commit(st, stage_forged, &f));
	vk_store_close(st);
	st = open_first();
	assert_ok(vk_store_verify(st, NULL));
	assert_ok(vk_store_slots(st, v, 16, &n));
	assert_int_equal(v[3].type, 200);
	assert_string_equal(v[3].label, "");
	assert_int_equal(vk_store_rotate(st), VK_EVERSION);
	assert_int_equal(vk_store_slot_remove(st, v[5].id, false), VK_EVERSION);
	assert_ok(vk_store_slot_remove(st, v[5].id, true));
	key_of(5, key);
	assert_ok(vk_secret_set(&s, key, sizeof(key)));
	assert_ok(vk_store_slot_add(st, &new, id));
	vk_secret_clear(&s);
	assert_ok(vk_store_slot_remove(st, v[3].id, false)); /* its own removal may rotate */
	vk_arena_free(all);
	free(pages);
	vk_store_close(st);
	vk_store_close(open_first());
}

/*
 * What somebody had who could once open the keystore: their own key, the master key, and all that the old slot
 * pages hold in clear and sealed.  None of it opens the file that was rotated without them.
 */
static void
test_former_holder(void **state)
{
	struct vk_store *st = open_first(), *new = NULL;
	unsigned char mine[VK_STORE_KEY_LEN], session[VK_STORE_KEY_LEN], *old_pages = NULL, *pages = NULL;
	struct vk_keys *old_keys = vk_arena_alloc(sizeof(*old_keys));
	struct vk_slots *old = NULL, *all = NULL;
	struct vk_slot_info v[SLOTS];
	size_t old_len, len, n;

	(void)state;
	assert_non_null(old_keys);
	*old_keys = *st->keys;
	key_of(3, mine);
	assert_ok(vk_store_session_key(st, session));
	assert_ok(vk_slots_read(st, &old_pages, &old_len));
	assert_ok(vk_slots_open(st, st->keys, old_pages, old_len, &old));
	assert_ok(vk_store_slots(st, v, SLOTS, &n));
	assert_ok(vk_store_slot_remove(st, v[3].id, false));
	vk_store_close(st);

	assert_ok(vk_store_open(store_file, &new));
	assert_int_equal(vk_store_unlock_raw(new, mine), VK_EKEY);
	assert_int_equal(vk_store_unlock_session(new, session), VK_EKEY);
	assert_memory_not_equal(old_keys->commit, new->header.commit, VK_KEY_LEN);
	assert_ok(vk_slots_read(new, &pages, &len));
	assert_int_equal(vk_slots_open(new, old_keys, pages, len, &all), VK_ETAMPER);
	/* every 32 bytes of what the old pages held, opened, as a secret of each type; fields lie at multiples of 8 */
	for (size_t i = 0; i < old->n; i++)
		for (size_t at = 0; at + VK_KEY_LEN <= sizeof(old->v[i]); at += 8) {
			const unsigned char *guess = (const unsigned char *)&old->v[i] + at;

			assert_int_equal(vk_store_unlock_raw(new, guess), VK_EKEY);
			assert_int_equal(vk_store_unlock_identity(new, guess), VK_EKEY);
			assert_int_equal(vk_store_unlock_external(new, old->v[i].clear + VK_SLOT_ID, guess),
			    VK_EKEY);
		}
	/* the keys that hung from the old master key, too */
	for (size_t at = 0; at + VK_KEY_LEN <= offsetof(struct vk_keys, have_master); at += VK_KEY_LEN) {
		const unsigned char *guess = (const unsigned char *)old_keys + at;

		assert_int_equal(vk_store_unlock_raw(new, guess), VK_EKEY);
		assert_int_equal(vk_store_unlock_identity(new, guess), VK_EKEY);
		assert_int_equal(vk_store_unlock_session(new, guess), VK_EKEY);
	}
	key_of(6, mine); /* who stayed */
	assert_ok(vk_store_unlock_raw(new, mine));
	vk_store_close(new);
	vk_arena_free(old);
	vk_arena_free(old_keys);
	free(old_pages);
	free(pages);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_store, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_flips),
		T(test_sealed_wrongly),
		T(test_future_type),
		T(test_former_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
