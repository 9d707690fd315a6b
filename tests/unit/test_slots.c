/* SPDX-License-Identifier: ISC */
/* Who can open a keystore: every type of key slot, and changing them. */
#include "store_util.h"

static const struct vk_kdf_cost cheap = { 2, 19456 };
static const unsigned char identity[VK_STORE_KEY_LEN] = "an identity of thirty-two bytes";
/* X25519 of it, from PyNaCl */
static const unsigned char recipient[VK_STORE_KEY_LEN] = {
	0x56, 0x3b, 0x5d, 0x7f, 0x72, 0x38, 0x03, 0xbb, 0xb6, 0x8b, 0x77, 0xcb,
	0x72, 0x01, 0x04, 0xa1, 0x3b, 0xfe, 0xf9, 0xc9, 0xc6, 0xcd, 0x3f, 0x03,
	0x10, 0x14, 0xce, 0x49, 0x26, 0x7c, 0xe6, 0x2c,
};

static struct vk_secret
secret(const void *p, size_t n)
{
	struct vk_secret s = { 0 };

	assert_ok(vk_secret_set(&s, p, n));
	return s;
}

static enum vk_err
add(struct vk_store *st, enum vk_slot_type type, const void *p, size_t n, const char *label,
    unsigned char id[8])
{
	struct vk_secret s = secret(p, n);
	struct vk_slot_new new = { .type = type, .cost = cheap, .secret = &s, .label = label,
		.program = type == VK_SLOT_EXTERNAL ? "key-ring2" : NULL };
	enum vk_err e = vk_store_slot_add(st, &new, id);

	vk_secret_clear(&s);
	return e;
}

static enum vk_err
open_pass(struct vk_store *st, const char *pass)
{
	struct vk_secret s = secret(pass, strlen(pass));
	enum vk_err e = vk_store_unlock_passphrase(st, &s);

	vk_secret_clear(&s);
	return e;
}

static struct vk_store *
locked(void)
{
	struct vk_store *st = NULL;

	assert_ok(vk_store_open(store_file, &st));
	return st;
}

static void
key_of(unsigned i, unsigned char key[VK_STORE_KEY_LEN])
{
	for (unsigned j = 0; j < VK_STORE_KEY_LEN; j++)
		key[j] = (unsigned char)(i * 3 + j);
}

static void
test_types(void **state)
{
	unsigned char id[4][8], kept[VK_STORE_KEY_LEN] = { 42 };
	struct vk_store *st, *other;
	struct vk_slot_info v[8];
	size_t n;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(put(st, "https://a.example", "ann", "", "secret-a"));
	assert_ok(add(st, VK_SLOT_PASSPHRASE, "pass", 4, "the \xc3\xa4 passphrase", id[0]));
	assert_ok(add(st, VK_SLOT_EXTERNAL, kept, sizeof(kept), "", id[1]));
	assert_ok(add(st, VK_SLOT_X25519, recipient, sizeof(recipient),
	    "0123456789012345678901234567890123456789", id[2]));
	other = locked();
	assert_ok(open_pass(other, "pass"));
	expect(other, "https://a.example", NULL, "secret-a");
	vk_store_close(other);
	other = locked();
	assert_ok(vk_store_unlock_external(other, id[1], kept));
	assert_true(vk_store_has_master(other));
	expect(other, "https://a.example", NULL, "secret-a");
	vk_store_close(other);
	other = locked();
	assert_int_equal(vk_store_unlock_external(other, id[0], kept), VK_EKEY);
	assert_int_equal(vk_store_unlock_external(other, id[1], identity), VK_EKEY);
	assert_int_equal(vk_store_unlock_identity(other, recipient), VK_EKEY);
	assert_int_equal(vk_store_unlock_raw(other, kept), VK_EKEY);
	assert_int_equal(vk_store_unlock_raw(other, identity), VK_EKEY);
	assert_int_equal(vk_store_unlock_identity(other, raw_key), VK_EKEY);
	assert_int_equal(open_pass(other, "Pass"), VK_EKEY);
	assert_false(vk_store_has_master(other));
	/* without a key: types, times, costs and programs, but no label and no public key */
	assert_ok(vk_store_slots(other, v, 8, &n));
	assert_int_equal(n, 4);
	assert_int_equal(v[0].type, VK_SLOT_RAW);
	assert_int_equal(v[1].kdf_kib, 19456);
	assert_int_equal(v[1].kdf_passes, 2);
	assert_string_equal(v[2].program, "key-ring2");
	for (unsigned i = 0; i < 4; i++) {
		assert_string_equal(v[i].label, "");
		assert_memory_equal(v[i].public_key, (unsigned char[32]){ 0 }, 32);
		assert_true(i == 0 || memcmp(v[i].id, id[i - 1], 8) == 0);
	}
	assert_ok(vk_store_unlock_identity(other, identity));
	expect(other, "https://a.example", NULL, "secret-a");
	assert_ok(vk_store_slots(other, v, 8, &n));
	assert_string_equal(v[0].label, "");
	assert_string_equal(v[1].label, "the \xc3\xa4 passphrase");
	assert_string_equal(v[3].label, "0123456789012345678901234567890123456789");
	assert_memory_equal(v[3].public_key, recipient, 32);
	assert_memory_not_equal(v[0].public_key, raw_key, 32);
	assert_ok(vk_store_slots(other, v, 2, &n));
	assert_int_equal(n, 2);
	vk_store_close(other);
	vk_store_close(st);
}

