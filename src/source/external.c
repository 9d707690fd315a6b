/* SPDX-License-Identifier: ISC */
/* The requests of docs/HELPER.md that are about a keystore's key. */
#include <stdio.h>
#include <string.h>

#include "source/helper_call.h"
#include "valetkey/external.h"
#include "valetkey/unlock.h"

enum { ANSWER_MAX = 4096, KEY_TEXT = VK_BASE64_LEN(VK_STORE_KEY_LEN) };

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
	vk_buf_fmt(b, "valetkey-helper 1\n%s\n", verb);
	put_hex(b, "store", x->store, VK_STORE_ID_LEN);
	put_hex(b, "slot", x->slot, 8);
}

static const struct {
	const char *code;
	enum vk_err e;
	const char *text;
} codes[] = {
	{ "not-found", VK_ENOENT, "keeps no key for this keystore" },
	{ "locked", VK_ELOCKED, "has to be unlocked first" },
	{ "denied", VK_EPOLICY, "refuses" },
	{ "unavailable", VK_EBACKEND, "cannot reach its store" },
	{ "failed", VK_EBACKEND, "failed" },
};

static enum vk_err
not_understood(const struct vk_external *x)
{
	return vk_fail(VK_EBACKEND, "valetkey-%s answers what is not understood", x->program);
}

/* ${line}: what follows "error ". */
static enum vk_err
refused(const struct vk_external *x, const char *line, size_t n)
{
	for (size_t i = 0; i < VK_COUNT(codes); i++) {
		size_t len = strlen(codes[i].code);

		if (n < len || strncmp(line, codes[i].code, len) != 0 || (n > len && line[len] != ' '))
			continue;
		n -= n > len ? len + 1 : len;
		return vk_fail(codes[i].e, "valetkey-%s %s%s%.*s", x->program, codes[i].text,
		    n ? ": " : "", (int)(n > 200 ? 200 : n), line + len + 1);
	}
	return not_understood(x);
}

/*
 * An answer is a first line, attributes, and an empty line, which ends it.  ${ret_key} NULL: there must be no
 * attribute, else the key alone.
 */
static enum vk_err
parse(const struct vk_external *x, const struct vk_buf *answer, int status, unsigned char *ret_key)
{
	const char *p = answer->p ? answer->p : "", *rest;
	size_t n = answer->len, first;

	if (status == 127 && n == 0)
		return vk_fail(VK_EBACKEND, "valetkey-%s cannot be started", x->program);
	if (n < 2 || p[n - 1] != '\n' || p[n - 2] != '\n')
		return not_understood(x);
	n -= 1;
	first = strcspn(p, "\n");
	rest = p + first + 1;
	n -= first + 1;
	if (first > strlen("error ") && vk_str_starts(p, "error ") && n == 0)
		return refused(x, p + strlen("error "), first - strlen("error "));
	if (status != 0 || first != strlen("ok") || !vk_str_starts(p, "ok"))
		return not_understood(x);
	if (!ret_key)
		return n == 0 ? VK_OK : not_understood(x);
	if (n != strlen("key=") + KEY_TEXT + 1 || !vk_str_starts(rest, "key=") ||
	    vk_raw_key_parse(rest + strlen("key="), KEY_TEXT, ret_key) != VK_OK)
		return not_understood(x);
	return VK_OK;
}

static enum vk_err
ask(const struct vk_external *x, struct vk_buf *request, unsigned char *ret_key)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(ANSWER_MAX);
	int status = -1;
	enum vk_err e;

	vk_buf_char(request, '\n');
	if ((e = vk_helper_call(x->program, request, &answer, &status)) != VK_OK)
		return e;
	return parse(x, &answer, status, ret_key);
}

enum vk_err
vk_external_get(const struct vk_external *x, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_HELPER_REQUEST_MAX);

	begin(&b, "get-key", x);
	return ask(x, &b, ret_key);
}

enum vk_err
vk_external_put(const struct vk_external *x, const char *label,
    const unsigned char key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
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
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_HELPER_REQUEST_MAX);

	begin(&b, "remove-key", x);
	return ask(x, &b, NULL);
}
