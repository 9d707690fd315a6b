/* SPDX-License-Identifier: ISC */
/*
 * coursier and sbt: a file of properties, which COURSIER_CREDENTIALS and SBT_CREDENTIALS name.  (sbt fetches with
 * coursier, and does not look at the first variable: seen with 1.10.)
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
coursier_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind == VK_KIND_BASIC;
	return VK_OK;
}

/* What coursier would read without us; NULL: nothing, or credentials that are no file. */
static char *
own_path(void)
{
	const char *own = getenv("COURSIER_CREDENTIALS"), *dir = getenv("COURSIER_CONFIG_DIR");

	if (own && vk_str_starts(own, "file:"))
		own += strlen("file:");
	if (own && *own)
		return *own == '/' ? vk_strdup(own) : NULL;
	if (dir && *dir == '/')
		return vk_asprintf("%s/credentials.properties", dir);
	return vk_recipe_home(".config/coursier/credentials.properties");
}

static enum vk_err
coursier_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = own_path();
	enum vk_err e = path ? vk_recipe_own(path, &own) : VK_OK;

	(void)for_build;
	if (e == VK_OK)
		e = vk_coursier_render(taken, out);
	if (e != VK_OK || own.len == 0)
		return e;
	if (k->opts->keep_own)
		return vk_buf_add(out, own.p, own.len);
	vk_say(k->opts, "%s is left out for this run (--keep-own-credentials keeps it)", path);
	return VK_OK;
}

static const char *
coursier_usual(struct vk_kitchen *k)
{
	(void)k;
	return NULL;
}

static enum vk_err
coursier_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = vk_environ_set(&k->env, "COURSIER_CREDENTIALS", path, strlen(path));

	if (e == VK_OK && taken->n == 1)
		return vk_environ_set(&k->env, "SBT_CREDENTIALS", path, strlen(path));
	if (e == VK_OK)
		vk_caution(k->opts, "sbt gets none of these credentials: its file holds one, and this run has %zu; "
				    "choose one with --credential", taken->n);
	return e;
}

const struct vk_recipe vk_recipe_coursier = {
	.name = "coursier",
	.file = "coursier.properties",
	.takes = coursier_takes,
	.render = coursier_render,
	.usual = coursier_usual,
	.lead = coursier_lead,
};
