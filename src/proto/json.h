/* SPDX-License-Identifier: ISC */
/*
 * json.h - jansson, made strict and kept in the arena: every byte it allocates
 * may be part of a secret.
 */
#ifndef VK_PROTO_JSON_H
#define VK_PROTO_JSON_H

#include <jansson.h>

#include "valetkey/secret.h"

/** vk_json_init(): Send jansson's allocations to the arena.  Before any other use of it. */
void vk_json_init(void);

/**
 * vk_json_parse(text, n, ret):
 * One document, nothing after it.  VK_EPROTO for what is not JSON, repeats a key or holds
 * \u0000; VK_ELIMIT for more nesting or members than any message of ours has.  The
 * reason says where, and quotes nothing.
 */
enum vk_err vk_json_parse(const char *text, size_t n, json_t **ret) VK_MUST;

/** vk_json_parse_large(text, n, max, ret): The same for a file, with up to ${max} members. */
enum vk_err vk_json_parse_large(const char *text, size_t n, size_t max, json_t **ret) VK_MUST;

/** vk_json_freep(j): For VK_CLEANUP. */
void vk_json_freep(json_t **j);

/** vk_json_add_string(out, s, n): Append ${n} bytes as a JSON string; VK_EPROTO when they are not UTF-8. */
enum vk_err vk_json_add_string(struct vk_buf *out, const char *s, size_t n) VK_MUST;

#endif
