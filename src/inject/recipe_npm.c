/* SPDX-License-Identifier: ISC */
/*
 * npm: a user settings file of this run, to which NPM_CONFIG_USERCONFIG leads.
 *
 * A project's file that says "//registry/:_authToken=${NPM_TOKEN}" ranks above it, and the variable
 * is not there.  In R1 a copy without that line is bound over the project's file.  Where
 * nothing can be bound, the variable is set empty: npm then goes on to the same key without the
 * slash before the colon, which the file also has.  (Publishing does not look there.)
 */
#include <stdio.h>
#include <string.h>

#include "recipe_npm.h"

/* Variables that by convention stand for npm's token in a project's file. */
static const char *const usual_vars[] = { "NPM_TOKEN", "NODE_AUTH_TOKEN" };

static enum vk_err
look(struct vk_kitchen *k)
{
	if (k->npm_seen)
		return VK_OK;
	k->npm_seen = true;
	return vk_npm_view_load(&k->npm, k->opts->command);
}

/* npm's key has no scheme: the token of an https entry would go to an http registry of that name. */
static enum vk_err
check_clear(const struct vk_cred *c, const struct vk_scope *registry)
{
	VK_CLEANUP(vk_freep) char *ours = vk_scope_hostport(&c->scope);
	VK_CLEANUP(vk_freep) char *theirs = vk_scope_hostport(registry);

	if (!ours || !theirs)
		return vk_fail(VK_ENOMEM, "out of memory");
	if (strcmp(c->scope.scheme, registry->scheme) == 0 || strcmp(ours, theirs) != 0)
		return VK_OK;
	vk_hint("correct the registry's URL, or choose others with --credential");
	return vk_fail(VK_EPOLICY, "a registry of this project is %s://%s, and npm would send it "
				   "%s, which is for %s://%s", registry->scheme, theirs, c->name,
	    c->scope.scheme, ours);
}

static bool
is_named(const char *const *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], name) == 0)
			return true;
	return false;
}

static bool
asked_for(const struct vk_run_opts *opts)
{
	static const char *const family[] = { "npm", "pnpm", "yarn", "bun", "deno" };

	for (size_t i = 0; i < VK_COUNT(family); i++)
		if (is_named(opts->recipes, opts->n_recipes, family[i]))
			return true;
	return false;
}

enum vk_err
vk_npm_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	bool web = strcmp(c->scope.scheme, "https") == 0 || strcmp(c->scope.scheme, "http") == 0;
	/* Asked for by name, both of them: npm's own default registry is named by no file. */
	bool asked = is_named(k->opts->names, k->opts->n_names, c->name) && asked_for(k->opts);
	bool yes = web && (*c->npm_scope || asked);
	enum vk_err e = look(k);

	if (e != VK_OK)
		return e;
	for (size_t i = 0; web && !yes && i < k->npm.n_registries; i++)
		yes = vk_scope_covers(&c->scope, &k->npm.registries[i]);
	for (size_t i = 0; yes && i < k->npm.n_registries; i++)
		if ((e = check_clear(c, &k->npm.registries[i])) != VK_OK)
			return e;
	*ret = yes;
	return VK_OK;
}

enum vk_err
vk_npm_render_over(struct vk_kitchen *k, const char *path, const struct vk_buf *own,
    const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	const struct vk_npmrc_style style = {
		.keep_own = k->opts->keep_own,
		.registries = for_build,
		.both_keys = !for_build && k->rung != VK_RUNG_NONE,
	};
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(65536);
	enum vk_err e = vk_npmrc_merge(own->p ? own->p : "", own->len, taken, &style, out, &dropped);

	if (e == VK_OK && !for_build && path)
		vk_recipe_dropped(k, path, &dropped);
	return e;
}

enum vk_err
vk_npm_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	return vk_npm_render_over(k, k->npm.user.path, &k->npm.user.text, taken, for_build, out);
}

const char *
vk_npm_usual(struct vk_kitchen *k)
{
	return k->npm.user.exists ? k->npm.user.path : NULL;
}

/* For an npm that a script starts with an environment of its own. */
char *
vk_npm_fixed(struct vk_kitchen *k)
{
	return k->npm.user.path ? vk_strdup(k->npm.user.path) : NULL;
}

static bool
is_gone(const char *name, void *arg)
{
	const struct vk_environ *env = arg;

	return vk_environ_get(env, name) == NULL;
}

/* Sets every variable of ${vars} that the command does not have to the empty string. */
static enum vk_err
empty_vars(struct vk_kitchen *k, const struct vk_buf *vars)
{
	enum vk_err e = VK_OK;

	for (const char *at = vars->p; e == VK_OK && at && *at;) {
		size_t n = strcspn(at, "\n");
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("%.*s", (int)n, at);

		if (!name)
			return vk_fail(VK_ENOMEM, "out of memory");
		if (!vk_environ_get(&k->env, name))
			e = vk_environ_set(&k->env, name, "", 0);
		at += n + (at[n] == '\n');
	}
	return e;
}

static enum vk_err
hide_project(struct vk_kitchen *k, const struct vk_cred_list *taken, size_t i, struct vk_buf *vars)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	const struct vk_npm_file *p = &k->npm.projects[i];
	struct vk_file *file;
	size_t before = vars->len;
	char name[32];
	enum vk_err e;

	if (!p->exists || p->text.len == 0)
		return VK_OK;
	e = vk_npmrc_without_vars(p->text.p, p->text.len, taken, is_gone, &k->env, &text, vars);
	if (e != VK_OK || vars->len == before || k->rung != VK_RUNG_R1)
		return e;
	snprintf(name, sizeof(name), "npmrc-project-%u", (unsigned)i);
	return vk_files_add(&k->files, name, &text, p->path, &file);
}

enum vk_err
vk_npm_more(struct vk_kitchen *k, const struct vk_cred_list *taken)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf vars = VK_BUF(65536);
	enum vk_err e = VK_OK;

	/* Another one of the family has seen to it. */
	if (k->npm.hidden)
		return VK_OK;
	k->npm.hidden = true;
	for (size_t i = 0; e == VK_OK && i < k->npm.n_projects; i++)
		e = hide_project(k, taken, i, &vars);
	/* In R1 what is not there may stay so: the lines that want it are gone. */
	if (e == VK_OK && k->rung != VK_RUNG_R1)
		e = empty_vars(k, &vars);
	/* Projects that are not found from here, such as those of a script that changes directory. */
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(usual_vars); i++)
		if (getenv(usual_vars[i]) && !vk_environ_get(&k->env, usual_vars[i]))
			e = vk_environ_set(&k->env, usual_vars[i], "", 0);
	return e;
}

enum vk_err
vk_npm_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	(void)taken;
	if (k->rung != VK_RUNG_R1 && vk_npm_option(k->opts->command, "userconfig"))
		vk_caution(k->opts, "the command's --userconfig wins over the file of this run: npm will "
				    "have no credentials");
	vk_environ_unset_npm(&k->env, "userconfig");
	return vk_environ_set(&k->env, "NPM_CONFIG_USERCONFIG", path, strlen(path));
}

const struct vk_recipe vk_recipe_npm = {
	.name = "npm",
	.file = "npmrc",
	.in_builds = true,
	.takes = vk_npm_takes,
	.render = vk_npm_render,
	.usual = vk_npm_usual,
	.fixed = vk_npm_fixed,
	.more = vk_npm_more,
	.lead = vk_npm_lead,
};
