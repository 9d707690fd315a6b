/* SPDX-License-Identifier: ISC */
/*
 * twine: one account in the environment, and the place that it is for, which ranks above --repository: else the
 * account would go wherever a name of .pypirc leads.
 */
#include <string.h>

#include "recipe.h"

static enum vk_err
twine_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && (c->kind == VK_KIND_BASIC || c->kind == VK_KIND_BEARER);
	return VK_OK;
}

static enum vk_err
twine_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	const struct vk_cred *c = taken->v[0];
	const char *user = *c->username && c->kind == VK_KIND_BASIC ? c->username : "__token__";
	enum vk_err e;

	(void)path;
	if ((e = vk_recipe_only_one(taken, "twine")) == VK_OK)
		e = vk_recipe_ascii(c, "twine");
	if (e == VK_OK)
		e = vk_recipe_leads_to(k, c, "TWINE_REPOSITORY_URL", "/");
	if (e == VK_OK)
		e = vk_environ_lend(&k->env, "TWINE_USERNAME", user, strlen(user));
	return e == VK_OK ? vk_environ_lend(&k->env, "TWINE_PASSWORD", c->secret.p, c->secret.n) : e;
}

const struct vk_recipe vk_recipe_twine = { .name = "twine", .takes = twine_takes, .lead = twine_lead };
