/* SPDX-License-Identifier: ISC */
/*
 * supervise.h - wait for the command as if we were not there: its stops are ours, signals sent to
 * us are its own, and what a terminal sends to the whole group is not delivered twice.
 */
#ifndef VK_INJECT_SUPERVISE_H
#define VK_INJECT_SUPERVISE_H

#include <sys/types.h>

#include "valetkey/base.h"
#include "pty.h"

enum { VK_HELPERS_MAX = 9 };

struct vk_supervise {
	pid_t command;
	bool new_pid_ns; /* the command is in R1's namespace, */
	pid_t inner;     /* where this is its number */
	/* Processes of ours.  Set to 0 when one ends before its time; NULL: none. */
	pid_t *helpers[VK_HELPERS_MAX];
	pid_t *vital; /* the one of them that the command cannot go on without: it is killed; NULL: none */
	unsigned deadline; /* in seconds from now: ${expire} is called with ${arg}, once; 0: never */
	int64_t end; /* when that is, of the monotonic clock that counts sleep, in ms; 0: never, or it was */
	void (*expire)(void *arg);
	void *arg;
	void (*news)(void *arg); /* called when a signal came: one of ours may have something to say; NULL: none has */
	struct vk_pty *pty; /* the command has a terminal of its own; NULL: it has ours */
};

/** vk_supervise(s): Until the command ends; returns its wait status.  Every signal must be blocked. */
int vk_supervise(struct vk_supervise *s);

/* The terminal, when we are its foreground job: a command may leave another group there. */
struct vk_terminal {
	int fd; /* -1: we are not */
};

/** vk_terminal_note(t), vk_terminal_restore(t): Before the command, and after it. */
void vk_terminal_note(struct vk_terminal *t);
void vk_terminal_restore(struct vk_terminal *t);

#endif
