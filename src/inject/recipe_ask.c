/* SPDX-License-Identifier: ISC */
/* Tools that ask and need nothing else: docker, whose configuration names its helper, and "valetkey get" itself. */
#include <string.h>

#include "recipe.h"

static enum vk_err
docker_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = strcmp(c->scope.scheme, "https") == 0 && !*c->npm_scope && c->kind == VK_KIND_BASIC && *c->username;
	return VK_OK;
}

static enum vk_err
get_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	(void)c;
	*ret = true;
	return VK_OK;
}

const struct vk_recipe vk_recipe_docker = { .name = "docker", .asks = true, .takes = docker_takes };
const struct vk_recipe vk_recipe_get = { .name = "get", .asks = true, .takes = get_takes };
