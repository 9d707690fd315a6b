/* SPDX-License-Identifier: ISC */
/*
 * oauth.h - tokens that an authorization server issues: the device flow (RFC 8628) and refresh tokens (RFC 6749,
 * section 6), one request each, which valetkey-http makes (docs/HELPER.md, "Logins").
 */
#ifndef VALETKEY_OAUTH_H
#define VALETKEY_OAUTH_H

#include "valetkey/store.h"

/* What a person is shown, and how to go on.  Strings are heap; a release of a zeroed one is fine. */
struct vk_device {
	char *user_code, *page;
	char *page_with_code; /* NULL: there is none */
	struct vk_secret code;
	int64_t seconds;      /* so long does the code last */
	int64_t interval;     /* seconds between two questions */
};
void vk_device_clear(struct vk_device *d);

struct vk_tokens {
	struct vk_secret access;
	struct vk_secret refresh; /* absent: there is none, or the old one stays */
	int64_t expires;          /* by our clock; 0: not known */
};
void vk_tokens_clear(struct vk_tokens *t);

/**
 * vk_oauth_begin(g, ret):
 * Begin a login at ${g}'s endpoints; where it has none, they are looked up at its issuer and put there.  VK_EPOLICY:
 * the server refuses, or has no device flow; VK_EBACKEND: anything else.
 */
enum vk_err vk_oauth_begin(struct vk_grant *g, struct vk_device *ret) VK_MUST;

enum vk_oauth_wait {
	VK_OAUTH_DONE,
	VK_OAUTH_PENDING,
	VK_OAUTH_SLOW_DOWN,   /* ask less often from here on */
	VK_OAUTH_UNREACHABLE, /* the server is out of reach or overloaded just now */
};

/** vk_oauth_ask(g, d, ret_wait, ret_tokens): Has the person agreed?  VK_EPOLICY: no, or not in time. */
enum vk_err vk_oauth_ask(const struct vk_grant *g, const struct vk_device *d, enum vk_oauth_wait *ret_wait,
    struct vk_tokens *ret_tokens) VK_MUST;

/**
 * vk_oauth_refresh(g, refresh, hurry, ret):
 * VK_EPOLICY: the server says that the login has ended, or refuses otherwise.  ${hurry}: do without rather than wait.
 */
enum vk_err vk_oauth_refresh(const struct vk_grant *g, const struct vk_secret *refresh, bool hurry,
    struct vk_tokens *ret) VK_MUST;

#endif
