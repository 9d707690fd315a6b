/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <sys/stat.h>

#include "valetkey/io.h"
#include "source/value.h"

enum vk_err
vk_source_file(const char *path, struct vk_secret *ret)
{
	/* One byte more than a secret and its CRLF, so that too much is seen as too much. */
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_SECRET + 3);
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;
	enum vk_err e;

	/* Opened anew at every use, links followed: orchestrators swap secret files by swapping a link. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)vk_fail_errno("cannot read the file %s", path);
		return VK_EBACKEND;
	}
	/* A pipe or a device could hang us, or answer something else the next time. */
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EBACKEND, "%s is not a regular file", path);
	if ((e = vk_buf_read(&b, fd)) == VK_ELIMIT)
		return vk_fail(VK_ELIMIT, "the file %s holds more than %d bytes", path, VK_MAX_SECRET);
	if (e != VK_OK)
		return e == VK_ENOMEM ? e : VK_EBACKEND;
	return vk_source_value("the file", path, b.p ? b.p : "", b.len, ret);
}
