/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "domain.h"

/* A rule set has to name something: to make block devices, which is then allowed everywhere. */
static enum vk_err
allow_everywhere(int ruleset)
{
	VK_CLEANUP(vk_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_MAKE_BLOCK, .parent_fd = root,
	};

	if (root < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock rule");
	return VK_OK;
}

enum vk_err
vk_domain_enter(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK };
	VK_CLEANUP(vk_closep) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	enum vk_err e;

	if (ruleset < 0)
		return vk_fail(VK_EPOLICY, "the kernel has no Landlock, or it is switched off");
	if ((e = allow_everywhere(ruleset)) != VK_OK)
		return e;
	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock domain");
	return VK_OK;
}
