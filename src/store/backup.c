/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/lock.h"

enum { PIECE = 64 * VK_PAGE };

static enum vk_err
copy(struct vk_store *st, int to, const struct vk_progress *progress)
{
	VK_CLEANUP(vk_freep) unsigned char *buf = malloc(PIECE);
	uint64_t size = (uint64_t)st->stat.st_size, n;
	enum vk_err e = buf ? VK_OK : VK_ENOMEM;

	for (uint64_t at = 0; e == VK_OK && at < size; at += n) {
		n = size - at < PIECE ? size - at : PIECE;
		if ((e = vk_pread_full(st->fd, buf, n, (off_t)at)) == VK_OK)
			e = vk_write_full(to, buf, n);
		if (progress)
			progress->fn(at + n, size, progress->arg);
	}
	return e;
}

enum vk_err
vk_store_backup(struct vk_store *st, const char *path, const struct vk_progress *progress)
{
	struct vk_replace r;
	enum vk_err e;

	if ((e = vk_replace_begin_new(path, 0600, &r)) != VK_OK)
		return e;
	/* A page that is free in the newest state may be written at any moment, but not while this is held. */
	if ((e = vk_lock_newest(st, F_RDLCK, VK_LOCK_WAIT_MS)) == VK_OK) {
		if ((e = copy(st, r.fd, progress)) == VK_OK)
			e = vk_replace_commit_new(&r);
		vk_lock_drop(st->fd);
	}
	vk_replace_abort(&r);
	return e;
}
