/* SPDX-License-Identifier: ISC */
/*
 * podman, buildah, skopeo and others with containers/image, containers-auth.json(5): REGISTRY_AUTH_FILE names a file
 * that sends them to docker's helper, which asks the broker.  No credential is in it, unless the user's own are kept.
 * So does HELM_REGISTRY_CONFIG for helm's OCI registries ("helm env"); recipe_helm.c has its repositories.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/proto.h"
#include "recipe.h"

#define HELPER "valetkey"

/* Helpers are by host, and are asked for a host. */
static enum vk_err
containers_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	enum vk_err e = vk_recipe_docker.takes(k, c, ret);

	*ret = *ret && !*c->scope.path;
	return e;
}

struct place {
	const char *variable, *rest; /* "$VARIABLE" and REST; no variable: containers-auth.json(5)'s own place */
};

static const struct place containers_places[] = {
	{ "REGISTRY_AUTH_FILE", "" }, { "XDG_RUNTIME_DIR", "/containers/auth.json" }, { NULL, NULL },
	{ "XDG_CONFIG_HOME", "/containers/auth.json" }, { "HOME", "/.config/containers/auth.json" },
	{ "DOCKER_CONFIG", "/config.json" }, { "HOME", "/.docker/config.json" }, { "", NULL },
};

static const struct place helm_places[] = {
	{ "HELM_REGISTRY_CONFIG", "" }, { "HELM_CONFIG_HOME", "/registry/config.json" },
	{ "XDG_CONFIG_HOME", "/helm/registry/config.json" }, { "HOME", "/.config/helm/registry/config.json" },
	{ "", NULL },
};

/* The first that is there, in the order of the tool's documentation; NULL: none. */
static char *
own_path(const struct place *p)
{
	struct stat st;

	for (; !p->variable || *p->variable; p++) {
		const char *v = p->variable ? getenv(p->variable) : NULL;
		VK_CLEANUP(vk_freep) char *path = p->variable ? (v && *v ? vk_asprintf("%s%s", v, p->rest) : NULL) :
		    vk_asprintf("/run/containers/%u/auth.json", (unsigned)geteuid());

		if (path && stat(path, &st) == 0)
			return VK_TAKE(path);
	}
	return NULL;
}

static enum vk_err
render(struct vk_kitchen *k, const struct vk_cred_list *taken, const struct place *places, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(65536);
	VK_CLEANUP(vk_freep) char *path = own_path(places);
	enum vk_err e = path ? vk_recipe_own(path, &own) : VK_OK;

	if (e == VK_OK && (e = vk_auths_merge(own.p ? own.p : "", own.len, taken, HELPER, k->opts->keep_own, out,
	    &dropped)) == VK_EPROTO)
		e = vk_fail(e, "%s: %s", path, vk_reason());
	if (e == VK_OK && path)
		vk_recipe_dropped(k, path, &dropped);
	return e;
}

static enum vk_err
containers_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	(void)for_build;
	return render(k, taken, containers_places, out);
}

static enum vk_err
helm_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	(void)for_build;
	return render(k, taken, helm_places, out);
}

static const char *
containers_usual(struct vk_kitchen *k)
{
	(void)k;
	return NULL;
}

static enum vk_err
lead(struct vk_kitchen *k, const char *variable, const char *path)
{
	const char *dirs = vk_environ_get(&k->env, "PATH");
	VK_CLEANUP(vk_freep) char *beside = NULL;
	enum vk_err e = vk_recipe_self(k);

	/* They look for the helper on PATH, where our own directory need not be. */
	if (e == VK_OK && !(beside = vk_asprintf("%s%s%.*s", dirs ? dirs : "", dirs && *dirs ? ":" : "",
	    (int)(strrchr(k->self, '/') - k->self), k->self)))
		e = VK_ENOMEM;
	if (e == VK_OK)
		e = vk_environ_set(&k->env, "PATH", beside, strlen(beside));
	return e == VK_OK ? vk_environ_set(&k->env, variable, path, strlen(path)) : e;
}

static enum vk_err
containers_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	(void)taken;
	return lead(k, "REGISTRY_AUTH_FILE", path);
}

static enum vk_err
helm_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	(void)taken;
	return lead(k, "HELM_REGISTRY_CONFIG", path);
}

const struct vk_recipe vk_recipe_containers = {
	.name = "containers",
	.asks = true,
	.tool = "docker",
	.file = "auth.json",
	.takes = containers_takes,
	.render = containers_render,
	.usual = containers_usual,
	.lead = containers_lead,
};

const struct vk_recipe vk_recipe_helm = {
	.name = "helm",
	.also = &vk_recipe_helm_repositories,
	.asks = true,
	.tool = "docker",
	.file = "helm.json",
	.takes = containers_takes,
	.render = helm_render,
	.usual = containers_usual,
	.lead = helm_lead,
};
