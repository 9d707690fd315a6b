/* SPDX-License-Identifier: ISC */
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"
#include "valetkey/secret.h"

enum { PROBE_MIB = 32 };

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
	vk_wipe_stack();
}

void
vk_digest(const void *p, size_t n, unsigned char out[VK_DIGEST_LEN])
{
	vk_crypto_start();
	crypto_generichash_blake2b(out, VK_DIGEST_LEN, p, n, NULL, 0);
}

static enum vk_err
no_memory(unsigned kib)
{
	return vk_fail(VK_ENOMEM, "turning the passphrase into a key takes %u MiB of memory, which cannot "
	    "be had here", (kib + 1023) / 1024);
}

enum vk_err
vk_stretch(const void *pass, size_t n, const unsigned char salt[VK_SALT_LEN], unsigned passes,
    unsigned kib, unsigned char ret_key[VK_KEY_LEN])
{
	struct vk_kdf_room room;
	int bad;

	if (kib < VK_KDF_KIB_MIN || kib > VK_KDF_KIB_MAX || passes < 1 || passes > VK_KDF_PASSES_MAX)
		return vk_fail(VK_ETAMPER, "a key slot asks for %u passes over %u KiB, which is outside "
		    "the limits", passes, kib);
	/* Beyond a container's limit malloc() succeeds, and using what it gave is the end of the process. */
	vk_kdf_room("", &room);
	if (kib > room.most_kib)
		return no_memory(kib);
	/* Picks the vector implementations; without it this takes several times as long. */
	if (sodium_init() < 0)
		return vk_fail(VK_ESYS, "libsodium cannot start");
	bad = crypto_pwhash(ret_key, VK_KEY_LEN, pass, n, salt, passes, (size_t)kib * 1024,
	    crypto_pwhash_ALG_ARGON2ID13);
	vk_wipe_stack();
	return bad == 0 ? VK_OK : no_memory(kib);
}

static uint64_t
cpu_ns(void)
{
	struct timespec t = { 0 };

	/* Not the clock on the wall: what else runs at this moment is not what a guess costs. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

enum vk_err
vk_kdf_calibrate(unsigned *ret_passes, unsigned *ret_kib)
{
	static const unsigned char salt[VK_SALT_LEN];
	unsigned char key[VK_KEY_LEN];
	struct vk_kdf_room room;
	uint64_t begin = cpu_ns();
	enum vk_err e = vk_stretch("", 0, salt, 1, PROBE_MIB * 1024, key);

	if (e != VK_OK)
		return e;
	vk_kdf_room("", &room);
	vk_kdf_choose(&room, (cpu_ns() - begin) / PROBE_MIB, ret_passes, ret_kib);
	return VK_OK;
}
