/* SPDX-License-Identifier: ISC */
/* keyfile.h - keys as text: which files that hold one are trusted, and what comes before decoding. */
#ifndef VK_SOURCE_KEYFILE_H
#define VK_SOURCE_KEYFILE_H

#include "valetkey/base.h"

/**
 * vk_keyfile_read(path, what, buf, size, ret_n):
 * At most ${size} bytes of the ${what} ("key file") ${path}.  It may be a link, and belong to us or root; others
 * must not be able to write it (VK_EPOLICY).  VK_EBACKEND when it cannot be opened.  The caller wipes ${buf}, also
 * after a failure.
 */
enum vk_err vk_keyfile_read(const char *path, const char *what, char *buf, size_t size,
    size_t *ret_n) VK_MUST;

/**
 * vk_key_text_len(text, n):
 * The length of it less one line end; 0 when it holds a byte that is not ASCII.  What is left is for libsodium's
 * decoders, whose time does not depend on the bytes, and which take a byte 0xff for a '_' or '/'.
 */
size_t vk_key_text_len(const char *text, size_t n) VK_MUST;

#endif
