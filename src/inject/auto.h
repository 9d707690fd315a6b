/* SPDX-License-Identifier: ISC */
/* auto.h - "--with auto": which recipes a project and a command call for. */
#ifndef VK_INJECT_AUTO_H
#define VK_INJECT_AUTO_H

#include "valetkey/base.h"

/**
 * vk_auto_choose(command, add, arg):
 * Calls ${add} with the name of a recipe and with what speaks for it: the command's own name, and files of the
 * working directory and of those above it up to the root of the repository (outside of one, the working directory
 * only).  Of tools that do the same work, such as npm and pnpm, the one whose lock file is there is chosen.  An error
 * of ${add} ends it.
 */
typedef enum vk_err vk_auto_add(void *arg, const char *recipe, const char *why);
enum vk_err vk_auto_choose(char *const *command, vk_auto_add *add, void *arg) VK_MUST;

#endif
