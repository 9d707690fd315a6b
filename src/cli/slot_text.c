/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "valetkey/identity.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/slot_text.h"
#include "cli/when.h"

static const struct {
	const char *json, *text;
} types[] = {
	[VK_SLOT_PASSPHRASE] = { "passphrase", "passphrase" },
	[VK_SLOT_RAW] = { "raw", "raw key" },
	[VK_SLOT_EXTERNAL] = { "external", "external" },
	[VK_SLOT_X25519] = { "recipient", "recipient" },
};

static bool
known(const struct vk_slot_info *s)
{
	return s->type >= VK_SLOT_PASSPHRASE && s->type <= VK_SLOT_X25519;
}

enum vk_err
vk_slot_list(struct vk_store *st, struct vk_slot_list *ret)
{
	return vk_store_slots(st, ret->v, VK_COUNT(ret->v), &ret->n);
}

void
vk_slot_id_text(const unsigned char id[8], char ret[VK_SLOT_ID_TEXT + 1])
{
	for (size_t i = 0; i < VK_SLOT_ID_TEXT / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
}

enum vk_err
vk_slot_find(const struct vk_slot_list *l, const char *text, const struct vk_slot_info **ret)
{
	const struct vk_slot_info *found = NULL, *exact = NULL;
	size_t n = 0, n_exact = 0;

	for (size_t i = 0; *text && i < l->n; i++) {
		char id[VK_SLOT_ID_TEXT + 1];

		vk_slot_id_text(l->v[i].id, id);
		if (strcmp(text, l->v[i].label) == 0 || strcmp(text, id) == 0) {
			exact = &l->v[i];
			n_exact++;
		}
		if (vk_str_starts(id, text) || vk_str_starts(l->v[i].label, text)) {
			found = &l->v[i];
			n++;
		}
	}
	if (n_exact == 1)
		found = exact;
	else if (n > 1)
		return vk_fail(VK_EUSAGE, "%s stands for more than one key slot: give more of its id", text);
	if (!found) {
		vk_hint("see \"valetkey slot list\"");
		return vk_fail(VK_ENOENT, "there is no key slot %s", text);
	}
	*ret = found;
	return VK_OK;
}

void
vk_slot_describe(struct vk_buf *b, const struct vk_slot_info *s)
{
	char stamp[VK_WHEN_TEXT];

	vk_when_stamp(s->created, stamp);
	vk_buf_fmt(b, "%s, made %s", known(s) ? types[s->type].text : "unknown", stamp);
	if (s->type == VK_SLOT_PASSPHRASE)
		vk_buf_fmt(b, ", %u MiB, %u passes", s->kdf_kib / 1024, s->kdf_passes);
	if (s->type == VK_SLOT_EXTERNAL)
		vk_buf_fmt(b, ", kept by valetkey-%s", s->program);
}

void
vk_slot_json(struct vk_buf *b, const struct vk_slot_info *s, bool opened)
{
	char id[VK_SLOT_ID_TEXT + 1], recipient[VK_IDENTITY_TEXT + 1];

	vk_slot_id_text(s->id, id);
	vk_buf_fmt(b, "{\"type\": \"%s\", \"id\": \"%s\", ", known(s) ? types[s->type].json : "unknown", id);
	vk_json_time(b, "created", s->created);
	if (s->type == VK_SLOT_PASSPHRASE)
		vk_buf_fmt(b, ", \"kdf_mib\": %u, \"kdf_passes\": %u", s->kdf_kib / 1024, s->kdf_passes);
	if (s->type == VK_SLOT_EXTERNAL)
		vk_buf_fmt(b, ", \"program\": \"valetkey-%s\"", s->program);
	if (opened) {
		vk_buf_str(b, ", ");
		vk_json_member(b, "label", s->label);
	}
	if (opened && s->type == VK_SLOT_X25519) {
		vk_recipient_text(s->public_key, recipient);
		vk_buf_fmt(b, ", \"recipient\": \"%s\"", recipient);
	}
	vk_buf_char(b, '}');
}
