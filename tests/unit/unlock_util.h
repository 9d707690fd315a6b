/* SPDX-License-Identifier: ISC */
/* unlock_util.h - a keystore with a known raw key in memory, for the tests of keys and sessions. */
#ifndef VK_TESTS_UNLOCK_UTIL_H
#define VK_TESTS_UNLOCK_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/unlock.h"

/* The bytes 0 to 31. */
#define KEY_BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char dir[64], store_path[96], key_path[96];

static struct vk_store *
opened(void)
{
	struct vk_store *st = NULL;

	assert_int_equal(vk_store_open(store_path, &st), VK_OK);
	return st;
}

static void
new_session(void)
{
	assert_true(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0);
}

static int
setup(void **state)
{
	struct vk_secret raw = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &raw };
	unsigned char key[VK_STORE_KEY_LEN];

	(void)state;
	unsetenv("VALETKEY_KEY");
	unsetenv("VALETKEY_KEY_FILE");
	unsetenv("VALETKEY_IDENTITY");
	unsetenv("VALETKEY_IDENTITY_FILE");
	unsetenv("VALETKEY_STORE_ID");
	snprintf(dir, sizeof(dir), "/dev/shm/vk-unlock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("XDG_RUNTIME_DIR", dir, 1);
	snprintf(store_path, sizeof(store_path), "%s/keystore", dir);
	snprintf(key_path, sizeof(key_path), "%s/key", dir);
	assert_int_equal(vk_raw_key_parse(KEY_HEX, strlen(KEY_HEX), key), VK_OK);
	assert_int_equal(vk_secret_set(&raw, key, sizeof(key)), VK_OK);
	assert_int_equal(vk_store_create(store_path, &slot, 1), VK_OK);
	vk_secret_clear(&raw);
	new_session();
	return 0;
}

static int
teardown(void **state)
{
	char command[128];
	unsigned n;
	struct vk_store *st = opened();

	(void)state;
	assert_int_equal(vk_session_drop(st, &n), VK_OK);
	vk_store_close(st);
	snprintf(command, sizeof(command), "%s/valetkey", dir);
	rmdir(command);
	unlink(store_path);
	unlink(key_path);
	return rmdir(dir);
}

#endif
