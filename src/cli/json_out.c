/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "cli/json_out.h"

void
vk_json_member(struct vk_buf *b, const char *key, const char *value)
{
	vk_buf_fmt(b, "\"%s\": ", key);
	vk_json_str(b, value, strlen(value));
}

void
vk_json_time(struct vk_buf *b, const char *key, int64_t t)
{
	if (t)
		vk_buf_fmt(b, "\"%s\": %" PRId64, key, t);
	else
		vk_buf_fmt(b, "\"%s\": null", key);
}
