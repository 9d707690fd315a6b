/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/identity.h"
#include "cli/key_file.h"
#include "cli/slot_input.h"

static const struct {
	const char *name;
	struct vk_kdf_cost cost;
} costs[] = {
	{ "interactive", { 2, 64 * 1024 } },
	{ "moderate", { 3, 256 * 1024 } },
};

enum vk_err
vk_slot_cost(const char *text, struct vk_kdf_cost *ret)
{
	for (size_t i = 0; i < VK_COUNT(costs); i++)
		if (strcmp(text, costs[i].name) == 0) {
			*ret = costs[i].cost;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "no such cost: %s (interactive or moderate)", text);
}

enum vk_err
vk_slot_recipient(const char *text, struct vk_secret *ret)
{
	unsigned char public[VK_STORE_KEY_LEN];
	enum vk_err e = vk_recipient_parse(text, strlen(text), public);

	return e == VK_OK ? vk_secret_set(ret, public, sizeof(public)) : e;
}

enum vk_err
vk_slot_key_file(const char *path, struct vk_secret *ret, bool *ret_made)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e = key ? vk_key_file_make(path, key, ret_made) : VK_ENOMEM;

	return e == VK_OK ? vk_secret_set(ret, key, VK_STORE_KEY_LEN) : e;
}
