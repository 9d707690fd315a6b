/* SPDX-License-Identifier: ISC */
/* The primitives against known answers (from Python's hashlib and PyNaCl), and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"

static void
assert_hex(const unsigned char *p, size_t n, const char *hex)
{
	char text[200];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	assert_string_equal(text, hex);
}

static void
count_up(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)i;
}

static void
test_prf(void **state)
{
	struct vk_part parts[] = { { "abc", 3 }, { "", 0 }, { "de", 2 } };
	unsigned char key[VK_KEY_LEN], out[64];

	(void)state;
	count_up(key, sizeof(key));
	vk_prf(key, "vk0 test", parts, 3, out, 16);
	assert_hex(out, 16, "d08a0624a2f6ccb2a0ace64762cec5f5");
	vk_prf(key, "vk0 test", parts, 3, out, 64);
	assert_hex(out, 64,
	    "157d2cc132c16358e309447055e9c17c59f095ca9628ff2d267963c85c78f9506aac5b049b90fe3a1d0f6d2328102b31"
	    "6e13633dec24ef0bfd830a1569a9a78f");
	vk_digest("", 0, out);
	assert_hex(out, 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static void
test_seal(void **state)
{
	unsigned char key[VK_KEY_LEN], nonce[VK_NONCE_LEN] = { 0 }, box[4 + VK_TAG_LEN] = "text", t[20];

	(void)state;
	count_up(key, sizeof(key));
	vk_seal(key, nonce, "ad", 2, box, 4, box + 4);
	assert_hex(box, sizeof(box), "e163f4b341c8eed06d2b6400ce48fbea3b9eab1e");
	for (unsigned at = 0; at < sizeof(box); at++) {
		memcpy(t, box, sizeof(t));
		t[at] ^= 0x40;
		assert_false(vk_unseal(key, nonce, "ad", 2, t, 4, t + 4));
		assert_memory_equal(t, "\0\0\0\0", 4);
	}
	memcpy(t, box, sizeof(t));
	assert_false(vk_unseal(key, nonce, "aD", 2, t, 4, t + 4));
	memcpy(t, box, sizeof(t));
	assert_true(vk_unseal(key, nonce, "ad", 2, t, 4, t + 4));
	assert_memory_equal(t, "text", 4);
}

static void
test_stretch(void **state)
{
	unsigned char salt[VK_SALT_LEN], key[VK_KEY_LEN];

	(void)state;
	count_up(salt, sizeof(salt));
	assert_int_equal(vk_stretch("correct horse", 13, salt, 2, 65536, key), VK_OK);
	assert_hex(key, sizeof(key), "9aab5a81db651bf866ff7b6169794d2ad9bb00f3d95177925a5fca692a34dbd1");
	/* the limits are checked before anything is computed */
	assert_int_equal(vk_stretch("x", 1, salt, 0, 65536, key), VK_ETAMPER);
	assert_int_equal(vk_stretch("x", 1, salt, 17, 65536, key), VK_ETAMPER);
	assert_int_equal(vk_stretch("x", 1, salt, 1, 7, key), VK_ETAMPER);
	assert_int_equal(vk_stretch("x", 1, salt, 1, 1024 * 1024 + 1, key), VK_ETAMPER);
	assert_int_equal(vk_stretch("x", 1, salt, 16, 8, key), VK_OK);
}

static void
test_wrap(void **state)
{
	unsigned char ikm[VK_KEY_LEN], other[VK_KEY_LEN] = { 1 }, key[VK_KEY_LEN], got[VK_KEY_LEN];
	unsigned char kek[VK_KEY_LEN];
	struct vk_wrapped w, bad;

	(void)state;
	count_up(ikm, sizeof(ikm));
	assert_int_equal(vk_random(key, sizeof(key)), VK_OK);
	assert_int_equal(vk_wrap(ikm, "ad", 2, key, &w, kek), VK_OK);
	assert_int_equal(vk_unwrap(ikm, "ad", 2, &w, got), VK_OK);
	assert_memory_equal(got, key, sizeof(key));
	assert_int_equal(vk_unwrap(other, "ad", 2, &w, got), VK_EKEY);
	assert_int_equal(vk_unwrap(ikm, "aD", 2, &w, got), VK_EKEY);
	for (size_t at = 0; at < sizeof(w); at++) {
		bad = w;
		((unsigned char *)&bad)[at] ^= 1;
		assert_int_equal(vk_unwrap(ikm, "ad", 2, &bad, got),
		    at < sizeof(w.commit) ? VK_EKEY : VK_ETAMPER);
	}
	/* twice the same is never the same */
	assert_int_equal(vk_wrap(ikm, "ad", 2, key, &bad, got), VK_OK);
	assert_memory_equal(kek, got, sizeof(kek));
	assert_memory_not_equal(w.nonce, bad.nonce, sizeof(w.nonce));
	assert_memory_not_equal(w.key, bad.key, sizeof(w.key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prf),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_stretch),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
