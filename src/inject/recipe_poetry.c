/* SPDX-License-Identifier: ISC */
/* Poetry: it knows a credential by the name of the source or repository that it is for, from the environment. */
#include <string.h>

#include "recipe.h"

static enum vk_err
poetry_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && (c->kind == VK_KIND_BASIC || c->kind == VK_KIND_BEARER) && *c->name;
	return VK_OK;
}

static enum vk_err
lend(struct vk_kitchen *k, const struct vk_cred_list *taken, size_t i, const char *prefix, const char *suffix,
    const char *value, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(256);
	enum vk_err e = vk_recipe_var(taken, i, prefix, suffix, "-", &name);

	return e == VK_OK ? vk_environ_lend(&k->env, name.p, value, n) : e;
}

static enum vk_err
poetry_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	static const char basic[] = "POETRY_HTTP_BASIC_";
	enum vk_err e = vk_recipe_sources(k, taken, "tool.poetry.source", "-");

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		const struct vk_cred *c = taken->v[i];

		if ((e = vk_recipe_ascii(c, "poetry")) != VK_OK)
			return e;
		if (c->kind == VK_KIND_BEARER) {
			e = lend(k, taken, i, "POETRY_PYPI_TOKEN_", "", c->secret.p, c->secret.n);
			continue;
		}
		if ((e = lend(k, taken, i, basic, "_USERNAME", c->username, strlen(c->username))) == VK_OK)
			e = lend(k, taken, i, basic, "_PASSWORD", c->secret.p, c->secret.n);
	}
	return e;
}

const struct vk_recipe vk_recipe_poetry = { .name = "poetry", .takes = poetry_takes, .lead = poetry_lead };
