/* SPDX-License-Identifier: ISC */
/* Credentials, by what a reference says after its colon: place.h. */
#include <string.h>

#include "place.h"
#include "verbs.h"

/* What one request needs, and what has to be given back in the end. */
struct asked {
	struct vk_service s;
	struct vk_place place;
	struct vk_items items;
};

static void
clear(struct asked *q)
{
	vk_items_clear(&q->items);
	vk_place_clear(&q->place);
	vk_service_close(&q->s);
}

/* ${whole}: without a user name the account without one is meant, not any. */
static enum vk_err
find(struct vk_ask *a, bool whole, struct asked *q)
{
	const char *store = NULL, *ref = NULL;
	enum vk_err e = vk_ask_need(a, "store", &store);

	if (e == VK_OK)
		e = vk_ask_need(a, "ref", &ref);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = vk_place_parse(ref, &q->place);
	if (e == VK_OK && whole && !q->place.attrs && !q->place.user)
		q->place.user = g_strdup("");
	if (e == VK_OK)
		e = vk_service_open(&q->s);
	return e == VK_OK ? vk_place_find(&q->s, &q->place, &q->items) : e;
}

/* git puts lines behind the password: "password_expiry_utc=1684189401", and others that are not for us. */
static enum vk_err
answer(const char *bytes, size_t n, struct vk_buf *out)
{
	static const char expiry[] = "password_expiry_utc=";
	const char *lf = memchr(bytes, '\n', n), *end = bytes + n;
	enum vk_err e = vk_answer_secret(out, "secret", bytes, lf ? (size_t)(lf - bytes) : n);

	for (const char *p = lf; e == VK_OK && p; p = memchr(p, '\n', (size_t)(end - p))) {
		size_t digits = 0;

		p++;
		if ((size_t)(end - p) <= strlen(expiry) || memcmp(p, expiry, strlen(expiry)) != 0)
			continue;
		p += strlen(expiry);
		while (p + digits < end && p[digits] >= '0' && p[digits] <= '9')
			digits++;
		vk_buf_str(out, "expires=");
		vk_buf_add(out, p, digits);
		if (digits == 0 || digits > 18)
			return vk_fail(VK_EPROTO, "the item's expiry is none");
		return vk_buf_char(out, '\n');
	}
	return e;
}

enum vk_err
vk_get_secret(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct asked q = { .place.user = NULL };
	SecretValue *value = NULL;
	const char *bytes;
	gsize n = 0;
	enum vk_err e = find(a, false, &q);

	if (e == VK_OK && !q.items.list)
		return vk_service_none(&q.s, &q.items);
	if (e == VK_OK && vk_place_doubtful(&q.items))
		e = vk_fail(VK_EPROTO, "the keyring has two items for that account");
	if (e == VK_OK)
		e = vk_service_get(&q.s, q.items.list->data, &value);
	if (e != VK_OK)
		return e;
	bytes = secret_value_get(value, &n);
	e = q.place.attrs ? vk_answer_secret(out, "secret", bytes, n) : answer(bytes, n, out);
	secret_value_unref(value);
	return e;
}

enum vk_err
vk_put_secret(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct asked q = { .place.user = NULL };
	VK_CLEANUP(vk_secret_clear) struct vk_secret secret = { NULL, 0 };
	VK_CLEANUP(vk_attrs_clear) GHashTable *attrs = NULL;
	const char *label = vk_ask_get(a, "label");
	enum vk_err e = vk_ask_secret(a, "secret", &secret);

	(void)out;
	if (e == VK_OK && (secret.n == 0 || memchr(secret.p, '\n', secret.n)))
		e = vk_fail(VK_EPROTO, "there is no secret, or one of several lines");
	if (e == VK_OK && label && !g_utf8_validate(label, -1, NULL))
		e = vk_fail(VK_EPROTO, "the label is no text");
	if (e == VK_OK)
		e = find(a, true, &q);
	if (e != VK_OK)
		return e;
	attrs = vk_place_attrs(&q.place);
	return vk_service_put(&q.s, &q.items, attrs, label ? label : "valetkey: a credential", &secret);
}

enum vk_err
vk_remove_secret(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct asked q = { .place.user = NULL };
	enum vk_err e = find(a, false, &q);

	(void)out;
	if (e == VK_OK && !q.items.list)
		return vk_service_none(&q.s, &q.items);
	return e == VK_OK ? vk_service_remove(&q.s, &q.items) : e;
}
