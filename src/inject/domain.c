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
 * which a domain forbids unless it is named (Linux 5.19).  Both are then allowed everywhere; where reading is bounded,
 * the second stays forbidden by itself where a file would become readable.
 */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#define RIGHTS (LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REFER)

enum { WITH_REFER = 2 };

static enum vk_err
add_rule(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };

	if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock rule");
	return VK_OK;
}

enum vk_err
vk_domain_can(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < WITH_REFER)
		return vk_fail(VK_EPOLICY, "the kernel has no Landlock, an old one, or it is switched off");
	return VK_OK;
}

enum vk_err
vk_domain_rules(bool reading, int *ret)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = RIGHTS | (reading ? LANDLOCK_ACCESS_FS_READ_FILE : 0),
	};
	VK_CLEANUP(vk_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	VK_CLEANUP(vk_closep) int ruleset = -1;
	enum vk_err e = vk_domain_can();

	if (e != VK_OK)
		return e;
	if ((ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0)) < 0)
		return vk_fail_errno("the kernel refuses a Landlock rule set");
	if ((e = add_rule(ruleset, root, RIGHTS)) != VK_OK)
		return e;
	*ret = ruleset;
	ruleset = -1;
	return VK_OK;
}

enum vk_err
vk_domain_allow(int ruleset, int fd)
{
	return add_rule(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
}

enum vk_err
vk_domain_enter(int ruleset)
{
	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return vk_fail_errno("the kernel refuses a Landlock domain");
	return VK_OK;
}
