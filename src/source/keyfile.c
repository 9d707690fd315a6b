/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "source/keyfile.h"

enum vk_err
vk_keyfile_read(const char *path, const char *what, char *buf, size_t size, size_t *ret_n)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO in its place must not hang a helper. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return vk_fail(VK_EBACKEND, "cannot open the %s %s: %s", what, path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return vk_fail_errno("%s", path);
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EPOLICY, "the %s %s is not a regular file", what, path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return vk_fail(VK_EPOLICY, "the %s %s belongs to somebody else", what, path);
	if (st.st_mode & 022) {
		vk_hint("chmod 600 %s", path);
		return vk_fail(VK_EPOLICY, "others can write the %s %s", what, path);
	}
	return vk_read_upto(fd, buf, size, ret_n);
}

size_t
vk_key_text_len(const char *text, size_t n)
{
	unsigned char all = 0;

	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0 && text[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)text[i];
	return all < 0x80 ? n : 0;
}
