/* SPDX-License-Identifier: ISC */
/* Files that are whole or not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static int
sync_fd(int fd)
{
	int r;

	while ((r = fsync(fd)) < 0 && errno == EINTR)
		;
	return r;
}

static enum vk_err
open_dir_of(const char *path, int *ret_fd)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(path);
	char *slash;
	int fd;

	if (!dir)
		return VK_ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vk_fail_errno("cannot open the directory %s to put a file in it", slash ? dir : ".");
	*ret_fd = fd;
	return VK_OK;
}

/* Some file systems cannot sync a directory; they do what they can by themselves. */
static bool
sync_dir(int dir)
{
	return sync_fd(dir) == 0 || errno == EINVAL || errno == EROFS;
}

enum vk_err
vk_sync_name(const char *path)
{
	VK_CLEANUP(vk_freep) char *target = realpath(path, NULL);
	VK_CLEANUP(vk_closep) int dir = -1;
	enum vk_err e;

	if (!target)
		return vk_fail_errno("%s", path);
	if ((e = open_dir_of(target, &dir)) != VK_OK)
		return e;
	return sync_dir(dir) ? VK_OK : vk_fail_errno("fsync of the directory of %s", target);
}

/* A new file under a name of its own; takes ${target}. */
static enum vk_err
begin_named(char *target, mode_t mode, struct vk_replace *ret)
{
	struct vk_replace r = { .fd = -1, .temp = vk_asprintf("%s.new-XXXXXX", target) };
	enum vk_err e;

	if (!r.temp)
		return VK_ENOMEM;
	if ((r.fd = vk_litter_file(r.temp)) < 0) {
		e = vk_fail_errno("cannot create a file beside %s", target);
		free(r.temp);
		return e;
	}
	if (fchmod(r.fd, mode) < 0) {
		e = vk_fail_errno("%s", r.temp);
		vk_replace_abort(&r);
		return e;
	}
	r.target = target;
	*ret = r;
	return VK_OK;
}

/* The file that ${path} means; heap. */
static enum vk_err
resolve(const char *path, char **ret)
{
	char *target = realpath(path, NULL);

	if (!target && errno != ENOENT)
		return vk_fail_errno("%s", path);
	if (!target && !(target = vk_strdup(path)))
		return VK_ENOMEM;
	*ret = target;
	return VK_OK;
}

enum vk_err
vk_replace_begin(const char *path, mode_t mode, struct vk_replace *ret)
{
	VK_CLEANUP(vk_freep) char *target = NULL;
	enum vk_err e = resolve(path, &target);

	if (e == VK_OK && (e = begin_named(target, mode, ret)) == VK_OK)
		target = NULL;
	return e;
}

enum { FD_PATH = 32 };

/* The way to give a file without a name one. */
static void
fd_path(int fd, char ret[FD_PATH])
{
	snprintf(ret, FD_PATH, "/proc/self/fd/%d", fd);
}

/* -1: the file system cannot do that, or /proc is not there, or another's. */
static int
open_unnamed(int dir, mode_t mode)
{
	VK_CLEANUP(vk_closep) int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[FD_PATH];
	struct stat opened, named;
	int r = fd;

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -1;
	fd_path(fd, path);
	if (fstat(fd, &opened) < 0 || stat(path, &named) < 0 || opened.st_dev != named.st_dev ||
	    opened.st_ino != named.st_ino)
		return -1;
	fd = -1;
	return r;
}

/* Without a name if that can be; takes ${*target}. */
static enum vk_err
begin_unnamed(char **target, mode_t mode, struct vk_replace *ret)
{
	VK_CLEANUP(vk_closep) int dir = -1;
	enum vk_err e = open_dir_of(*target, &dir);
	int fd;

	if (e != VK_OK)
		return e;
	if ((fd = open_unnamed(dir, mode)) >= 0)
		*ret = (struct vk_replace){ .fd = fd, .target = VK_TAKE(*target) };
	else if ((e = begin_named(*target, mode, ret)) == VK_OK)
		*target = NULL;
	return e;
}

