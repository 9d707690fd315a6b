/* SPDX-License-Identifier: ISC */
/* forms.h - the ways to write some bytes, each of them a row of a table. */
#ifndef VK_PROTO_FORMS_H
#define VK_PROTO_FORMS_H

#include "valetkey/secret.h"

/* One way: appends ${n} bytes, written so, to ${out}; nothing where the bytes cannot be written so. */
struct vk_way_to_write {
	const char *how;
	void (*put)(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant);
	unsigned variant;
	bool usual; /* also for what is long */
};

/** vk_ways(ret_n): All of them; the first is "as it is". */
const struct vk_way_to_write *vk_ways(size_t *ret_n) VK_MUST;

#endif
