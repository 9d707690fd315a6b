/* SPDX-License-Identifier: ISC */
/* slot_input.h - what options say of a key slot that is to be made. */
#ifndef VK_CLI_SLOT_INPUT_H
#define VK_CLI_SLOT_INPUT_H

#include "valetkey/store.h"

/** vk_slot_cost(text, ret): "interactive" or "moderate"; VK_EUSAGE.  Without an option, {0, 0} measures the machine. */
enum vk_err vk_slot_cost(const char *text, struct vk_kdf_cost *ret) VK_MUST;

/** vk_slot_recipient(text, ret): The public key of a recipient. */
enum vk_err vk_slot_recipient(const char *text, struct vk_secret *ret) VK_MUST;

/** vk_slot_key_file(path, ret, ret_made): The key of a file, which may be made now: see vk_key_file_make(). */
enum vk_err vk_slot_key_file(const char *path, struct vk_secret *ret, bool *ret_made) VK_MUST;

#define VK_SLOT_COST_HELP "what a guess costs: interactive (64 MiB), moderate (256 MiB); default: half a second here"

#endif
