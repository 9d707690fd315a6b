/* SPDX-License-Identifier: ISC */
/*
 * Deno's modules by URL: DENO_AUTH_TOKENS, "Private modules and repositories" in its documentation, a list of
 * TOKEN@HOST and USER:PASSWORD@HOST between semicolons.  A host stands for its subdomains, and for http, too.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
modules_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && strcmp(c->scope.scheme, "https") == 0 && c->kind != VK_KIND_HEADER;
	return *ret ? vk_recipe_no_path(c, "Deno") : VK_OK;
}

/* The list is cut at semicolons, an element at its last "@", and a pair at its last colon. */
static enum vk_err
add(struct vk_buf *out, const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *host = vk_scope_hostport(&c->scope);
	bool basic = c->kind == VK_KIND_BASIC;

	if (!host)
		return VK_ENOMEM;
	if (!basic && *c->authtype && !vk_str_ieq(c->authtype, "Bearer"))
		return vk_fail(VK_EPOLICY, "its authentication scheme is %s, but Deno sends Bearer", c->authtype);
	if (c->secret.n == 0 || memchr(c->secret.p, ';', c->secret.n) || memchr(c->secret.p, ':', c->secret.n) ||
	    vk_str_has_control(c->secret.p, c->secret.n) || c->secret.p[0] == ' ')
		return vk_fail(VK_EPOLICY, "its secret is empty, holds a colon, a semicolon or a control character, or "
					   "begins with a blank");
	if (basic && (!*c->username || strpbrk(c->username, ":; ")))
		return vk_fail(VK_EPOLICY, "it has no user name, or one with a colon, a semicolon or a blank");
	vk_buf_fmt(out, "%s%s%s", out->len > 0 ? ";" : "", basic ? c->username : "", basic ? ":" : "");
	vk_buf_add(out, c->secret.p, c->secret.n);
	return vk_buf_fmt(out, "@%s", host);
}

static enum vk_err
modules_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_err e = vk_recipe_one_each(taken, "Deno");

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++)
		if ((e = add(&value, taken->v[i])) == VK_EPOLICY) {
			vk_hint("choose others with --credential");
			e = vk_fail(e, "DENO_AUTH_TOKENS cannot hold %s: %s", taken->v[i]->name, vk_reason());
		}
	return e == VK_OK ? vk_environ_lend(&k->env, "DENO_AUTH_TOKENS", value.p, value.len) : e;
}

const struct vk_recipe vk_recipe_deno_modules = {
	.name = "deno-modules",
	.takes = modules_takes,
	.lead = modules_lead,
};
