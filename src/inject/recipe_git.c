/* SPDX-License-Identifier: ISC */
/*
 * git: valetkey itself is its helper, which asks the broker of this run.
 *
 * The settings go through GIT_CONFIG_COUNT, which ranks above every file.  Per host the list of
 * helpers is emptied first, so that nobody else is asked, nor told to store what we answered.
 */
#include <string.h>

#include "recipe.h"

static enum vk_err
git_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && (c->kind == VK_KIND_BASIC || c->kind == VK_KIND_BEARER);
	return VK_OK;
}

static enum vk_err
helper_line(const char *self, struct vk_buf *out)
{
	vk_buf_char(out, '!');
	vk_buf_quote_sh(out, self);
	return vk_buf_str(out, " helper git-credential");
}

/* Has an earlier credential the same origin? */
static bool
is_repeated(const struct vk_cred_list *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (vk_scope_same_origin(&l->v[k]->scope, &l->v[i]->scope))
			return true;
	return false;
}

static bool
needs_path(const struct vk_cred_list *l, size_t i)
{
	for (size_t k = 0; k < l->n; k++)
		if (vk_scope_same_origin(&l->v[k]->scope, &l->v[i]->scope) && *l->v[k]->scope.path)
			return true;
	return false;
}

static enum vk_err
set(struct vk_environ *env, const char *url, const char *name, const char *value)
{
	VK_CLEANUP(vk_freep) char *key = vk_asprintf("credential.%s.%s", url, name);

	return key ? vk_environ_git(env, key, value) : vk_fail(VK_ENOMEM, "out of memory");
}

static enum vk_err
git_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf helper = VK_BUF(32768);
	enum vk_err e = vk_recipe_self(k);

	(void)path;
	if (e == VK_OK)
		e = helper_line(k->self, &helper);
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		VK_CLEANUP(vk_freep) char *hostport = vk_scope_hostport(&taken->v[i]->scope);
		VK_CLEANUP(vk_freep) char *url = hostport ?
		    vk_asprintf("%s://%s", taken->v[i]->scope.scheme, hostport) : NULL;

		if (!url)
			return vk_fail(VK_ENOMEM, "out of memory");
		if (is_repeated(taken, i))
			continue;
		e = set(&k->env, url, "helper", "");
		if (e == VK_OK)
			e = set(&k->env, url, "helper", helper.p);
		if (e == VK_OK && needs_path(taken, i))
			e = set(&k->env, url, "useHttpPath", "true");
	}
	return e;
}

const struct vk_recipe vk_recipe_git = { .name = "git", .asks = true, .takes = git_takes, .lead = git_lead };
