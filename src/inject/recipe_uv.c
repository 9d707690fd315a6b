/* SPDX-License-Identifier: ISC */
/*
 * uv: it starts "keyring" as pip does, for a URL whose user name it knows (or with authenticate = "always").  An
 * index that has a name takes one from UV_INDEX_<NAME>_USERNAME, so that is all that the environment says; where
 * nothing can be called keyring it takes the password from there as well.
 */
#include <string.h>

#include "proto/json_text.h"
#include "recipe.h"

static const char *const lists[] = { "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL" };

static enum vk_err
name_user(struct vk_kitchen *k, const struct vk_cred_list *taken, size_t i, bool password)
{
	const struct vk_cred *c = taken->v[i];
	VK_CLEANUP(vk_buf_clear) struct vk_buf user = VK_BUF(256), secret = VK_BUF(256);
	enum vk_err e = vk_recipe_var(taken, i, "UV_INDEX_", "_USERNAME", "-.", &user);

	if (e == VK_OK)
		e = vk_recipe_var(taken, i, "UV_INDEX_", "_PASSWORD", "-.", &secret);
	/* Who has set one means another account. */
	if (e != VK_OK || vk_environ_get(&k->env, user.p))
		return e;
	if (password && (memchr(c->secret.p, '\0', c->secret.n) || !vk_utf8_valid(c->secret.p, c->secret.n)))
		return vk_fail(VK_EPOLICY, "uv cannot be told %s in the environment: it is not UTF-8", c->name);
	e = vk_environ_set(&k->env, user.p, c->username, strlen(c->username));
	return e == VK_OK && password ? vk_environ_lend(&k->env, secret.p, c->secret.p, c->secret.n) : e;
}

static enum vk_err
uv_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = vk_recipe_path(k);
	bool keyring = e == VK_OK;

	(void)path;
	if (keyring) {
		e = vk_environ_set(&k->env, "UV_KEYRING_PROVIDER", "subprocess", strlen("subprocess"));
	} else if (e == VK_EBACKEND) {
		vk_caution(k->opts, "uv gets its passwords in the environment, for indexes that are named there or "
				    "have the name of a credential: %s", vk_reason());
		vk_reason_clear();
		e = vk_recipe_sources(k, taken, "tool.uv.index", "-.");
	}
	for (size_t i = 0; e == VK_OK && i < taken->n; i++)
		if (*taken->v[i]->name)
			e = name_user(k, taken, i, !keyring);
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(lists); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_FILE);
		const char *own = vk_environ_get(&k->env, lists[i]);

		if ((e = vk_recipe_index_urls(own ? own : "", taken, !keyring, &value)) == VK_OK)
			e = keyring ? vk_environ_set(&k->env, lists[i], value.p, value.len) :
			    vk_environ_lend(&k->env, lists[i], value.p, value.len);
		else if (e == VK_ENOENT)
			e = VK_OK;
	}
	return e;
}

const struct vk_recipe vk_recipe_uv = {
	.name = "uv", .asks = true, .tool = "keyring", .by_name = true, .takes = vk_recipe_keyring, .lead = uv_lead,
};