static void
test_refusals(void **state)
{
	static const unsigned char everybody[VK_STORE_KEY_LEN] = { 1 };
	unsigned char id[8], key[VK_STORE_KEY_LEN + 1] = { 0 };
	struct vk_secret s = secret("pass", 4);
	struct vk_slot_new new = { .type = VK_SLOT_PASSPHRASE, .secret = &s };
	static const struct vk_kdf_cost bad[] = { { 1, 19456 }, { 2, 19455 }, { 17, 19456 },
		{ 2, 1024 * 1024 + 1 } };
	static const char *const programs[] = { "", "a/b", "..", "A", "a b", "abcdefghijklmnopqrstu", NULL };
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		new.cost = bad[i];
		assert_int_equal(vk_store_slot_add(st, &new, id), VK_EUSAGE);
	}
	vk_secret_clear(&s);
	assert_int_equal(add(st, VK_SLOT_PASSPHRASE, "", 0, "", id), VK_EUSAGE);
	assert_int_equal(add(st, VK_SLOT_RAW, key, 31, "", id), VK_EUSAGE);
	assert_int_equal(add(st, VK_SLOT_X25519, key, 33, "", id), VK_EUSAGE);
	assert_int_equal(add(st, VK_SLOT_X25519, everybody, 32, "", id), VK_EUSAGE);
	assert_int_equal(add(st, (enum vk_slot_type)5, key, 32, "", id), VK_EUSAGE);
	assert_int_equal(add(st, VK_SLOT_RAW, key, 32, "01234567890123456789012345678901234567890", id), VK_EUSAGE);
	assert_int_equal(add(st, VK_SLOT_RAW, key, 32, "a\nb", id), VK_EUSAGE);
	s = secret(key, VK_STORE_KEY_LEN);
	new = (struct vk_slot_new){ .type = VK_SLOT_EXTERNAL, .secret = &s };
	for (size_t i = 0; i < VK_COUNT(programs); i++) {
		new.program = programs[i];
		assert_int_equal(vk_store_slot_add(st, &new, id), VK_EUSAGE);
	}
	new = (struct vk_slot_new){ .type = VK_SLOT_RAW, .secret = &s, .program = "keyring" };
	assert_int_equal(vk_store_slot_add(st, &new, id), VK_EUSAGE);
	/* the program could not tell two slots of one id apart */
	new = (struct vk_slot_new){ .type = VK_SLOT_EXTERNAL, .secret = &s, .program = "keyring",
		.id = (const unsigned char *)"eight by" };
	assert_ok(vk_store_slot_add(st, &new, id));
	assert_memory_equal(id, "eight by", 8);
	assert_int_equal(vk_store_slot_add(st, &new, id), VK_EEXIST);
	assert_int_equal(vk_store_slot_remove(st, (const unsigned char *)"nine byt", true), VK_ENOENT);
	assert_int_equal(vk_store_slot_change(st, (const unsigned char *)"nine byt", &new, id), VK_EEXIST);
	new.id = NULL;
	assert_int_equal(vk_store_slot_change(st, (const unsigned char *)"nine byt", &new, id), VK_ENOENT);
	vk_secret_clear(&s);
	vk_store_close(st);
}

