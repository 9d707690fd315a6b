/* SPDX-License-Identifier: ISC */
/*
 * identity.h - where a token comes from that says who we are (a JSON Web Token, RFC 7519), which clouds and vaults take
 * in exchange for one of their own.
 */
#ifndef VK_BACK_IDENTITY_H
#define VK_BACK_IDENTITY_H

#include "http.h"

/** vk_identity_have(a): Do the settings say where one comes from?  Has looked at all of them (vk_ask_all_used()). */
bool vk_identity_have(struct vk_ask *a) VK_MUST;

/**
 * vk_identity_token(a, audience, ret_secret):
 * The setting "jwt" (GitLab's id_tokens: jwt = env:NAME); else what the file "token-file" holds; else the one that
 * GitHub Actions gives out to jobs with the permission id-token: write, asked for at "oidc-url" with "oidc-token"
 * (https://docs.github.com/en/actions/reference/security/oidc).  Only that can be made for an audience: the setting
 * "audience", else ${audience}, else with NULL the one that GitHub chooses.  Absent when no setting says where one is.
 */
enum vk_err vk_identity_token(struct vk_ask *a, const char *audience, struct vk_secret *ret_secret) VK_MUST;

#endif
