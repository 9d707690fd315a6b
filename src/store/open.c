/* SPDX-License-Identifier: ISC */
/* A keystore's handle: the file, its header, and the keys that open it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/internal.h"
#include "valetkey/secret.h"

enum { HEADER_TRIES = 8, HEADER_TRIES_UNLOCKED = 3 };

enum vk_err
vk_store_path(char **ret_path)
{
	return vk_user_path("VALETKEY_KEYSTORE", "XDG_DATA_HOME", ".local/share", "valetkey/keystore",
	    ret_path);
}

enum vk_err
vk_store_damaged(const struct vk_store *st, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return vk_fail(VK_ETAMPER, "the keystore %s is damaged or was tampered with: %s", st->path, what);
}

/* Say which file it is about; the functions below know only bytes. */
static enum vk_err
about(const struct vk_store *st, enum vk_err e)
{
	if (e == VK_ETAMPER)
		return vk_store_damaged(st, "%s", vk_reason());
	if (e == VK_EVERSION)
		return vk_fail(e, "the keystore %s cannot be read: %s", st->path, vk_reason());
	return e;
}

static enum vk_err
check_file(const char *path, const struct stat *s)
{
	if (!S_ISREG(s->st_mode))
		return vk_fail(VK_EPOLICY, "%s is not a regular file", path);
	if (s->st_uid != geteuid() && s->st_uid != 0)
		return vk_fail(VK_EPOLICY, "the keystore %s belongs to another user", path);
	if (s->st_mode & (S_IWGRP | S_IWOTH)) {
		vk_hint("chmod go-w %s", path);
		return vk_fail(VK_EPOLICY, "others can write the keystore %s", path);
	}
	return VK_OK;
}

/*
 * A header that is being written in place can be read half old, half new.  Its
 * checksum says so; then it is read until two reads agree, in the end under a lock (which a writer
 * has already, and must not trade for a lesser one).
 */
static enum vk_err
read_headers(struct vk_store *st, int fd, bool writing, struct vk_header *ret,
    unsigned char *ret_raw, unsigned char *ret_older)
{
	unsigned char buf[2][VK_HEADERS_SPAN];
	const unsigned char *raw, *older;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	bool locked = false;
	enum vk_err e = VK_ETAMPER;

	for (unsigned try = 0; try < HEADER_TRIES; try++) {
		unsigned char *now = buf[try % 2];

		if (try == HEADER_TRIES_UNLOCKED && !writing)
			locked = fcntl(fd, F_OFD_SETLK, &lock) == 0;
		if ((e = vk_pread_full(fd, now, VK_HEADERS_SPAN, 0)) != VK_OK) {
			if (e == VK_ETAMPER)
				vk_fail(e, "its header is cut off");
			break;
		}
		if ((e = vk_headers_pick(now, ret, &raw, &older)) == VK_OK) {
			memcpy(ret_raw, raw, VK_HEADER_LEN);
			memset(ret_older, 0, VK_TAG_LEN);
			if (older)
				memcpy(ret_older, older, VK_TAG_LEN);
			break;
		}
		if (e != VK_ETAMPER || (try > 0 && memcmp(buf[0], buf[1], VK_HEADERS_SPAN) == 0))
			break;
	}
	if (locked) {
		lock.l_type = F_UNLCK;
		(void)fcntl(fd, F_OFD_SETLK, &lock);
	}
	return about(st, e);
}

/* What is read of a file before a handle goes over to it. */
struct state {
	struct stat stat;
	struct vk_header header;
	unsigned char raw[VK_HEADER_LEN];
	unsigned char older_tag[VK_TAG_LEN];
};

static enum vk_err
open_private(const struct vk_store *st, const struct vk_keys *keys, struct state *s)
{
	struct vk_header *h = &s->header;
	enum vk_err e;

	if (!vk_mem_eq(keys->commit, h->commit, sizeof(h->commit))) {
		vk_hint("valetkey unlock");
		return vk_fail(VK_EKEY, "this key does not open the keystore %s (any more)", st->path);
	}
	if ((e = about(st, vk_header_open(s->raw, keys, h))) != VK_OK)
		return e;
	if (memcmp(h->older_tag, s->older_tag, sizeof(h->older_tag)) != 0)
		return vk_store_damaged(st, "its two headers do not belong together");
	if ((uint64_t)s->stat.st_size < (uint64_t)h->file_pages * VK_PAGE)
		return vk_store_damaged(st, "the file is shorter than its header says");
	return VK_OK;
}

