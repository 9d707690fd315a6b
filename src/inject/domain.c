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

/*
 * A rule set has to name something: to make block devices, and to link and rename from one directory into another,
 * which a domain forbids unless it is named (Linux 5.19).  Both are then allowed everywhere.
 */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#define RIGHTS (LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REFER)

enum { WITH_REFER = 2 };

static enum vk_err
allow_everywhere(int ruleset)
{
	VK_CLEANUP(vk_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = RIGHTS, .parent_fd = root,
	};

	if (root < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock rule");
	return VK_OK;
}

enum vk_err
vk_domain_enter(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = RIGHTS };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	VK_CLEANUP(vk_closep) int ruleset = -1;
	enum vk_err e;

	if (version < WITH_REFER)
		return vk_fail(VK_EPOLICY, "the kernel has no Landlock, an old one, or it is switched off");
	if ((ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0)) < 0)
		return vk_fail_errno("the kernel refuses a Landlock rule set");
	if ((e = allow_everywhere(ruleset)) != VK_OK)
		return e;
	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock domain");
	return VK_OK;
}
