/* SPDX-License-Identifier: ISC */
/*
 * rung2.h - sealed memory files that a small process holds.
 *
 * Its /proc/PID/fd/N is a name for a regular file that can be read any number of times and is
 * gone with the process.  The holder must be dumpable for that, so it is a copy of valetkey
 * from before it knew any secret, or one whose region was emptied first, without capabilities, and never maps the
 * files.
 */
#ifndef VK_INJECT_RUNG2_H
#define VK_INJECT_RUNG2_H

#include "child.h"
#include "files.h"

struct vk_rung2 {
	struct vk_child holder;
	bool locked; /* every file is locked into memory */
};
#define VK_RUNG2_NONE { .holder = VK_CHILD_NONE, .locked = true }

/** vk_rung2_has_names(): Does /proc show our own processes?  If not, with the reason. */
bool vk_rung2_has_names(void) VK_MUST;

/** vk_rung2_start(r, late): Start the holder; before any secret is read, or ${late}, and then before any is mapped. */
enum vk_err vk_rung2_start(struct vk_rung2 *r, bool late) VK_MUST;

/** vk_rung2_place(r, files): Make, seal and hand over the files; check that the names lead to them. */
enum vk_err vk_rung2_place(struct vk_rung2 *r, struct vk_files *files) VK_MUST;

/** vk_rung2_replace(r, f): Its name leads to its new text from now on; who has opened the old one keeps that. */
enum vk_err vk_rung2_replace(struct vk_rung2 *r, struct vk_file *f) VK_MUST;

/** vk_rung2_end(r): No name is left when it returns. */
void vk_rung2_end(struct vk_rung2 *r);

#endif
