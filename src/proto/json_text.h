/* SPDX-License-Identifier: ISC */
/*
 * json_text.h - writing JSON straight into a buffer, which may be a secret one: a library's
 * own copies of a secret would stay behind in the heap.
 */
#ifndef VK_PROTO_JSON_TEXT_H
#define VK_PROTO_JSON_TEXT_H

#include "valetkey/secret.h"

/**
 * vk_json_str(b, s, n):
 * The ${n} bytes as a JSON string.  What is not UTF-8 becomes U+FFFD: for names, which are only
 * looked at.
 */
void vk_json_str(struct vk_buf *b, const char *s, size_t n);

/** vk_utf8_valid(s, n): Would vk_json_str() keep every byte? */
bool vk_utf8_valid(const char *s, size_t n) VK_MUST;

/** vk_utf8_next(p): The code point at ${*p}, of text that is UTF-8; moves it. */
unsigned vk_utf8_next(const unsigned char **p) VK_MUST;

#endif
