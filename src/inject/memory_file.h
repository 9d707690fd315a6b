/* SPDX-License-Identifier: ISC */
/* memory_file.h - a sealed file in memory, without a name. */
#ifndef VK_INJECT_MEMORY_FILE_H
#define VK_INJECT_MEMORY_FILE_H

#include "files.h"

/**
 * vk_memory_file(f, locked, ret_fd):
 * Make it from the text of ${f}, which keeps a mapping of it for the wipe.  ${locked} becomes false when it may be
 * swapped.
 */
enum vk_err vk_memory_file(struct vk_file *f, bool *locked, int *ret_fd) VK_MUST;

#endif
