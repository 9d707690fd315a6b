/* SPDX-License-Identifier: ISC */
/* The first line is a path, the rest a .dockerignore: every pattern is tried, and "**" at the end leaves out all. */
#include <string.h>

#include "valetkey/dockerfile.h"
#include "valetkey/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_ignore_clear) struct vk_ignore g = { 0 };
	VK_CLEANUP(vk_ignore_clear) struct vk_ignore all = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf more = VK_BUF(VK_MAX_FILE * 2);
	const char *text = size ? (const char *)data : "", *nl = memchr(text, '\n', size);
	VK_CLEANUP(vk_freep) char *path = strndup(text, nl ? (size_t)(nl - text) : size);
	size_t skip = nl ? (size_t)(nl - text) + 1 : size;

	if (!path || size > 65536 || vk_ignore_parse(text + skip, size - skip, &g) != VK_OK)
		return 0;
	(void)!vk_ignore_match(&g, path);
	vk_buf_add(&more, text + skip, size - skip);
	vk_buf_str(&more, "\n**\n");
	if (vk_ignore_parse(more.p, more.len, &all) != VK_OK || (strlen(path) <= 4096 && !vk_ignore_match(&all, path)))
		abort();
	return 0;
}
