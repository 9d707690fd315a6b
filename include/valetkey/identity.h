/* SPDX-License-Identifier: ISC */
/*
 * identity.h - key pairs that a keystore can be opened with: the public half, a recipient, is given to whoever
 * adds it to a keystore; the secret half, an identity, stays where it was made.
 *
 * As text:
 *   vkr1-  a recipient   followed by base64url (RFC 4648, no padding; 48 characters) of the 32 bytes of the key and
 *   vki1-  an identity   the first 4 bytes of BLAKE2b-256 over the prefix ("vkr1-") and the key.
 * So a mistyped one is noticed, and one is not taken for the other.  What cannot be parsed is VK_EPROTO; reasons
 * never repeat the text.
 */
#ifndef VALETKEY_IDENTITY_H
#define VALETKEY_IDENTITY_H

#include "valetkey/store.h"

enum { VK_IDENTITY_TEXT = 53 }; /* characters of either, without a NUL */

/** vk_identity_recipient(key, ret_public): The public half; any 32 bytes are an identity, see vk_raw_key_new(). */
void vk_identity_recipient(const unsigned char key[VK_STORE_KEY_LEN],
    unsigned char ret_public[VK_STORE_KEY_LEN]);

/** vk_identity_text(key, ret_text), vk_recipient_text(public, ret_text): NUL-terminated. */
void vk_identity_text(const unsigned char key[VK_STORE_KEY_LEN],
    char ret_text[VK_IDENTITY_TEXT + 1]);
void vk_recipient_text(const unsigned char public[VK_STORE_KEY_LEN],
    char ret_text[VK_IDENTITY_TEXT + 1]);

/** vk_identity_parse(text, n, ret_key), vk_recipient_parse(text, n, ret_public): One trailing line end allowed. */
enum vk_err vk_identity_parse(const char *text, size_t n,
    unsigned char ret_key[VK_STORE_KEY_LEN]) VK_MUST;
enum vk_err vk_recipient_parse(const char *text, size_t n,
    unsigned char ret_public[VK_STORE_KEY_LEN]) VK_MUST;

/**
 * vk_identity_read(path, ret_key):
 * From a file that holds one, on a line of its own, among empty lines and those that begin with '#'.  Which files
 * are trusted: see vk_raw_key_read().
 */
enum vk_err vk_identity_read(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN]) VK_MUST;

#endif
