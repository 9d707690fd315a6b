/* SPDX-License-Identifier: ISC */
/* left.h - the list of what was not taken: a few lines of text, or all of it as JSON. */
#ifndef VK_CLI_LEFT_H
#define VK_CLI_LEFT_H

#include "valetkey/secret.h"

struct vk_left_list {
	bool json;
	struct vk_buf out;
	uint64_t n, unlisted; /* ${unlisted} of ${n} are counted only */
	uint64_t secrets;     /* of ${n} hold a secret, or may */
	uint64_t first_secret; /* its line; 0: not known, or none */
};

/** vk_left_begin(l, json): An empty list. */
void vk_left_begin(struct vk_left_list *l, bool json);

/**
 * vk_left_add(l, line, what, why, secret):
 * ${line} 0: not known.  ${what} may hold any bytes; what is fit for a terminal is shown of it.
 */
enum vk_err vk_left_add(struct vk_left_list *l, uint64_t line, const char *what, const char *why,
    bool secret) VK_MUST;

/** vk_left_print(l, out): The lines, or a JSON array. */
void vk_left_print(const struct vk_left_list *l, struct vk_buf *out);

/** vk_left_clear(l): Free what is listed. */
void vk_left_clear(struct vk_left_list *l);

#endif
