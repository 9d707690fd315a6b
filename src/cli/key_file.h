/* SPDX-License-Identifier: ISC */
/* key_file.h - making files that hold a raw key or an identity. */
#ifndef VK_CLI_KEY_FILE_H
#define VK_CLI_KEY_FILE_H

#include "valetkey/store.h"

/**
 * vk_key_file_make(path, ret_key, ret_made):
 * If ${path} holds a valid raw key, use it; if there is nothing at ${path}, make it: a new random
 * key in base64, one line, mode 0600, complete or absent whatever happens.  Anything else that is
 * there is an error and stays as it is.  ${ret_made} says whether the file is new, and so may be
 * removed again.
 */
enum vk_err vk_key_file_make(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN],
    bool *ret_made) VK_MUST;

/** vk_key_file_write(path, text): Make such a file that holds ${text}; VK_EEXIST when anything is there. */
enum vk_err vk_key_file_write(const char *path, const char *text) VK_MUST;

#endif
