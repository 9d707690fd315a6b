/* SPDX-License-Identifier: ISC */
/* oauth_answer.h - what authorization servers answer: JSON (RFC 6749, 5.1 and 5.2), none of it to be trusted. */
#ifndef VK_BACK_OAUTH_ANSWER_H
#define VK_BACK_OAUTH_ANSWER_H

#include "http.h"
#include "proto/json.h"

/** vk_oauth_fail(e, url, fmt, ...): "https://host FMT": the origin of ${url} and what it does. */
enum vk_err vk_oauth_fail(enum vk_err e, const char *url, const char *fmt, ...) VK_PRINTF(3, 4);

/**
 * vk_oauth_object(url, answer, ret):
 * The JSON object that ${answer} is, whatever its type is said to be.  VK_EPROTO: it is none.  VK_EBACKEND: it has no
 * "error" and its status is none of success: then nothing in it counts.
 */
enum vk_err vk_oauth_object(const char *url, const struct vk_http_answer *answer, json_t **ret) VK_MUST;

/**
 * vk_oauth_error(o):
 * The error in ${o}, which GitHub sends with status 200, as a word that holds no secret; NULL: there is none.  What
 * else a server says about it is not shown: it may repeat what was sent.
 */
const char *vk_oauth_error(const json_t *o) VK_MUST;

/** vk_oauth_seconds(o, name, ret): A length of time; ${ret} stays when it is not there.  VK_EPROTO: it is none. */
enum vk_err vk_oauth_seconds(const json_t *o, const char *name, int64_t *ret) VK_MUST;

/** vk_oauth_is_token(s), vk_oauth_is_text(s, max), vk_oauth_is_page(s): Of a size and characters that make sense? */
bool vk_oauth_is_token(const char *s) VK_MUST;
bool vk_oauth_is_text(const char *s, size_t max) VK_MUST;
bool vk_oauth_is_page(const char *s) VK_MUST;

/** vk_oauth_tokens(url, answer, o, out): An answer with a token, as attributes of ours. */
enum vk_err vk_oauth_tokens(const char *url, const struct vk_http_answer *answer, const json_t *o,
    struct vk_buf *out) VK_MUST;

#endif