static void
adopt(struct vk_store *st, const struct state *s)
{
	st->stat = s->stat;
	st->header = s->header;
	memcpy(st->raw, s->raw, sizeof(st->raw));
	memcpy(st->older_tag, s->older_tag, sizeof(st->older_tag));
	vk_path_forget(&st->walk);
}

/* All or nothing: a handle whose header was not opened would walk a tree that is not there. */
enum vk_err
vk_store_attach(struct vk_store *st, int fd, bool writing)
{
	struct state s;
	enum vk_err e;

	if (fstat(fd, &s.stat) < 0)
		return vk_fail_errno("%s", st->path);
	if ((e = check_file(st->path, &s.stat)) != VK_OK ||
	    (e = read_headers(st, fd, writing, &s.header, s.raw, s.older_tag)) != VK_OK)
		return e;
	if (st->keys && memcmp(st->header.store_id, s.header.store_id, VK_STORE_ID_LEN) != 0)
		return vk_fail(VK_EKEY, "another keystore has taken the place of %s", st->path);
	if (st->keys && (e = open_private(st, st->keys, &s)) != VK_OK)
		return e;
	if (st->fd != fd)
		vk_closep(&st->fd);
	st->fd = fd;
	adopt(st, &s);
	return VK_OK;
}

enum vk_err
vk_store_open_header(struct vk_store *st, const struct vk_keys *keys)
{
	struct state s = { .stat = st->stat, .header = st->header };
	enum vk_err e;

	memcpy(s.raw, st->raw, sizeof(s.raw));
	memcpy(s.older_tag, st->older_tag, sizeof(s.older_tag));
	if ((e = open_private(st, keys, &s)) == VK_OK)
		adopt(st, &s);
	return e;
}

enum vk_err
vk_store_open(const char *path, struct vk_store **ret_store)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = calloc(1, sizeof(*st));
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e;

	if (!st)
		return VK_ENOMEM;
	st->fd = -1;
	if (!(st->path = vk_strdup(path)))
		return VK_ENOMEM;
	/* Not blocking, should somebody have put a FIFO there. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		vk_hint("valetkey init");
		return vk_fail(VK_ENOENT, "there is no keystore at %s", path);
	}
	if (fd < 0)
		return vk_fail_errno("cannot open the keystore %s", path);
	if ((e = vk_store_attach(st, fd, false)) != VK_OK)
		return e;
	fd = -1;
	*ret_store = VK_TAKE(st);
	return VK_OK;
}

void
vk_store_close(struct vk_store *st)
{
	if (!st)
		return;
	vk_path_free(&st->walk);
	vk_arena_free(st->keys);
	vk_closep(&st->fd);
	free(st->path);
	free(st);
}

void
vk_store_closep(struct vk_store **st)
{
	vk_store_close(*st);
	*st = NULL;
}

enum vk_err
vk_store_refresh(struct vk_store *st, bool *ret_moved)
{
	VK_CLEANUP(vk_closep) int fd = open(st->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	dev_t dev = st->stat.st_dev;
	ino_t ino = st->stat.st_ino;
	uint64_t generation = st->header.generation;
	enum vk_err e;

	if (fd < 0)
		return vk_fail_errno("cannot open the keystore %s", st->path);
	if ((e = vk_store_attach(st, fd, false)) != VK_OK)
		return e;
	fd = -1;
	*ret_moved = st->stat.st_dev != dev || st->stat.st_ino != ino ||
	    st->header.generation != generation;
	return VK_OK;
}

const unsigned char *
vk_store_id(const struct vk_store *st)
{
	return st->header.store_id;
}

const char *
vk_store_file(const struct vk_store *st)
{
	return st->path;
}

uint64_t
vk_store_generation(const struct vk_store *st)
{
	return st->header.generation;
}

enum vk_err
vk_store_unlock_session(struct vk_store *st, const unsigned char key[VK_STORE_KEY_LEN])
{
	struct vk_keys *keys = vk_arena_alloc(sizeof(*keys));
	enum vk_err e;

	if (!keys)
		return VK_ENOMEM;
	*keys = (struct vk_keys){ 0 };
	memcpy(keys->session, key, sizeof(keys->session));
	vk_keys_from_session(keys, st->header.store_id);
	if ((e = vk_store_open_header(st, keys)) != VK_OK) {
		vk_arena_free(keys);
		return e;
	}
	vk_arena_free(st->keys);
	st->keys = keys;
	return VK_OK;
}

enum vk_err
vk_store_session_key(const struct vk_store *st, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	if (!st->keys)
		return vk_fail(VK_ELOCKED, "the keystore %s is locked", st->path);
	memcpy(ret_key, st->keys->session, VK_STORE_KEY_LEN);
	return VK_OK;
}
