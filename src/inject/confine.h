/* SPDX-License-Identifier: ISC */
/*
 * confine.h - R2 and R3 with a gate: files that are hidden from the command.
 *
 * A Landlock domain can only list what may be read.  So the directories that lead to a hidden file are walked: each of
 * their entries is listed, but the hidden one and those directories themselves.  What is not listed the kernel refuses,
 * whatever becomes of a path in the command's memory.  The gate, which is outside of the domain, opens what came to a
 * walked directory later and hands over its own descriptor; whether that is hidden is told by device and inode.  All of
 * this is done by the gate's process, and lives as long as that.
 */
#ifndef VK_INJECT_CONFINE_H
#define VK_INJECT_CONFINE_H

#include <sys/stat.h>

#include "gate_child.h"
#include "gate_look.h"

enum { VK_CONFINE_MAX = 512 };

struct vk_confine {
	int pins[VK_CONFINE_MAX];    /* hidden files and directories and what is in these: no number comes again */
	char *paths[VK_CONFINE_MAX]; /* of each */
	size_t n;
	struct vk_walked {
		char *path; /* "" for the root, no slash at the end */
		struct vk_gate_id id;
	} *walked;
	size_t n_walked;
	struct vk_gate_id *listed; /* sorted */
	size_t n_listed, room;
};

/** vk_confine_hide(c, fd): Hide what ${fd} (O_PATH) is.  Takes the descriptor. */
enum vk_err vk_confine_hide(struct vk_confine *c, int fd) VK_MUST;

/** vk_confine_rules(c, ret_ruleset): A Landlock rule set that lists what may be read, as it is now. */
enum vk_err vk_confine_rules(struct vk_confine *c, int *ret_ruleset) VK_MUST;

/**
 * vk_confine_has(c, id, ret_near), vk_confine_lists(c, id):
 * Is it hidden, is it listed, itself?  ${*ret_near} (may be NULL) becomes true when a hidden directory is on the same
 * file system, so that it may be beneath one.
 */
bool vk_confine_has(const struct vk_confine *c, const struct vk_gate_id *id, bool *ret_near) VK_MUST;
bool vk_confine_lists(const struct vk_confine *c, const struct vk_gate_id *id) VK_MUST;

/**
 * vk_confine_answer(c, l, name, st):
 * What to do with an open for reading that leads to ${name} (O_PATH; -1: to nothing), which ${st} describes: a
 * descriptor to hand over, an errno below 0, or VK_CONFINE_GO_ON to leave it to the kernel.
 */
enum { VK_CONFINE_GO_ON = -4096 };
int vk_confine_answer(const struct vk_confine *c, const struct vk_look *l, int name, const struct stat *st) VK_MUST;

#endif
