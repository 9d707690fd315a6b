/* SPDX-License-Identifier: ISC */
/* Raw keys, and the ladder of ways to a keystore's key. */
#include <fcntl.h>

#include "unlock_util.h"
#include "valetkey/identity.h"

#define OTHER_BASE64 "//////////////////////////////////////////8="

static void
write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(chmod(path, mode), 0);
}

static void
raw_key_forms(void **state)
{
	static const char *const good[] = { KEY_BASE64, KEY_BASE64 "\n", KEY_BASE64 "\r\n", KEY_HEX,
		KEY_HEX "\n" };
	static const char *const bad[] = {
		"", "\n", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", KEY_BASE64 "\n\n", " " KEY_BASE64,
		KEY_BASE64 " ", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* bits beyond the key */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\nHh8=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\xffh8=",
		"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:1",
	};
	unsigned char key[VK_STORE_KEY_LEN];

	(void)state;
	for (size_t i = 0; i < VK_COUNT(good); i++) {
		memset(key, 0xee, sizeof(key));
		assert_int_equal(vk_raw_key_parse(good[i], strlen(good[i]), key), VK_OK);
		for (unsigned k = 0; k < sizeof(key); k++)
			assert_int_equal(key[k], k);
	}
	memset(key, 0xee, sizeof(key));
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		assert_int_equal(vk_raw_key_parse(bad[i], strlen(bad[i]), key), VK_EPROTO);
		assert_int_equal(key[0], 0xee);
		/* a reason that repeats a mistyped key would put most of it into a log */
		assert_null(strstr(vk_reason(), "AAEC"));
	}
}

static void
raw_key_files(void **state)
{
	unsigned char key[VK_STORE_KEY_LEN];
	char link_path[128];

	(void)state;
	assert_int_equal(vk_raw_key_read(key_path, key), VK_EBACKEND);
	write_text(key_path, KEY_BASE64 "\n", 0444);
	assert_int_equal(vk_raw_key_read(key_path, key), VK_OK);
	assert_int_equal(key[31], 31);
	snprintf(link_path, sizeof(link_path), "%s/link", dir);
	assert_int_equal(symlink(key_path, link_path), 0);
	assert_int_equal(vk_raw_key_read(link_path, key), VK_OK);
	unlink(link_path);
	chmod(key_path, 0620);
	assert_int_equal(vk_raw_key_read(key_path, key), VK_EPOLICY);
	chmod(key_path, 0602);
	assert_int_equal(vk_raw_key_read(key_path, key), VK_EPOLICY);
	chmod(key_path, 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(key_path, 12345, 0), 0);
		assert_int_equal(vk_raw_key_read(key_path, key), VK_EPOLICY);
	}
	write_text(key_path, KEY_BASE64 "\n" KEY_BASE64 "\n", 0600);
	assert_true(vk_raw_key_read(key_path, key) != VK_OK);
	assert_int_equal(vk_raw_key_read(dir, key), VK_EPOLICY);
	unlink(key_path);
	assert_int_equal(mkfifo(key_path, 0600), 0);
	assert_int_equal(vk_raw_key_read(key_path, key), VK_EPOLICY); /* and does not wait for a writer */
}

static void
ladder(void **state)
{
	struct vk_store *st = opened();
	struct vk_session_info info;
	enum vk_unlock_how how = VK_UNLOCK_NONE;

	(void)state;
	assert_int_equal(vk_unlock(st, &how), VK_ELOCKED);
	assert_non_null(strstr(vk_hint_text(), "valetkey unlock"));
	setenv("VALETKEY_KEY", "", 1);
	assert_int_equal(vk_unlock(st, &how), VK_ELOCKED);
	assert_non_null(strstr(vk_reason(), "empty"));
	unsetenv("VALETKEY_KEY");
	setenv("VALETKEY_KEY_FILE", key_path, 1);
	assert_int_equal(vk_unlock(st, &how), VK_EBACKEND); /* there, and wrong: not a reason to go on */
	write_text(key_path, OTHER_BASE64, 0600);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	write_text(key_path, "hello\n", 0600);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	assert_int_equal(how, VK_UNLOCK_NONE);
	write_text(key_path, KEY_BASE64, 0600);
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_KEY_FILE);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	setenv("VALETKEY_KEY", KEY_HEX, 1);
	vk_store_close(st);
	st = opened();
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_KEY_ENV);
	setenv("VALETKEY_KEY", "nonsense", 1);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	setenv("VALETKEY_KEY", OTHER_BASE64, 1);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	unsetenv("VALETKEY_KEY");
	unsetenv("VALETKEY_KEY_FILE");
	vk_store_close(st);
	st = opened();
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_KEYRING);
	vk_store_close(st);
}

