/* SPDX-License-Identifier: ISC */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "source/keyfile.h"
#include "valetkey/secret.h"
#include "valetkey/unlock.h"

enum vk_err
vk_raw_key_new(unsigned char ret_key[VK_STORE_KEY_LEN])
{
	return vk_random(ret_key, VK_STORE_KEY_LEN);
}

enum vk_err
vk_raw_key_parse(const char *text, size_t n, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	unsigned char key[VK_STORE_KEY_LEN];
	size_t got = 0;
	int bad = -1;

	n = vk_key_text_len(text, n);
	if (n == VK_BASE64_LEN(VK_STORE_KEY_LEN))
		bad = sodium_base642bin(key, sizeof(key), text, n, NULL, &got, NULL,
		    sodium_base64_VARIANT_ORIGINAL);
	else if (n == 2 * (size_t)VK_STORE_KEY_LEN)
		bad = sodium_hex2bin(key, sizeof(key), text, n, NULL, &got, NULL);
	if (bad == 0 && got == sizeof(key))
		memcpy(ret_key, key, sizeof(key));
	vk_wipe(key, sizeof(key));
	vk_wipe_stack();
	if (bad != 0 || got != sizeof(key))
		return vk_fail(VK_EPROTO, "a raw key is %d bytes in base64 or hex, on one line",
		    VK_STORE_KEY_LEN);
	return VK_OK;
}

enum vk_err
vk_raw_key_read(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	const size_t max = 2 * VK_STORE_KEY_LEN + 3; /* the longest form and one byte that is too many */
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(max);
	enum vk_err e;
	size_t n = 0;

	if (!text)
		return VK_ENOMEM;
	if ((e = vk_keyfile_read(path, "key file", text, max, &n)) == VK_OK)
		e = vk_raw_key_parse(text, n, ret_key);
	if (e == VK_EPROTO)
		return vk_fail(e, "the key file %s holds no raw key (%d bytes in base64 or hex, on one line)",
		    path, VK_STORE_KEY_LEN);
	return e;
}
