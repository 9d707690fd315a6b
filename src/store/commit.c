/* SPDX-License-Identifier: ISC */
/*
 * Transactions: lock the file, decide on its newest state, write the whole new
 * file beside it, put that in its place.  Whatever happens on the way, the
 * file is the old one or the new one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/stage.h"
#include "valetkey/secret.h"

enum {
	LOCK_WAIT_MS = 60 * 1000,
	LOCK_PAUSE_MAX_MS = 16,
	TEMP_RANDOM = 6, /* characters that mkostemp() fills in */
};

#define TEMP_INFIX ".new-"

static bool
try_lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static void
unlock(int fd)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &l);
}

/* Polled, so that a writer that was stopped in the middle does not hold everyone for ever. */
static enum vk_err
lock(const struct vk_store *st, int fd)
{
	unsigned pause = 1;

	for (unsigned waited = 0; !try_lock(fd); waited += pause) {
		struct timespec t = { 0, (long)pause * 1000000 };

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return vk_fail_errno("cannot lock the keystore %s", st->path);
		if (waited >= LOCK_WAIT_MS)
			return vk_fail(VK_ESYS, "another process has been writing the keystore %s for a "
			    "minute", st->path);
		nanosleep(&t, NULL);
		if (pause < LOCK_PAUSE_MAX_MS)
			pause *= 2;
	}
	return VK_OK;
}

/* Lock the file that has the name now: the one that was opened may have been replaced meanwhile. */
static enum vk_err
lock_newest(struct vk_store *st)
{
	for (;;) {
		VK_CLEANUP(vk_closep) int fd = open(st->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat opened, named = { 0 };
		enum vk_err e;

		if (fd < 0)
			return vk_fail_errno("cannot open the keystore %s for writing", st->path);
		if ((e = lock(st, fd)) != VK_OK)
			return e;
		if (fstat(fd, &opened) < 0 || (stat(st->path, &named) < 0 && errno != ENOENT))
			return vk_fail_errno("%s", st->path);
		if (opened.st_nlink == 0 || opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
			continue;
		if ((e = vk_store_attach(st, fd, true)) == VK_OK)
			fd = -1;
		return e;
	}
}

static bool
is_temp_of(const char *name, const char *base, size_t n)
{
	return strncmp(name, base, n) == 0 &&
	    strncmp(name + n, TEMP_INFIX, strlen(TEMP_INFIX)) == 0 &&
	    strlen(name + n + strlen(TEMP_INFIX)) == TEMP_RANDOM;
}

/*
 * Remove what writers left that were killed: files named as only we name them, of
 * ours, that nobody has locked (a writer locks its new file).  Failing is harmless.
 */
static void
sweep(const char *target)
{
	const char *base = strrchr(target, '/');
	VK_CLEANUP(vk_freep) char *dir = base ? strndup(target, (size_t)(base - target) + 1) : NULL;
	struct dirent *d;
	DIR *dp;

	base = base ? base + 1 : target;
	if (!(dp = opendir(dir ? dir : ".")))
		return;
	while ((d = readdir(dp))) {
		VK_CLEANUP(vk_closep) int fd = -1;
		struct stat s;

		if (!is_temp_of(d->d_name, base, strlen(base)))
			continue;
		fd = openat(dirfd(dp), d->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() &&
		    try_lock(fd))
			(void)unlinkat(dirfd(dp), d->d_name, 0);
	}
	closedir(dp);
}

static enum vk_err
add_staged(struct vk_store *st, struct vk_builder *b, const struct vk_staged *s)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	enum vk_err e;

	if (s->state != VK_STAGE_PUT)
		return VK_OK;
	if ((e = vk_txn_payload(st->txn, s, &p)) != VK_OK)
		return e;
	return vk_builder_add(b, s->key, s->kind, p.p, p.n);
}

static enum vk_err
add_record(struct vk_store *st, struct vk_builder *b, const struct vk_record *r)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	enum vk_err e = vk_payload_read(st, r, &p);

	return e == VK_OK ? vk_builder_add(b, r->key, r->kind, p.p, p.n) : e;
}

