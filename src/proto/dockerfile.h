/* SPDX-License-Identifier: ISC */
/* dockerfile.h - what the two halves of the Dockerfile parser share. */
#ifndef VK_PROTO_DOCKERFILE_H
#define VK_PROTO_DOCKERFILE_H

#include "valetkey/dockerfile.h"

/** vk_dockerfile_keep(d, s, n): A NUL-terminated copy in the pool; NULL when that is full. */
char *vk_dockerfile_keep(struct vk_dockerfile *d, const char *s, size_t n) VK_MUST;

/** vk_dockerfile_split(d, in): Fill name, args, flags and words from ${in->joined}. */
enum vk_err vk_dockerfile_split(struct vk_dockerfile *d, struct vk_instruction *in) VK_MUST;

/** vk_dockerfile_docs(d, in): Fill in the here-documents that the joined line announces; their text is still NULL. */
enum vk_err vk_dockerfile_docs(struct vk_dockerfile *d, struct vk_instruction *in) VK_MUST;

/** vk_is_blank(c): What Go takes for a space, of ASCII. */
static inline bool
vk_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
