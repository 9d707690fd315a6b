/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "memory_file.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/*
 * The writable mapping is made before the seal and is the only way left to change the bytes: it is
 * how they are overwritten in the end.
 */
static enum vk_err
fill(const struct vk_file *f, int fd, bool *locked, struct vk_placed *ret)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	char *map;

	if (f->text.len > 0 && vk_write_full(fd, f->text.p, f->text.len) != VK_OK)
		return VK_ESYS;
	if (fchmod(fd, 0400) < 0)
		return vk_fail_errno("cannot protect a memory file");
	if (f->text.len > 0) {
		map = mmap(NULL, f->text.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			return vk_fail_errno("cannot map a memory file");
		ret->map = map;
		ret->size = f->text.len;
		madvise(map, ret->size, MADV_DONTDUMP);
		if (mlock(map, ret->size) < 0)
			*locked = false;
	}
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return vk_fail_errno("cannot seal a memory file");
	return VK_OK;
}

static int
make(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

enum vk_err
vk_memory_file(const struct vk_file *f, bool *locked, struct vk_placed *ret, int *ret_fd)
{
	VK_CLEANUP(vk_closep) int fd = make(f->name);
	enum vk_err e;

	if (fd < 0)
		return vk_fail_errno("cannot make a memory file");
	if ((e = fill(f, fd, locked, ret)) != VK_OK) {
		vk_placed_drop(ret);
		return e;
	}
	*ret_fd = fd;
	fd = -1;
	return VK_OK;
}
