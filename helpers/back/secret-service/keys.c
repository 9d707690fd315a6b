/* SPDX-License-Identifier: ISC */
/* Keys of keystores: items of the schema org.valetkey.Key with the attributes store and slot, the key as base64. */
#include <string.h>

#include "service.h"
#include "verbs.h"

enum { KEY_LEN = 32, KEY_TEXT = VK_BASE64_LEN(KEY_LEN) };

static bool
is_key(const char *text, size_t n)
{
	unsigned char bytes[VK_BASE64_ROOM(KEY_TEXT)];
	size_t len = 0;
	bool ok = n == KEY_TEXT && vk_base64_decode(text, n, bytes, &len) == VK_OK && len == KEY_LEN;

	vk_wipe(bytes, sizeof(bytes));
	return ok;
}

static bool
is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* Find what the request is about. */
static enum vk_err
find(struct vk_ask *a, struct vk_service *s, GHashTable *attrs, struct vk_items *l)
{
	const char *store = NULL, *slot = NULL;
	enum vk_err e = vk_ask_need(a, "store", &store);

	if (e == VK_OK)
		e = vk_ask_need(a, "slot", &slot);
	if (e == VK_OK && !(is_hex(store, 32) && is_hex(slot, 16)))
		e = vk_fail(VK_EPROTO, "store or slot is no id");
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = vk_service_open(s);
	if (e != VK_OK)
		return e;
	vk_attr(attrs, VK_SCHEMA, "org.valetkey.Key");
	vk_attr(attrs, "store", store);
	vk_attr(attrs, "slot", slot);
	return vk_service_search(s, attrs, l);
}

enum vk_err
vk_get_key(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(vk_service_close) struct vk_service s = { NULL, NULL, NULL };
	VK_CLEANUP(vk_items_clear) struct vk_items l = { NULL, false };
	VK_CLEANUP(vk_attrs_clear) GHashTable *attrs = vk_attrs();
	SecretValue *value = NULL;
	const char *text;
	gsize n = 0;
	enum vk_err e = find(a, &s, attrs, &l);

	if (e == VK_OK && !l.list)
		return vk_service_none(&s, &l);
	if (e == VK_OK && l.list->next)
		e = vk_fail(VK_EPROTO, "the keyring has more than one key for this slot");
	if (e == VK_OK)
		e = vk_service_get(&s, l.list->data, &value);
	if (e != VK_OK)
		return e;
	text = secret_value_get(value, &n);
	if (is_key(text, n)) {
		vk_buf_str(out, "key=");
		vk_buf_add(out, text, n);
		e = vk_buf_char(out, '\n');
	} else {
		e = vk_fail(VK_EPROTO, "what the keyring has for this slot is no key");
	}
	secret_value_unref(value);
	return e;
}

enum vk_err
vk_put_key(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(vk_service_close) struct vk_service s = { NULL, NULL, NULL };
	VK_CLEANUP(vk_items_clear) struct vk_items l = { NULL, false };
	VK_CLEANUP(vk_attrs_clear) GHashTable *attrs = vk_attrs();
	VK_CLEANUP(vk_secret_clear) struct vk_secret secret = { NULL, 0 };
	const char *key = NULL, *label = vk_ask_get(a, "label");
	enum vk_err e = vk_ask_need(a, "key", &key);

	(void)out;
	if (e == VK_OK && !(is_key(key, strlen(key)) && (!label || g_utf8_validate(label, -1, NULL))))
		e = vk_fail(VK_EPROTO, "the key is none, or the label is no text");
	if (e == VK_OK)
		e = vk_secret_set(&secret, key, strlen(key));
	if (e == VK_OK)
		e = find(a, &s, attrs, &l);
	return e == VK_OK ? vk_service_put(&s, &l, attrs, label ? label : "valetkey: a keystore's key", &secret) : e;
}

enum vk_err
vk_remove_key(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(vk_service_close) struct vk_service s = { NULL, NULL, NULL };
	VK_CLEANUP(vk_items_clear) struct vk_items l = { NULL, false };
	VK_CLEANUP(vk_attrs_clear) GHashTable *attrs = vk_attrs();
	enum vk_err e = find(a, &s, attrs, &l);

	(void)out;
	if (e == VK_OK && !l.list)
		return vk_service_none(&s, &l);
	return e == VK_OK ? vk_service_remove(&s, &l) : e;
}
