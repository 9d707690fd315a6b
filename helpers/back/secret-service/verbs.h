/* SPDX-License-Identifier: ISC */
/* verbs.h - what docs/HELPER.md calls them, each with its request in ${a} and its answer's attributes in ${out}. */
#ifndef VK_BACK_VERBS_H
#define VK_BACK_VERBS_H

#include "../common/ask.h"

enum vk_err vk_get_key(struct vk_ask *a, struct vk_buf *out) VK_MUST;
enum vk_err vk_put_key(struct vk_ask *a, struct vk_buf *out) VK_MUST;
enum vk_err vk_remove_key(struct vk_ask *a, struct vk_buf *out) VK_MUST;

enum vk_err vk_get_secret(struct vk_ask *a, struct vk_buf *out) VK_MUST;
enum vk_err vk_put_secret(struct vk_ask *a, struct vk_buf *out) VK_MUST;
enum vk_err vk_remove_secret(struct vk_ask *a, struct vk_buf *out) VK_MUST;

#endif
