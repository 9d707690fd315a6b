/* SPDX-License-Identifier: ISC */
/*
 * build_secret.h - files for "docker build --secret" and the like, and {secrets} in the command.
 *
 * The client reads a file anew for every RUN that mounts it, so it must be a regular file that
 * stays; type= is always given, since buildah takes a variable of the id's name without it.
 */
#ifndef VK_INJECT_BUILD_SECRET_H
#define VK_INJECT_BUILD_SECRET_H

#include "recipe.h"

/** vk_build_secrets_check(opts): {secrets} and --build-secret belong together. */
enum vk_err vk_build_secrets_check(const struct vk_run_opts *opts) VK_MUST;

/** vk_build_secrets_add(k, p): Their files, to be placed with the others. */
enum vk_err vk_build_secrets_add(struct vk_kitchen *k, struct vk_policy *p) VK_MUST;

/** vk_build_secret_text(p, b, out): The secret of ${b}, which names no recipe. */
enum vk_err vk_build_secret_text(struct vk_policy *p, const struct vk_build_secret *b, struct vk_buf *out) VK_MUST;

/** vk_build_secrets_expand(k, ret_argv): The command with {secrets} replaced; one heap block per word. */
enum vk_err vk_build_secrets_expand(const struct vk_kitchen *k, char ***ret_argv) VK_MUST;

/** vk_words_free(v): What it made. */
void vk_words_free(char **v);

#endif
