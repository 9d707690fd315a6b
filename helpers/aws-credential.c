/* SPDX-License-Identifier: ISC */
/*
 * credential_process of the AWS tools ("Sourcing credentials with an external process"): which entry is meant stands in
 * the profile of ~/.aws/config, as a URL such as aws://production.
 */
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
	return vk_helper_one_url(argc, argv, usage, "aws", say);
}