/* The old records and the staged ones, both in order of key; what is staged wins. */
static enum vk_err
merge(struct vk_store *st, struct vk_builder *b)
{
	VK_CLEANUP(vk_cursor_free) struct vk_cursor cur = { 0 };
	const struct vk_staged *s = st->txn->v, *end = s + st->txn->n;
	struct vk_record r;
	enum vk_err e = vk_cursor_seek(&cur, st, NULL);

	if (e == VK_OK)
		e = vk_cursor_next(&cur, &r);
	while (e == VK_OK || (e == VK_ENOENT && s < end)) {
		int order = e == VK_ENOENT ? 1 : s == end ? -1 : memcmp(r.key, s->key, VK_TREE_KEY);
		enum vk_err step = order < 0 ? add_record(st, b, &r) : add_staged(st, b, s++);

		if (step != VK_OK)
			return step;
		if (order <= 0)
			e = vk_cursor_next(&cur, &r);
	}
	return e == VK_ENOENT ? VK_OK : e;
}

static enum vk_err
write_new(struct vk_store *st, struct vk_replace *r, struct vk_header *ret, unsigned char *ret_raw)
{
	VK_CLEANUP(vk_freep) unsigned char *slots = NULL;
	VK_CLEANUP(vk_builder_release) struct vk_builder b = { .fd = -1 };
	struct vk_header base = st->header;
	size_t slots_len;
	enum vk_err e;

	if ((st->stat.st_uid != geteuid() || st->stat.st_gid != getegid()) &&
	    fchown(r->fd, st->stat.st_uid, st->stat.st_gid) < 0 && st->stat.st_uid != geteuid())
		return vk_fail_errno("cannot keep the owner of the keystore %s", st->path);
	if ((e = vk_slots_read(st, &slots, &slots_len)) != VK_OK)
		return e;
	base.generation++;
	base.committed = (uint64_t)vk_store_now();
	if ((e = vk_builder_begin(&b, r->fd, st->keys, &base, slots, slots_len)) != VK_OK ||
	    (e = merge(st, &b)) != VK_OK || (e = vk_builder_finish(&b, ret_raw)) != VK_OK)
		return e;
	*ret = b.header;
	return VK_OK;
}

/* Write the new file, put it in place, and go on with it. */
static enum vk_err
replace(struct vk_store *st)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	unsigned char raw[VK_HEADER_LEN];
	struct vk_replace r;
	struct vk_header h;
	struct stat s;
	enum vk_err e;

	if ((e = vk_replace_begin(st->path, st->stat.st_mode & 0777, &r)) != VK_OK)
		return e;
	(void)try_lock(r.fd);
	sweep(r.target);
	if ((e = write_new(st, &r, &h, raw)) != VK_OK) {
		vk_replace_abort(&r);
		return e;
	}
	if ((fd = fcntl(r.fd, F_DUPFD_CLOEXEC, 3)) < 0 || fstat(fd, &s) < 0) {
		e = vk_fail_errno("cannot write the keystore %s", st->path);
		vk_replace_abort(&r);
		return e;
	}
	if ((e = vk_replace_commit(&r)) != VK_OK)
		return e;
	vk_closep(&st->fd);
	st->fd = fd;
	fd = -1;
	st->stat = s;
	st->header = h;
	memcpy(st->raw, raw, sizeof(raw));
	memset(st->older_tag, 0, sizeof(st->older_tag));
	vk_path_forget(&st->walk);
	return VK_OK;
}

/*
 * A signal shall not leave a half-written file lying about, and a file size limit shall
 * be an error, not the end of the process.
 */
static enum vk_err
replace_undisturbed(struct vk_store *st)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, size;
	sigset_t block, mask;
	enum vk_err e;

	sigfillset(&block);
	sigdelset(&block, SIGXFSZ);
	sigaction(SIGXFSZ, &ignore, &size);
	sigprocmask(SIG_BLOCK, &block, &mask);
	e = replace(st);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGXFSZ, &size, NULL);
	return e;
}

enum vk_err
vk_store_commit(struct vk_store *st, vk_store_decide *decide, void *arg)
{
	enum vk_err e;

	if (!st->keys)
		return vk_fail(VK_ELOCKED, "the keystore %s is locked", st->path);
	if (st->txn)
		return vk_fail(VK_EUSAGE, "a transaction within a transaction");
	if ((e = lock_newest(st)) != VK_OK)
		return e;
	if (st->header.rocompat != 0)
		e = vk_fail(VK_EVERSION, "the keystore %s uses features that this version cannot write",
		    st->path);
	if (e == VK_OK && (e = vk_txn_new(&st->txn)) == VK_OK) {
		e = decide(st, arg);
		if (e == VK_OK)
			e = vk_txn_settle(st);
		if (e == VK_OK && st->txn->n > 0)
			e = replace_undisturbed(st);
		vk_txn_free(VK_TAKE(st->txn));
	}
	unlock(st->fd);
	return e;
}
