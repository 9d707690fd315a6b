/* SPDX-License-Identifier: ISC */
/*
 * pty.h - a terminal of the command's own, so that what it writes can be masked and it still has a terminal (pty(7)).
 *
 * The command leads a session on the new terminal, with the settings and the size of ours.  Ours is raw meanwhile, and
 * a process of ours passes what is typed; what the command writes comes from the other end by way of a relay
 * (mask_relay.h).  Interrupts are the new terminal's business.  A stop is ours: a process group that leads its session
 * ignores a terminal's stop signals, so the suspend character, where the command has not switched it off, is taken out
 * on the way, and the command and then valetkey are stopped.
 */
#ifndef VK_INJECT_PTY_H
#define VK_INJECT_PTY_H

#include <termios.h>

#include "child.h"

struct vk_pty {
	int tty, master, slave; /* ours; the two ends of the new one; -1: there is none */
	bool on[3];             /* which of the standard descriptors are the terminal */
	struct termios saved;   /* of ours */
	bool raw;               /* ours is */
	struct vk_child input;
	pid_t command; /* 0: not started */
};
#define VK_PTY_NONE { .tty = -1, .master = -1, .slave = -1, .input = VK_CHILD_NONE }

/** vk_pty_open(p): Before secrets are known to it; VK_EUSAGE where we have no controlling terminal. */
enum vk_err vk_pty_open(struct vk_pty *p) VK_MUST;

/** vk_pty_enter(p): In the command's process: it becomes that terminal's.  VK_ESYS. */
enum vk_err vk_pty_enter(const struct vk_pty *p) VK_MUST;

/** vk_pty_let_go(p, command): It has started, and has the terminal; 0: it has not. */
void vk_pty_let_go(struct vk_pty *p, pid_t command);

/** vk_pty_take(p), vk_pty_give_back(p): Our terminal, when we are its foreground job; as it was before. */
void vk_pty_take(struct vk_pty *p);
void vk_pty_give_back(struct vk_pty *p);

/** vk_pty_resize(p): The new one has the size of ours again. */
void vk_pty_resize(const struct vk_pty *p);

/** vk_pty_end(p): Everything as it was; twice is fine. */
void vk_pty_end(struct vk_pty *p);

/** VK_PTY_SUSPEND: What the process that passes input sends us for a suspend character. */
#define VK_PTY_SUSPEND (SIGRTMIN + 4)

#endif
