/* SPDX-License-Identifier: ISC */
/* Which file to look at to see whether a secret has changed. */
#include "policy/state.h"

static enum vk_err
place(const struct vk_ref *ref, char **ret)
{
	switch (ref->kind) {
	case VK_SOURCE_KEYSTORE:
		/* A key that came in a variable is not kept, and the keystore not opened a second time. */
		if (vk_unlock_env("VALETKEY_KEY") || vk_unlock_env("VALETKEY_IDENTITY"))
			return VK_ENOENT;
		return vk_store_path(ret);
	case VK_SOURCE_FILE:
		return (*ret = vk_strdup(ref->what)) ? VK_OK : VK_ENOMEM;
	case VK_SOURCE_ENV:
	case VK_SOURCE_REMOTE:
		break;
	}
	return VK_ENOENT;
}

enum vk_err
vk_policy_place(struct vk_policy *p, const struct vk_cred *c, char **ret_path)
{
	const struct vk_section *s = *c->name ? vk_config_section(&p->config, c->name) : NULL;
	struct vk_query q = { &c->scope, c->username };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *stored = NULL;
	struct vk_store *st;
	enum vk_err e;

	if (s)
		return place(&s->ref, ret_path);
	if (!vk_policy_has_store(p))
		return VK_ENOENT;
	if ((e = vk_policy_store(p, &st)) == VK_OK)
		e = *c->name ? vk_store_find_name(st, c->name, &stored) : vk_store_find(st, &q, &stored);
	return e == VK_OK ? place(&(struct vk_ref){ .kind = VK_SOURCE_KEYSTORE }, ret_path) : e;
}

enum vk_err
vk_policy_place_of_ref(const char *ref, char **ret_path)
{
	struct vk_ref r;
	enum vk_err e = vk_ref_parse(ref, &r);

	return e == VK_OK ? place(&r, ret_path) : e;
}
