/* SPDX-License-Identifier: ISC */
/* mask_platform.h - let a CI platform hide the run's secrets too, in what other steps write. */
#ifndef VK_INJECT_MASK_PLATFORM_H
#define VK_INJECT_MASK_PLATFORM_H

#include "recipe.h"

/**
 * vk_platform_tell(k, env, n):
 * "::add-mask::LINE" (GitHub Actions, docs.github.com, "Workflow commands for GitHub Actions") for each line of each
 * secret and of each pair in base64, on standard error, when GITHUB_ACTIONS is true and every process above, up to the
 * runner, has the same pipe for its standard error: then nobody but the runner reads it, and it does not show it.
 */
void vk_platform_tell(const struct vk_kitchen *k, const struct vk_secret *env, size_t n);

#endif