enum vk_err
vk_replace_begin_unnamed(const char *path, mode_t mode, struct vk_replace *ret)
{
	VK_CLEANUP(vk_freep) char *target = NULL;
	enum vk_err e = resolve(path, &target);

	return e == VK_OK ? begin_unnamed(&target, mode, ret) : e;
}

enum vk_err
vk_replace_begin_new(const char *path, mode_t mode, struct vk_replace *ret)
{
	VK_CLEANUP(vk_freep) char *target = vk_strdup(path);
	struct stat s;

	if (!target)
		return VK_ENOMEM;
	if (lstat(path, &s) == 0)
		return vk_fail(VK_EEXIST, "%s already exists", path);
	return begin_unnamed(&target, mode, ret);
}

static void
forget_temp(struct vk_replace *r)
{
	vk_litter_forget(r->temp);
	free(VK_TAKE(r->temp));
}

/* Only a name can take the place of another: one that nobody else draws, with our file in place of its empty one. */
static int
name_it(struct vk_replace *r, const char *path)
{
	int fd = -1, n = -1;

	if ((r->temp = vk_asprintf("%s.new-XXXXXX", r->target)) && (fd = vk_litter_file(r->temp)) >= 0) {
		close(fd);
		n = unlink(r->temp) == 0 ? linkat(AT_FDCWD, path, AT_FDCWD, r->temp, AT_SYMLINK_FOLLOW) : -1;
	}
	return n;
}

/* ${only_new}: not over something that is there, which rename() would replace. */
static int
put_in_place(struct vk_replace *r, bool only_new)
{
	char path[FD_PATH];

	if (!r->temp) {
		fd_path(r->fd, path);
		if (linkat(AT_FDCWD, path, AT_FDCWD, r->target, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (only_new || errno != EEXIST || name_it(r, path) < 0)
			return -1;
	}
	if ((only_new ? renameat2(AT_FDCWD, r->temp, AT_FDCWD, r->target, RENAME_NOREPLACE)
		      : rename(r->temp, r->target)) == 0) {
		forget_temp(r);
		return 0;
	}
	/* Some network file systems know links and not this. */
	return only_new && (errno == EINVAL || errno == ENOSYS) ? link(r->temp, r->target) : -1;
}

static enum vk_err
publish(struct vk_replace *r, bool only_new)
{
	VK_CLEANUP(vk_closep) int dir = -1;
	enum vk_err e = open_dir_of(r->target, &dir);

	if (e == VK_OK && sync_fd(r->fd) < 0)
		e = vk_fail_errno("fsync %s", r->temp ? r->temp : r->target);
	/* One without a name would be gone; and it was synced. */
	if (r->temp) {
		if (close(r->fd) < 0 && e == VK_OK)
			e = vk_fail_errno("close %s", r->temp);
		r->fd = -1;
	}
	if (e == VK_OK && put_in_place(r, only_new) < 0)
		e = only_new && errno == EEXIST ? vk_fail(VK_EEXIST, "%s already exists", r->target)
						: vk_fail_errno("cannot put %s in place", r->target);
	if (e == VK_OK && !sync_dir(dir))
		e = vk_fail_errno("%s is in place, but may not survive a power failure: fsync of its "
		    "directory", r->target);
	vk_replace_abort(r);
	return e;
}

enum vk_err
vk_replace_commit(struct vk_replace *r)
{
	return publish(r, false);
}

enum vk_err
vk_replace_commit_new(struct vk_replace *r)
{
	return publish(r, true);
}

void
vk_replace_abort(struct vk_replace *r)
{
	if (!r)
		return;
	if (r->temp) {
		unlink(r->temp);
		forget_temp(r);
	}
	if (r->fd > 0)
		close(r->fd);
	r->fd = -1;
	free(VK_TAKE(r->target));
}
