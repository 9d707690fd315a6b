/* SPDX-License-Identifier: ISC */
/*
 * gem push, owner and yank: GEM_HOST_API_KEY is the whole value of the field Authorization, for whatever host is
 * meant, so RUBYGEMS_HOST goes with it ("gem help push", gemcutter_utilities.rb).
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
gem_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind != VK_KIND_HEADER;
	return VK_OK;
}

/* Ruby's own host wants the key alone; the registries of others what HTTP has. */
static enum vk_err
key(const struct vk_cred *c, struct vk_buf *out)
{
	bool ruby = strcmp(c->scope.host, "rubygems.org") == 0 && c->kind == VK_KIND_BEARER;

	return ruby ? vk_buf_add(out, c->secret.p, c->secret.n) : vk_auth_value(c, out);
}

static enum vk_err
gem_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(2 * (VK_MAX_SECRET + VK_MAX_FIELD));
	enum vk_err e = vk_recipe_only_one(taken, "gem");

	(void)path;
	if (e == VK_OK)
		e = key(taken->v[0], &value);
	if (e == VK_OK)
		e = vk_recipe_leads_to(k, taken->v[0], "RUBYGEMS_HOST", "");
	return e == VK_OK ? vk_environ_lend(&k->env, "GEM_HOST_API_KEY", value.p, value.len) : e;
}

const struct vk_recipe vk_recipe_gem = { .name = "gem", .takes = gem_takes, .lead = gem_lead };
