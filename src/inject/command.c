/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/unlock.h"
#include "command.h"
#include "gate.h"
#include "keyfilter.h"
#include "noexec.h"

/* 0, 126 or 127. */
static int
try_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? VK_EXIT_NOT_FOUND : VK_EXIT_CANNOT;
	if (S_ISDIR(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return VK_EXIT_CANNOT;
	return 0;
}

static enum vk_err
not_there(const char *name, int status)
{
	return status == VK_EXIT_NOT_FOUND ?
	    vk_fail(VK_ENOENT, "there is no command %s", name) :
	    vk_fail(VK_ENOENT, "%s cannot be executed", name);
}

enum vk_err
vk_command_find(const char *name, char **ret_path, int *ret_status)
{
	const char *dirs = getenv("PATH");
	int worst = VK_EXIT_NOT_FOUND;

	if (strchr(name, '/')) {
		int status = try_path(name);

		/* Untouched when it is there: the run can still fail, and not with status 0. */
		if (status != 0) {
			*ret_status = status;
			return not_there(name, status);
		}
		return (*ret_path = vk_strdup(name)) ? VK_OK : VK_ENOMEM;
	}
	/* Not set: what the C library would take. */
	for (const char *at = dirs ? dirs : "/bin:/usr/bin", *end; *name && *at; at = end) {
		VK_CLEANUP(vk_freep) char *path = NULL;
		int status;

		end = at + strcspn(at, ":");
		if (*at == '/') {
			if (!(path = vk_asprintf("%.*s/%s", (int)(end - at), at, name)))
				return VK_ENOMEM;
			if ((status = try_path(path)) == 0) {
				*ret_path = VK_TAKE(path);
				return VK_OK;
			}
			if (status == VK_EXIT_CANNOT)
				worst = status;
		}
		end += *end == ':';
	}
	*ret_status = worst;
	return not_there(name, worst);
}

const char *
vk_command_unfit(const char *path, enum vk_way way)
{
	static const char *const rootless[] = { "buildah", "podman", "newuidmap", "newgidmap" };
	VK_CLEANUP(vk_freep) char *real = realpath(path, NULL);
	const char *base = strrchr(real ? real : path, '/');
	struct stat st;

	if (way != VK_WAY_IDENTITY)
		return NULL;
	if (stat(path, &st) == 0 && (st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return "a setuid program has no effect in a user namespace";
	if (stat(path, &st) == 0 && (st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) &&
	    st.st_gid != getegid())
		return "a setgid program has no effect in a user namespace";
	if (getxattr(path, "security.capability", NULL, 0) > 0)
		return "a program's file capabilities have no effect in a user namespace";
	if (vk_str_starts(path, "/snap/") || (real && vk_str_ends(real, "/snap")))
		return "a snap does not start in a user namespace";
	for (size_t i = 0; base && i < VK_COUNT(rootless); i++)
		if (strcmp(base + 1, rootless[i]) == 0)
			return "a rootless container tool needs more ids than a user namespace "
			       "made here has";
	return NULL;
}

/* A script without "#!" is for sh, as in a shell. */
static void
exec_script(const struct vk_launch *l)
{
	size_t n = 0;
	char **v;

	while (l->argv[n])
		n++;
	if (!(v = calloc(n + 3, sizeof(*v))))
		return;
	v[0] = l->argv[0];
	v[1] = (char *)(uintptr_t)l->path;
	for (size_t i = 1; i < n; i++)
		v[i + 1] = l->argv[i];
	execve("/bin/sh", v, l->envp);
	free(v);
}

/* Returns why not. */
static int
become(const struct vk_launch *l)
{
	vk_harden_revert();
	sigaction(SIGCHLD, l->on_sigchld, NULL);
	sigprocmask(SIG_SETMASK, l->mask, NULL);
	vk_wipe_registers();
	execve(l->path, l->argv, l->envp);
	if (errno == ENOEXEC)
		exec_script(l);
	return errno;
}

static enum vk_err
cannot(const struct vk_launch *l, int err, int *ret_status)
{
	*ret_status = err == ENOENT || err == ENOTDIR ? VK_EXIT_NOT_FOUND : VK_EXIT_CANNOT;
	errno = err;
	return vk_fail_errno("cannot execute %s", l->path);
}

enum vk_err
vk_command_become(const struct vk_launch *l, int *ret_status)
{
	return cannot(l, become(l), ret_status);
}

static void VK_NORETURN
command_main(const struct vk_launch *l, pid_t parent, int report)
{
	int own = getpid(), err;

	(void)!write(report, &own, sizeof(own));
	/* Process 1 of a PID namespace sees to this in R1, where our parent has no number. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!l->new_pid_ns && getppid() != parent)
		_exit(VK_EXIT_FAILED);
	/* The keystore's session key is not for the command. */
	if ((l->out > 0 && dup2(l->out, STDOUT_FILENO) < 0) || (l->err > 0 && dup2(l->err, STDERR_FILENO) < 0)) {
		err = errno;
	} else if (l->pty && vk_pty_enter(l->pty) != VK_OK) {
		err = ENOTTY;
	} else if (vk_session_isolate() != VK_OK) {
		err = EKEYREJECTED;
	} else if (l->no_keys && vk_keyfilter() != VK_OK) {
		err = EXFULL;
	} else if (l->gate >= 0 && vk_gate_enter(l->gate, l->gate_hides) != VK_OK) {
		err = EUNATCH;
	} else if (l->alone && vk_noexec(l->path, l->argv, l->envp) != VK_OK) {
		err = ELIBEXEC;
	} else {
		err = become(l);
	}
	(void)!write(report, &err, sizeof(err));
	vk_arena_wipe();
	_exit(VK_EXIT_FAILED);
}

enum vk_err
vk_command_start(const struct vk_launch *l, pid_t *ret_pid, pid_t *ret_inner, int *ret_status)
{
	VK_CLEANUP(vk_closep) int hear = -1;
	int report[2], own = 0, err = 0;
	pid_t parent = getpid(), pid;
	size_t got = 0;

	*ret_status = VK_EXIT_FAILED;
	if (pipe2(report, O_CLOEXEC) < 0)
		return vk_fail_errno("cannot make a pipe");
	hear = report[0];
	pid = fork();
	if (pid == 0)
		command_main(l, parent, report[1]);
	close(report[1]);
	if (pid < 0)
		return vk_fail_errno("cannot start a process");
	/* The end of file is the exec. */
	if (vk_read_upto(hear, &own, sizeof(own), &got) == VK_OK && got == sizeof(own) &&
	    vk_read_upto(hear, &err, sizeof(err), &got) == VK_OK && got == 0) {
		*ret_pid = pid;
		*ret_inner = (pid_t)own;
		return VK_OK;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (err == ENOTTY)
		return vk_fail(VK_ESYS, "the command could not be given a terminal of its own");
	if (err == EXFULL) {
		vk_hint("\"valetkey lock\" ends the session of --scope user that this is for; --no-confine "
			"does without");
		return vk_fail(VK_ESYS, "the command could not be kept from the session in the user's keyring");
	}
	if (err == EUNATCH)
		return vk_fail(VK_EPOLICY, "the kernel refuses the gate here, or a process around this one has one");
	if (err == ELIBEXEC)
		return vk_fail(VK_ESYS, "the command could not be kept from starting programs, which --two-phase "
					"needs for it");
	if (err == EKEYREJECTED)
		return vk_fail(VK_ESYS, "the command could not be given a session keyring of its own");
	return cannot(l, err, ret_status);
}
