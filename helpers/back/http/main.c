/* SPDX-License-Identifier: ISC */
/* valetkey-http: secrets that lie in stores behind HTTP.  docs/HELPER.md; started by valetkey. */
#include <string.h>

#include "http.h"
#include "oauth.h"
#include "stores.h"

static const struct {
	const char *name;
	vk_store_get *get;
} stores[] = {
	{ "vault", vk_vault_get },
};

static enum vk_err
get_secret(struct vk_ask *a, struct vk_buf *out)
{
	const char *store = NULL;
	enum vk_err e = vk_ask_need(a, "store", &store);

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(stores); i++)
		if (strcmp(stores[i].name, store) == 0) {
			if ((e = vk_http_begin(a)) == VK_OK)
				e = stores[i].get(a, out);
			vk_http_end();
			return e;
		}
	return e == VK_OK ? vk_fail(VK_EPROTO, "there is no store of that kind here") : e;
}

int
main(int argc, char **argv)
{
	static const struct vk_ask_verb verbs[] = {
		{ "get-secret", get_secret },
		{ "device-code", vk_oauth_device_code },
		{ "device-token", vk_oauth_device_token },
		{ "refresh-token", vk_oauth_refresh_token },
	};

	(void)argv;
	return vk_back_main("http", argc, verbs, VK_COUNT(verbs));
}
