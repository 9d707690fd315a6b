/* SPDX-License-Identifier: ISC */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

void
vk_prf(const unsigned char *key, const char *label, const struct vk_part *parts, size_t count,
    unsigned char *out, size_t n)
{
	unsigned char personal[VK_LABEL_MAX] = { 0 };
	crypto_generichash_blake2b_state s;

	vk_crypto_start();
	memcpy(personal, label, strnlen(label, sizeof(personal)));
	crypto_generichash_blake2b_init_salt_personal(&s, key, VK_KEY_LEN, n, NULL, personal);
	for (size_t i = 0; i < count; i++)
		crypto_generichash_blake2b_update(&s, parts[i].p, parts[i].n);
	crypto_generichash_blake2b_final(&s, out, n);
	sodium_memzero(&s, sizeof(s));
}

void
vk_digest(const void *p, size_t n, unsigned char out[VK_DIGEST_LEN])
{
	vk_crypto_start();
	crypto_generichash_blake2b(out, VK_DIGEST_LEN, p, n, NULL, 0);
}

enum vk_err
vk_stretch(const void *pass, size_t n, const unsigned char salt[VK_SALT_LEN], unsigned passes,
    unsigned kib, unsigned char ret_key[VK_KEY_LEN])
{
	if (kib < VK_KDF_KIB_MIN || kib > VK_KDF_KIB_MAX || passes < 1 || passes > VK_KDF_PASSES_MAX)
		return vk_fail(VK_ETAMPER, "a key slot asks for %u passes over %u KiB, which is outside "
		    "the limits", passes, kib);
	/* Picks the vector implementations; without it this takes several times as long. */
	if (sodium_init() < 0)
		return vk_fail(VK_ESYS, "libsodium cannot start");
	if (crypto_pwhash(ret_key, VK_KEY_LEN, pass, n, salt, passes, (size_t)kib * 1024,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return vk_fail(VK_ENOMEM, "turning the passphrase into a key takes %u MiB of memory, "
		    "which cannot be had", kib / 1024);
	return VK_OK;
}
