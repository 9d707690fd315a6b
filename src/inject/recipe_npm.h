/* SPDX-License-Identifier: ISC */
/* recipe_npm.h - what npm's relatives, which read its files, share with it. */
#ifndef VK_INJECT_RECIPE_NPM_H
#define VK_INJECT_RECIPE_NPM_H

#include "recipe.h"

/* Members of struct vk_recipe. */
enum vk_err vk_npm_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret) VK_MUST;
enum vk_err vk_npm_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
    VK_MUST;
const char *vk_npm_usual(struct vk_kitchen *k);
char *vk_npm_fixed(struct vk_kitchen *k);
enum vk_err vk_npm_more(struct vk_kitchen *k, const struct vk_cred_list *taken) VK_MUST;
enum vk_err vk_npm_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path) VK_MUST;

/** vk_npm_render_over(k, path, own, taken, for_build, out): The same for another file of the user's, and its text. */
enum vk_err vk_npm_render_over(struct vk_kitchen *k, const char *path, const struct vk_buf *own,
    const struct vk_cred_list *taken, bool for_build, struct vk_buf *out) VK_MUST;

#endif
