/* SPDX-License-Identifier: ISC */
/*
 * kept.h - credentials that a program keeps for the user (remote.h), each with the section of the config that refers
 * to it: what "add --to" makes and "remove --from" takes away.
 */
#ifndef VK_CLI_KEPT_H
#define VK_CLI_KEPT_H

#include "valetkey/config.h"

struct vk_kept {
	const struct vk_remote_store *store;
	char *secret;       /* the reference: "secret-service:https://alice@git.example" */
	char *path;         /* the config */
	struct vk_buf text; /* the section that refers to it, as it stands there */
	bool there;         /* it does already */
	bool written;       /* it does now; else the user has to do it */
};

#define VK_KEPT { .text = VK_BUF(64 * 1024) }

/**
 * vk_kept_begin(k, store, c, replace):
 * Everything that can be said before there is a secret.  ${c->name}, when it has one, is the section's.  VK_EEXIST: the
 * config has another for the place, or the store has a secret for it and ${replace} is not given; also what
 * vk_remote_get() says.
 */
enum vk_err vk_kept_begin(struct vk_kept *k, const char *store, struct vk_cred *c, bool replace) VK_MUST;

/** vk_kept_put(k, c): Store its secret, and write the section; where the config cannot be written, leave it out. */
enum vk_err vk_kept_put(struct vk_kept *k, const struct vk_cred *c) VK_MUST;

void vk_kept_clear(struct vk_kept *k);

/**
 * vk_kept_remove(store, url, username, out):
 * The opposite, as far as the section is as it was written; what was done is appended to ${out}.
 */
enum vk_err vk_kept_remove(const char *store, const char *url, const char *username, struct vk_buf *out) VK_MUST;

#endif
