/* SPDX-License-Identifier: ISC */
/*
 * json_out.h - writing JSON straight into a buffer, which may be a secret one: a library's
 * own copies of a secret would stay behind in the heap.
 */
#ifndef VK_CLI_JSON_OUT_H
#define VK_CLI_JSON_OUT_H

#include "valetkey/secret.h"

/**
 * vk_json_str(b, s, n):
 * The ${n} bytes as a JSON string.  What is not UTF-8 becomes U+FFFD: for names, which are only
 * looked at.
 */
void vk_json_str(struct vk_buf *b, const char *s, size_t n);

/** vk_json_member(b, key, value): "key": "value" of a NUL-terminated text. */
void vk_json_member(struct vk_buf *b, const char *key, const char *value);

/** vk_json_time(b, key, t): "key": seconds, or null for 0. */
void vk_json_time(struct vk_buf *b, const char *key, int64_t t);

/** vk_utf8_valid(s, n): Would vk_json_str() keep every byte? */
bool vk_utf8_valid(const char *s, size_t n) VK_MUST;

#endif
