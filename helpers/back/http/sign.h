/* SPDX-License-Identifier: ISC */
/*
 * sign.h - what requests to clouds are signed with: SHA-256, HMAC and RSA, by libcrypto, which libcurl comes with where
 * its TLS is OpenSSL's.
 */
#ifndef VK_BACK_SIGN_H
#define VK_BACK_SIGN_H

#include "valetkey/secret.h"

enum { VK_SHA256_LEN = 32, VK_SHA256_HEX = 2 * VK_SHA256_LEN + 1 };

/** vk_sign_begin(): Before anything of libcrypto is used, by libcurl too: what it frees is wiped. */
void vk_sign_begin(void);

/** vk_hex(p, ret): VK_SHA256_LEN bytes as lower-case digits, with a NUL. */
void vk_hex(const unsigned char p[VK_SHA256_LEN], char ret[VK_SHA256_HEX]);

/** vk_sha256(p, n, ret): In hexadecimal, as AWS wants digests. */
enum vk_err vk_sha256(const void *p, size_t n, char ret[VK_SHA256_HEX]) VK_MUST;

/** vk_hmac(key, n, text, ret): HMAC-SHA-256; ${ret} may be ${key}. */
enum vk_err vk_hmac(const void *key, size_t n, const char *text, unsigned char ret[VK_SHA256_LEN]) VK_MUST;

/**
 * vk_jwt_rs256(pem, key_id, claims, out):
 * Append a JSON Web Token (RFC 7519, RFC 7515) of the JSON ${claims}, signed RS256 (RFC 7518, 3.3) with the RSA key in
 * ${pem}, PKCS#1 or PKCS#8 without a passphrase; ${key_id}: its header's "kid", NULL for none.
 */
enum vk_err vk_jwt_rs256(const struct vk_buf *pem, const char *key_id, const char *claims, struct vk_buf *out) VK_MUST;

#endif
