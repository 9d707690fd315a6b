/* SPDX-License-Identifier: ISC */
/* valetkey-secret-service: the desktop's keyring.  docs/HELPER.md; started by valetkey. */
#include "verbs.h"

int
main(int argc, char **argv)
{
	static const struct vk_ask_verb verbs[] = {
		{ "get-key", vk_get_key },
		{ "put-key", vk_put_key },
		{ "remove-key", vk_remove_key },
		{ "get-secret", vk_get_secret },
		{ "put-secret", vk_put_secret },
		{ "remove-secret", vk_remove_secret },
	};

	(void)argv;
	return vk_back_main("secret-service", argc, verbs, VK_COUNT(verbs));
}
