/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "auto.h"
#include "menu.h"

/* A tool that the config misspells would go without its settings, and nobody would know. */
static enum vk_err
check_tools(struct vk_policy *p)
{
	const struct vk_recipe *found;
	const struct vk_tool *v;
	size_t n;
	enum vk_err e = VK_OK;

	vk_policy_tools(p, &v, &n);
	for (size_t i = 0; e == VK_OK && i < n; i++)
		if ((e = vk_recipe_find(v[i].name, &found)) != VK_OK)
			e = vk_fail(e, "[tool %s] of the config: %s", v[i].name, vk_reason());
	return e;
}

/* Each once. */
static enum vk_err
add_recipe(struct vk_menu *m, const struct vk_recipe *r, bool named)
{
	for (size_t k = 0; k < m->n; k++)
		if (m->v[k] == r) {
			m->named[k] |= named;
			return VK_OK;
		}
	if (m->n == VK_MENU_MAX)
		return vk_fail(VK_ELIMIT, "a run serves at most %d tools", VK_MENU_MAX);
	m->named[m->n] = named;
	m->v[m->n++] = r;
	return VK_OK;
}

static enum vk_err
add(struct vk_menu *m, const char *name, bool named)
{
	const struct vk_recipe *found;
	enum vk_err e = vk_recipe_find(name, &found);

	if (e == VK_OK)
		e = add_recipe(m, found, named);
	return e == VK_OK && found->also ? add_recipe(m, found->also, false) : e;
}

struct automatic {
	struct vk_menu *menu;
	struct vk_buf line;
};

static enum vk_err
add_automatic(void *arg, const char *recipe, const char *why)
{
	struct automatic *a = arg;

	vk_buf_fmt(&a->line, "%s%s (%s)", a->line.len > 0 ? ", " : "", recipe, why);
	return add(a->menu, recipe, false);
}

static enum vk_err
choose_by_project(struct vk_menu *m, const struct vk_run_opts *opts)
{
	struct automatic a = { m, VK_BUF(4096) };
	enum vk_err e = vk_auto_choose(opts->command, add_automatic, &a);

	if (e == VK_OK && a.line.len > 0) {
		vk_str_printable(a.line.p, a.line.len);
		vk_say(opts, "auto: %s", a.line.p);
	} else if (e == VK_OK) {
		vk_hint("name recipes with --with; the tool's files are looked for in the working directory");
		e = vk_fail(VK_EUSAGE, "nothing here tells which tools the credentials are for");
	}
	vk_buf_clear(&a.line);
	return e;
}

enum vk_err
vk_menu_choose(struct vk_menu *m, const struct vk_run_opts *opts, struct vk_policy *p)
{
	enum { ASKERS = 2 };
	static const char *const usual[] = { "git", "docker", "npm" };
	const char *const *names = opts->recipes;
	size_t n = opts->n_recipes;
	bool named = n > 0;
	enum vk_err e = check_tools(p);

	if (e != VK_OK)
		return e;
	if (n == 0)
		vk_policy_recipes(p, &names, &n);
	if (n == 0) {
		names = opts->readers_only ? usual + ASKERS : usual;
		n = VK_COUNT(usual) - (opts->readers_only ? ASKERS : 0);
	}
	for (size_t i = 0; e == VK_OK && i < n; i++)
		e = strcmp(names[i], "auto") == 0 ? choose_by_project(m, opts) : add(m, names[i], named);
	return e;
}

static enum vk_err
noted(struct vk_menu *m, size_t i, enum vk_err e)
{
	m->serves[i] = e == VK_OK;
	return e == VK_ENOENT ? VK_OK : e;
}

/* Is one of this name, which may be two? */
static bool
is_served(const struct vk_menu *m, const char *name)
{
	bool yes = false;

	for (size_t i = 0; i < m->n; i++)
		yes |= m->serves[i] && strcmp(m->v[i]->name, name) == 0;
	return yes;
}

/* Who named a tool should hear that it gets nothing. */
static void
warn_unserved(const struct vk_menu *m, const struct vk_run_opts *opts)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->named[i] && !is_served(m, m->v[i]->name))
			vk_caution(opts, "the recipe %s takes none of the credentials of this run", m->v[i]->name);
}

enum vk_err
vk_menu_serve(struct vk_menu *m, struct vk_kitchen *k, struct vk_broker *b)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++)
		if (m->v[i]->asks)
			e = noted(m, i, vk_broker_serve(b, k, m->v[i]));
	return e;
}

/* One that is led by its environment alone: VK_ENOENT when it takes nothing. */
static enum vk_err
takes_any(struct vk_kitchen *k, const struct vk_recipe *r)
{
	struct vk_cred_list taken = { 0 };
	enum vk_err e = vk_recipe_select(k, r, &taken);

	free(taken.v);
	return e == VK_OK && taken.n == 0 ? VK_ENOENT : e;
}

/* npm's relatives read one and the same file. */
static struct vk_file *
shared(const struct vk_menu *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (m->placed[k] && m->v[k]->file && strcmp(m->v[k]->file, m->v[i]->file) == 0)
			return m->placed[k];
	return NULL;
}

enum vk_err
vk_menu_files(struct vk_menu *m, struct vk_kitchen *k)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++) {
		const struct vk_recipe *r = m->v[i];

		if (r->file && (m->placed[i] = shared(m, i)))
			m->serves[i] = true;
		else if (r->file)
			e = noted(m, i, vk_recipe_file(k, r, false, r->file, &m->placed[i]));
		else if (!r->asks)
			e = noted(m, i, takes_any(k, r));
	}
	if (e == VK_OK)
		warn_unserved(m, k->opts);
	return e;
}

bool
vk_menu_by_name(const struct vk_menu *m)
{
	bool yes = false;

	for (size_t i = 0; i < m->n; i++)
		yes |= m->serves[i] && m->v[i]->by_name;
	return yes;
}

/* What the config sets for a tool; a variable that is there already is somebody's who knows better. */
static enum vk_err
set_up(const struct vk_recipe *r, struct vk_kitchen *k, struct vk_policy *p)
{
	const struct vk_tool *v;
	size_t n;
	enum vk_err e = VK_OK;

	vk_policy_tools(p, &v, &n);
	while (n > 0 && strcmp(v[n - 1].name, r->name) != 0)
		n--;
	for (size_t i = 0; n > 0 && e == VK_OK && i < v[n - 1].vars.n; i++) {
		const char *var = v[n - 1].vars.v[i], *value = strchr(var, '=') + 1;
		VK_CLEANUP(vk_freep) char *name = strndup(var, (size_t)(value - 1 - var));

		if (!name)
			return VK_ENOMEM;
		if (!vk_environ_get(&k->env, name))
			e = vk_environ_set(&k->env, name, value, strlen(value));
	}
	return e;
}

enum vk_err
vk_menu_lead(const struct vk_menu *m, struct vk_kitchen *k, struct vk_policy *p)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n; i++) {
		if (!m->serves[i])
			continue;
		if ((e = set_up(m->v[i], k, p)) == VK_OK)
			e = vk_recipe_lead(k, m->v[i], m->placed[i] ? m->placed[i]->path : NULL);
	}
	return e;
}

void
vk_menu_tell(const struct vk_menu *m, const struct vk_run_opts *opts)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->serves[i] || !is_served(m, m->v[i]->name))
			vk_say(opts, "recipe %s: %s", m->v[i]->name, m->placed[i] ? m->placed[i]->path :
			    !m->serves[i] ? "takes none of the credentials" :
			    m->v[i]->asks ? "asks this run's broker" : "in the environment");
}
