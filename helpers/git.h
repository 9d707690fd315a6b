/* SPDX-License-Identifier: ISC */
/*
 * git.h - the parts of git's credential helper.
 */
#ifndef VK_HELPERS_GIT_H
#define VK_HELPERS_GIT_H

#include "valetkey/policy.h"
#include "valetkey/proto.h"

/* One request: the options, what git sent, and where that is. */
struct git_request {
	struct vk_policy_opts opts;
	const char *answers; /* --answers: serve from this file, and nothing else */
	struct vk_git_msg msg;
	struct vk_scope scope;
};

/** vk_git_answers_find(file, q, ret_cred): The best match among the descriptions in ${file}. */
enum vk_err vk_git_answers_find(const char *file, const struct vk_query *q,
    struct vk_cred **ret_cred) VK_MUST;

/** vk_git_store(r), vk_git_erase(r): Carry it out; the exit code. */
int vk_git_store(const struct git_request *r);
int vk_git_erase(const struct git_request *r);

#endif
