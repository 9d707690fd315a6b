/* SPDX-License-Identifier: ISC */
/* The primitives against known answers (from Python's hashlib and PyNaCl), and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Made with PyNaCl: secret key 00..1f, ephemeral secret 40..5f, nonce 80..97, key c8..e7, bound to "ad". */
#define WRAPPED_PUBLIC "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"
#define WRAPPED                                                                                    \
	"79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a"                         \
	"c7b0f6504fc2c0c3f8cad612996267c776c1158e191a2f34c1145862194cd472"                         \
	"808182838485868788898a8b8c8d8e8f9091929394959697"                                         \
	"7e0a6cd7ad2b2d5bd2f1f72c573d6ded4edac19497556e75b2a213b1204bf77f"                         \
	"41445c394daa1034b14518a4d7e5ef62"

static void
from_hex(const char *hex, void *out, size_t n)
{
	unsigned char *p = out;

	assert_int_equal(strlen(hex), 2 * n);
	for (size_t i = 0; i < n; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		p[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
}

static void
test_unwrap_known(void **state)
{
	unsigned char secret[VK_KEY_LEN], other[VK_KEY_LEN] = { 1 }, got[VK_KEY_LEN];
	struct vk_wrapped w, bad;

	(void)state;
	count_up(secret, sizeof(secret));
	vk_x25519_public(secret, got);
	assert_hex(got, sizeof(got), WRAPPED_PUBLIC);
	from_hex(WRAPPED, &w, sizeof(w));
	assert_int_equal(vk_unwrap(secret, "ad", 2, &w, got), VK_OK);
	for (unsigned i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], 200 + i);
	assert_int_equal(vk_unwrap(other, "ad", 2, &w, got), VK_EKEY);
	assert_int_equal(vk_unwrap(secret, "aD", 2, &w, got), VK_EKEY);
	assert_int_equal(vk_unwrap(secret, "a", 1, &w, got), VK_EKEY);
	for (size_t at = 0; at < sizeof(w); at++) {
		/* X25519 ignores the highest bit of a public key; what is bound is all of it */
		bad = w;
		((unsigned char *)&bad)[at] ^= 0x80;
		assert_int_equal(vk_unwrap(secret, "ad", 2, &bad, got),
		    at < offsetof(struct vk_wrapped, nonce) ? VK_EKEY : VK_ETAMPER);
	}
	for (unsigned i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], 200 + i); /* untouched on failure */
}

static void
test_wrap(void **state)
{
	unsigned char secret[VK_KEY_LEN], public[VK_KEY_LEN], key[VK_KEY_LEN], got[VK_KEY_LEN];
	unsigned char ad[VK_WRAP_AD_MAX + 1] = { 7 };
	struct vk_wrapped w, again;

	(void)state;
	assert_int_equal(vk_random(secret, sizeof(secret)), VK_OK);
	assert_int_equal(vk_random(key, sizeof(key)), VK_OK);
	vk_x25519_public(secret, public);
	assert_int_equal(vk_wrap(public, ad, VK_WRAP_AD_MAX, key, &w), VK_OK);
	assert_int_equal(vk_unwrap(secret, ad, VK_WRAP_AD_MAX, &w, got), VK_OK);
	assert_memory_equal(got, key, sizeof(key));
	assert_int_equal(vk_wrap(public, ad, VK_WRAP_AD_MAX + 1, key, &w), VK_EUSAGE);
	/* the public key, which everybody may have, opens nothing */
	assert_int_equal(vk_unwrap(public, ad, VK_WRAP_AD_MAX, &w, got), VK_EKEY);
	/* twice the same is never the same */
	assert_int_equal(vk_wrap(public, ad, VK_WRAP_AD_MAX, key, &again), VK_OK);
	assert_memory_not_equal(w.ephemeral, again.ephemeral, sizeof(w.ephemeral));
	assert_memory_not_equal(w.commit, again.commit, sizeof(w.commit));
	assert_memory_not_equal(w.nonce, again.nonce, sizeof(w.nonce));
	assert_memory_not_equal(w.key, again.key, sizeof(w.key));
}

/* Points with which every secret key has the same shared secret, zero: whoever knows that could open. */
static void
test_small_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000080",
	};
	unsigned char secret[VK_KEY_LEN] = { 3 }, public[VK_KEY_LEN], key[VK_KEY_LEN] = { 4 };
	struct vk_wrapped w;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(points); i++) {
		from_hex(points[i], public, sizeof(public));
		assert_int_equal(vk_wrap(public, "ad", 2, key, &w), VK_EUSAGE);
		from_hex(WRAPPED, &w, sizeof(w));
		memcpy(w.ephemeral, public, sizeof(public));
		assert_int_equal(vk_unwrap(secret, "ad", 2, &w, key), VK_EKEY);
	}
}

/* FIPS 180-4's own examples, and more than one piece of a file. */
static void
test_sha256(void **state)
{
	FILE *f = tmpfile();
	char hex[VK_SHA256_HEX + 1];

	(void)state;
	vk_sha256_text("", hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	vk_sha256_text("abc", hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_non_null(f);
	for (int i = 0; i < 1000000; i++)
		fputc('a', f);
	fflush(f);
	assert_int_equal(vk_sha256_fd(fileno(f), hex), VK_OK);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prf),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_stretch),
		cmocka_unit_test(test_unwrap_known),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_small_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
