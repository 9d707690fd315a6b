/* SPDX-License-Identifier: ISC */
/*
 * value.h - the last step of every source: from raw bytes to a secret that can be presented.
 */
#ifndef VK_SOURCE_VALUE_H
#define VK_SOURCE_VALUE_H

#include "valetkey/source.h"

/**
 * vk_source_value(kind, what, bytes, n, ret):
 * Drop one trailing LF or CRLF; refuse what is empty, too large, or holds CR, LF or NUL.
 * ${kind} and ${what} name the source in the reason: "the variable", "NPM_TOKEN".
 */
enum vk_err vk_source_value(const char *kind, const char *what, const char *bytes, size_t n,
    struct vk_secret *ret) VK_MUST;

#endif
