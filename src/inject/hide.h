/* SPDX-License-Identifier: ISC */
/*
 * hide.h - what a command has no business with: where valetkey's own keys and secrets come from, other
 * credentials of the user, and the sockets of programs that would hand more of them out.
 *
 * In R1 an empty file or directory is bound over each.  A command that is root there can take
 * those away again, as it can see everything of the host by other ways.  In R2 and R3 the gate hides files (confine.h),
 * where there is one.
 */
#ifndef VK_INJECT_HIDE_H
#define VK_INJECT_HIDE_H

#include "valetkey/policy.h"
#include "files.h"

enum { VK_HIDE_MAX = 64 };

struct vk_hidden {
	char *v[VK_HIDE_MAX]; /* existing paths, without symbolic links, each once */
	size_t n;
};

/**
 * vk_hide_choose(h, p, keep_own, sockets):
 * What there is to hide, from the environment and what ${p} has read so far.  ${keep_own}: not the user's own
 * files of credentials.  ${sockets}: those too.
 */
enum vk_err vk_hide_choose(struct vk_hidden *h, struct vk_policy *p, bool keep_own, bool sockets) VK_MUST;

/**
 * vk_hide_mount(h, dir, place, files):
 * R1, inside the namespaces: hide them, except for what a file of ${files} is bound over.  ${dir} is the ramfs, which
 * the command sees as ${place}.  One that cannot be hidden is an error.
 */
enum vk_err vk_hide_mount(const struct vk_hidden *h, int dir, const char *place,
    const struct vk_files *files) VK_MUST;

void vk_hide_clear(struct vk_hidden *h);

#endif
