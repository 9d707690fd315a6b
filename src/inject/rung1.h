/* SPDX-License-Identifier: ISC */
/*
 * rung1.h - a private mount and PID namespace, in three ways.
 *
 * A child is made in the new namespaces, process 1 of them (rung1_ns.c): it mounts, and hands the
 * namespaces over as descriptors.  Only when all of it worked does valetkey join them, once it has
 * resolved everything.  So a failure leaves valetkey where it was, free to use R2, and the command is
 * valetkey's own child: its stops, its status and its terminal need no relay.
 */
#ifndef VK_INJECT_RUNG1_H
#define VK_INJECT_RUNG1_H

#include "child.h"
#include "files.h"

enum vk_way {
	VK_WAY_PLAIN = 1, /* CAP_SYS_ADMIN: no user namespace */
	VK_WAY_WHOLE,     /* CAP_SETUID, CAP_SETGID: a user namespace with all the ids we have */
	VK_WAY_IDENTITY,  /* a user namespace with our own uid and gid, unchanged */
};

/** vk_way_choose(ret): Which way is open to us; VK_EPOLICY with the reason when none is. */
enum vk_err vk_way_choose(enum vk_way *ret) VK_MUST;

/** vk_way_text(w): "a user namespace with your own ids", ... */
const char *vk_way_text(enum vk_way w);

/* What the child must know; it lives longer than the child. */
struct vk_rung1_plan {
	enum vk_way way;
	uid_t uid; /* who the command is */
	gid_t gid;
	char **command;   /* the directory to mount on must not be one that the command names, */
	const char *home; /* nor have to do with this one; NULL when HOME is not set */
};

/* The namespaces, from start to end. */
struct vk_rung1 {
	const struct vk_rung1_plan *plan;
	struct vk_child init; /* process 1 of the PID namespace */
	int dir;              /* the ramfs, writable through this descriptor alone */
	int root, cwd;        /* the same places as ours, in the new mount namespace */
	int ns_user, ns_mnt, ns_pid;
	char place[VK_NOTE_TEXT]; /* where the command sees it, read-only */
};
#define VK_RUNG1_NONE                                                                              \
	{                                                                                          \
		.init = VK_CHILD_NONE, .dir = -1, .root = -1, .cwd = -1, .ns_user = -1,         \
		.ns_mnt = -1, .ns_pid = -1                                                         \
	}

/**
 * vk_rung1_build(r, plan):
 * Make the namespaces, before any secret is read.  On failure nothing of them is left and the reason
 * says why.
 */
enum vk_err vk_rung1_build(struct vk_rung1 *r, const struct vk_rung1_plan *plan) VK_MUST;

/** vk_rung1_join(r): Enter the namespaces; there is no way back. */
enum vk_err vk_rung1_join(struct vk_rung1 *r) VK_MUST;

/** vk_rung1_place(r, files): Write the files and bind them over their usual places. */
enum vk_err vk_rung1_place(struct vk_rung1 *r, struct vk_files *files) VK_MUST;

/**
 * vk_rung1_replace(r, f):
 * Its new text in place of the old, at once for whoever opens it.  Who has opened the old one keeps that; so does a
 * mount namespace that the command made for itself, where it hides an existing file.
 */
enum vk_err vk_rung1_replace(struct vk_rung1 *r, struct vk_file *f) VK_MUST;

/** vk_rung1_sweep(r): Kill whatever the command left running, and go on. */
enum vk_err vk_rung1_sweep(struct vk_rung1 *r) VK_MUST;

/** vk_rung1_end(r): Kill what is left in the namespace, and wait until it is gone. */
void vk_rung1_end(struct vk_rung1 *r);

/* The child's side. */

/* What it is told, and answers. */
enum {
	VK_RUNG1_SWEEP = 301, /* kill all others */
	VK_RUNG1_COVER,       /* put the first descriptor's file where the second's is mounted, as we may not */
};

/** vk_rung1_init(sock, plan): The body of the child. */
void vk_rung1_init(int sock, const void *plan);

/** vk_rung1_choose(plan, ret_dir): An existing, empty directory that the ramfs may cover. */
enum vk_err vk_rung1_choose(const struct vk_rung1_plan *plan, const char **ret_dir) VK_MUST;

/** vk_rung1_ssh(dir, place): Copies of root's ssh settings that belong to us, bound over them. */
enum vk_err vk_rung1_ssh(int dir, const char *place) VK_MUST;

#endif
