/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/config.h"

bool
vk_names_have(const struct vk_names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

enum vk_err
vk_names_push(struct vk_names *l, const char *name)
{
	char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return VK_ENOMEM;
	l->v = v;
	if (!(v[l->n] = vk_strdup(name)))
		return VK_ENOMEM;
	l->n++;
	return VK_OK;
}

enum vk_err
vk_names_add(struct vk_names *l, const char *name)
{
	return vk_names_have(l, name) ? VK_OK : vk_names_push(l, name);
}

void
vk_names_clear(struct vk_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct vk_names){ 0 };
}
