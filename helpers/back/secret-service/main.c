/* SPDX-License-Identifier: ISC */
/* valetkey-secret-service: the desktop's keyring.  docs/HELPER.md; started by valetkey. */
#include <libsecret/secret.h>

#include "../common/ask.h"

int
main(int argc, char **argv)
{
	(void)argv;
	return vk_back_main("secret-service", argc, NULL, 0);
}
