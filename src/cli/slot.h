/* SPDX-License-Identifier: ISC */
/* slot.h - the verbs of "valetkey slot": cmd_slot.c reads the options, slot_verbs.c and slot_add.c do the work. */
#ifndef VK_CLI_SLOT_H
#define VK_CLI_SLOT_H

#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/opening.h"

/* What was asked for.  All are borrowed but for the secrets. */
struct vk_slot_request {
	const char *operand; /* SLOT or FILE */
	const char *key_file, *recipient, *program, *label;
	bool from_stdin, keep_key, json, current_stdin;
	struct vk_kdf_cost cost;
	struct vk_opening opening;
	struct vk_secret current, secret; /* what opens it; what the new slot is made with */
};

void vk_slot_request_clear(struct vk_slot_request *r);

/** vk_slot_open(r, ret): Read standard input, if it is to be read, and open the keystore by a slot. */
enum vk_err vk_slot_open(struct vk_slot_request *r, struct vk_store **ret) VK_MUST;

/** vk_slot_new_passphrase(r): Into ${r->secret}, unless it is there: from the terminal. */
enum vk_err vk_slot_new_passphrase(struct vk_slot_request *r) VK_MUST;

/** The verbs: each does its work, says what it did, and returns the exit code. */
int vk_slot_add(struct vk_slot_request *r);
int vk_slot_print(struct vk_slot_request *r);
int vk_slot_change(struct vk_slot_request *r);
int vk_slot_remove(struct vk_slot_request *r);
int vk_slot_rotate(struct vk_slot_request *r);
int vk_slot_keygen(struct vk_slot_request *r);

#endif
