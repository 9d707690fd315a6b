/* SPDX-License-Identifier: ISC */
/*
 * state.h - what the files of this floor share.
 */
#ifndef VK_POLICY_STATE_H
#define VK_POLICY_STATE_H

#include "valetkey/policy.h"
#include "valetkey/config.h"

/* What a program fetched, for the next that refers to it. */
struct vk_fetched {
	char *ref; /* STORE@SERVER:WHAT */
	struct vk_secret secret;
	int64_t expires;
};

struct vk_policy {
	const char *broker, *tool;        /* inside a run: who answers, and for whom; else NULL */
	bool (*takes)(const struct vk_cred *c); /* what that tool can be told; NULL: anything */
	struct vk_config config;
	const struct vk_profile *profile; /* the active one, or NULL */
	bool offline, hold;
	struct vk_store *store;           /* opened and unlocked, once it was needed */
	struct vk_names used_files;       /* files with secrets that references and settings led to */
	struct vk_fetched *fetched;
	size_t n_fetched;
	struct vk_names used_env;         /* variables that vk_policy_ref() has read */
	char *caution;                    /* see vk_policy_caution(), or NULL */
};

/** vk_policy_in_profile(p, name): Is no profile active, or does the active one name ${name}? */
bool vk_policy_in_profile(const struct vk_policy *p, const char *name) VK_MUST;

/**
 * vk_policy_resolve(p, s, ret_cred):
 * The credential that section ${s} describes.  VK_EPOLICY when it would widen the keystore
 * entry that it refers to.
 */
enum vk_err vk_policy_resolve(struct vk_policy *p, const struct vk_section *s,
    struct vk_cred **ret_cred) VK_MUST;

/** vk_policy_remote(p, ref, ret_secret, ret_expires): A remote reference; fetched once while ${p} lives. */
enum vk_err vk_policy_remote(struct vk_policy *p, const struct vk_ref *ref, struct vk_secret *ret_secret,
    int64_t *ret_expires) VK_MUST;

/** vk_policy_forget_fetched(p) */
void vk_policy_forget_fetched(struct vk_policy *p);

/**
 * vk_policy_renew(p, c):
 * An entry of the keystore that a login made is renewed when it is about to expire, in the keystore and in ${c}.
 * VK_EBACKEND: it has expired and is not renewed; while it has not, that is no failure.  What was renewed and cannot be
 * stored is a caution.
 */
enum vk_err vk_policy_renew(struct vk_policy *p, struct vk_cred **c) VK_MUST;

/** vk_policy_not_expired(c): VK_ENOENT with a reason that says since when. */
enum vk_err vk_policy_not_expired(const struct vk_cred *c) VK_MUST;

/**
 * vk_ci_find(q, ret_cred), vk_ci_all(ret_list):
 * Credentials from the well-known variables of CI platforms, for the hosts that the platform names.
 * find leaves ${ret_cred} alone and returns VK_OK when there is none.
 */
enum vk_err vk_ci_find(const struct vk_query *q, struct vk_cred **ret_cred) VK_MUST;
enum vk_err vk_ci_all(struct vk_cred_list *ret_list) VK_MUST;

#endif
