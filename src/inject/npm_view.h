/* SPDX-License-Identifier: ISC */
/*
 * npm_view.h - what npm would find: the user's file, the project's files, and the registries that
 * they, the environment, the command line and the lock file name.
 */
#ifndef VK_INJECT_NPM_VIEW_H
#define VK_INJECT_NPM_VIEW_H

#include "valetkey/proto.h"

enum { VK_NPM_PROJECTS = 8 };

struct vk_npm_file {
	char *path;         /* NULL: there is no place for it */
	bool exists;        /* as a regular file */
	struct vk_buf text; /* secret */
};

struct vk_npm_view {
	struct vk_npm_file user;
	struct vk_npm_file projects[VK_NPM_PROJECTS];
	size_t n_projects;
	struct vk_scope *registries;
	size_t n_registries;
	char *home;  /* ~/.npmrc, for who is led nowhere else; NULL: not asked for */
	bool hidden; /* what the projects' files take from variables was seen to */
};

/** vk_npm_view_load(v, command): Read all of it. */
enum vk_err vk_npm_view_load(struct vk_npm_view *v, char *const *command) VK_MUST;
void vk_npm_view_clear(struct vk_npm_view *v);

/** vk_npm_user_file(command): Where npm finds the user's settings; ${command} may be NULL.  Heap, or NULL. */
char *vk_npm_user_file(char *const *command) VK_MUST;

/** vk_npm_option(command, name): The value of "--name VALUE" or "--name=VALUE" in ${command}, or NULL. */
const char *vk_npm_option(char *const *command, const char *name);

/** vk_npm_registry(v, url): Note a registry; what is no web URL is no registry. */
enum vk_err vk_npm_registry(struct vk_npm_view *v, const char *url) VK_MUST;

/** vk_npm_lock(v, dir): Note the hosts of the lock files in ${dir}, and of what npm's relatives have settings in. */
enum vk_err vk_npm_lock(struct vk_npm_view *v, const char *dir) VK_MUST;

#endif
