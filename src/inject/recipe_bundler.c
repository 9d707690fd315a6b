/* SPDX-License-Identifier: ISC */
/*
 * Bundler: BUNDLE_ and a key, bundle-config(1), "Credentials for gem sources".  The key is the source's URL, which is
 * looked for first, or its host.  In it a dot is written "__", a hyphen "___", and letters are upper case.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
bundler_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind != VK_KIND_HEADER;
	return VK_OK;
}

static void
add_key(struct vk_buf *out, const char *text)
{
	for (; *text; text++)
		if (*text == '.' || *text == '-')
			vk_buf_str(out, *text == '.' ? "__" : "___");
		else
			vk_buf_char(out, (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text));
}

/* It sends what a URL's user information says, as Basic. */
static enum vk_err
value(const struct vk_cred *c, struct vk_buf *out)
{
	if (strchr(c->username, ':'))
		return vk_fail(VK_EPOLICY, "its user name holds a colon, which basic authentication cannot express");
	return vk_auth_userinfo(c, out);
}

static enum vk_err
lend(struct vk_kitchen *k, const struct vk_cred *c, const char *place, const char *end)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(4 * VK_MAX_FIELD);
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(3 * (VK_MAX_SECRET + VK_MAX_FIELD) + 1);
	enum vk_err e = value(c, &text);

	vk_buf_str(&name, "BUNDLE_");
	add_key(&name, place);
	vk_buf_str(&name, end);
	if (e == VK_OK)
		e = name.err != VK_OK ? name.err : text.err;
	return e == VK_OK ? vk_environ_lend(&k->env, name.p, text.p, text.len) : e;
}

/*
 * A URL always, which only this place has.  The host as well where the entry is for all of it, because names with a
 * slash are lost where a shell such as dash starts the tool.
 */
static enum vk_err
bundler_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = VK_OK;

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		const struct vk_cred *c = taken->v[i];
		VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
		bool alone = !*c->scope.path && c->scope.port == 443 && strcmp(c->scope.scheme, "https") == 0;

		if (!url)
			return VK_ENOMEM;
		e = lend(k, c, url, "/");
		if (e == VK_OK && alone)
			e = lend(k, c, c->scope.host, "");
	}
	return e;
}

const struct vk_recipe vk_recipe_bundler = { .name = "bundler", .takes = bundler_takes, .lead = bundler_lead };
