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
	bool gated;                       /* a gate decides who gets a file */
	struct vk_files files;
	struct vk_environ env;
	struct vk_npm_view npm;
	bool npm_seen;    /* ${npm} was loaded */
	struct vk_buf netrc; /* the user's own, */
	bool netrc_seen;     /* once it was read */
	struct vk_buf helm;  /* the same for repositories.yaml */
	bool helm_seen;
	const char *self; /* our own program file */
	char *programs;   /* a directory where it has the names by which tools start it (programs.h); NULL: none */
	char *litter;     /* a file without secrets, to be removed when the run ends; NULL: none */
};

struct vk_recipe {
	const char *name;
	const struct vk_recipe *also; /* another one of that name, which comes along; NULL: none */
	bool asks;        /* it asks the broker, */
	const char *tool; /* as this one; NULL: as ${name} */
	bool by_name;     /* it finds us on PATH by a name that is not ours (programs.h) */
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

extern const struct vk_recipe vk_recipe_conda, vk_recipe_swift;
extern const struct vk_recipe vk_recipe_helm, vk_recipe_helm_repositories, vk_recipe_gem;
extern const struct vk_recipe vk_recipe_containers, vk_recipe_go, vk_recipe_composer, vk_recipe_bundler,
    vk_recipe_nuget, vk_recipe_terraform;
extern const struct vk_recipe vk_recipe_pip, vk_recipe_poetry, vk_recipe_twine, vk_recipe_uv;
extern const struct vk_recipe vk_recipe_cargo, vk_recipe_coursier, vk_recipe_gradle, vk_recipe_maven;
extern const struct vk_recipe vk_recipe_docker, vk_recipe_get, vk_recipe_git, vk_recipe_npm, vk_recipe_netrc;
extern const struct vk_recipe vk_recipe_pnpm, vk_recipe_yarn, vk_recipe_yarn_berry, vk_recipe_bun, vk_recipe_deno;
extern const struct vk_recipe vk_recipe_deno_modules;

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
 * vk_recipe_only_one(l, tool), vk_recipe_leads_to(k, c, var, end):
 * For a tool that has one account for wherever it is sent: VK_EPOLICY when there are more; and ${var} becomes the
 * place of ${c}, with ${end}, unless it names one within it.  VK_EPOLICY when it leads elsewhere.
 */
enum vk_err vk_recipe_only_one(const struct vk_cred_list *l, const char *tool) VK_MUST;
enum vk_err vk_recipe_leads_to(struct vk_kitchen *k, const struct vk_cred *c, const char *var, const char *end)
    VK_MUST;

/**
 * vk_recipe_no_path(c, tool), vk_recipe_one_each(l, tool):
 * VK_EPOLICY, with the reason, when ${c} has a path, and when two of ${l} have the same origin: for tools that
 * present a credential to the whole of a host.
 */
enum vk_err vk_recipe_no_path(const struct vk_cred *c, const char *tool) VK_MUST;
enum vk_err vk_recipe_one_each(const struct vk_cred_list *l, const char *tool) VK_MUST;

/**
 * vk_recipe_by_place(k, over, tool, file):
 * For a tool that no variable leads to another file than ${file}: VK_EPOLICY where neither R1 hides it, which ${over}
 * tells, nor a gate serves it.
 */
enum vk_err vk_recipe_by_place(const struct vk_kitchen *k, const char *over, const char *tool, const char *file)
    VK_MUST;

/** vk_recipe_self(k): Is ${k->self} known, for a tool that is to start us?  VK_ESYS. */
enum vk_err vk_recipe_self(const struct vk_kitchen *k) VK_MUST;


/** vk_recipe_goauth(self, out): The element of GOAUTH that starts the program ${self}.  VK_EPOLICY: there is none. */
enum vk_err vk_recipe_goauth(const char *self, struct vk_buf *out) VK_MUST;

/**
 * vk_recipe_path(k):
 * Let PATH begin with ${k->programs}, for a tool that starts us by name.  VK_EBACKEND with the reason when there is
 * none.
 */
enum vk_err vk_recipe_path(struct vk_kitchen *k) VK_MUST;

/** vk_recipe_keyring(k, c, ret): Does a client of "keyring" take ${c}?  The "takes" of all of them. */
enum vk_err vk_recipe_keyring(struct vk_kitchen *k, const struct vk_cred *c, bool *ret) VK_MUST;

/**
 * vk_recipe_index_urls(text, taken, whole, out):
 * Append the list of URLs ${text}, each perhaps after "NAME=", with the user name of the account that is for it put in
 * where it has none, since who knows a user name asks for the password; ${whole}: the password as well.  VK_ENOENT:
 * there is nothing to put in.
 */
enum vk_err vk_recipe_index_urls(const char *text, const struct vk_cred_list *taken, bool whole, struct vk_buf *out)
    VK_MUST;

/**
 * vk_recipe_var(taken, i, prefix, suffix, swap, out):
 * "PREFIX" "NAME" "SUFFIX" for the name of ${taken}'s i-th, in upper case, with '_' for the bytes in ${swap}.
 * VK_EPOLICY when an earlier one has the same.
 */
enum vk_err vk_recipe_var(const struct vk_cred_list *taken, size_t i, const char *prefix, const char *suffix,
    const char *swap, struct vk_buf *out) VK_MUST;

/**
 * vk_recipe_sources(k, taken, table, swap):
 * For a tool that knows a credential by the name of an index only: where the project's pyproject.toml has a [[TABLE]]
 * of that name (vk_recipe_var() has ${swap}), is the credential for its URL?  VK_EPOLICY.
 */
enum vk_err vk_recipe_sources(const struct vk_kitchen *k, const struct vk_cred_list *taken, const char *table,
    const char *swap) VK_MUST;

/** vk_recipe_same_name(a, b, swap): Would both have one variable? */
bool vk_recipe_same_name(const char *a, const char *b, const char *swap) VK_MUST;

/** vk_recipe_ascii(c, tool): VK_EPOLICY when ${tool} would send user name or secret in other bytes than these. */
enum vk_err vk_recipe_ascii(const struct vk_cred *c, const char *tool) VK_MUST;
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
