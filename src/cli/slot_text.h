/* SPDX-License-Identifier: ISC */
/* slot_text.h - key slots as people and scripts see them, in "slot list" and "status". */
#ifndef VK_CLI_SLOT_TEXT_H
#define VK_CLI_SLOT_TEXT_H

#include "valetkey/store.h"

enum {
	VK_SLOT_LIST_MAX = 64, /* more than a file can have */
	VK_SLOT_ID_TEXT = 16,
};

struct vk_slot_list {
	struct vk_slot_info v[VK_SLOT_LIST_MAX];
	size_t n;
};

/** vk_slot_list(st, ret): All of them. */
enum vk_err vk_slot_list(struct vk_store *st, struct vk_slot_list *ret) VK_MUST;

/** vk_slot_id_text(id, ret): In hex. */
void vk_slot_id_text(const unsigned char id[8], char ret[VK_SLOT_ID_TEXT + 1]);

/**
 * vk_slot_find(l, text, ret):
 * The slot whose label or id is ${text}, else the only one where one of them begins with it.  VK_ENOENT, VK_EUSAGE.
 */
enum vk_err vk_slot_find(const struct vk_slot_list *l, const char *text,
    const struct vk_slot_info **ret) VK_MUST;

/** vk_slot_describe(b, s): "passphrase, made 2030-01-31T12:00:00Z, 64 MiB, 2 passes". */
void vk_slot_describe(struct vk_buf *b, const struct vk_slot_info *s);

/** vk_slot_json(b, s, opened): One JSON object; label and recipient only where a slot was ${opened}. */
void vk_slot_json(struct vk_buf *b, const struct vk_slot_info *s, bool opened);

#endif