#define IDENTITY "vki1-ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoNqZyrf"

/* The steps behind the raw keys, in a store that the identity was added to. */
static void
identities(void **state)
{
	struct vk_store *st = opened();
	unsigned char identity[VK_STORE_KEY_LEN], id[8];
	struct vk_secret public = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_X25519, .secret = &public };
	enum vk_unlock_how how = VK_UNLOCK_NONE;

	(void)state;
	setenv("VALETKEY_IDENTITY", IDENTITY, 1);
	assert_string_equal(vk_unlock_variable(), "VALETKEY_IDENTITY");
	assert_int_equal(vk_unlock(st, &how), VK_EKEY); /* it has no such slot yet */
	assert_non_null(strstr(vk_hint_text(), "slot add"));
	setenv("VALETKEY_KEY", KEY_BASE64, 1);
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_KEY_ENV);
	assert_int_equal(vk_identity_parse(IDENTITY, strlen(IDENTITY), identity), VK_OK);
	vk_identity_recipient(identity, identity);
	assert_int_equal(vk_secret_set(&public, identity, sizeof(identity)), VK_OK);
	assert_int_equal(vk_store_slot_add(st, &slot, id), VK_OK);
	vk_secret_clear(&public);
	vk_store_close(st);
	st = opened();
	unsetenv("VALETKEY_KEY");
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_IDENTITY_ENV);
	assert_true(vk_store_has_master(st));
	setenv("VALETKEY_IDENTITY", "nonsense", 1);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	unsetenv("VALETKEY_IDENTITY");
	setenv("VALETKEY_IDENTITY_FILE", key_path, 1);
	assert_int_equal(vk_unlock(st, &how), VK_EBACKEND);
	write_text(key_path, "# a comment\n", 0600);
	assert_int_equal(vk_unlock(st, &how), VK_EKEY);
	write_text(key_path, "# a comment\n" IDENTITY "\n", 0600);
	assert_int_equal(vk_unlock(st, &how), VK_OK);
	assert_int_equal(how, VK_UNLOCK_IDENTITY_FILE);
	unsetenv("VALETKEY_IDENTITY");
	unsetenv("VALETKEY_IDENTITY_FILE");
	vk_store_close(st);
}

/* ${pin} set, is the store opened? */
static void
expect_pin(const char *pin, enum vk_err e)
{
	struct vk_store *st = opened();

	setenv("VALETKEY_STORE_ID", pin, 1);
	if (vk_unlock(st, NULL) != e)
		fail_msg("\"%s\": %s", pin, vk_reason());
	vk_store_close(st);
	unsetenv("VALETKEY_STORE_ID");
}

static void
pins(void **state)
{
	struct vk_store *st = opened();
	char pin[VK_PIN_TEXT + 2], wrong[VK_PIN_TEXT + 2];

	(void)state;
	setenv("VALETKEY_KEY", KEY_BASE64, 1);
	vk_pin_text(st, pin);
	assert_int_equal(strlen(pin), VK_PIN_TEXT);
	expect_pin(pin, VK_OK);
	for (size_t i = 0; i < VK_PIN_TEXT; i++) {
		memcpy(wrong, pin, sizeof(wrong));
		wrong[i] = pin[i] == '0' ? '1' : '0';
		expect_pin(wrong, i == 32 ? VK_EPROTO : VK_EPOLICY);
		memcpy(wrong, pin, i);
		wrong[i] = '\0';
		expect_pin(wrong, i == 32 ? VK_OK : VK_EPROTO);
	}
	expect_pin("", VK_EPROTO);
	memcpy(wrong, pin, VK_PIN_TEXT);
	memcpy(wrong + VK_PIN_TEXT, "0", 2);
	expect_pin(wrong, VK_EPROTO);
	/* new keys: the long form notices, the short one goes along */
	assert_int_equal(vk_store_unlock_raw(st, (const unsigned char *)
		"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37"), VK_OK);
	assert_int_equal(vk_store_rotate(st), VK_OK);
	expect_pin(pin, VK_EPOLICY);
	assert_non_null(strstr(vk_reason(), "other keys"));
	pin[32] = '\0';
	expect_pin(pin, VK_OK);
	vk_pin_text(st, pin);
	expect_pin(pin, VK_OK);
	unsetenv("VALETKEY_KEY");
	vk_store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_key_forms),
		cmocka_unit_test_setup_teardown(raw_key_files, setup, teardown),
		cmocka_unit_test_setup_teardown(ladder, setup, teardown),
		cmocka_unit_test_setup_teardown(identities, setup, teardown),
		cmocka_unit_test_setup_teardown(pins, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
