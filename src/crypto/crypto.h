/* SPDX-License-Identifier: ISC */
/*
 * crypto.h - the four primitives that the keystore is made of.
 *
 *   seal     XChaCha20-Poly1305, in place, tag apart
 *   prf      keyed BLAKE2b with a label: every derivation and every hidden name
 *   stretch  Argon2id, for passphrases
 *   wrap     a key for the holder of an X25519 key pair, with a commitment
 *
 * and SHA-256, as others state what their files should be.
 *
 * Layouts are no business of this floor: callers say what is bound to what.
 */
#ifndef VK_CRYPTO_CRYPTO_H
#define VK_CRYPTO_CRYPTO_H

#include "valetkey/base.h"

enum {
	VK_KEY_LEN = 32,
	VK_NONCE_LEN = 24,
	VK_TAG_LEN = 16,
	VK_SALT_LEN = 16,
	VK_DIGEST_LEN = 32,
	VK_LABEL_MAX = 16,
};

/* What a hostile file may ask Argon2id for, and the least that we ask it for ourselves. */
enum {
	VK_KDF_KIB_MIN = 8,
	VK_KDF_KIB_MAX = 1024 * 1024,
	VK_KDF_PASSES_MAX = 16,
	VK_KDF_KIB_LEAST = 19 * 1024,
	VK_KDF_PASSES_LEAST = 2,
};

/* A piece of a hash's input. */
struct vk_part {
	const void *p;
	size_t n;
};

/** vk_crypto_start(): Once per process, by the functions below: picks the fastest implementations. */
void vk_crypto_start(void);

/**
 * vk_random(p, n):
 * Bytes from the kernel.  In a file of its own, so that the generator of the test
 * vectors can be linked with another one.
 */
enum vk_err vk_random(void *p, size_t n) VK_MUST;

/**
 * vk_prf(key, label, parts, count, out, n):
 * BLAKE2b of the concatenated ${parts}, keyed with VK_KEY_LEN bytes, personalised with the ASCII
 * ${label} (zero-padded to 16 bytes), ${n} bytes long (16 to 64).  Callers make
 * concatenations unambiguous.
 */
void vk_prf(const unsigned char *key, const char *label, const struct vk_part *parts,
    size_t count, unsigned char *out, size_t n);

/** vk_digest(p, n, out): Plain BLAKE2b-256. */
void vk_digest(const void *p, size_t n, unsigned char out[VK_DIGEST_LEN]);

/** vk_sha256_fd(fd, ret): FIPS 180-4, in small letters, of all of the file ${fd}, whose position stays. */
enum { VK_SHA256_HEX = 64 };
enum vk_err vk_sha256_fd(int fd, char ret[VK_SHA256_HEX + 1]) VK_MUST;

/** vk_sha256_text(text, ret): The same of ${text}. */
void vk_sha256_text(const char *text, char ret[VK_SHA256_HEX + 1]);

/** vk_seal(key, nonce, ad, ad_len, text, n, tag): Encrypt ${text} in place; VK_TAG_LEN bytes to ${tag}. */
void vk_seal(const unsigned char *key, const unsigned char *nonce, const void *ad, size_t ad_len,
    unsigned char *text, size_t n, unsigned char *tag);

/** vk_unseal(...): The reverse; false, and ${text} is wiped, when anything was changed. */
bool vk_unseal(const unsigned char *key, const unsigned char *nonce, const void *ad,
    size_t ad_len, unsigned char *text, size_t n, const unsigned char *tag) VK_MUST;

/**
 * vk_stretch(pass, n, salt, passes, kib, ret_key):
 * Argon2id, version 1.3, one lane, 32 bytes.  VK_ETAMPER when the cost is outside the limits above,
 * VK_ENOMEM when the machine has not that much memory.
 */
enum vk_err vk_stretch(const void *pass, size_t n, const unsigned char salt[VK_SALT_LEN],
    unsigned passes, unsigned kib, unsigned char ret_key[VK_KEY_LEN]) VK_MUST;

/* Memory, as far as a file system tree like ours says: UINT64_MAX where it says nothing. */
struct vk_kdf_room {
	uint64_t free_kib; /* can be taken without hurting others */
	uint64_t most_kib; /* whoever takes more is killed */
};

/** vk_kdf_room(root, ret): From proc and sys (cgroups of both versions) below ${root}, which is "" but in tests. */
void vk_kdf_room(const char *root, struct vk_kdf_room *ret);

/**
 * vk_kdf_choose(room, ns_per_mib, ret_passes, ret_kib):
 * A cost of about half a second where one pass over one MiB takes ${ns_per_mib}: 256 MiB and at least 3 passes,
 * or, where that is more than a quarter of what is free, less memory and more passes.
 */
void vk_kdf_choose(const struct vk_kdf_room *room, uint64_t ns_per_mib, unsigned *ret_passes,
    unsigned *ret_kib);

/** vk_kdf_calibrate(ret_passes, ret_kib): Choose for this machine, after a short trial. */
enum vk_err vk_kdf_calibrate(unsigned *ret_passes, unsigned *ret_kib) VK_MUST;

/** vk_x25519_public(secret, ret_public): The public half of a key pair; any 32 bytes are a secret half. */
void vk_x25519_public(const unsigned char secret[VK_KEY_LEN],
    unsigned char ret_public[VK_KEY_LEN]);

/* How a key is wrapped: what vk_wrap() makes and vk_unwrap() takes.  A key slot holds it in this order. */
struct vk_wrapped {
	unsigned char ephemeral[VK_KEY_LEN]; /* a public key used for this once */
	unsigned char commit[VK_KEY_LEN];
	unsigned char nonce[VK_NONCE_LEN];
	unsigned char key[VK_KEY_LEN];
	unsigned char tag[VK_TAG_LEN];
};

enum { VK_WRAP_AD_MAX = 96 };

/**
 * vk_wrap(public, ad, ad_len, key, ret):
 * Wrap ${key} for whoever has the secret half of ${public}, bound to at most VK_WRAP_AD_MAX bytes ${ad}.
 * VK_EUSAGE for a public key that would open for everybody (X25519 gives zero).
 */
enum vk_err vk_wrap(const unsigned char public[VK_KEY_LEN], const void *ad, size_t ad_len,
    const unsigned char key[VK_KEY_LEN], struct vk_wrapped *ret) VK_MUST;

/**
 * vk_unwrap(secret, ad, ad_len, w, ret_key):
 * VK_EKEY when it was not wrapped for ${secret} (the commitment differs), VK_ETAMPER when it was and the
 * rest was changed.
 */
enum vk_err vk_unwrap(const unsigned char secret[VK_KEY_LEN], const void *ad, size_t ad_len,
    const struct vk_wrapped *w, unsigned char ret_key[VK_KEY_LEN]) VK_MUST;

#endif
