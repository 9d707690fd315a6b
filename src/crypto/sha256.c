/* SPDX-License-Identifier: ISC */
/* What files of others are compared with. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"

enum { PIECE = 64 * 1024 };

static void
finish(crypto_hash_sha256_state *s, char ret[VK_SHA256_HEX + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(s, digest);
	sodium_bin2hex(ret, VK_SHA256_HEX + 1, digest, sizeof(digest));
}

enum vk_err
vk_sha256_fd(int fd, char ret[VK_SHA256_HEX + 1])
{
	VK_CLEANUP(vk_freep) unsigned char *piece = malloc(PIECE);
	crypto_hash_sha256_state s;
	off_t at = 0;
	ssize_t n;

	if (!piece)
		return VK_ENOMEM;
	crypto_hash_sha256_init(&s);
	while ((n = pread(fd, piece, PIECE, at)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0) {
			crypto_hash_sha256_update(&s, piece, (unsigned long long)n);
			at += n;
		}
	if (n < 0)
		return vk_fail_errno("cannot read the file back");
	finish(&s, ret);
	return VK_OK;
}

void
vk_sha256_text(const char *text, char ret[VK_SHA256_HEX + 1])
{
	crypto_hash_sha256_state s;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, (const unsigned char *)text, strlen(text));
	finish(&s, ret);
}
