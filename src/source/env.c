/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "source/value.h"

enum vk_err
vk_source_env(const char *name, struct vk_secret *ret)
{
	const char *v = getenv(name);

	if (!v)
		return vk_fail(VK_EBACKEND, "the variable %s is not set", name);
	return vk_source_value("the variable", name, v, strlen(v), ret);
}
