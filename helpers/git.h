/* SPDX-License-Identifier: ISC */
/*
 * git.h - the parts of git's credential helper.
 */
#ifndef VK_HELPERS_GIT_H
#define VK_HELPERS_GIT_H

#include "valetkey/log.h"
#include "valetkey/policy.h"
#include "valetkey/proto.h"

/* One request: the options, what git sent, and where that is. */
struct git_request {
	struct vk_policy_opts opts;
	struct vk_git_msg msg;
	struct vk_scope scope;
};

/** vk_git_store(r), vk_git_erase(r): Carry it out; the exit code. */
int vk_git_store(const struct git_request *r);
int vk_git_erase(const struct git_request *r);

#endif
