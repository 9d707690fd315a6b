/* SPDX-License-Identifier: ISC */
/*
 * cloud.h - what the stores of clouds have in common: references, questions and what their answers mean, forms, files
 * and times.
 */
#ifndef VK_BACK_CLOUD_H
#define VK_BACK_CLOUD_H

#include "proto/json.h"
#include "stores.h"

enum { VK_CLOUD_REF_MAX = 2048, VK_CLOUD_TOKEN_MAX = 64 * 1024 };

/* "NAME" or "NAME#FIELD" */
struct vk_cloud_ref {
	char name[VK_CLOUD_REF_MAX];
	const char *field; /* points into the request; NULL: the secret is wanted whole */
};

enum vk_err vk_cloud_ref(struct vk_ask *a, struct vk_cloud_ref *ret) VK_MUST;

/** vk_cloud_setting(a, name, otherwise): Its value; ${otherwise} when there is none or an empty one. */
const char *vk_cloud_setting(struct vk_ask *a, const char *name, const char *otherwise) VK_MUST;

/** vk_cloud_is_word(s, more): Is it not empty, of ASCII letters, digits and the characters ${more}? */
bool vk_cloud_is_word(const char *s, const char *more) VK_MUST;

/**
 * vk_cloud_do(who, h, ret):
 * vk_http_do(), which must answer 200 or 201.  Else ${who} and the server's word for it are the reason, the latter
 * when it is made of letters, so that nothing of a token is in it; VK_ENOENT: there is no such thing; VK_EPOLICY: it
 * refuses; VK_EBACKEND: anything else.
 *
 * vk_cloud_ask(who, h, ret): The same with a JSON object as the answer.
 * vk_cloud_login(who, h, ret): That, on the way to a secret: what is not found says nothing about the secret.
 */
enum vk_err vk_cloud_do(const char *who, const struct vk_http *h, struct vk_http_answer *ret) VK_MUST;
enum vk_err vk_cloud_ask(const char *who, const struct vk_http *h, json_t **ret) VK_MUST;
enum vk_err vk_cloud_login(const char *who, const struct vk_http *h, json_t **ret) VK_MUST;

/** vk_cloud_strange(who): VK_EBACKEND: it answers what is not understood. */
enum vk_err vk_cloud_strange(const char *who) VK_MUST;

/** vk_cloud_token(who, text, ret): A token out of an answer: printable ASCII without blanks; else VK_EBACKEND. */
enum vk_err vk_cloud_token(const char *who, const char *text, struct vk_secret *ret) VK_MUST;

/** vk_cloud_member(j, name): The text of a member of an object; NULL: it has none. */
const char *vk_cloud_member(const json_t *j, const char *name) VK_MUST;

/** vk_cloud_bearer(out, token): "Authorization: Bearer TOKEN" */
enum vk_err vk_cloud_bearer(struct vk_buf *out, const struct vk_secret *token) VK_MUST;

/** vk_cloud_form(out, name, value): One more field of a form or a query; an error sticks in ${out}. */
enum vk_err vk_cloud_form(struct vk_buf *out, const char *name, const char *value);

/** vk_cloud_file(path, out): All of a file, which may have many lines. */
enum vk_err vk_cloud_file(const char *path, struct vk_buf *out) VK_MUST;

/** vk_cloud_time(text, ret): RFC 3339 in UTC, as seconds since 1970; false: it is none. */
bool vk_cloud_time(const char *text, int64_t *ret) VK_MUST;

/** vk_cloud_answer_until(out, secret, expires): "secret=" and "expires=" */
enum vk_err vk_cloud_answer_until(struct vk_buf *out, const struct vk_secret *secret, int64_t expires) VK_MUST;

/** vk_cloud_answer(out, who, ref, bytes, n): "secret=", of the whole or of the field that ${ref} names. */
enum vk_err vk_cloud_answer(struct vk_buf *out, const char *who, const struct vk_cloud_ref *ref, const char *bytes,
    size_t n) VK_MUST;

#endif
