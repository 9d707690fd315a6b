/* SPDX-License-Identifier: ISC */
/* Go 1.24 and later: GOAUTH, "go help goauth", names valetkey, which asks the broker of this run. */
#include <string.h>

#include "recipe.h"

static enum vk_err
go_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	/* go sends what it is told over https only. */
	*ret = vk_recipe_web(c) && strcmp(c->scope.scheme, "https") == 0;
	return VK_OK;
}

/* Words are split at blanks outside of quotes, without escapes; the list is split at semicolons before that. */
enum vk_err
vk_recipe_goauth(const char *self, struct vk_buf *out)
{
	const char *quote = strchr(self, '\'') ? "\"" : "'";

	if (strchr(self, ';') || strchr(self, *quote))
		return vk_fail(VK_EPOLICY, "go cannot be told to start %s: a semicolon, or both quotes, in it", self);
	return vk_buf_fmt(out, "%s%s%s helper goauth", quote, self, quote);
}

/* First in the list, which ranks above the rest: what the user has there serves other hosts. */
static enum vk_err
go_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF(16384);
	const char *own = vk_environ_get(&k->env, "GOAUTH");
	enum vk_err e = vk_recipe_self(k);

	(void)taken;
	(void)path;
	if (e == VK_OK)
		e = vk_recipe_goauth(k->self, &value);
	if (e == VK_OK && !(own && strcmp(own, "off") == 0))
		e = vk_buf_fmt(&value, ";%s", own && *own ? own : "netrc");
	return e == VK_OK ? vk_environ_set(&k->env, "GOAUTH", value.p, value.len) : e;
}

const struct vk_recipe vk_recipe_go = { .name = "go", .asks = true, .takes = go_takes, .lead = go_lead };
