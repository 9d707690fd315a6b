/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/secret.h"

enum vk_err
vk_secret_set(struct vk_secret *s, const void *bytes, size_t n)
{
	char *p;

	if (n > VK_MAX_SECRET)
		return vk_fail(VK_ELIMIT, "a secret is larger than %d bytes", VK_MAX_SECRET);
	if (!(p = vk_arena_alloc(n + 1)))
		return VK_ENOMEM;
	if (n)
		memcpy(p, bytes, n);
	p[n] = '\0';
	vk_secret_clear(s);
	*s = (struct vk_secret){ .p = p, .n = n };
	return VK_OK;
}

void
vk_secret_clear(struct vk_secret *s)
{
	vk_arena_free(s->p);
	*s = (struct vk_secret){ NULL, 0 };
}
