/* SPDX-License-Identifier: ISC */
#include "menu.h"

enum vk_err
vk_menu_choose(struct vk_menu *m, const struct vk_run_opts *opts, struct vk_policy *p)
{
	enum { ASKERS = 2 };
	static const char *const usual[] = { "git", "docker", "npm" };
	const char *const *names = opts->recipes;
	size_t n = opts->n_recipes;

	if (n == 0)
		vk_policy_recipes(p, &names, &n);
	if (n == 0) {
		names = opts->readers_only ? usual + ASKERS : usual;
		n = VK_COUNT(usual) - (opts->readers_only ? ASKERS : 0);
	}
	for (size_t i = 0; i < n; i++) {
		const struct vk_recipe *found;
		enum vk_err e = vk_recipe_find(names[i], &found);
		bool twice = false;

		if (e != VK_OK)
			return e;
		for (size_t k = 0; k < m->n; k++)
			twice |= m->v[k] == found;
		if (!twice && m->n < VK_MENU_MAX)
			m->v[m->n++] = found;
	}
	return VK_OK;
}

/* Who named a tool should hear that it gets nothing. */
static enum vk_err
minded(struct vk_menu *m, size_t i, const struct vk_run_opts *opts, enum vk_err e)
{
	m->serves[i] = e == VK_OK;
	if (e != VK_ENOENT)
		return e;
	if (opts->n_recipes > 0)
		vk_caution(opts, "the recipe %s takes none of the credentials of this run", m->v[i]->name);
	return VK_OK;
}

enum vk_err
vk_menu_serve(struct vk_menu *m, struct vk_kitchen *k, struct vk_broker *b)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++)
		if (m->v[i]->asks)
			e = minded(m, i, k->opts, vk_broker_serve(b, k, m->v[i]));
	return e;
}

enum vk_err
vk_menu_files(struct vk_menu *m, struct vk_kitchen *k)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++)
		if (!m->v[i]->asks)
			e = minded(m, i, k->opts, vk_recipe_file(k, m->v[i], false, m->v[i]->file, &m->placed[i]));
	return e;
}

enum vk_err
vk_menu_lead(const struct vk_menu *m, struct vk_kitchen *k)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++)
		if (m->serves[i])
			e = vk_recipe_lead(k, m->v[i], m->placed[i] ? m->placed[i]->path : NULL);
	return e;
}

void
vk_menu_tell(const struct vk_menu *m, const struct vk_run_opts *opts)
{
	for (size_t i = 0; i < m->n; i++)
		vk_say(opts, "recipe %s: %s", m->v[i]->name, m->placed[i] ? m->placed[i]->path :
		    m->serves[i] ? "asks this run's broker" : "takes none of the credentials");
}
