/* SPDX-License-Identifier: ISC */
/*
 * ci.h - collecting what the variables of a CI platform offer.
 */
#ifndef VK_POLICY_CI_H
#define VK_POLICY_CI_H

#include "policy/state.h"

struct vk_ci {
	const struct vk_query *query; /* only what answers it; NULL: everything */
	struct vk_cred_list *list;
};

/**
 * vk_ci_offer(ci, token, user, scope, ret_cred):
 * The secret of the variable ${token} for ${scope}: as the password of ${user}, or as a bearer token
 * when that is "".  ${ret_cred} (may be NULL) borrows what was added, and is left alone when nothing was.
 */
enum vk_err vk_ci_offer(struct vk_ci *ci, const char *token, const char *user,
    const struct vk_scope *scope, struct vk_cred **ret_cred) VK_MUST;

/** vk_ci_npm(ci): What the .npmrc that the platform wrote says (ci_npm.c). */
enum vk_err vk_ci_npm(struct vk_ci *ci) VK_MUST;

#endif
