/* SPDX-License-Identifier: ISC */
/*
 * NuGet and dotnet: NuGetPackageSourceCredentials_NAME, where NAME is the source's in nuget.config ("Consuming
 * packages from authenticated feeds" in NuGet's documentation).  The credential has to have that name.  Clients that
 * start plugins may ask too.
 */
#include <string.h>

#include "proto/json_text.h"
#include "recipe.h"

static enum vk_err
nuget_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind == VK_KIND_BASIC && *c->name;
	return VK_OK;
}

/* "Username=U;Password=P", which is read with a pattern, blanks before and behind cut off, and has no quoting. */
static enum vk_err
check(const struct vk_cred *c)
{
	static const char types[] = ";ValidAuthenticationTypes=";
	const char *p = c->secret.p, *semicolon = strchr(c->username, ';');

	if (!*c->username)
		return vk_fail(VK_EPOLICY, "NuGet cannot be told of a credential without a user name (%s)", c->name);
	if ((semicolon && vk_str_ifind(semicolon, strlen(semicolon), "Password=")) ||
	    vk_str_has_control(p, c->secret.n) || !vk_utf8_valid(p, c->secret.n) ||
	    (c->secret.n > 0 && p[c->secret.n - 1] == ' '))
		return vk_fail(VK_EPOLICY, "NuGet cannot be told of a user name or secret like that of %s", c->name);
	if (vk_str_ifind(p, c->secret.n, types))
		return vk_fail(VK_EPOLICY, "NuGet would take a part of the secret of %s for something else", c->name);
	return strchr(c->name, '=') ? vk_fail(VK_EPOLICY, "NuGet's variable cannot be called %s", c->name) : VK_OK;
}

static enum vk_err
nuget_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = VK_OK;

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_SECRET + VK_MAX_FIELD + 32);
		const struct vk_cred *c = taken->v[i];
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("NuGetPackageSourceCredentials_%s", c->name);

		if (!name)
			return VK_ENOMEM;
		if ((e = check(c)) != VK_OK)
			return e;
		vk_buf_fmt(&text, "Username=%s;Password=", c->username);
		e = vk_buf_add(&text, c->secret.p, c->secret.n);
		if (e == VK_OK)
			e = vk_environ_lend(&k->env, name, text.p, text.len);
	}
	return e;
}

const struct vk_recipe vk_recipe_nuget = { .name = "nuget", .asks = true, .takes = nuget_takes, .lead = nuget_lead };
