/* SPDX-License-Identifier: ISC */
/*
 * Which keystore it must be.  Key slots of recipients authenticate nobody: whoever knows a public key can make a
 * keystore that it opens.  So a machine that has such a slot, and gets the file from elsewhere, is told which one
 * to expect.
 */
#include <sodium.h>
#include <string.h>

#include "valetkey/secret.h"
#include "valetkey/unlock.h"

#define VARIABLE "VALETKEY_STORE_ID"

enum { ID_HEX = 2 * VK_STORE_ID_LEN, COMMIT_LEN = 16 };

_Static_assert(VK_PIN_TEXT == ID_HEX + 1 + 2 * COMMIT_LEN, "text of a pin");

static bool
unhex(const char *text, size_t n, unsigned char *out, size_t len)
{
	size_t got = 0;

	return n == 2 * len && sodium_hex2bin(out, len, text, n, NULL, &got, NULL) == 0 && got == len;
}

enum vk_err
vk_pin_check(const struct vk_store *st)
{
	unsigned char id[VK_STORE_ID_LEN], commit[COMMIT_LEN];
	const char *pin = getenv(VARIABLE), *colon;
	char text[ID_HEX + 1];
	size_t n;

	if (!pin)
		return VK_OK;
	colon = strchr(pin, ':');
	n = colon ? (size_t)(colon - pin) : strlen(pin);
	/* An empty one is not taken for none: whoever sets it wants to be sure. */
	if (!unhex(pin, n, id, sizeof(id)) ||
	    (colon && !unhex(colon + 1, strlen(colon + 1), commit, sizeof(commit))))
		return vk_fail(VK_EPROTO, VARIABLE " is not an id or a pin, as \"valetkey status\" shows them");
	if (!vk_mem_eq(id, vk_store_id(st), sizeof(id))) {
		sodium_bin2hex(text, sizeof(text), vk_store_id(st), VK_STORE_ID_LEN);
		vk_hint("set VALETKEY_KEYSTORE to the keystore that is meant; only if you made this one yourself, set "
			VARIABLE " to its id, %s", text);
		return vk_fail(VK_EPOLICY, "the keystore %s is not the one that " VARIABLE " names", vk_store_file(st));
	}
	if (colon && !vk_mem_eq(commit, vk_store_commitment(st), sizeof(commit))) {
		vk_hint("if its keys were rotated, set " VARIABLE " to the new pin, as \"valetkey status\" shows it "
			"where that was done");
		return vk_fail(VK_EPOLICY, "the keystore %s has other keys than " VARIABLE " names", vk_store_file(st));
	}
	return VK_OK;
}

void
vk_pin_text(const struct vk_store *st, char ret_text[VK_PIN_TEXT + 1])
{
	sodium_bin2hex(ret_text, ID_HEX + 1, vk_store_id(st), VK_STORE_ID_LEN);
	ret_text[ID_HEX] = ':';
	sodium_bin2hex(ret_text + ID_HEX + 1, 2 * COMMIT_LEN + 1, vk_store_commitment(st), COMMIT_LEN);
}
