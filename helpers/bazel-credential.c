/* SPDX-License-Identifier: ISC */
/*
 * Bazel's credential helper, and of others that speak EngFlow's credential-helper-spec.  An error fails the build, so
 * what is not known is {}: whoever binds the helper to every host can still reach public ones.
 */
#include <string.h>
#include <unistd.h>

#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: bazel-credential-valetkey [--config FILE] [--profile NAME] get\n\n"
    "Bazel starts this; \"valetkey setup bazel\" registers it.\n";

static enum vk_err
say(const struct vk_cred *c, void *out)
{
	return vk_bazel_answer(c, out);
}

static int
get(const struct vk_policy_opts *opts)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF(VK_MAX_INPUT);
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	struct vk_query q = { &asked, NULL };
	enum vk_err e = vk_helper_read(&in);

	if (e == VK_OK)
		e = vk_bazel_parse(in.p ? in.p : "", in.len, &asked);
	if (e != VK_OK && e != VK_ENOENT)
		vk_helper_refused(NULL, opts, NULL, e);
	if (e == VK_OK)
		e = vk_helper_answer(opts, &q, say, &out);
	if (e == VK_ENOENT)
		e = vk_bazel_answer(NULL, &out);
	return e == VK_OK ? vk_helper_write(out.p, out.len) : vk_helper_fail(e);
}

int
vk_bazel_credential(int argc, char **argv)
{
	struct vk_policy_opts opts = { .tool = "bazel" };
	int at = vk_helper_options(argc, argv, usage, &opts);

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at != 1 || strcmp(argv[at], "get") != 0)
		return vk_msg_usage("bazel-credential: exactly one action, please: get");
	return get(&opts);
}
