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
		/* Our caller closed it, and something that cannot be written was opened in its place. */
		if (r < 0 && errno == EBADF && fd == STDOUT_FILENO)
			return vk_fail(VK_ESYS, "standard output is closed");
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
