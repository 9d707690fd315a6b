/* SPDX-License-Identifier: ISC */
/*
 * recipe.h - how one tool is given credentials: which it takes, whether it asks the broker or reads a file, and what in
 * the environment leads the tool there.
 */
#ifndef VK_INJECT_RECIPE_H
#define VK_INJECT_RECIPE_H

#include "valetkey/inject.h"
#include "environ.h"
#include "files.h"
#include "npm_view.h"

struct vk_kitchen {
	const struct vk_run_opts *opts;
	const struct vk_cred_list *creds; /* of the run */
	enum vk_rung rung;                /* NONE: for "render" */
	struct vk_files files;
	struct vk_environ env;
	struct vk_npm_view npm;
	bool npm_seen;    /* ${npm} was loaded */
	struct vk_buf netrc; /* the user's own, */
	bool netrc_seen;     /* once it was read */
	const char *self; /* our own program file */
};

struct vk_recipe {
	const char *name;
	bool asks;        /* it asks the broker, */
	const char *tool; /* as this one; NULL: as ${name} */
	const char *file; /* its name among the files of a run; NULL: none, and the next four are NULL too */
	bool in_builds;   /* may be a --build-secret */

	/* Does it take ${c}?  An error refuses the run. */
	enum vk_err (*takes)(struct vk_kitchen *k, const struct vk_cred *c, bool *ret);
	/* The file for ${taken}; ${for_build}: without what only makes sense on this machine. */
	enum vk_err (*render)(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build,
	    struct vk_buf *out);
	/* Which existing file it hides in R1, or NULL.  Borrowed. */
	const char *(*usual)(struct vk_kitchen *k);
	/* Where its readers look that no variable leads elsewhere, whether or not a file is there; NULL: none. */
	char *(*fixed)(struct vk_kitchen *k);
	/* More files for R1; may be NULL. */
	enum vk_err (*more)(struct vk_kitchen *k, const struct vk_cred_list *taken);
	/* The environment, once ${path} of ${file} is known.  NULL: none. */
	enum vk_err (*lead)(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path);
};

extern const struct vk_recipe vk_recipe_containers, vk_recipe_go, vk_recipe_composer, vk_recipe_bundler,
    vk_recipe_nuget, vk_recipe_terraform;
extern const struct vk_recipe vk_recipe_cargo, vk_recipe_coursier, vk_recipe_gradle, vk_recipe_maven;
extern const struct vk_recipe vk_recipe_docker, vk_recipe_get, vk_recipe_git, vk_recipe_npm, vk_recipe_netrc;

/** vk_recipe_find(name, ret): VK_EUSAGE with a reason that lists them. */
enum vk_err vk_recipe_find(const char *name, const struct vk_recipe **ret) VK_MUST;

/** vk_recipe_select(k, r, ret_taken): The credentials it takes; they stay the run's.  Free ${ret_taken->v}. */
enum vk_err vk_recipe_select(struct vk_kitchen *k, const struct vk_recipe *r,
    struct vk_cred_list *ret_taken) VK_MUST;

/** vk_recipe_file(k, r, ret_file): Its file among those of the run; VK_ENOENT when it takes nothing. */
enum vk_err vk_recipe_file(struct vk_kitchen *k, const struct vk_recipe *r, bool for_build,
    const char *name, struct vk_file **ret_file) VK_MUST;

/** vk_recipe_render(k, r, for_build, out): The text of that file alone; VK_ENOENT when it takes nothing. */
enum vk_err vk_recipe_render(struct vk_kitchen *k, const struct vk_recipe *r, bool for_build, struct vk_buf *out)
    VK_MUST;

/** vk_kitchen_clear(k): What the recipes have read of the user's. */
void vk_kitchen_clear(struct vk_kitchen *k);

/** vk_recipe_lead(k, r, path): Its environment. */
enum vk_err vk_recipe_lead(struct vk_kitchen *k, const struct vk_recipe *r, const char *path)
    VK_MUST;

/** vk_recipe_web(c): Is it for http or https, and not for one npm scope? */
bool vk_recipe_web(const struct vk_cred *c) VK_MUST;

/**
 * vk_recipe_no_path(c, tool), vk_recipe_one_each(l, tool):
 * VK_EPOLICY, with the reason, when ${c} has a path, and when two of ${l} have the same origin: for tools that
 * present a credential to the whole of a host.
 */
enum vk_err vk_recipe_no_path(const struct vk_cred *c, const char *tool) VK_MUST;
enum vk_err vk_recipe_one_each(const struct vk_cred_list *l, const char *tool) VK_MUST;

/** vk_recipe_self(k): Is ${k->self} known, for a tool that is to start us?  VK_ESYS. */
enum vk_err vk_recipe_self(const struct vk_kitchen *k) VK_MUST;

/** vk_recipe_goauth(self, out): The element of GOAUTH that starts the program ${self}.  VK_EPOLICY: there is none. */
enum vk_err vk_recipe_goauth(const char *self, struct vk_buf *out) VK_MUST;

/** vk_recipe_cargo_word(self): Can ${self} be a word of cargo's configuration?  VK_EPOLICY. */
enum vk_err vk_recipe_cargo_word(const char *self) VK_MUST;

/** vk_recipe_home(file): "$HOME/FILE"; NULL when there is no such place. */
char *vk_recipe_home(const char *file) VK_MUST;

/** vk_recipe_own(path, out): The user's own file; an absent one is empty. */
enum vk_err vk_recipe_own(const char *path, struct vk_buf *out) VK_MUST;

/** vk_recipe_dropped(k, file, dropped): Name what was left out of the user's file. */
void vk_recipe_dropped(const struct vk_kitchen *k, const char *file, const struct vk_buf *dropped);

/** vk_say(opts, fmt, ...), vk_caution(opts, fmt, ...): A line for the user, and a warning. */
void vk_say(const struct vk_run_opts *opts, const char *fmt, ...) VK_PRINTF(2, 3);
void vk_caution(const struct vk_run_opts *opts, const char *fmt, ...) VK_PRINTF(2, 3);

#endif
