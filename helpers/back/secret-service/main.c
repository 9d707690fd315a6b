/* SPDX-License-Identifier: ISC */
/* valetkey-secret-service: the desktop's keyring.  docs/HELPER.md; started by valetkey. */
#include "verbs.h"

int
main(int argc, char **argv)
{
	static const struct vk_ask_verb verbs[] = {
		{ .name = "get-key", .answer = vk_get_key },
		{ .name = "put-key", .answer = vk_put_key },
		{ .name = "remove-key", .answer = vk_remove_key },
		{ .name = "get-secret", .answer = vk_get_secret },
		{ .name = "put-secret", .answer = vk_put_secret },
		{ .name = "remove-secret", .answer = vk_remove_secret },
	};

	(void)argv;
	return vk_back_main("secret-service", argc, verbs, VK_COUNT(verbs));
}
