/* SPDX-License-Identifier: ISC */
/*
 * mask_relay.h - a small process between the command and where its output goes, which hides the run's secrets.
 *
 * It has a pipe, or the other end of the command's terminal (pty.h), the place to write to and the automaton, and
 * nothing else: no environment, no other secret, a session of its own, not dumpable, outside of the command's
 * namespaces.  It ends when nobody can write to the pipe any more; or when it cannot write, and then the command cannot
 * either: its pipe is closed, as the reader's would be.
 * It outlives valetkey while a descendant of the command has the pipe, as a reader of a pipe does.
 */
#ifndef VK_INJECT_MASK_RELAY_H
#define VK_INJECT_MASK_RELAY_H

#include "valetkey/mask.h"
#include "child.h"

struct vk_relay {
	struct vk_child child;
	int pipe; /* for the command to write to; -1: let go */
	bool was; /* it was started */
	long told, learnt; /* how many automata more, and of how many it said that it has them */
	bool early;        /* ${last} is what it said at its end, */
	struct vk_note last; /* before it was asked */
};
#define VK_RELAY_NONE { .child = VK_CHILD_NONE, .pipe = -1 }

/**
 * vk_relay_start(m, terminal, target, ret):
 * ${terminal}: what the command writes comes from there; -1: from a pipe, for ${ret}.  Both stay the caller's.
 */
enum vk_err vk_relay_start(const struct vk_mask *m, int terminal, int target, struct vk_relay *ret) VK_MUST;

/**
 * vk_relay_learn(r, fd):
 * From here on it hides what ${fd} (vk_mask_share()) says, when that is VK_OK.  VK_EEXIST: not yet, since it waits for
 * who reads; then ask again, with the same.  One that has ended writes nothing more, and need not learn.
 */
enum vk_err vk_relay_learn(struct vk_relay *r, int fd) VK_MUST;

/** vk_relay_let_go(r): The command has the pipe now, and nobody else. */
void vk_relay_let_go(struct vk_relay *r);

/**
 * vk_relay_finish(r):
 * Wait until all that the command wrote is where it goes; the command has ended.  VK_ESYS when it could not be written,
 * VK_ENOENT when the process died.  Gives up, and ends the process, when a signal waits that will end us.
 */
enum vk_err vk_relay_finish(struct vk_relay *r) VK_MUST;

/** vk_relay_stop(r): End it at once; twice is fine. */
void vk_relay_stop(struct vk_relay *r);

#endif
