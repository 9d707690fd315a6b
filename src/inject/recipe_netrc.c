/* SPDX-License-Identifier: ISC */
/* netrc: curl, Go, pip, wget and others; only where it is asked for, since every program reads it.  conda, swift. */
#include <string.h>
#include <sys/stat.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
netrc_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind == VK_KIND_BASIC;
	return VK_OK;
}

/* What most readers look at: $NETRC where they know it, else this.  NULL when there is neither. */
static char *
own_path(void)
{
	const char *v = getenv("NETRC");

	return v && *v ? vk_strdup(v) : vk_recipe_home(".netrc");
}

/* Once: what is rendered later is for the same user's file, whatever became of it. */
static enum vk_err
look(struct vk_kitchen *k, const char *path)
{
	if (k->netrc_seen)
		return VK_OK;
	k->netrc_seen = true;
	k->netrc = (struct vk_buf)VK_BUF_SECRET(VK_MAX_FILE);
	return vk_recipe_own(path, &k->netrc);
}

static enum vk_err
netrc_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build,
    struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(65536);
	VK_CLEANUP(vk_freep) char *path = for_build ? NULL : own_path();
	const struct vk_buf *own = path ? &k->netrc : NULL;
	enum vk_err e = VK_OK;

	if (path)
		e = look(k, path);
	if (e == VK_OK)
		e = vk_netrc_merge(own && own->p ? own->p : "", own ? own->len : 0, taken, k->opts->keep_own, out,
		    &dropped);
	if (e == VK_OK && path)
		vk_recipe_dropped(k, path, &dropped);
	return e;
}

/* There is no other recipe of theirs that the hint could mean. */
static enum vk_err
own_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	enum vk_err e = netrc_render(k, taken, for_build, out);

	if (e == VK_EPOLICY)
		vk_hint("choose others with --credential");
	return e;
}

/* Not all readers know NETRC, so ~/.netrc is hidden whether or not it is set. */
static const char *
netrc_usual(struct vk_kitchen *k)
{
	static char path[4096];
	VK_CLEANUP(vk_freep) char *usual = vk_recipe_home(".netrc");
	struct stat st;

	(void)k;
	if (!usual || stat(usual, &st) < 0 || !S_ISREG(st.st_mode) || strlen(usual) >= sizeof(path))
		return NULL;
	memcpy(path, usual, strlen(usual) + 1);
	return path;
}

static char *
netrc_fixed(struct vk_kitchen *k)
{
	(void)k;
	return vk_recipe_home(".netrc");
}

static enum vk_err
netrc_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	(void)taken;
	return vk_environ_set(&k->env, "NETRC", path, strlen(path));
}

static enum vk_err
swift_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	enum vk_err e = vk_recipe_by_place(k, netrc_usual(k), "swift", "~/.netrc");

	return e == VK_OK ? own_render(k, taken, for_build, out) : e;
}

const struct vk_recipe vk_recipe_netrc = {
	.name = "netrc",
	.file = "netrc",
	.in_builds = true,
	.takes = netrc_takes,
	.render = netrc_render,
	.usual = netrc_usual,
	.fixed = netrc_fixed,
	.lead = netrc_lead,
};

/* conda reads it with Python's requests, where NETRC leads; and so does the library of pixi and rattler-build. */
const struct vk_recipe vk_recipe_conda = {
	.name = "conda",
	.file = "netrc",
	.takes = netrc_takes,
	.render = own_render,
	.usual = netrc_usual,
	.fixed = netrc_fixed,
	.lead = netrc_lead,
};

/* Swift's package manager (its Sources/Basics/Netrc.swift) knows ~/.netrc and --netrc-file, and no variable. */
const struct vk_recipe vk_recipe_swift = {
	.name = "swift",
	.file = "netrc-home",
	.takes = netrc_takes,
	.render = swift_render,
	.usual = netrc_usual,
	.fixed = netrc_fixed,
};
