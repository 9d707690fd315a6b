/* SPDX-License-Identifier: ISC */
/* menu.h - the tools that a run serves: those of --with, of the profile, or the usual ones. */
#ifndef VK_INJECT_MENU_H
#define VK_INJECT_MENU_H

#include "broker.h"
#include "recipe.h"

enum { VK_MENU_MAX = 32 };

struct vk_menu {
	const struct vk_recipe *v[VK_MENU_MAX];
	struct vk_file *placed[VK_MENU_MAX]; /* NULL: no file */
	bool serves[VK_MENU_MAX];            /* it takes some of the credentials */
	bool named[VK_MENU_MAX];             /* by --with, so that who did should hear when it takes none */
	size_t n;
};

/** vk_menu_choose(m, opts, p): VK_EUSAGE for a name that is none. */
enum vk_err vk_menu_choose(struct vk_menu *m, const struct vk_run_opts *opts, struct vk_policy *p) VK_MUST;

/** vk_menu_serve(m, k, b): Those that ask are told to the broker. */
enum vk_err vk_menu_serve(struct vk_menu *m, struct vk_kitchen *k, struct vk_broker *b) VK_MUST;

/** vk_menu_files(m, k): After that: those that read get their files, among those of the run. */
enum vk_err vk_menu_files(struct vk_menu *m, struct vk_kitchen *k) VK_MUST;

/** vk_menu_by_name(m): Is one that is served going to start us by a name? */
bool vk_menu_by_name(const struct vk_menu *m) VK_MUST;

/** vk_menu_lead(m, k, p): Their environment, once the files are placed: the config's [tool NAME], then the recipe's. */
enum vk_err vk_menu_lead(const struct vk_menu *m, struct vk_kitchen *k, struct vk_policy *p) VK_MUST;

/** vk_menu_tell(m, opts): What each is given, for --verbose. */
void vk_menu_tell(const struct vk_menu *m, const struct vk_run_opts *opts);

#endif
