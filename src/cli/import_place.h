/* SPDX-License-Identifier: ISC */
/* import_place.h - where a format's file usually is, and what of it may stay when its secrets are gone. */
#ifndef VK_CLI_IMPORT_PLACE_H
#define VK_CLI_IMPORT_PLACE_H

#include "valetkey/secret.h"

/**
 * vk_import_place(format, ret_path):
 * The file that the format's own programs would read; of two places the first that has one.  Heap.
 */
enum vk_err vk_import_place(const char *format, char **ret_path) VK_MUST;

/** vk_import_has_rest(format): Does the file also hold settings? */
bool vk_import_has_rest(const char *format) VK_MUST;

/**
 * vk_import_rest(format, text, n, out):
 * A file that holds settings, without the credentials that were taken from it.  VK_EPROTO when they
 * cannot be cut out.
 */
enum vk_err vk_import_rest(const char *format, const char *text, size_t n, struct vk_buf *out) VK_MUST;

/** vk_import_next_step(format): A command to go on with; static. */
const char *vk_import_next_step(const char *format);

#endif
