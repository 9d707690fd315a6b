/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/lock.h"

enum {
	PAUSE_MAX_MS = 16,
	TRIES_UNLOCKED = 3,
	TRIES = 64,
};

bool
vk_lock_try(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

void
vk_lock_drop(int fd)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &l);
}

/* Polled, so that a writer that was stopped in the middle does not hold everyone for ever. */
static enum vk_err
lock(const struct vk_store *st, int fd, short type, unsigned wait_ms)
{
	unsigned pause = 1;

	for (unsigned waited = 0; !vk_lock_try(fd, type); waited += pause) {
		struct timespec t = { 0, (long)pause * 1000000 };

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return vk_fail_errno("cannot lock the keystore %s", st->path);
		if (waited >= wait_ms)
			return vk_fail(VK_ESYS, "other processes have been using the keystore %s for %u "
			    "seconds", st->path, wait_ms / 1000);
		nanosleep(&t, NULL);
		if (pause < PAUSE_MAX_MS)
			pause *= 2;
	}
	return VK_OK;
}

/* The file that was opened may have been replaced before it was locked. */
enum vk_err
vk_lock_newest(struct vk_store *st, short type, unsigned wait_ms)
{
	int mode = type == F_WRLCK ? O_RDWR : O_RDONLY;

	for (;;) {
		VK_CLEANUP(vk_closep) int fd = open(st->path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat opened, named = { 0 };
		enum vk_err e;

		if (fd < 0)
			return vk_fail_errno("cannot open the keystore %s%s", st->path,
			    type == F_WRLCK ? " for writing" : "");
		if ((e = lock(st, fd, type, wait_ms)) != VK_OK)
			return e;
		if (fstat(fd, &opened) < 0 || (stat(st->path, &named) < 0 && errno != ENOENT))
			return vk_fail_errno("%s", st->path);
		if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
			continue;
		if ((e = vk_store_attach(st, fd, true)) == VK_OK)
			fd = -1;
		return e;
	}
}

enum vk_err
vk_store_attempt(struct vk_store *st, enum vk_err (*fn)(struct vk_store *st, void *arg), void *arg)
{
	unsigned char raw[VK_HEADER_LEN];
	ino_t ino;
	enum vk_err e;

	for (unsigned try = 0;; try++) {
		bool locked = try >= TRIES_UNLOCKED && try < TRIES &&
		    vk_lock_newest(st, F_RDLCK, VK_LOCK_GLANCE_MS) == VK_OK;

		e = fn(st, arg);
		if (locked)
			vk_lock_drop(st->fd);
		if (e != VK_ETAMPER || st->txn || locked || try == TRIES)
			return e;
		memcpy(raw, st->raw, sizeof(raw));
		ino = st->stat.st_ino;
		if ((e = vk_store_reload(st)) != VK_OK)
			return e;
		/* The header that led to the page still stands, so the page is not what it should be. */
		if (memcmp(raw, st->raw, sizeof(raw)) == 0 && ino == st->stat.st_ino)
			return VK_ETAMPER;
	}
}
