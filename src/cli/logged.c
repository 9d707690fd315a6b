/* SPDX-License-Identifier: ISC */
/* What the command line and the helpers put into the log. */
#include "valetkey/helper.h"
#include "valetkey/policy.h"

static void
warn(const char *text)
{
	vk_msg_warn("%s", text);
}

enum vk_err
vk_msg_log(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_log_entry *v, size_t n)
{
	VK_CLEANUP(vk_log_clear) struct vk_log l = { 0 };
	enum vk_err e = p ? vk_policy_log(p, &l) : vk_log_read(opts, &l);

	if (p && vk_policy_caution(p))
		warn(vk_policy_caution(p));
	return e == VK_OK ? vk_log_write(&l, v, n, warn) : e;
}

void
vk_msg_log_refusal(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_log_entry *v)
{
	VK_CLEANUP(vk_log_clear) struct vk_log l = { 0 };

	if (!p || vk_policy_log(p, &l) == VK_OK)
		vk_log_refusal(p ? &l : NULL, opts, v, warn);
}
