/* SPDX-License-Identifier: ISC */
/*
 * npm's relatives.  pnpm, Yarn 1 and bun (1.4) are led to the run's .npmrc by the same variable as npm, and share its
 * file.  No variable leads Deno anywhere, nor an older bun: they find the file where it is bound over ~/.npmrc, or by
 * the gate.
 */
#include <string.h>
#include <sys/stat.h>

#include "valetkey/proto.h"
#include "recipe_npm.h"

/* pnpm 11 heeds npm's variable last. */
static enum vk_err
pnpm_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = vk_npm_lead(k, taken, path);

	if (k->rung != VK_RUNG_R1 && vk_npm_option(k->opts->command, "npmrc-auth-file"))
		vk_caution(k->opts, "the command's --npmrc-auth-file wins over the file of this run: pnpm will have no "
				    "credentials");
	vk_environ_forget(&k->env, "pnpm_config_npmrc_auth_file");
	return e == VK_OK ? vk_environ_set(&k->env, "PNPM_CONFIG_NPMRC_AUTH_FILE", path, strlen(path)) : e;
}

/* Without it Yarn 1 asks for packages without a scope anonymously. */
static enum vk_err
yarn_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = vk_npm_lead(k, taken, path);

	return e == VK_OK ? vk_environ_set(&k->env, "NPM_CONFIG_ALWAYS_AUTH", "true", 4) : e;
}

static char *
home_npmrc(struct vk_kitchen *k)
{
	(void)k;
	return vk_recipe_home(".npmrc");
}

static const char *
deno_usual(struct vk_kitchen *k)
{
	struct stat st;

	if (!k->npm.home)
		k->npm.home = home_npmrc(k);
	return k->npm.home && stat(k->npm.home, &st) == 0 && S_ISREG(st.st_mode) ? k->npm.home : NULL;
}

/* Deno undoes the escapes of what is in quotes, but for this one (2.9). */
static enum vk_err
deno_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	enum vk_err e = vk_npm_takes(k, c, ret);

	if (e != VK_OK || !*ret || c->kind == VK_KIND_BASIC || !memchr(c->secret.p, '\\', c->secret.n))
		return e;
	vk_hint("choose others with --credential");
	return vk_fail(VK_EPOLICY, "Deno cannot be given %s: its secret holds a backslash, which Deno reads in "
				   "its own way", c->name);
}

static enum vk_err
deno_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF_SECRET(VK_MAX_FILE);
	const char *path = deno_usual(k);
	enum vk_err e = vk_recipe_by_place(k, path, "Deno", "~/.npmrc");

	if (e == VK_OK && path)
		e = vk_recipe_own(path, &own);
	return e == VK_OK ? vk_npm_render_over(k, path, &own, taken, for_build, out) : e;
}

const struct vk_recipe vk_recipe_pnpm = {
	.name = "pnpm",
	.file = "npmrc",
	.takes = vk_npm_takes,
	.render = vk_npm_render,
	.usual = vk_npm_usual,
	.fixed = vk_npm_fixed,
	.more = vk_npm_more,
	.lead = pnpm_lead,
};

const struct vk_recipe vk_recipe_yarn = {
	.name = "yarn",
	.file = "npmrc",
	.takes = vk_npm_takes,
	.render = vk_npm_render,
	.usual = vk_npm_usual,
	.fixed = vk_npm_fixed,
	.more = vk_npm_more,
	.lead = yarn_lead,
};

const struct vk_recipe vk_recipe_bun = {
	.name = "bun",
	.file = "npmrc",
	.takes = vk_npm_takes,
	.render = vk_npm_render,
	.usual = vk_npm_usual,
	.fixed = vk_npm_fixed,
	.more = vk_npm_more,
	.lead = vk_npm_lead,
};

const struct vk_recipe vk_recipe_deno = {
	.name = "deno",
	.file = "npmrc-home",
	.takes = deno_takes,
	.render = deno_render,
	.usual = deno_usual,
	.fixed = home_npmrc,
	.more = vk_npm_more,
};
