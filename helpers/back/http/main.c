/* SPDX-License-Identifier: ISC */
/* valetkey-http: secrets in stores behind HTTP, and files that are fetched.  docs/HELPER.md; started by valetkey. */
#include <string.h>

#include "fetch.h"
#include "oauth.h"
#include "sign.h"
#include "stores.h"

static const struct {
	const char *name;
	vk_store_get *get;
} stores[] = {
	{ "vault", vk_vault_get },
	{ "aws-sm", vk_aws_secret_get },
	{ "aws-codeartifact", vk_aws_codeartifact_get },
	{ "gcp-sm", vk_gcp_get },
	{ "azure-kv", vk_azure_get },
	{ "github-app", vk_github_app_get },
};

static enum vk_err
get_secret(struct vk_ask *a, struct vk_buf *out)
{
	const char *store = NULL;
	enum vk_err e = vk_ask_need(a, "store", &store);

	/* Of most stores the settings are all there is. */
	(void)!vk_ask_get(a, "alone");
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(stores); i++)
		if (strcmp(stores[i].name, store) == 0) {
			vk_sign_begin();
			e = vk_http_begin(a);
			return e == VK_OK ? stores[i].get(a, out) : e;
		}
	return e == VK_OK ? vk_fail(VK_EPROTO, "there is no store of that kind here") : e;
}

int
main(int argc, char **argv)
{
	static const struct vk_ask_verb verbs[] = {
		{ .name = "get-secret", .answer = get_secret, .after = vk_vault_hold },
		{ .name = "fetch", .answer = vk_fetch },
		{ .name = "device-code", .answer = vk_oauth_device_code },
		{ .name = "device-token", .answer = vk_oauth_device_token },
		{ .name = "refresh-token", .answer = vk_oauth_refresh_token },
	};
	int status;

	(void)argv;
	status = vk_back_main("http", argc, verbs, VK_COUNT(verbs));
	vk_http_end();
	return status;
}
