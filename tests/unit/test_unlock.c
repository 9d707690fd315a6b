/* SPDX-License-Identifier: ISC */
/* Raw keys, and the ladder of ways to a keystore's key. */
#include <fcntl.h>

#include "unlock_util.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_key_forms),
		cmocka_unit_test_setup_teardown(raw_key_files, setup, teardown),
		cmocka_unit_test_setup_teardown(ladder, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
