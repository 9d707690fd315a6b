/* SPDX-License-Identifier: ISC */
/* The requests of docs/HELPER.md that are about a keystore's key. */
#include <string.h>

#include "source/helper_call.h"
#include "valetkey/external.h"
#include "valetkey/unlock.h"

enum { SMALL_MAX = 4096, KEY_TEXT = VK_BASE64_LEN(VK_STORE_KEY_LEN) };

static void
put_hex(struct vk_buf *b, const char *name, const unsigned char *p, size_t n)
{
	vk_buf_fmt(b, "%s=", name);
	for (size_t i = 0; i < n; i++)
		vk_buf_fmt(b, "%02x", p[i]);
	vk_buf_char(b, '\n');
}

static void
begin(struct vk_buf *b, const char *verb, const struct vk_external *x)
{
	vk_buf_fmt(b, "%s\n", verb);
	put_hex(b, "store", x->store, VK_STORE_ID_LEN);
	put_hex(b, "slot", x->slot, 8);
}

/* ${ret_key} NULL: there must be no attribute, else the key alone. */
static enum vk_err
ask(const struct vk_external *x, const struct vk_buf *request, unsigned char *ret_key)
{
	const struct vk_helper h = {
		.program = x->program, .none = "keeps no key for this keystore", .deadline_ms = VK_HELPER_DEADLINE_MS,
	};
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(SMALL_MAX);
	struct vk_helper_attr key = { .name = "key", .needed = true };
	enum vk_err e = vk_helper_ask(&h, request, &answer, &key, ret_key ? 1 : 0);

	if (e != VK_OK || !ret_key)
		return e;
	if (key.n != KEY_TEXT || vk_raw_key_parse(key.p, KEY_TEXT, ret_key) != VK_OK)
		return vk_fail(VK_EBACKEND, "valetkey-%s answers what is not understood", x->program);
	return VK_OK;
}

enum vk_err
vk_external_get(const struct vk_external *x, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(SMALL_MAX);

	begin(&b, "get-key", x);
	return ask(x, &b, ret_key);
}

enum vk_err
vk_external_put(const struct vk_external *x, const char *label,
    const unsigned char key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(SMALL_MAX);
	char text[KEY_TEXT + 1];

	if (vk_str_has_control(label, strlen(label)))
		return vk_fail(VK_EUSAGE, "a label holds control characters");
	begin(&b, "put-key", x);
	if (*label)
		vk_buf_fmt(&b, "label=%s\n", label);
	vk_buf_str(&b, "key=");
	vk_base64_encode(key, VK_STORE_KEY_LEN, text);
	vk_buf_add(&b, text, KEY_TEXT);
	vk_wipe(text, sizeof(text));
	vk_buf_char(&b, '\n');
	return ask(x, &b, NULL);
}

enum vk_err
vk_external_remove(const struct vk_external *x)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(SMALL_MAX);

	begin(&b, "remove-key", x);
	return ask(x, &b, NULL);
}
