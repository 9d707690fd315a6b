/* SPDX-License-Identifier: ISC */
/*
 * oauth.h - tokens by OAuth 2.0: the device flow (RFC 8628) and refresh tokens (RFC 6749, section 6), from the verbs of
 * docs/HELPER.md, "Logins".  One request of ours is one of theirs; who waits and asks again is valetkey.
 */
#ifndef VK_BACK_OAUTH_H
#define VK_BACK_OAUTH_H

#include "http.h"

/** vk_oauth_device_code(a, out): Begin a login; the endpoints as given, or as the issuer's metadata say. */
enum vk_err vk_oauth_device_code(struct vk_ask *a, struct vk_buf *out) VK_MUST;

/** vk_oauth_device_token(a, out), vk_oauth_refresh_token(a, out): VK_EPOLICY: the server refuses for good. */
enum vk_err vk_oauth_device_token(struct vk_ask *a, struct vk_buf *out) VK_MUST;
enum vk_err vk_oauth_refresh_token(struct vk_ask *a, struct vk_buf *out) VK_MUST;

#endif