/* A session reads and writes entries.  It cannot say who else may. */
static void
test_session_cannot(void **state)
{
	unsigned char id[8], key[VK_STORE_KEY_LEN], some[VK_STORE_KEY_LEN] = { 9 };
	struct vk_store *st, *session = NULL;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_store_session_key(st, key));
	session = locked();
	assert_int_equal(add(session, VK_SLOT_RAW, some, 32, "", id), VK_ELOCKED);
	assert_ok(vk_store_unlock_session(session, key));
	assert_false(vk_store_has_master(session));
	assert_int_equal(add(session, VK_SLOT_RAW, some, 32, "", id), VK_ELOCKED);
	assert_int_equal(vk_store_rotate(session), VK_ELOCKED);
	assert_int_equal(vk_store_slot_remove(session, id, false), VK_ELOCKED);
	assert_ok(put(session, "https://a.example", "ann", "", "secret-a"));
	vk_store_close(session);
	vk_store_close(st);
	st = open_raw(store_file); /* slots survived it */
	expect(st, "https://a.example", NULL, "secret-a");
	vk_store_close(st);
}

static void
test_full(void **state)
{
	unsigned char id[8], key[VK_STORE_KEY_LEN];
	struct vk_slot_info v[64];
	struct vk_store *st, *other;
	uint64_t before;
	size_t n;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	for (unsigned i = 0; i < 8; i++) {
		char pass[2] = { (char)('a' + i), '\0' };

		assert_ok(add(st, VK_SLOT_PASSPHRASE, pass, 1, "", id));
	}
	before = vk_store_generation(st);
	assert_int_equal(add(st, VK_SLOT_PASSPHRASE, "i", 1, "", id), VK_ELIMIT);
	assert_int_equal(vk_store_generation(st), before);
	for (unsigned i = 9; i < 48; i++) {
		key_of(i, key);
		assert_ok(add(st, VK_SLOT_RAW, key, sizeof(key), "", id));
	}
	before = vk_store_generation(st);
	key_of(99, key);
	assert_int_equal(add(st, VK_SLOT_RAW, key, sizeof(key), "", id), VK_ELIMIT);
	assert_int_equal(vk_store_generation(st), before);
	assert_ok(vk_store_verify(st, NULL));
	other = locked();
	assert_int_equal(vk_store_unlock_raw(other, key), VK_EKEY);
	key_of(47, key);
	assert_ok(vk_store_unlock_raw(other, key));
	assert_ok(vk_store_slots(other, v, 64, &n));
	assert_int_equal(n, 48);
	/* from the middle of the first page: everybody behind moves up, and the last page goes in the end */
	for (unsigned i = 5; i < 17; i++)
		assert_ok(vk_store_slot_remove(other, v[i].id, true));
	assert_ok(vk_store_slots(other, v, 64, &n));
	assert_int_equal(n, 36);
	assert_ok(vk_store_verify(other, NULL));
	vk_store_close(st);
	st = locked();
	assert_ok(open_pass(st, "d"));
	assert_ok(vk_store_unlock_raw(st, key));
	assert_ok(vk_store_rotate(st));
	assert_ok(vk_store_unlock_raw(st, key));
	vk_store_close(other);
	vk_store_close(st);
}

