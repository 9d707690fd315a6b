/* SPDX-License-Identifier: ISC */
/*
 * Process 1 of R1's namespaces: mounts, hands over, and waits for the end.
 *
 * It has no secret, so it may be dumpable for a moment, as writing the maps of a user namespace needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "rung1.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004U
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040U
#endif
#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200U
#endif

enum { PATIENCE_MS = 2000 };

static enum vk_err
write_proc(const char *file, const char *text)
{
	VK_CLEANUP(vk_closep) int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return vk_fail_errno("a user namespace is refused here: %s", file);
	return VK_OK;
}

/* Our own ids unchanged: never to 0, or the command could unmount what it must not see. */
static enum vk_err
map_identity(const struct vk_rung1_plan *plan)
{
	char line[64];
	enum vk_err e = write_proc("/proc/self/setgroups", "deny");

	if (e != VK_OK)
		return e;
	snprintf(line, sizeof(line), "%u %u 1\n", plan->uid, plan->uid);
	if ((e = write_proc("/proc/self/uid_map", line)) != VK_OK)
		return e;
	snprintf(line, sizeof(line), "%u %u 1\n", plan->gid, plan->gid);
	return write_proc("/proc/self/gid_map", line);
}

/* The parent has the capabilities in its own namespace that a map of many ids needs. */
static enum vk_err
map_by_parent(int sock)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e = vk_note_send(sock, &n);

	if (e == VK_OK)
		e = vk_note_recv(sock, &n);
	return e;
}

static enum vk_err
map_ids(int sock, const struct vk_rung1_plan *plan)
{
	if (plan->way == VK_WAY_PLAIN)
		return VK_OK;
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return vk_fail_errno("cannot become dumpable");
	return plan->way == VK_WAY_WHOLE ? map_by_parent(sock) : map_identity(plan);
}

/* With the flags of the one that is there, or a user namespace is refused a new one. */
static enum vk_err
mount_proc(void)
{
	struct statvfs v;
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (statvfs("/proc", &v) == 0) {
		flags |= v.f_flag & ST_RDONLY ? MS_RDONLY : 0;
		flags |= v.f_flag & ST_NOATIME ? MS_NOATIME : 0;
		flags |= v.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0;
		flags |= v.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	}
	if (mount("proc", "/proc", "proc", flags, NULL) < 0)
		return vk_fail_errno("a fresh /proc is refused");
	return VK_OK;
}

/*
 * The ramfs twice on one place: below writable, for valetkey alone through the descriptor that is
 * returned; above it read-only, for the command.
 */
static enum vk_err
mount_files(const char *place, int *ret_dir)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int dir;

	if (mount("valetkey", place, "ramfs", flags, "mode=0700") < 0)
		return vk_fail_errno("cannot mount a ramfs");
	if ((dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot open the new ramfs");
	if (mount(place, place, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, place, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL) < 0) {
		enum vk_err e = vk_fail_errno("cannot make the ramfs read-only");

		close(dir);
		return e;
	}
	*ret_dir = dir;
	return VK_OK;
}

/*
 * The host's mounts still come in, ours do not go out.  Only the root of a mount can be told so,
 * which "/" is not in a chroot: then by way of the namespace's root, and back.
 */
static enum vk_err
separate(void)
{
	VK_CLEANUP(vk_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	VK_CLEANUP(vk_closep) int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	VK_CLEANUP(vk_closep) int ns = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return VK_OK;
	if (errno != EINVAL || (ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) < 0 ||
	    setns(ns, CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return vk_fail_errno("cannot separate the mounts");
	if (fchdir(root) < 0 || chroot(".") < 0 || fchdir(cwd) < 0)
		return vk_fail_errno("cannot return to the root directory");
	return VK_OK;
}

static enum vk_err
furnish(const struct vk_rung1_plan *plan, struct vk_note *n)
{
	const char *place;
	enum vk_err e;

	if ((e = separate()) != VK_OK || (e = mount_proc()) != VK_OK ||
	    (e = vk_rung1_choose(plan, &place)) != VK_OK ||
	    (e = mount_files(place, &n->fds[0])) != VK_OK)
		return e;
	if (plan->way == VK_WAY_IDENTITY && (e = vk_rung1_ssh(n->fds[0], place)) != VK_OK)
		return e;
	snprintf(n->text, sizeof(n->text), "%s", place);
	n->fds[1] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	n->fds[2] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	n->fds[3] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	n->fds[4] = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	n->n_fds = 5;
	if (plan->way != VK_WAY_PLAIN)
		n->fds[n->n_fds++] = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < n->n_fds; i++)
		if (n->fds[i] < 0)
			return vk_fail_errno("cannot open the new namespaces");
	return VK_OK;
}

/* All but ourselves; those that nobody waits for are ours, and the kernel reaps them. */
static enum vk_err
sweep(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < PATIENCE_MS; i++) {
		if (kill(-1, SIGKILL) < 0 && errno == ESRCH)
			return VK_OK;
		nanosleep(&moment, NULL);
	}
	return vk_fail(VK_ESYS, "something that the command left running cannot be ended");
}

/*
 * Below the old one, which is then taken away: there is always one of the two to be opened.  Before Linux 6.5, and
 * where a filter knows only mount(2), above it, which leaves a pile.
 */
static enum vk_err
cover(struct vk_note *n, int *ret_spot)
{
	int file = n->fds[0], spot = n->fds[1];
	unsigned how = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_BENEATH;
	VK_CLEANUP(vk_closep) int tree = (int)syscall(SYS_open_tree, file, "",
	    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	char from[32], to[32];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", file);
	snprintf(to, sizeof(to), "/proc/self/fd/%d", spot);
	if (tree >= 0 && syscall(SYS_move_mount, tree, "", spot, "", how) == 0) {
		if (umount2(to, MNT_DETACH) < 0)
			return vk_fail_errno("cannot take a mount away");
		*ret_spot = tree;
		tree = -1;
		return VK_OK;
	}
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return vk_fail_errno("cannot bind a file over the one before");
	return VK_OK;
}

static void
obey(int sock, struct vk_note *n)
{
	int spot = -1;
	enum vk_err e = n->code == VK_RUNG1_SWEEP ? sweep() :
	    n->code == VK_RUNG1_COVER && n->n_fds == 2 ? cover(n, &spot) : VK_EPROTO;

	vk_note_clear(n);
	n->fds[0] = spot;
	n->n_fds = spot >= 0;
	if (e != VK_OK)
		vk_note_fail(sock, e);
	else
		(void)!vk_note_send(sock, n);
}

/*
 * When valetkey dies the kernel kills this process, and so all others of the namespace; the end of
 * file on the socket covers a valetkey that died before the signal was armed.
 */
void
vk_rung1_init(int sock, const void *arg)
{
	const struct vk_rung1_plan *plan = arg;
	struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	prctl(PR_SET_NAME, "valetkey-init");
	/* Orphans of the command become our children; the kernel reaps them. */
	signal(SIGCHLD, SIG_IGN);
	if ((e = map_ids(sock, plan)) == VK_OK)
		e = furnish(plan, &n);
	/* A change of credentials would have disarmed it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	if (e != VK_OK)
		vk_note_fail(sock, e);
	else
		e = vk_note_send(sock, &n);
	vk_note_clear(&n);
	if (e != VK_OK)
		return;
	while (e == VK_OK) {
		e = vk_note_recv(sock, &n);
		if (e == VK_OK)
			obey(sock, &n);
		vk_note_clear(&n);
	}
	/* To end for any other reason would kill the command for it: the kernel's signal is enough. */
	if (e != VK_ENOENT)
		for (;;)
			pause();
}
