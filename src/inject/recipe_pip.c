/* SPDX-License-Identifier: ISC */
/*
 * pip: it starts "keyring", first on PATH, which asks the broker of this run (helpers/keyring.c).
 *
 * pip 26.2 does so for any index that says 401; before, only for one whose URL has a user name.  So those that the
 * environment or pip.conf name get theirs.  What the command line and requirement files name has to bring it along.
 * Where no program can be started these URLs get the password as well.
 */
#include <string.h>
#include <sys/stat.h>

#include "valetkey/proto.h"
#include "recipe.h"

/* Variables rank above files; each with the key that pip.conf has for it. */
static const struct {
	const char *var, *key;
} lists[] = {
	{ "PIP_INDEX_URL", "index-url" },
	{ "PIP_EXTRA_INDEX_URL", "extra-index-url" },
	{ "PIP_FIND_LINKS", "find-links" },
};

static enum vk_err
read_conf(char *path, const char *key, struct vk_buf *out, bool *elsewhere)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_err e = path ? vk_recipe_own(path, &text) : VK_OK;

	free(path);

	/* What we cannot read, pip cannot either. */
	if (e != VK_OK) {
		vk_reason_clear();
		return VK_OK;
	}
	return vk_pipconf_get(text.p ? text.p : "", text.len, key, out, elsewhere);
}

static char *
below(const char *dir, const char *file)
{
	return dir && *dir == '/' ? vk_asprintf("%s/%s", dir, file) : NULL;
}

/* In pip's order, later ones win ("Configuration" in pip's manual).  Nothing where a part of pip has its own. */
static enum vk_err
from_files(struct vk_kitchen *k, const char *key, struct vk_buf *out)
{
	const char *named = vk_environ_get(&k->env, "PIP_CONFIG_FILE");
	const char *xdg = vk_environ_get(&k->env, "XDG_CONFIG_HOME");
	bool elsewhere = false, user = true;
	struct stat st;
	enum vk_err e;

	if (named && strcmp(named, "/dev/null") == 0)
		return VK_OK;
	if (named)
		user = stat(named, &st) < 0;
	if ((e = read_conf(vk_strdup("/etc/xdg/pip/pip.conf"), key, out, &elsewhere)) == VK_OK)
		e = read_conf(vk_strdup("/etc/pip.conf"), key, out, &elsewhere);
	if (e == VK_OK && user)
		e = read_conf(vk_recipe_home(".pip/pip.conf"), key, out, &elsewhere);
	if (e == VK_OK && user && xdg && *xdg)
		e = read_conf(below(xdg, "pip/pip.conf"), key, out, &elsewhere);
	else if (e == VK_OK && user)
		e = read_conf(vk_recipe_home(".config/pip/pip.conf"), key, out, &elsewhere);
	if (e == VK_OK)
		e = read_conf(below(vk_environ_get(&k->env, "VIRTUAL_ENV"), "pip.conf"), key, out, &elsewhere);
	if (e == VK_OK && named)
		e = read_conf(vk_strdup(named), key, out, &elsewhere);
	if (elsewhere)
		vk_buf_clear(out);
	return e;
}

/* One of ${lists}; with ${whole} the variable holds passwords. */
static enum vk_err
put_in(struct vk_kitchen *k, const struct vk_cred_list *taken, size_t i, bool whole, bool *ret_some)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf file = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_FILE);
	const char *own = vk_environ_get(&k->env, lists[i].var);
	enum vk_err e = own ? VK_OK : from_files(k, lists[i].key, &file);

	if (!own)
		own = file.p ? file.p : "";
	if (e == VK_OK && (e = vk_recipe_index_urls(own, taken, whole, &value)) == VK_ENOENT)
		return VK_OK;
	*ret_some |= e == VK_OK;
	if (e == VK_OK)
		e = whole ? vk_environ_lend(&k->env, lists[i].var, value.p, value.len) :
		    vk_environ_set(&k->env, lists[i].var, value.p, value.len);
	return e;
}

/* The first part of two can start no program. */
static enum vk_err
find_keyring(struct vk_kitchen *k, bool *ret)
{
	enum vk_err e;

	if (k->opts->two_phase || (e = vk_recipe_path(k)) == VK_EBACKEND) {
		if (!k->opts->two_phase)
			vk_caution(k->opts, "pip gets its passwords in the environment, for indexes that are named "
					    "there or in its files: %s", vk_reason());
		vk_reason_clear();
		return VK_OK;
	}
	*ret = e == VK_OK;
	return e == VK_OK ? vk_environ_set(&k->env, "PIP_KEYRING_PROVIDER", "subprocess", strlen("subprocess")) : e;
}

static enum vk_err
pip_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	bool keyring = false, some = false;
	enum vk_err e = find_keyring(k, &keyring);

	(void)path;
	for (size_t i = 0; e == VK_OK && !keyring && i < taken->n; i++)
		e = vk_recipe_ascii(taken->v[i], "pip");
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(lists); i++)
		e = put_in(k, taken, i, !keyring, &some);
	if (e == VK_OK && !keyring && !some)
		vk_caution(k->opts, "pip gets nothing: neither the environment nor its files name an index that one of "
				    "the credentials is for");
	return e;
}

const struct vk_recipe vk_recipe_pip = {
	.name = "pip", .asks = true, .tool = "keyring", .by_name = true, .takes = vk_recipe_keyring, .lead = pip_lead,
};
