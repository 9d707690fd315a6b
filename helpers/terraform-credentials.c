/* SPDX-License-Identifier: ISC */
/*
 * The credentials helper of Terraform and OpenTofu ("Credentials Helpers" in Terraform's internals documentation), for
 * hosts that speak their service discovery: registries and automation platforms.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: terraform-credentials-valetkey [--config FILE] [--profile NAME] get|store|forget HOST\n\n"
    "Terraform and OpenTofu start this; \"valetkey setup terraform\" registers it.\n";

static enum vk_err
say(const struct vk_cred *c, void *out)
{
	return vk_terraform_answer(c, out);
}

static int
get(const struct vk_policy_opts *opts, const char *host)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	struct vk_query q = { &asked, NULL };
	enum vk_err e = vk_scope_make("https", host, NULL, &asked);

	if (e != VK_OK) {
		vk_helper_refused(NULL, opts, NULL, e);
		return vk_helper_fail(e);
	}
	e = vk_helper_answer(opts, &q, say, &out);
	if (e == VK_ENOENT)
		return vk_helper_write("{}\n", 3);
	return e == VK_OK ? vk_helper_write(out.p, out.len) : vk_helper_fail(e);
}

int
vk_terraform_credentials(int argc, char **argv)
{
	struct vk_policy_opts opts = { .tool = "terraform", .takes = vk_terraform_takes };
	int at = vk_helper_options(argc, argv, usage, &opts);

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at != 2)
		return vk_msg_usage("terraform-credentials: an action and a host, please: get, store or forget HOST");
	if (strcmp(argv[at], "get") == 0)
		return get(&opts, argv[at + 1]);
	if (strcmp(argv[at], "store") == 0 || strcmp(argv[at], "forget") == 0) {
		vk_hint("\"valetkey add https://%s\" and \"valetkey remove %s\" do", argv[at + 1], argv[at + 1]);
		return vk_helper_fail(vk_fail(VK_EPOLICY, "login and logout change nothing in the keystore"));
	}
	return vk_msg_usage("terraform-credentials: no such action: %s", argv[at]);
}
