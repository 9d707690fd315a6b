/* SPDX-License-Identifier: ISC */
/* Identities and recipients as text and in files. */
#include <fcntl.h>

#include "unlock_util.h"
#include "valetkey/identity.h"

/* From Python's hashlib and PyNaCl: the bytes 0 to 31, and the public key of them. */
#define IDENTITY "vki1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-4DtII"
#define RECIPIENT "vkr1-j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF_nB21u"

static void
test_text(void **state)
{
	unsigned char key[VK_STORE_KEY_LEN], public[VK_STORE_KEY_LEN], got[VK_STORE_KEY_LEN] = { 0 };
	char text[VK_IDENTITY_TEXT + 1];

	(void)state;
	assert_int_equal(vk_raw_key_parse(KEY_HEX, strlen(KEY_HEX), key), VK_OK);
	vk_identity_text(key, text);
	assert_string_equal(text, IDENTITY);
	assert_int_equal(strlen(text), VK_IDENTITY_TEXT);
	vk_identity_recipient(key, public);
	vk_recipient_text(public, text);
	assert_string_equal(text, RECIPIENT);
	assert_int_equal(vk_identity_parse(IDENTITY, strlen(IDENTITY), got), VK_OK);
	assert_memory_equal(got, key, sizeof(key));
	assert_int_equal(vk_recipient_parse(RECIPIENT "\r\n", strlen(RECIPIENT) + 2, got), VK_OK);
	assert_memory_equal(got, public, sizeof(public));
	assert_int_equal(vk_raw_key_new(key), VK_OK);
	assert_int_equal(vk_raw_key_new(got), VK_OK);
	assert_memory_not_equal(key, got, sizeof(key));
}

/* Every other character at every place, and every place left out, doubled or exchanged with the next. */
static void
test_typos(void **state)
{
	const size_t n = strlen(IDENTITY);
	unsigned char got[VK_STORE_KEY_LEN];
	char text[VK_IDENTITY_TEXT + 2];

	(void)state;
	memset(got, 0xee, sizeof(got));
	for (size_t at = 0; at < n; at++) {
		for (int c = 0; c < 256; c++) {
			memcpy(text, IDENTITY, n + 1);
			text[at] = (char)c;
			if (text[at] != IDENTITY[at]) {
				assert_int_equal(vk_identity_parse(text, n, got), VK_EPROTO);
				assert_null(strstr(vk_reason(), "AAEC"));
			}
			memcpy(text, RECIPIENT, n + 1);
			text[at] = (char)c;
			if (text[at] != RECIPIENT[at])
				assert_int_equal(vk_recipient_parse(text, n, got), VK_EPROTO);
		}
		memcpy(text, IDENTITY, at);
		memcpy(text + at, &IDENTITY[at + 1], n - at);
		assert_int_equal(vk_identity_parse(text, n - 1, got), VK_EPROTO);
		memcpy(text, IDENTITY, at + 1);
		memcpy(text + at + 1, &IDENTITY[at], n - at + 1);
		assert_int_equal(vk_identity_parse(text, n + 1, got), VK_EPROTO);
		memcpy(text, IDENTITY, n + 1);
		if (at + 1 < n && text[at] != text[at + 1]) {
			text[at] = IDENTITY[at + 1];
			text[at + 1] = IDENTITY[at];
			assert_int_equal(vk_identity_parse(text, n, got), VK_EPROTO);
		}
	}
	for (unsigned i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], 0xee);
}

static void
test_not_confused(void **state)
{
	unsigned char got[VK_STORE_KEY_LEN];

	(void)state;
	assert_int_equal(vk_identity_parse(RECIPIENT, strlen(RECIPIENT), got), VK_EPROTO);
	assert_non_null(strstr(vk_reason(), "recipient"));
	assert_int_equal(vk_recipient_parse(IDENTITY, strlen(IDENTITY), got), VK_EPROTO);
	assert_non_null(strstr(vk_reason(), "secret"));
	/* the right key under the other prefix: the checksum is over the prefix, too */
	assert_int_equal(vk_recipient_parse("vkr1-" "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", 48, got), VK_EPROTO);
	assert_int_equal(vk_identity_parse("", 0, got), VK_EPROTO);
	assert_int_equal(vk_identity_parse("\n", 1, got), VK_EPROTO);
	assert_int_equal(vk_identity_parse(" " IDENTITY, strlen(IDENTITY) + 1, got), VK_EPROTO);
	assert_int_equal(vk_identity_parse(IDENTITY "\n\n", strlen(IDENTITY) + 2, got), VK_EPROTO);
}

static void
write_text(const char *text, size_t n, mode_t mode)
{
	int fd = open(key_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
	assert_int_equal(chmod(key_path, mode), 0);
}

static void
expect_read(const char *text, enum vk_err e)
{
	unsigned char got[VK_STORE_KEY_LEN] = { 0 };

	write_text(text, strlen(text), 0600);
	if (vk_identity_read(key_path, got) != e)
		fail_msg("\"%s\": %s", text, vk_reason());
	assert_int_equal(got[31], e == VK_OK ? 31 : 0);
}

static void
test_files(void **state)
{
	unsigned char got[VK_STORE_KEY_LEN];
	char large[5000];

	(void)state;
	assert_int_equal(vk_identity_read(key_path, got), VK_EBACKEND);
	expect_read(IDENTITY, VK_OK);
	expect_read("# made today\n\n# for " RECIPIENT "\r\n" IDENTITY "\n\n#\n", VK_OK);
	expect_read("\r\n" IDENTITY "\r\n", VK_OK);
	expect_read("", VK_EPROTO);
	expect_read("# " IDENTITY "\n", VK_EPROTO);
	expect_read(" # " IDENTITY "\n" IDENTITY "\n", VK_EPROTO);
	expect_read(IDENTITY "\n" IDENTITY "\n", VK_EPROTO);
	expect_read(IDENTITY "\nx", VK_EPROTO);
	expect_read(RECIPIENT "\n", VK_EPROTO);
	expect_read(KEY_HEX "\n", VK_EPROTO);
	memset(large, '#', sizeof(large));
	memcpy(large + 4000, "\n" IDENTITY "\n", VK_IDENTITY_TEXT + 2);
	write_text(large, 4096, 0600);
	assert_int_equal(vk_identity_read(key_path, got), VK_OK);
	write_text(large, 4097, 0600);
	assert_int_equal(vk_identity_read(key_path, got), VK_EPROTO);
	write_text(IDENTITY, VK_IDENTITY_TEXT, 0620);
	assert_int_equal(vk_identity_read(key_path, got), VK_EPOLICY);
	write_text(IDENTITY, VK_IDENTITY_TEXT, 0602);
	assert_int_equal(vk_identity_read(key_path, got), VK_EPOLICY);
	assert_int_equal(vk_identity_read(dir, got), VK_EPOLICY);
	unlink(key_path);
	assert_int_equal(mkfifo(key_path, 0600), 0);
	assert_int_equal(vk_identity_read(key_path, got), VK_EPOLICY); /* and does not wait for a writer */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_typos),
		cmocka_unit_test(test_not_confused),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
