/* SPDX-License-Identifier: ISC */
/* Writing the whole file anew, beside the old one, and putting it in its place. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/stage.h"
#include "valetkey/secret.h"

enum {
	TEMP_RANDOM = 6, /* characters that mkostemp() fills in */
	PROGRESS_EVERY = 1024, /* records */
};

#define TEMP_INFIX ".new-"

static bool
is_temp_of(const char *name, const char *base, size_t n)
{
	return strncmp(name, base, n) == 0 &&
	    strncmp(name + n, TEMP_INFIX, strlen(TEMP_INFIX)) == 0 &&
	    strlen(name + n + strlen(TEMP_INFIX)) == TEMP_RANDOM;
}

/*
 * A writer that was killed left it: nobody has it locked (a writer locks its new file), or it is
 * the keystore itself under its first name, which init was about to take away.
 */
static bool
is_left_over(int fd, const struct stat *keystore)
{
	struct stat s;

	if (fd < 0 || fstat(fd, &s) < 0 || !S_ISREG(s.st_mode) || s.st_uid != geteuid())
		return false;
	return (s.st_dev == keystore->st_dev && s.st_ino == keystore->st_ino) ||
	    vk_lock_try(fd, F_WRLCK);
}

/* Only files named as only we name them.  Failing is harmless. */
void
vk_store_sweep(const char *path)
{
	VK_CLEANUP(vk_freep) char *target = realpath(path, NULL);
	const char *base = target ? strrchr(target, '/') : NULL;
	VK_CLEANUP(vk_freep) char *dir = base ? strndup(target, (size_t)(base - target) + 1) : NULL;
	struct stat keystore;
	struct dirent *d;
	DIR *dp;

	if (!dir || stat(target, &keystore) < 0 || !(dp = opendir(dir)))
		return;
	base++;
	while ((d = readdir(dp))) {
		VK_CLEANUP(vk_closep) int fd = -1;

		if (!is_temp_of(d->d_name, base, strlen(base)))
			continue;
		fd = openat(dirfd(dp), d->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (is_left_over(fd, &keystore))
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
	const struct vk_staged *s = st->txn->v, *end = s ? s + st->txn->n : NULL;
	uint64_t done = 0, total = st->header.records + st->txn->n;
	struct vk_record r;
	enum vk_err e = vk_cursor_seek(&cur, st, NULL);

	if (e == VK_OK)
		e = vk_cursor_next(&cur, &r);
	while (e == VK_OK || (e == VK_ENOENT && s < end)) {
		int order = e == VK_ENOENT ? 1 : s == end ? -1 : memcmp(r.key, s->key, VK_TREE_KEY);
		enum vk_err step = order < 0 ? add_record(st, b, &r) : add_staged(st, b, s++);

		if (st->progress && done++ % PROGRESS_EVERY == 0)
			st->progress->fn(done < total ? done : total, total, st->progress->arg);
		if (step != VK_OK)
			return step;
		if (order <= 0)
			e = vk_cursor_next(&cur, &r);
	}
	return e == VK_ENOENT ? VK_OK : e;
}

/* The slot pages that the new file gets. */
static enum vk_err
slots_for(struct vk_store *st, unsigned char **ret, size_t *ret_len)
{
	const struct vk_txn *t = st->txn;
	unsigned char *copy;

	if (!t->slots)
		return vk_slots_read(st, ret, ret_len);
	if (!(copy = malloc(t->slots_len)))
		return VK_ENOMEM;
	memcpy(copy, t->slots, t->slots_len);
	*ret = copy;
	*ret_len = t->slots_len;
	return VK_OK;
}

static enum vk_err
write_new(struct vk_store *st, const struct vk_replace *r, struct vk_written *ret)
{
	VK_CLEANUP(vk_freep) unsigned char *slots = NULL;
	VK_CLEANUP(vk_builder_release) struct vk_builder b = { .fd = -1 };
	struct vk_header base = st->header;
	size_t slots_len;
	enum vk_err e;

	if ((st->stat.st_uid != geteuid() || st->stat.st_gid != getegid()) &&
	    fchown(r->fd, st->stat.st_uid, st->stat.st_gid) < 0 && st->stat.st_uid != geteuid())
		return vk_fail_errno("cannot keep the owner of the keystore %s", st->path);
	if ((e = slots_for(st, &slots, &slots_len)) != VK_OK)
		return e;
	base.generation++;
	base.epoch += st->txn->rekey != NULL;
	base.committed = (uint64_t)vk_store_now();
	e = vk_builder_begin(&b, r->fd, st->txn->rekey ? st->txn->rekey : st->keys, &base, slots,
	    slots_len);
	if (e != VK_OK || (e = merge(st, &b)) != VK_OK ||
	    (e = vk_builder_finish(&b, ret->older, ret->newest)) != VK_OK)
		return e;
	ret->header = b.header;
	return VK_OK;
}

enum vk_err
vk_commit_anew(struct vk_store *st, struct vk_written *ret)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct vk_replace r;
	enum vk_err e;

	if ((e = vk_replace_begin(st->path, st->stat.st_mode & 0777, &r)) != VK_OK)
		return e;
	(void)!vk_lock_try(r.fd, F_WRLCK);
	if ((e = write_new(st, &r, ret)) == VK_OK &&
	    ((fd = fcntl(r.fd, F_DUPFD_CLOEXEC, 3)) < 0 || fstat(fd, &ret->stat) < 0))
		e = vk_fail_errno("cannot write the keystore %s", st->path);
	if (e != VK_OK) {
		vk_replace_abort(&r);
		return e;
	}
	if ((e = vk_replace_commit(&r)) != VK_OK)
		return e;
	vk_closep(&st->fd);
	st->fd = fd;
	fd = -1;
	return VK_OK;
}
