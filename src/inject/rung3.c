/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "rung3.h"

static const char prefix[] = "valetkey-run-";

/* ---- a directory, and taking it away ---------------------------------------------------------------------------- */

/* Through a descriptor of its own: the one that is locked has one place in the listing for all who share it. */
static DIR *
list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static void
overwrite(int dir, const char *name)
{
	static const char zeros[4096];
	VK_CLEANUP(vk_closep) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	/* It is readable for its owner alone; who may not write it may still change that. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fchmod(fd, 0600) < 0)
		return;
	close(fd);
	if ((fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return;
	for (off_t left = st.st_size; left > 0; left -= (off_t)sizeof(zeros))
		if (vk_write_full(fd, zeros, left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros)) != VK_OK)
			return;
}

static void
empty(int dir)
{
	DIR *d = list(dir);

	for (struct dirent *e; d && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			overwrite(dir, e->d_name);
			unlinkat(dir, e->d_name, 0);
		}
	if (d)
		closedir(d);
}

/* Whoever used it is gone when its lock can be had. */
static void
sweep_one(int place, const char *name)
{
	VK_CLEANUP(vk_closep) int dir = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
	    flock(dir, LOCK_EX | LOCK_NB) < 0)
		return;
	empty(dir);
	unlinkat(place, name, AT_REMOVEDIR);
}

static void
sweep(int place)
{
	DIR *d = list(place);

	for (struct dirent *e; d && (e = readdir(d));)
		if (vk_str_starts(e->d_name, prefix))
			sweep_one(place, e->d_name);
	if (d)
		closedir(d);
}

/* ---- the guard ------------------------------------------------------------------------------------------------- */

static bool
is_in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* ${path} becomes the new directory's; -1: not here. */
static int
make_in(const char *place, char path[VK_NOTE_TEXT])
{
	VK_CLEANUP(vk_closep) int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir;

	if (*place != '/' || fd < 0 || !is_in_memory(fd) ||
	    (size_t)snprintf(path, VK_NOTE_TEXT, "%s/%sXXXXXX", place, prefix) >= VK_NOTE_TEXT)
		return -1;
	sweep(fd);
	if (!mkdtemp(path))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Somebody's sweep may have been quicker. */
	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0)
		return dir;
	if (dir >= 0)
		close(dir);
	rmdir(path);
	return -1;
}

/*
 * It makes the directory itself, so that there is never one without a guard.  It has to outlive valetkey, whose end is
 * the end of file; by then all that is left to do is its own.
 */
static void
guard_main(int sock, const void *arg)
{
	const struct vk_rung3 *r = arg;
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT, end = VK_NOTE_INIT;

	prctl(PR_SET_NAME, "valetkey-guard");
	vk_child_outlive();
	umask(077);
	for (size_t i = 0; i < VK_COUNT(r->places) && n.fds[0] < 0; i++)
		if (r->places[i])
			n.fds[0] = make_in(r->places[i], n.text);
	n.n_fds = n.fds[0] >= 0;
	if (vk_note_send(sock, &n) == VK_OK)
		(void)!vk_note_recv(sock, &end);
	if (n.fds[0] < 0)
		return;
	empty(n.fds[0]);
	rmdir(n.text);
}

/* ---- our side -------------------------------------------------------------------------------------------------- */

enum vk_err
vk_rung3_start(struct vk_rung3 *r)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_freep) char *run_user = vk_asprintf("/run/user/%u", (unsigned)geteuid());
	enum vk_err e;

	if (!run_user)
		return VK_ENOMEM;
	r->places[0] = getenv("XDG_RUNTIME_DIR");
	r->places[1] = run_user;
	r->places[2] = "/dev/shm";
	if ((e = vk_child_start(0, guard_main, r, &r->guard)) == VK_OK)
		e = vk_note_recv(r->guard.sock, &n);
	r->places[1] = NULL;
	if (e != VK_OK)
		return e;
	if (n.n_fds != 1) {
		vk_hint("mount a tmpfs on /dev/shm, or set XDG_RUNTIME_DIR to one");
		return vk_fail(VK_EPOLICY, "there is no file system in memory that this user can write to");
	}
	r->dir = n.fds[0];
	n.fds[0] = -1;
	memcpy(r->path, n.text, sizeof(r->path));
	return VK_OK;
}

static enum vk_err
place_one(struct vk_rung3 *r, struct vk_file *f)
{
	enum vk_err e = vk_placed_write(r->dir, f->name, &f->text, &f->now);

	if (e != VK_OK)
		return e;
	return (f->path = vk_asprintf("%s/%s", r->path, f->name)) ? VK_OK : VK_ENOMEM;
}

/* A name of one that was overwritten long ago is used again. */
enum vk_err
vk_rung3_replace(struct vk_rung3 *r, struct vk_file *f)
{
	static const char new[] = ".new";
	struct vk_placed next = { .fd = -1 };
	char old[96];
	enum vk_err e;

	snprintf(old, sizeof(old), ".old-%u-%s", f->rewritten % (VK_FILES_OLD + 1), f->name);
	if ((e = vk_placed_write(r->dir, new, &f->text, &next)) != VK_OK)
		return e;
	unlinkat(r->dir, old, 0);
	if (linkat(r->dir, f->name, r->dir, old, 0) < 0 || renameat(r->dir, new, r->dir, f->name) < 0) {
		e = vk_fail_errno("cannot replace %s/%s", r->path, f->name);
		vk_placed_drop(&next);
		unlinkat(r->dir, new, 0);
		return e;
	}
	vk_files_succeed(f, &next);
	return VK_OK;
}

enum vk_err
vk_rung3_place(struct vk_rung3 *r, struct vk_files *files)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < files->n; i++)
		e = place_one(r, &files->v[i]);
	return e;
}

void
vk_rung3_end(struct vk_rung3 *r)
{
	if (r->dir >= 0) {
		empty(r->dir);
		rmdir(r->path);
	}
	vk_child_stop(&r->guard);
	vk_closep(&r->dir);
}
