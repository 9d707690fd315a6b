/* SPDX-License-Identifier: ISC */
/*
 * cargo.h - the parts of cargo's credential provider.
 */
#ifndef VK_HELPERS_CARGO_H
#define VK_HELPERS_CARGO_H

#include "valetkey/policy.h"
#include "valetkey/proto.h"

/* One request: the options, what cargo sent, and where the index is. */
struct cargo_request {
	struct vk_policy_opts opts;
	struct vk_cargo_msg msg;
	struct vk_scope scope;
};

/**
 * vk_cargo_change(r, out):
 * The line that answers all but "get": "login" and "logout", carried out, and what a later cargo asks.  An error is
 * for a line of its own.
 */
enum vk_err vk_cargo_change(struct cargo_request *r, struct vk_buf *out) VK_MUST;

#endif
