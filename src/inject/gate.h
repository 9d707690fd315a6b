/* SPDX-License-Identifier: ISC */
/*
 * gate.h - who may read a file of the run is decided open by open.
 *
 * The command runs under a seccomp filter that hands its open(2), openat(2) and openat2(2) for reading to a process of
 * ours (seccomp_unotify(2)).  The file that lies at the path is empty; when an open leads to it, and the rule
 * allows it, the kernel installs a descriptor of the real one, which has no name anywhere, in the caller.  All other
 * opens go on as they were.
 *
 * A file is known by its device and inode, so that links, "..", other working directories and roots, and whatever a
 * thread does meanwhile to the memory of the path, cannot lead past the rule: past it lies the empty file.
 */
#ifndef VK_INJECT_GATE_H
#define VK_INJECT_GATE_H

#include "valetkey/inject.h"
#include "child.h"
#include "files.h"
#include "hide.h"

struct vk_gate {
	struct vk_child child; /* the process that answers */
	enum vk_gate_rule rule;
	bool locked; /* every file is locked into memory */
};
#define VK_GATE_NONE { .child = VK_CHILD_NONE, .locked = true }

/** vk_gate_start(g, rule): Start the process; before any secret is read. */
enum vk_err vk_gate_start(struct vk_gate *g, enum vk_gate_rule rule) VK_MUST;

/** vk_gate_take(g, f): Move the text of ${f} behind the gate; what will be placed is empty. */
enum vk_err vk_gate_take(struct vk_gate *g, struct vk_file *f) VK_MUST;

/** vk_gate_know(g, f): ${f} has been placed: tell the gate what it looks like. */
enum vk_err vk_gate_know(struct vk_gate *g, const struct vk_file *f) VK_MUST;

/**
 * vk_gate_replace(g, i, f):
 * Who opens ${f}, the file number ${i} that was taken, is given its new text from now on.  Who was the first reader has
 * been it: a new text is not for one more.
 */
enum vk_err vk_gate_replace(struct vk_gate *g, size_t i, struct vk_file *f) VK_MUST;

/**
 * vk_gate_also(g, f):
 * After vk_gate_know(), where ${f} is not bound over its usual place: who opens that is given it by the same rule;
 * whoever is not finds what there is, or nothing.
 */
enum vk_err vk_gate_also(struct vk_gate *g, const struct vk_file *f) VK_MUST;

/**
 * vk_gate_hide(g, h, ret_ruleset):
 * In R2 and R3, before the files are taken: from here on the gate opens what came to the directories of ${h} since.
 * What is read without it is bounded by the rule set, once it is entered.
 */
enum vk_err vk_gate_hide(struct vk_gate *g, const struct vk_hidden *h, int *ret_ruleset) VK_MUST;

/**
 * vk_gate_enter(sock, hides):
 * For the command's process, just before it executes: from here on its opens, and those of its descendants, are
 * answered.  ${sock} is ours to the gate.  ${hides}: after vk_gate_hide(), so opens for reading and writing too.
 */
enum vk_err vk_gate_enter(int sock, bool hides) VK_MUST;

/* What became of the opens of one file. */
struct vk_gate_count {
	unsigned served, refused;
};

/**
 * vk_gate_end(g, stays, ret):
 * End the process, when the command has; ${ret} has an element for each file.  ${stays}: descendants of the command may
 * live on, and could open nothing without it: then it has no file any more, and ends with the last of them.
 */
void vk_gate_end(struct vk_gate *g, bool stays, struct vk_gate_count ret[VK_FILES_MAX]);

#endif
