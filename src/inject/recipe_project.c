/* SPDX-License-Identifier: ISC */
/*
 * A project says which URL has which name, and a tool that knows credentials by name sends one wherever that is: so
 * what the project at hand says is compared with what the credential is for.
 */
#include <limits.h>
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

/* The nearest pyproject.toml, from the directory that the command names or the working directory upwards. */
static enum vk_err
read_project(const struct vk_kitchen *k, struct vk_buf *out)
{
	static const char *const options[] = { "project", "directory" };
	const char *start = NULL;
	char dir[PATH_MAX];

	for (size_t i = 0; !start && i < VK_COUNT(options); i++)
		start = vk_npm_option(k->opts->command, options[i]);
	if (!realpath(start ? start : ".", dir))
		return VK_OK;
	for (char *slash = dir; slash;) {
		VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/pyproject.toml", dir);
		enum vk_err e = path ? vk_recipe_own(path, out) : VK_ENOMEM;

		if (e != VK_OK || out->len > 0)
			return e;
		if ((slash = strrchr(dir, '/')))
			*slash = '\0';
	}
	return VK_OK;
}

static enum vk_err
check(const struct vk_cred *c, const char *name, const char *url)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	VK_CLEANUP(vk_freep) char *ours = vk_scope_url(&c->scope);
	VK_CLEANUP(vk_freep) char *user = NULL;
	enum vk_err e = vk_scope_parse(url, &scope, &user);

	if (e == VK_OK && vk_scope_covers(&c->scope, &scope))
		return VK_OK;
	vk_hint("correct the project, give the credential another name, or choose others with --credential");
	return vk_fail(VK_EPOLICY, "this project's index %s is at another place than %s, which the credential %s is "
				   "for", name, ours ? ours : "", c->name);
}

enum vk_err
vk_recipe_sources(const struct vk_kitchen *k, const struct vk_cred_list *taken, const char *table, const char *swap)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_err e = read_project(k, &text);
	size_t at = 0;

	while (e == VK_OK && at < text.len) {
		VK_CLEANUP(vk_freep) char *name = NULL;
		VK_CLEANUP(vk_freep) char *url = NULL;

		if (!vk_toml_source(text.p, text.len, table, &at, &name, &url))
			break;
		for (size_t i = 0; e == VK_OK && i < taken->n; i++)
			if (vk_recipe_same_name(taken->v[i]->name, name, swap))
				e = check(taken->v[i], name, url);
	}
	return e;
}
