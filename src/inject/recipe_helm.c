/* SPDX-License-Identifier: ISC */
/*
 * helm's repositories, those that are no OCI registries: it asks nobody, and knows an account by its own
 * repositories.yaml.  HELM_REPOSITORY_CONFIG leads to one of this run ("helm env").
 */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/proto.h"
#include "recipe.h"

/* What helm would read (pkg/cli, pkg/helmpath): the first variable counts, whether or not a file is there. */
static char *
own_path(void)
{
	static const struct {
		const char *variable, *rest;
	} places[] = {
		{ "HELM_REPOSITORY_CONFIG", "" }, { "HELM_CONFIG_HOME", "/repositories.yaml" },
		{ "XDG_CONFIG_HOME", "/helm/repositories.yaml" }, { "HOME", "/.config/helm/repositories.yaml" },
	};

	for (size_t i = 0; i < VK_COUNT(places); i++) {
		const char *v = getenv(places[i].variable);

		if (v && *v)
			return vk_asprintf("%s%s", v, places[i].rest);
	}
	return NULL;
}

/* Once: in R1 ours will lie over it. */
static enum vk_err
look(struct vk_kitchen *k, const char *path)
{
	if (k->helm_seen)
		return VK_OK;
	k->helm_seen = true;
	k->helm = (struct vk_buf)VK_BUF_SECRET(VK_MAX_FILE);
	return path ? vk_recipe_own(path, &k->helm) : VK_OK;
}

static const char *
text_of(const struct vk_kitchen *k)
{
	return k->helm.p ? k->helm.p : "";
}

static enum vk_err
in_file(const char *path, enum vk_err e)
{
	return e == VK_EPROTO ? vk_fail(e, "%s: %s", path, vk_reason()) : e;
}

static enum vk_err
helm_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	VK_CLEANUP(vk_freep) char *path = own_path();
	bool yes = false;
	enum vk_err e = vk_recipe_docker.takes(k, c, &yes);

	if (e == VK_OK && yes && (e = look(k, path)) == VK_OK)
		e = in_file(path, vk_helm_serves(text_of(k), k->helm.len, c, &yes));
	if (e == VK_OK)
		*ret = yes;
	return e;
}

static enum vk_err
helm_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(65536);
	VK_CLEANUP(vk_freep) char *path = own_path();
	enum vk_err e = look(k, path);

	(void)for_build;
	if (e == VK_OK)
		e = in_file(path, vk_helm_merge(text_of(k), k->helm.len, taken, k->opts->keep_own, out, &dropped));
	if (e == VK_OK && path)
		vk_recipe_dropped(k, path, &dropped);
	return e;
}

static const char *
helm_usual(struct vk_kitchen *k)
{
	static char real[PATH_MAX];
	VK_CLEANUP(vk_freep) char *path = own_path();
	struct stat st;

	(void)k;
	return path && realpath(path, real) && stat(real, &st) == 0 && S_ISREG(st.st_mode) ? real : NULL;
}

static char *
helm_fixed(struct vk_kitchen *k)
{
	char *path = own_path();

	(void)k;
	if (!path || *path == '/')
		return path;
	free(path);
	return NULL;
}

static enum vk_err
helm_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	(void)taken;
	return vk_environ_set(&k->env, "HELM_REPOSITORY_CONFIG", path, strlen(path));
}

const struct vk_recipe vk_recipe_helm_repositories = {
	.name = "helm",
	.file = "repositories.yaml",
	.takes = helm_takes,
	.render = helm_render,
	.usual = helm_usual,
	.fixed = helm_fixed,
	.lead = helm_lead,
};