static void
test_change(void **state)
{
	unsigned char id[8], new_id[8], key[VK_STORE_KEY_LEN] = { 5 };
	struct vk_secret s = secret("new", 3);
	struct vk_slot_new new = { .type = VK_SLOT_PASSPHRASE, .cost = cheap, .secret = &s };
	struct vk_slot_info v[8];
	struct vk_store *st;
	size_t n;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(add(st, VK_SLOT_PASSPHRASE, "old", 3, "ann", id));
	assert_ok(add(st, VK_SLOT_RAW, key, sizeof(key), "bob", new_id));
	assert_ok(vk_store_slot_change(st, id, &new, new_id));
	assert_memory_not_equal(id, new_id, 8);
	vk_store_close(st);
	st = locked();
	assert_int_equal(open_pass(st, "old"), VK_EKEY);
	assert_ok(open_pass(st, "new"));
	assert_ok(vk_store_slots(st, v, 8, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(v[1].id, new_id, 8);
	assert_string_equal(v[1].label, "ann");
	assert_string_equal(v[2].label, "bob");
	new.label = "anna";
	assert_ok(vk_store_slot_change(st, new_id, &new, id));
	assert_ok(vk_store_slots(st, v, 8, &n));
	assert_string_equal(v[1].label, "anna");
	vk_secret_clear(&s);
	vk_store_close(st);
}

static void
test_remove(void **state)
{
	unsigned char id[8], key[VK_STORE_KEY_LEN] = { 5 }, old_session[VK_STORE_KEY_LEN];
	struct vk_slot_info v[8];
	struct vk_store *st, *session, *other;
	size_t n;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_store_slots(st, v, 8, &n));
	assert_int_equal(vk_store_slot_remove(st, v[0].id, false), VK_EPOLICY); /* the last one */
	assert_int_equal(vk_store_slot_remove(st, v[0].id, true), VK_EPOLICY);
	assert_ok(put(st, "https://a.example", "ann", "", "secret-a"));
	assert_ok(vk_store_session_key(st, old_session));
	/* with the key kept, sessions go on */
	assert_ok(add(st, VK_SLOT_RAW, key, sizeof(key), "", id));
	assert_ok(vk_store_slot_remove(st, id, true));
	session = locked();
	assert_int_equal(vk_store_unlock_raw(session, key), VK_EKEY);
	assert_ok(vk_store_unlock_session(session, old_session));
	/* without, neither they nor other handles; this one does */
	assert_ok(add(st, VK_SLOT_RAW, key, sizeof(key), "", id));
	other = open_raw(store_file);
	assert_ok(vk_store_slot_remove(st, id, false));
	expect(st, "https://a.example", NULL, "secret-a");
	assert_ok(put(st, "https://b.example", "bob", "", "secret-b"));
	expect(st, "https://b.example", NULL, "secret-b");
	assert_int_equal(put(session, "https://c.example", "cy", "", "c"), VK_EKEY);
	assert_int_equal(put(other, "https://c.example", "cy", "", "c"), VK_EKEY);
	assert_int_equal(vk_store_rotate(other), VK_EKEY);
	vk_store_close(session);
	session = locked();
	assert_int_equal(vk_store_unlock_session(session, old_session), VK_EKEY);
	assert_int_equal(vk_store_unlock_raw(session, key), VK_EKEY);
	assert_ok(vk_store_unlock_raw(session, raw_key));
	expect(session, "https://a.example", NULL, "secret-a");
	expect(session, "https://b.example", NULL, "secret-b");
	assert_ok(vk_store_verify(session, NULL));
	vk_store_close(other);
	vk_store_close(session);
	vk_store_close(st);
}

static void
test_rotate(void **state)
{
	unsigned char id[8], kept[VK_STORE_KEY_LEN] = { 42 }, external[8], store_id[VK_STORE_ID_LEN];
	struct vk_slot_info before[8], after[8];
	struct vk_store *st;
	size_t n, m;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(add(st, VK_SLOT_PASSPHRASE, "pass", 4, "p", id));
	assert_ok(add(st, VK_SLOT_EXTERNAL, kept, sizeof(kept), "e", external));
	assert_ok(add(st, VK_SLOT_X25519, recipient, sizeof(recipient), "x", id));
	for (unsigned i = 0; i < 60; i++) {
		char url[64], user[16];

		snprintf(url, sizeof(url), "https://h%u.example", i % 50);
		snprintf(user, sizeof(user), "u%u", i);
		assert_ok(put(st, url, user, "", url));
	}
	memcpy(store_id, vk_store_id(st), sizeof(store_id));
	assert_ok(vk_store_slots(st, before, 8, &n));
	assert_ok(vk_store_rotate(st));
	assert_ok(vk_store_rotate(st));
	assert_ok(vk_store_slots(st, after, 8, &m));
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n * sizeof(before[0])); /* same ids, times, labels and public keys */
	assert_ok(vk_store_verify(st, NULL));
	for (unsigned way = 0; way < 4; way++) {
		vk_store_close(st);
		st = locked();
		assert_memory_equal(vk_store_id(st), store_id, sizeof(store_id));
		assert_ok(way == 0 ? vk_store_unlock_raw(st, raw_key) : way == 1 ? open_pass(st, "pass")
			: way == 2 ? vk_store_unlock_external(st, external, kept)
				   : vk_store_unlock_identity(st, identity));
		expect(st, "https://h7.example", NULL, "https://h7.example");
		expect(st, "https://h7.example", "u57", "https://h7.example");
		assert_ok(vk_store_verify(st, NULL));
	}
	vk_store_close(st);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_types),
		T(test_refusals),
		T(test_session_cannot),
		T(test_full),
		T(test_change),
		T(test_remove),
		T(test_rotate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
