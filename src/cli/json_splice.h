/* SPDX-License-Identifier: ISC */
/*
 * json_splice.h - changing one member of somebody else's JSON document while every other byte
 * stays.  Spans are offsets into the document's text.
 */
#ifndef VK_CLI_JSON_SPLICE_H
#define VK_CLI_JSON_SPLICE_H

#include "valetkey/secret.h"

struct vk_json_span {
	size_t at, n;
};

struct vk_json_member {
	struct vk_json_span value;
	struct vk_json_span whole; /* what to cut so that the member is gone, one comma included */
};

/**
 * vk_json_locate(text, n, key, ret_root, ret_object):
 * The document, which must be an object or blank (${ret_root->n} 0), and its member ${key}, which must be
 * an object or absent (${ret_object->n} 0).  Spans of objects include their braces.  VK_EPROTO for anything
 * else, for a repeated key, and for a spelling of ${key} in another case, which some readers take for it.
 */
enum vk_err vk_json_locate(const char *text, size_t n, const char *key,
    struct vk_json_span *ret_root, struct vk_json_span *ret_object) VK_MUST;

/** vk_json_find(text, object, key, ret): Is there a member ${key} in the object, spelt without escapes? */
bool vk_json_find(const char *text, struct vk_json_span object, const char *key,
    struct vk_json_member *ret) VK_MUST;

/** vk_json_is_empty(text, object): Has it no members? */
bool vk_json_is_empty(const char *text, struct vk_json_span object) VK_MUST;

/** vk_json_cut(b, span): Remove the span from the buffer. */
enum vk_err vk_json_cut(struct vk_buf *b, struct vk_json_span span) VK_MUST;

/** vk_json_check(text, n): Is it one JSON document without repeated keys? */
enum vk_err vk_json_check(const char *text, size_t n) VK_MUST;

#endif
