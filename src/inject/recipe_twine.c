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

/* A more precise one is the user's to know: PyPI's answers another path than the one without the last slash. */
static enum vk_err
place(struct vk_kitchen *k, const struct vk_cred *c)
{
	static const char var[] = "TWINE_REPOSITORY_URL";
	const char *own = vk_environ_get(&k->env, var);
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	VK_CLEANUP(vk_freep) char *value = url ? vk_asprintf("%s/", url) : NULL;
	enum vk_err e;

	if (!value)
		return vk_fail(VK_ENOMEM, "out of memory");
	if (!own || !*own)
		return vk_environ_set(&k->env, var, value, strlen(value));
	if ((e = vk_scope_parse(own, &scope, NULL)) != VK_OK || !vk_scope_covers(&c->scope, &scope))
		return vk_fail(VK_EPOLICY, "%s leads elsewhere than %s, which %s is for", var, url,
		    *c->name ? c->name : "the credential");
	return VK_OK;
}

static enum vk_err
twine_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	const struct vk_cred *c = taken->v[0];
	const char *user = *c->username && c->kind == VK_KIND_BASIC ? c->username : "__token__";
	enum vk_err e;

	(void)path;
	if (taken->n != 1) {
		vk_hint("choose with --credential");
		return vk_fail(VK_EPOLICY, "twine has one account, and this run has %zu", taken->n);
	}
	if ((e = vk_recipe_ascii(c, "twine")) == VK_OK)
		e = place(k, c);
	if (e == VK_OK)
		e = vk_environ_lend(&k->env, "TWINE_USERNAME", user, strlen(user));
	return e == VK_OK ? vk_environ_lend(&k->env, "TWINE_PASSWORD", c->secret.p, c->secret.n) : e;
}

const struct vk_recipe vk_recipe_twine = { .name = "twine", .takes = twine_takes, .lead = twine_lead };
