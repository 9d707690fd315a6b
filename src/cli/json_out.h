/* SPDX-License-Identifier: ISC */
/* json_out.h - members of the JSON that commands print. */
#ifndef VK_CLI_JSON_OUT_H
#define VK_CLI_JSON_OUT_H

#include "proto/json_text.h"

/** vk_json_member(b, key, value): "key": "value" of a NUL-terminated text. */
void vk_json_member(struct vk_buf *b, const char *key, const char *value);

/** vk_json_time(b, key, t): "key": seconds, or null for 0. */
void vk_json_time(struct vk_buf *b, const char *key, int64_t t);

#endif
