/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/setup.h"

enum { WAIT_MS = 5000, PAUSE_MS = 20 };

/* The file behind ${path}; links are followed even when there is nothing at their end yet. */
static enum vk_err
resolve(const char *path, char **ret)
{
	struct stat st;
	char *target = realpath(path, NULL);

	if (!target && errno != ENOENT)
		return vk_fail_errno("%s", path);
	if (!target && lstat(path, &st) == 0)
		return vk_fail(VK_EPOLICY, "%s is a link to nowhere", path);
	if (!target && !(target = vk_strdup(path)))
		return VK_ENOMEM;
	*ret = target;
	return VK_OK;
}

static enum vk_err
read_target(struct vk_setup_file *f)
{
	VK_CLEANUP(vk_closep) int fd = open(f->target, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	f->exists = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return VK_OK;
	if (fd < 0 || fstat(fd, &f->st) < 0)
		return vk_fail_errno("cannot read %s", f->target);
	if (!S_ISREG(f->st.st_mode))
		return vk_fail(VK_EPOLICY, "%s is not a regular file", f->target);
	return vk_buf_read(&f->text, fd);
}

/* git makes its own without waiting, so it is there for moments only. */
static int
make_lock(const char *lock)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	int fd = -1;

	for (unsigned waited = 0; fd < 0 && waited <= WAIT_MS; waited += PAUSE_MS) {
		if (waited > 0)
			nanosleep(&pause, NULL);
		fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

static enum vk_err
take_lock(struct vk_setup_file *f)
{
	VK_CLEANUP(vk_freep) char *lock = vk_asprintf("%s.lock", f->target);
	int fd;

	if (!lock)
		return VK_ENOMEM;
	fd = make_lock(lock);
	if (fd < 0 && errno == EEXIST) {
		vk_hint("if no other program is changing it, remove %s", lock);
		return vk_fail(VK_EEXIST, "%s is being changed by another program", f->target);
	}
	if (fd < 0)
		return vk_fail_errno("cannot create %s", lock);
	f->fd = fd;
	f->lock = VK_TAKE(lock);
	return VK_OK;
}

static enum vk_err
take_in(const char *path, bool change, struct vk_setup_file *ret)
{
	struct vk_setup_file f = { .fd = -1, .text = VK_BUF_SECRET(VK_MAX_FILE) };
	enum vk_err e = resolve(path, &f.target);

	if (e == VK_OK && change)
		e = vk_mkdir_parents(f.target, 0700);
	/* Before it is read: what git writes meanwhile must not be lost. */
	if (e == VK_OK && change)
		e = take_lock(&f);
	if (e == VK_OK)
		e = read_target(&f);
	if (e != VK_OK) {
		vk_setup_file_end(&f);
		return e;
	}
	*ret = f;
	return VK_OK;
}

enum vk_err
vk_setup_file_read(const char *path, struct vk_setup_file *ret)
{
	return take_in(path, false, ret);
}

enum vk_err
vk_setup_file_begin(const char *path, struct vk_setup_file *ret)
{
	return take_in(path, true, ret);
}

enum vk_err
vk_setup_file_commit(struct vk_setup_file *f, const char *text, size_t n)
{
	mode_t mode = f->exists ? f->st.st_mode & 07777 : 0600;
	enum vk_err e = vk_write_full(f->fd, text, n);

	/* root, by way of sudo, must not take a user's file away from him */
	if (e == VK_OK && f->exists && (f->st.st_uid != geteuid() || f->st.st_gid != getegid()) &&
	    fchown(f->fd, f->st.st_uid, f->st.st_gid) < 0 && f->st.st_uid != geteuid())
		e = vk_fail_errno("%s belongs to another user", f->target);
	if (e == VK_OK && (fchmod(f->fd, mode) < 0 || fsync(f->fd) < 0))
		e = vk_fail_errno("cannot write %s", f->lock);
	if (e == VK_OK && rename(f->lock, f->target) < 0)
		e = vk_fail_errno("cannot replace %s", f->target);
	if (e == VK_OK)
		free(VK_TAKE(f->lock));
	return e;
}

enum vk_err
vk_setup_file_remove(struct vk_setup_file *f)
{
	if (unlink(f->target) < 0 && errno != ENOENT)
		return vk_fail_errno("cannot remove %s", f->target);
	return VK_OK;
}

void
vk_setup_file_end(struct vk_setup_file *f)
{
	if (f->lock)
		unlink(f->lock);
	free(VK_TAKE(f->lock));
	free(VK_TAKE(f->target));
	vk_closep(&f->fd);
	vk_buf_clear(&f->text);
}
