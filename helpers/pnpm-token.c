/* SPDX-License-Identifier: ISC */
/*
 * pnpm's tokenHelper (6.25), https://pnpm.io/npmrc: a command for one registry, which is told nothing; its output is
 * the value of the Authorization field.  pnpm starts it for every registry that has one, whether or not it is needed,
 * and there is no answer for "none": a failure ends pnpm.
 */
#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey helper pnpm-token [--config FILE] [--profile NAME] URL\n\n"
    "A file that \"valetkey setup pnpm\" makes for each registry starts this.\n";

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	struct vk_buf *out = arg;
	enum vk_err e;

	if (c->kind == VK_KIND_HEADER)
		return vk_fail(VK_EPOLICY, "%s is a header of its own, which pnpm cannot send", c->name);
	/* Up to 10 it is sent as it is; 11 puts "Bearer" before what has no scheme. */
	e = vk_auth_value(c, out);
	return e == VK_OK ? vk_buf_char(out, '\n') : e;
}

int
vk_pnpm_token(int argc, char **argv)
{
	return vk_helper_one_url(argc, argv, usage, "pnpm", say);
}
