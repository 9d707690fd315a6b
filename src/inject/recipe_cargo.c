/* SPDX-License-Identifier: ISC */
/*
 * cargo 1.74 and later: valetkey is a credential provider, which asks the broker of this run.
 *
 * What the variable holds is appended to the list of the user's files, and the last one is asked first.  It also
 * puts an end to the default, which is cargo's own file of tokens, so that is named again.
 */
#include <string.h>

#include "recipe.h"

static enum vk_err
cargo_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && (c->kind != VK_KIND_HEADER || vk_str_ieq(c->header, "Authorization"));
	return VK_OK;
}

/* Each element of the list is split at blanks, without quotes. */
enum vk_err
vk_recipe_cargo_word(const char *self)
{
	if (strpbrk(self, " \t\r\n\v\f"))
		return vk_fail(VK_EPOLICY, "cargo cannot be told to start %s: its path holds a blank", self);
	return VK_OK;
}

static enum vk_err
cargo_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	static const char name[] = "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS";
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF(65536);
	const char *own = vk_environ_get(&k->env, name);
	enum vk_err e = vk_recipe_self(k);

	(void)taken;
	(void)path;
	if (e == VK_OK)
		e = vk_recipe_cargo_word(k->self);
	if (e == VK_OK)
		e = vk_buf_fmt(&value, "%s %s", own && *own ? own : "cargo:token", k->self);
	return e == VK_OK ? vk_environ_set(&k->env, name, value.p, value.len) : e;
}

const struct vk_recipe vk_recipe_cargo = { .name = "cargo", .asks = true, .takes = cargo_takes, .lead = cargo_lead };
