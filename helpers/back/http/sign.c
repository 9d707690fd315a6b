/* SPDX-License-Identifier: ISC */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <string.h>

#include "http.h"
#include "sign.h"

/* Less is no key for anybody who checks. */
enum { RSA_BITS_MIN = 2048 };

static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return vk_wiping_realloc(p, n);
}

static void
give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	vk_wiping_free(p);
}

void
vk_sign_begin(void)
{
	/* Refused when a library's constructor was faster; keys are then wiped by libcrypto's own care alone. */
	(void)!CRYPTO_set_mem_functions(take, resize, give_back);
}

void
vk_hex(const unsigned char p[VK_SHA256_LEN], char ret[VK_SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < VK_SHA256_LEN; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	ret[VK_SHA256_HEX - 1] = '\0';
}

enum vk_err
vk_sha256(const void *p, size_t n, char ret[VK_SHA256_HEX])
{
	unsigned char digest[VK_SHA256_LEN];

	if (!SHA256(p, n, digest))
		return vk_fail(VK_EBACKEND, "libcrypto has no SHA-256");
	vk_hex(digest, ret);
	return VK_OK;
}

enum vk_err
vk_hmac(const void *key, size_t n, const char *text, unsigned char ret[VK_SHA256_LEN])
{
	if (!HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), ret, NULL))
		return vk_fail(VK_EBACKEND, "libcrypto has no HMAC");
	return VK_OK;
}

/* RFC 4648, 5, without padding. */
static enum vk_err
add_base64url(struct vk_buf *out, const void *p, size_t n)
{
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(VK_BASE64_LEN(n) + 1);

	if (!text)
		return VK_ENOMEM;
	vk_base64_encode(p, n, text);
	for (char *c = text; *c && *c != '='; c++)
		vk_buf_char(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
	return out->err;
}

/* A key with a passphrase is not asked about: there is nobody. */
static int
no_passphrase(char *buf, int n, int writing, void *arg)
{
	(void)buf;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

static enum vk_err
read_key(const struct vk_buf *pem, EVP_PKEY **ret)
{
	BIO *b = BIO_new_mem_buf(pem->p, (int)pem->len);
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;
	bool fit = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) >= RSA_BITS_MIN;

	BIO_free(b);
	if (!fit) {
		EVP_PKEY_free(key);
		return vk_fail(VK_EBACKEND,
		    "the private key is not RSA in PEM, of %d bits or more and without a passphrase", RSA_BITS_MIN);
	}
	*ret = key;
	return VK_OK;
}

static enum vk_err
add_signature(EVP_PKEY *key, size_t from, struct vk_buf *out)
{
	size_t n = (size_t)EVP_PKEY_size(key);
	VK_CLEANUP(vk_arena_freep) unsigned char *signature = vk_arena_alloc(n);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = signature && c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(c, signature, &n, (const unsigned char *)out->p + from, out->len - from) == 1;

	EVP_MD_CTX_free(c);
	if (!ok)
		return vk_fail(VK_EBACKEND, "libcrypto cannot sign with the private key");
	vk_buf_char(out, '.');
	return add_base64url(out, signature, n);
}

enum vk_err
vk_jwt_rs256(const struct vk_buf *pem, const char *key_id, const char *claims, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf header = VK_BUF(1024);
	EVP_PKEY *key = NULL;
	size_t from = out->len;
	enum vk_err e;

	vk_buf_str(&header, "{\"alg\":\"RS256\",\"typ\":\"JWT\"");
	if (key_id)
		vk_buf_fmt(&header, ",\"kid\":\"%s\"", key_id);
	if ((e = vk_buf_char(&header, '}')) == VK_OK)
		e = add_base64url(out, header.p, header.len);
	vk_buf_char(out, '.');
	if (e == VK_OK)
		e = add_base64url(out, claims, strlen(claims));
	if (e == VK_OK && (e = read_key(pem, &key)) == VK_OK)
		e = add_signature(key, from, out);
	EVP_PKEY_free(key);
	return e;
}
