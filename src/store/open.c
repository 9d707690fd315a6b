/* SPDX-License-Identifier: ISC */
/* A keystore's handle: the file, its header, and the keys that open it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/lock.h"
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

/* What is read of a file before a handle goes over to it. */
struct state {
	struct stat stat;
	struct vk_header header;
	unsigned char raw[VK_HEADER_LEN], older[VK_HEADER_LEN];
	bool suspect, witnessed;
};

static void
take_headers(const unsigned char *raw, unsigned newest, struct state *s)
{
	memcpy(s->raw, raw + (size_t)newest * VK_PAGE, VK_HEADER_LEN);
	memcpy(s->older, raw + (size_t)!newest * VK_PAGE, VK_HEADER_LEN);
	s->witnessed = vk_get64(raw + (size_t)!newest * VK_PAGE + VK_WITNESS_AT) == s->header.generation;
	s->suspect = raw[VK_SUSPECT_AT] != 0 || raw[VK_PAGE + VK_SUSPECT_AT] != 0;
}

/* For repair: the newest of the headers that are sound. */
static enum vk_err
read_sound_header(const struct vk_store *st, int fd, struct state *s)
{
	unsigned char buf[VK_HEADERS_SPAN] = { 0 };
	struct vk_header h;
	unsigned newest = 2;
	enum vk_err e = VK_ETAMPER;

	for (unsigned i = 0; i < 2; i++) {
		unsigned char *p = buf + (size_t)i * VK_PAGE;

		if (vk_pread_full(fd, p, VK_HEADER_LEN, (off_t)i * VK_PAGE) != VK_OK ||
		    (e = vk_header_decode(p, i, &h)) != VK_OK)
			continue;
		if (newest == 2 || h.generation > s->header.generation) {
			s->header = h;
			newest = i;
		}
	}
	if (newest == 2)
		return about(st, e);
	take_headers(buf, newest, s);
	return VK_OK;
}

/*
 * A header that is being written in place can be read half old, half new, and the two can be read
 * from either side of a commit.  Then they are read until two reads agree, in the end
 * under a lock (unless the caller has one).
 */
static enum vk_err
read_headers(const struct vk_store *st, int fd, bool locked, struct state *s)
{
	unsigned char buf[2][VK_HEADERS_SPAN] = { { 0 } };
	bool own = false;
	unsigned newest;
	enum vk_err e = VK_ETAMPER;

	for (unsigned try = 0; try < HEADER_TRIES; try++) {
		unsigned char *now = buf[try % 2];

		if (try >= HEADER_TRIES_UNLOCKED && !locked && !own)
			own = vk_lock_try(fd, F_RDLCK);
		if ((e = vk_pread_full(fd, now, VK_HEADERS_SPAN, 0)) != VK_OK) {
			if (e == VK_ETAMPER && (e = vk_headers_version(now)) == VK_OK)
				e = vk_fail(VK_ETAMPER, "its header is cut off");
			break;
		}
		if ((e = vk_headers_pick(now, &s->header, &newest)) == VK_OK) {
			take_headers(now, newest, s);
			break;
		}
		if (e != VK_ETAMPER || (try > 0 && memcmp(buf[0], buf[1], VK_HEADERS_SPAN) == 0))
			break;
	}
	if (own)
		vk_lock_drop(fd);
	return about(st, e);
}

/* The file may have grown, and then got this header, after its size was asked for. */
static bool
is_short(int fd, struct state *s)
{
	uint64_t least = (uint64_t)s->header.file_pages * VK_PAGE;

	return (uint64_t)s->stat.st_size < least && (fstat(fd, &s->stat) < 0 || (uint64_t)s->stat.st_size < least);
}

static enum vk_err
open_private(const struct vk_store *st, int fd, struct vk_keys *keys, struct state *s)
{
	struct vk_header *h = &s->header;
	enum vk_err e;

	if (!vk_mem_eq(keys->commit, h->commit, sizeof(h->commit))) {
		vk_hint("valetkey unlock");
		return vk_fail(VK_EKEY, "this key does not open the keystore %s (any more)", st->path);
	}
	if ((e = about(st, vk_header_open(s->raw, keys, h))) != VK_OK || st->lenient)
		return e;
	if (memcmp(h->older_tag, vk_header_tag(s->older), sizeof(h->older_tag)) != 0)
		return vk_store_damaged(st, "its two headers do not belong together");
	if (is_short(fd, s))
		return vk_store_damaged(st, "the file is shorter than its header says");
	return VK_OK;
}

/* The keys were rotated: those of a handle that is opened now are the ones for ${fd}. */
static enum vk_err
follow_rotation(struct vk_store *st, int fd, struct state *s)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *fresh = NULL;
	enum vk_err e;

	vk_reason_clear();
	if ((e = vk_store_open(st->path, &fresh)) != VK_OK || (e = st->reopen(fresh)) != VK_OK ||
	    (e = open_private(st, fd, fresh->keys, s)) != VK_OK)
		return e;
	vk_arena_free(st->keys);
	st->keys = VK_TAKE(fresh->keys);
	return VK_OK;
}

