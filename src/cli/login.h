/* SPDX-License-Identifier: ISC */
/* login.h - whom "login" asks, and waiting until a person has agreed. */
#ifndef VK_CLI_LOGIN_H
#define VK_CLI_LOGIN_H

#include "valetkey/oauth.h"

/* A kind of server that need not describe itself; sources beside the table. */
struct vk_forge {
	const char *name;
	const char *host;                   /* where it is known to be */
	const char *device_path, *token_path;
	const char *username;               /* what git is to send with a token as password */
	const char *scope;                  /* what git needs */
};

/** vk_forge_named(name), vk_forge_at(host): NULL: none. */
const struct vk_forge *vk_forge_named(const char *name) VK_MUST;
const struct vk_forge *vk_forge_at(const char *host) VK_MUST;

/**
 * vk_login_wait(g, d, ret):
 * Ask as often as the server wants, until the person has agreed (VK_OK) or not (VK_EPOLICY), the code has expired or
 * the server has been out of reach for long (VK_EBACKEND).  After VK_OK what would end us waits, until the caller has
 * stored the token: see vk_death_hold().
 */
enum vk_err vk_login_wait(const struct vk_grant *g, const struct vk_device *d, struct vk_tokens *ret) VK_MUST;

#endif
