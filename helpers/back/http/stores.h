/* SPDX-License-Identifier: ISC */
/*
 * stores.h - one function for each kind of store: from the attributes of a request (docs/HELPER.md; its settings are
 * listed in src/source/remote.c and valetkey-config(5)) to "secret=" and perhaps "expires=" in ${out}.
 *
 * VK_ENOENT: the store says that there is no such secret; VK_EPOLICY: it refuses; VK_ELOCKED: it is sealed.
 */
#ifndef VK_BACK_STORES_H
#define VK_BACK_STORES_H

#include "http.h"

typedef enum vk_err vk_store_get(struct vk_ask *a, struct vk_buf *out);

/* OpenBao and HashiCorp Vault: vault.c */
vk_store_get vk_vault_get;

/* Clouds: aws.c, gcp.c, azure.c; GitHub Apps: github.c */
vk_store_get vk_aws_secret_get;
vk_store_get vk_aws_codeartifact_get;
vk_store_get vk_gcp_get;
vk_store_get vk_azure_get;
vk_store_get vk_github_app_get;

/**
 * vk_vault_hold():
 * After vk_vault_get() with the attribute "hold" and of what has a lease: renew it, and a token of our own, until
 * standard input ends; then revoke both.
 */
void vk_vault_hold(void);

#endif
