/* SPDX-License-Identifier: ISC */
/* For the plugin that "valetkey run --with yarn-berry" gives to Yarn: one field of a request, "NAME: VALUE". */
#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey helper yarn-header [--config FILE] [--profile NAME] URL\n\n"
    "The plugin of \"valetkey run --with yarn-berry\" starts this.\n";

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	struct vk_buf *out = arg;
	enum vk_err e;

	vk_buf_fmt(out, "%s: ", vk_auth_field(c));
	e = vk_auth_value(c, out);
	return e == VK_OK ? vk_buf_char(out, '\n') : e;
}

int
vk_yarn_header(int argc, char **argv)
{
	return vk_helper_one_url(argc, argv, usage, "yarn-berry", say);
}
