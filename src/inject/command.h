/* SPDX-License-Identifier: ISC */
/* command.h - the command itself: where it lies, whether R1 suits it, how it is started. */
#ifndef VK_INJECT_COMMAND_H
#define VK_INJECT_COMMAND_H

#include <signal.h>
#include <sys/types.h>

#include "pty.h"
#include "rung1.h"

enum {
	VK_EXIT_FAILED = 125,    /* valetkey's own failure */
	VK_EXIT_CANNOT = 126,    /* the command cannot be executed */
	VK_EXIT_NOT_FOUND = 127, /* there is no such command */
};

/**
 * vk_command_find(name, ret_path, ret_status):
 * As a shell does, but never through an empty or relative entry of PATH.  On VK_ENOENT ${ret_status}
 * is 126 or 127.
 */
enum vk_err vk_command_find(const char *name, char **ret_path, int *ret_status) VK_MUST;

/**
 * vk_command_unfit(path, way):
 * Why a program cannot do its work under ${way}, or NULL: setuid programs, those with file
 * capabilities, snaps and rootless container tools need ids that an identity map does not have.
 */
const char *vk_command_unfit(const char *path, enum vk_way way) VK_MUST;

struct vk_launch {
	const char *path;
	char **argv;
	char **envp;
	const sigset_t *mask;               /* as valetkey's parent left it, */
	const struct sigaction *on_sigchld; /* and this too */
	bool new_pid_ns;                    /* the command will be in R1's PID namespace */
	bool no_keys;                       /* key calls are refused */
	bool alone;                         /* it can start no other program, and make no link */
	int out, err;                       /* standard output and error; 0: as they are */
	const struct vk_pty *pty;           /* a terminal of its own; NULL: none */
	int gate;                           /* our socket to the gate; -1: there is none */
	bool gate_hides;                    /* it opens files, too */
};

/**
 * vk_command_start(l, ret_pid, ret_inner, ret_status):
 * Fork and execute.  ${ret_inner} is the number that the process has for itself.  VK_ESYS when it cannot be executed;
 * ${ret_status} is then 125, 126 or 127.
 */
enum vk_err vk_command_start(const struct vk_launch *l, pid_t *ret_pid, pid_t *ret_inner, int *ret_status) VK_MUST;

/** vk_command_become(l, ret_status): Execute in the place of this process; returns as vk_command_start() fails. */
enum vk_err vk_command_become(const struct vk_launch *l, int *ret_status) VK_MUST;

#endif