/* Is the state of ${raw} one that ${a} allows?  That of its own generation must be the very one. */
static enum vk_err
check_anchor(const struct vk_store *st, uint64_t generation, const unsigned char *raw,
    const struct vk_store_anchor *a)
{
	if (st->lenient || generation > a->generation ||
	    (generation == a->generation && memcmp(vk_header_tag(raw), a->tag, sizeof(a->tag)) == 0))
		return VK_OK;
	vk_hint("if that was on purpose: \"valetkey lock\", then \"valetkey unlock\" again, which takes the "
		"file as it is");
	return vk_fail(VK_ETAMPER, "%s copy of the keystore was put back at %s: its generation is %" PRIu64
	    ", and it has been %" PRIu64,
	    generation < a->generation ? "an older" : "another", st->path, generation, a->generation);
}

static void
adopt(struct vk_store *st, const struct state *s)
{
	st->stat = s->stat;
	st->header = s->header;
	memcpy(st->raw, s->raw, sizeof(st->raw));
	memcpy(st->older, s->older, sizeof(st->older));
	st->suspect = s->suspect;
	st->witnessed = s->witnessed;
	vk_path_forget(&st->walk);
}

/* All or nothing: a handle whose header was not opened would walk a tree that is not there. */
enum vk_err
vk_store_attach(struct vk_store *st, int fd, bool locked)
{
	struct state s;
	enum vk_err e;

	if (fstat(fd, &s.stat) < 0)
		return vk_fail_errno("%s", st->path);
	if ((e = check_file(st->path, &s.stat)) != VK_OK ||
	    (e = st->lenient ? read_sound_header(st, fd, &s) : read_headers(st, fd, locked, &s)) != VK_OK)
		return e;
	if (st->keys && memcmp(st->header.store_id, s.header.store_id, VK_STORE_ID_LEN) != 0)
		return vk_fail(VK_EKEY, "another keystore has taken the place of %s", st->path);
	if (st->keys)
		e = open_private(st, fd, st->keys, &s);
	if (e == VK_EKEY && st->reopen)
		e = follow_rotation(st, fd, &s);
	if (e != VK_OK)
		return e;
	if (st->anchored && (e = check_anchor(st, s.header.generation, s.raw, &st->anchor)) != VK_OK)
		return e;
	if (st->fd != fd)
		vk_closep(&st->fd);
	st->fd = fd;
	adopt(st, &s);
	return VK_OK;
}

enum vk_err
vk_store_open_header(struct vk_store *st, struct vk_keys *keys)
{
	struct state s = { .stat = st->stat, .header = st->header, .suspect = st->suspect,
		.witnessed = st->witnessed };
	enum vk_err e;

	memcpy(s.raw, st->raw, sizeof(s.raw));
	memcpy(s.older, st->older, sizeof(s.older));
	e = open_private(st, st->fd, keys, &s);
	if (e == VK_ETAMPER && st->lenient &&
	    vk_header_decode(st->older, !(st->header.generation % 2), &s.header) == VK_OK) {
		memcpy(s.raw, st->older, sizeof(s.raw));
		memcpy(s.older, st->raw, sizeof(s.older));
		e = open_private(st, st->fd, keys, &s);
	}
	if (e == VK_OK)
		adopt(st, &s);
	return e;
}

/* What "valetkey run" lets its command see of it. */
static bool
is_hidden(int fd)
{
	struct stat s;

	return getenv("VALETKEY_RUN") && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size == 0;
}

static enum vk_err
open_store(const char *path, bool lenient, struct vk_store **ret_store)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = calloc(1, sizeof(*st));
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e;

	if (!st)
		return VK_ENOMEM;
	st->fd = -1;
	st->lenient = lenient;
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
	if (is_hidden(fd))
		return vk_fail(VK_ENOENT, "the keystore %s is not to be had within a run", path);
	if ((e = vk_store_attach(st, fd, false)) != VK_OK)
		return e;
	fd = -1;
	*ret_store = VK_TAKE(st);
	return VK_OK;
}

enum vk_err
vk_store_open(const char *path, struct vk_store **ret_store)
{
	return open_store(path, false, ret_store);
}

enum vk_err
vk_store_open_damaged(const char *path, struct vk_store **ret_store)
{
	return open_store(path, true, ret_store);
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
vk_store_reload(struct vk_store *st)
{
	VK_CLEANUP(vk_closep) int fd = open(st->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum vk_err e;

	if (fd < 0)
		return vk_fail_errno("cannot open the keystore %s", st->path);
	if ((e = vk_store_attach(st, fd, false)) == VK_OK)
		fd = -1;
	return e;
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

void
vk_store_anchor(const struct vk_store *st, struct vk_store_anchor *ret)
{
	ret->generation = st->header.generation;
	memcpy(ret->tag, vk_header_tag(st->raw), sizeof(ret->tag));
}

enum vk_err
vk_store_expect(struct vk_store *st, const struct vk_store_anchor *a)
{
	enum vk_err e = check_anchor(st, st->header.generation, st->raw, a);

	/* The anchor may be of a commit that came after our reading: then the file is newer by now. */
	if (e == VK_ETAMPER) {
		vk_reason_clear();
		if ((e = vk_store_reload(st)) == VK_OK)
			e = check_anchor(st, st->header.generation, st->raw, a);
	}
	if (e != VK_OK)
		return e;
	st->anchor = *a;
	st->anchored = true;
	return VK_OK;
}

void
vk_store_on_commit(struct vk_store *st, vk_store_committed *fn)
{
	st->committed = fn;
}

void
vk_store_on_rekey(struct vk_store *st, vk_store_reopen *fn)
{
	st->reopen = fn;
}

const unsigned char *
vk_store_commitment(const struct vk_store *st)
{
	return st->header.commit;
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
