/* SPDX-License-Identifier: ISC */
/*
 * credential_process of the AWS tools ("Sourcing credentials with an external process"): which entry is meant stands in
 * the profile of ~/.aws/config, as a URL such as aws://production.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey helper aws-credential [--config FILE] [--profile NAME] URL\n\n"
    "For a profile of ~/.aws/config: credential_process = valetkey helper aws-credential aws://NAME\n"
    "The entry's user name is the access key's id; its secret the secret key, and after a blank the session token.\n";

static enum vk_err
say(const struct vk_cred *c, void *out)
{
	return vk_aws_answer(c, out);
}

int
vk_aws_credential(int argc, char **argv)
{
	struct vk_policy_opts opts = { .tool = "aws" };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	VK_CLEANUP(vk_freep) char *user = NULL;
	int at = vk_helper_options(argc, argv, usage, &opts);
	struct vk_query q = { &asked, NULL };
	enum vk_err e;

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at != 1)
		return vk_msg_usage("aws-credential: exactly one URL, please, such as aws://production");
	e = vk_scope_parse(argv[at], &asked, &user);
	if (e == VK_OK) {
		q.username = user;
		e = vk_helper_answer(&opts, &q, say, &out);
	}
	/* The tool shows what is on stderr, and without credentials it cannot go on. */
	if (e == VK_ENOENT && !*vk_reason())
		e = vk_fail(e, "there is no credential for %s", argv[at]);
	return e == VK_OK ? vk_helper_write(out.p, out.len) : vk_helper_fail(e);
}
