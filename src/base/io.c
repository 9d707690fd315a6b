/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"

void
vk_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

enum vk_err
vk_read_upto(int fd, void *buf, size_t n, size_t *ret_len)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, (char *)buf + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vk_fail_errno("cannot read");
		if (r == 0)
			break;
		got += (size_t)r;
	}
	*ret_len = got;
	return VK_OK;
}

enum vk_err
vk_pread_full(int fd, void *buf, size_t n, off_t off)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, (char *)buf + got, n - got, off + (off_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vk_fail_errno("cannot read");
		if (r == 0)
			return vk_fail(VK_ETAMPER, "the file is cut short");
		got += (size_t)r;
	}
	return VK_OK;
}

enum vk_err
vk_write_full(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n > 0) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vk_fail_errno("cannot write");
		p += r;
		n -= (size_t)r;
	}
	return VK_OK;
}

enum vk_err
vk_pwrite_full(int fd, const void *buf, size_t n, off_t off)
{
	const char *p = buf;

	while (n > 0) {
		ssize_t r = pwrite(fd, p, n, off);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vk_fail_errno("cannot write");
		p += r;
		off += r;
		n -= (size_t)r;
	}
	return VK_OK;
}

int
vk_datasync(int fd)
{
	int r;

	while ((r = fdatasync(fd)) < 0 && errno == EINTR)
		;
	return r;
}

enum vk_err
vk_replace_begin(const char *path, mode_t mode, struct vk_replace *ret)
{
	VK_CLEANUP(vk_freep) char *target = realpath(path, NULL);
	VK_CLEANUP(vk_freep) char *temp = NULL;
	int fd;

	if (!target && errno != ENOENT)
		return vk_fail_errno("%s", path);
	if (!target && !(target = vk_strdup(path)))
		return VK_ENOMEM;
	if (!(temp = vk_asprintf("%s.new-XXXXXX", target)))
		return VK_ENOMEM;
	if ((fd = mkostemp(temp, O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot create a file beside %s", target);
	if (fchmod(fd, mode) < 0) {
		enum vk_err e = vk_fail_errno("%s", temp);

		unlink(temp);
		close(fd);
		return e;
	}
	*ret = (struct vk_replace){ .fd = fd, .target = VK_TAKE(target), .temp = VK_TAKE(temp) };
	return VK_OK;
}

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
		return vk_fail_errno("cannot open the directory %s to replace a file in it", slash ? dir : ".");
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

/* ${only_new}: not over something that is there, which rename() would replace. */
static enum vk_err
publish(struct vk_replace *r, bool only_new)
{
	VK_CLEANUP(vk_closep) int dir = -1;
	enum vk_err e = open_dir_of(r->target, &dir);

	if (e == VK_OK && sync_fd(r->fd) < 0)
		e = vk_fail_errno("fsync %s", r->temp);
	if (close(r->fd) < 0 && e == VK_OK)
		e = vk_fail_errno("close %s", r->temp);
	r->fd = -1;
	if (e == VK_OK && (only_new ? link(r->temp, r->target) : rename(r->temp, r->target)) < 0)
		e = only_new && errno == EEXIST ? vk_fail(VK_EEXIST, "%s already exists", r->target)
						: vk_fail_errno("cannot put %s in place", r->target);
	if (e == VK_OK && !only_new)
		free(VK_TAKE(r->temp));
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
		free(VK_TAKE(r->temp));
	}
	if (r->fd > 0)
		close(r->fd);
	r->fd = -1;
	free(VK_TAKE(r->target));
}
