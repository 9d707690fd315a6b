/* SPDX-License-Identifier: ISC */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "source/keyfile.h"
#include "valetkey/identity.h"

enum {
	PREFIX_LEN = 5,
	SUM_LEN = 4,
	BODY_LEN = VK_IDENTITY_TEXT - PREFIX_LEN,
	FILE_MAX = 4096,
};

#define IDENTITY "vki1-"
#define RECIPIENT "vkr1-"

_Static_assert((VK_STORE_KEY_LEN + SUM_LEN) / 3 * 4 == BODY_LEN, "no padding");

static void
sum_of(const char *prefix, const unsigned char *key, unsigned char sum[VK_DIGEST_LEN])
{
	unsigned char in[PREFIX_LEN + VK_STORE_KEY_LEN];

	memcpy(in, prefix, PREFIX_LEN);
	memcpy(in + PREFIX_LEN, key, VK_STORE_KEY_LEN);
	vk_digest(in, sizeof(in), sum);
	vk_wipe(in, sizeof(in));
	vk_wipe_stack();
}

static void
encode(const char *prefix, const unsigned char *key, char ret[VK_IDENTITY_TEXT + 1])
{
	unsigned char body[VK_STORE_KEY_LEN + SUM_LEN], sum[VK_DIGEST_LEN];

	sum_of(prefix, key, sum);
	memcpy(body, key, VK_STORE_KEY_LEN);
	memcpy(body + VK_STORE_KEY_LEN, sum, SUM_LEN);
	memcpy(ret, prefix, PREFIX_LEN);
	sodium_bin2base64(ret + PREFIX_LEN, BODY_LEN + 1, body, sizeof(body),
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	vk_wipe(body, sizeof(body));
	vk_wipe_stack();
}

static bool
decode(const char *prefix, const char *text, size_t n, unsigned char ret[VK_STORE_KEY_LEN])
{
	unsigned char body[VK_STORE_KEY_LEN + SUM_LEN], sum[VK_DIGEST_LEN];
	size_t got = 0;
	bool ok;

	n = vk_key_text_len(text, n);
	ok = n == VK_IDENTITY_TEXT && vk_mem_eq(text, prefix, PREFIX_LEN) &&
	    sodium_base642bin(body, sizeof(body), text + PREFIX_LEN, BODY_LEN, NULL, &got, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 && got == sizeof(body);
	if (ok) {
		sum_of(prefix, body, sum);
		ok = vk_mem_eq(sum, body + VK_STORE_KEY_LEN, SUM_LEN);
	}
	if (ok)
		memcpy(ret, body, VK_STORE_KEY_LEN);
	vk_wipe(body, sizeof(body));
	vk_wipe_stack();
	return ok;
}

static bool
begins(const char *text, size_t n, const char *prefix)
{
	return n >= PREFIX_LEN && vk_mem_eq(text, prefix, PREFIX_LEN);
}

void
vk_identity_recipient(const unsigned char key[VK_STORE_KEY_LEN],
    unsigned char ret_public[VK_STORE_KEY_LEN])
{
	vk_x25519_public(key, ret_public);
}

void
vk_identity_text(const unsigned char key[VK_STORE_KEY_LEN], char ret_text[VK_IDENTITY_TEXT + 1])
{
	encode(IDENTITY, key, ret_text);
}

void
vk_recipient_text(const unsigned char public[VK_STORE_KEY_LEN],
    char ret_text[VK_IDENTITY_TEXT + 1])
{
	encode(RECIPIENT, public, ret_text);
}

enum vk_err
vk_identity_parse(const char *text, size_t n, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	if (decode(IDENTITY, text, n, ret_key))
		return VK_OK;
	if (begins(text, n, RECIPIENT))
		return vk_fail(VK_EPROTO, "this is a recipient, which everybody may know; the identity that belongs "
		    "to it begins with " IDENTITY);
	return vk_fail(VK_EPROTO, "an identity is %d characters that begin with " IDENTITY
	    ", and a slip in them is noticed", VK_IDENTITY_TEXT);
}

enum vk_err
vk_recipient_parse(const char *text, size_t n, unsigned char ret_public[VK_STORE_KEY_LEN])
{
	if (decode(RECIPIENT, text, n, ret_public))
		return VK_OK;
	if (begins(text, n, IDENTITY))
		return vk_fail(VK_EPROTO, "this is an identity, which is a secret; the recipient that belongs to it "
		    "begins with " RECIPIENT);
	return vk_fail(VK_EPROTO, "a recipient is %d characters that begin with " RECIPIENT
	    ", and a slip in them is noticed", VK_IDENTITY_TEXT);
}

/* The one line of ${text} that is neither empty nor a comment. */
static enum vk_err
parse_lines(const char *text, size_t n, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	const char *found = NULL;
	size_t len, found_len = 0;

	for (const char *at = text, *end = text + n; at < end; at += len) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		len = lf ? (size_t)(lf - at) + 1 : (size_t)(end - at);
		if (*at == '#' || *at == '\n' || (len == 2 && *at == '\r'))
			continue;
		if (found)
			return vk_fail(VK_EPROTO, "it holds more than one");
		found = at;
		found_len = len;
	}
	return vk_identity_parse(found ? found : "", found_len, ret_key);
}

enum vk_err
vk_identity_read(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(FILE_MAX + 1);
	enum vk_err e;
	size_t n = 0;

	if (!text)
		return VK_ENOMEM;
	if ((e = vk_keyfile_read(path, "identity file", text, FILE_MAX + 1, &n)) == VK_OK)
		e = n > FILE_MAX ? vk_fail(VK_EPROTO, "it is larger than %d bytes", FILE_MAX)
				 : parse_lines(text, n, ret_key);
	if (e == VK_EPROTO)
		return vk_fail(e, "the identity file %s holds no identity: %s", path, vk_reason());
	return e;
}
