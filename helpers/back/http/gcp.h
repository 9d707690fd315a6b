/* SPDX-License-Identifier: ISC */
/*
 * gcp.h - access tokens of Google Cloud.
 */
#ifndef VK_BACK_GCP_H
#define VK_BACK_GCP_H

#include "cloud.h"

/** vk_gcp_login_known(a): Look at all settings of a login (vk_ask_all_used()). */
void vk_gcp_login_known(struct vk_ask *a);

/**
 * vk_gcp_login(a, tls, ret_token):
 * For the key of a service account in the file "credentials"; else for an identity token (identity.h), by the provider
 * of a workload identity pool that the setting "provider" names; else for this machine, from its metadata service. The
 * latter two as the setting "service-account" wants them: as that account.
 */
enum vk_err vk_gcp_login(struct vk_ask *a, const struct vk_server_tls *tls, struct vk_secret *ret_token) VK_MUST;

#endif
