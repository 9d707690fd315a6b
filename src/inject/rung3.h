/* SPDX-License-Identifier: ISC */
/*
 * rung3.h - files on a file system in memory, for where /proc does not show our own processes and so R2 has no names.
 *
 * A directory of this run alone lies in $XDG_RUNTIME_DIR, /run/user/UID or /dev/shm, whichever is a tmpfs or ramfs.  A
 * process of ours, the guard, makes it, and overwrites and removes it when valetkey is gone, however it went.  Who
 * kills both leaves it: then the next run does, which tells directories in use by their lock (flock(2)), not by a
 * number of a process.
 */
#ifndef VK_INJECT_RUNG3_H
#define VK_INJECT_RUNG3_H

#include "child.h"
#include "files.h"

struct vk_rung3 {
	struct vk_child guard;
	int dir; /* locked; -1: there is none */
	char path[VK_NOTE_TEXT]; /* of it */
	const char *places[3];   /* where it may be; NULL: not there */
};
#define VK_RUNG3_NONE { .guard = VK_CHILD_NONE, .dir = -1 }

/** vk_rung3_start(r): Sweep what was left, make the directory, start the guard; before any secret is read. */
enum vk_err vk_rung3_start(struct vk_rung3 *r) VK_MUST;

/** vk_rung3_place(r, files) */
enum vk_err vk_rung3_place(struct vk_rung3 *r, struct vk_files *files) VK_MUST;

/** vk_rung3_replace(r, f): By a rename.  The old one keeps a name, by which the guard finds it. */
enum vk_err vk_rung3_replace(struct vk_rung3 *r, struct vk_file *f) VK_MUST;

/** vk_rung3_end(r): No name is left when it returns; the bytes are the caller's to overwrite, through the files. */
void vk_rung3_end(struct vk_rung3 *r);

#endif
