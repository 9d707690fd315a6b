/* SPDX-License-Identifier: ISC */
/* memory_file.h - a sealed file in memory, without a name. */
#ifndef VK_INJECT_MEMORY_FILE_H
#define VK_INJECT_MEMORY_FILE_H

#include "files.h"

/**
 * vk_memory_file(f, locked, ret, ret_fd):
 * Make it from the text of ${f}; ${ret} is a mapping of it for the wipe.  ${locked} becomes false when it may be
 * swapped.
 */
enum vk_err vk_memory_file(const struct vk_file *f, bool *locked, struct vk_placed *ret, int *ret_fd) VK_MUST;

#endif
