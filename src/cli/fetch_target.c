/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fetch.h"

enum { PIECE = 64 * 1024 };

static mode_t
mask(void)
{
	mode_t m = umask(077);

	umask(m);
	return m;
}

/* As curl and wget make it, or as what is replaced is. */
static mode_t
mode_for(const struct stat *there)
{
	return there ? there->st_mode & 0777 : 0666 & ~mask();
}

static enum vk_err
check_place(const char *path, struct stat *st, bool *ret_there)
{
	size_t n = strlen(path);

	if (n == 0)
		return vk_fail(VK_EUSAGE, "--output is empty");
	*ret_there = stat(path, st) == 0;
	if (!*ret_there && errno != ENOENT)
		return vk_fail_errno("%s", path);
	if ((*ret_there && S_ISDIR(st->st_mode)) || path[n - 1] == '/')
		return vk_fail(VK_EUSAGE, "%s is a directory; name a file", path);
	if (*ret_there && !S_ISREG(st->st_mode))
		return vk_fail(VK_EUSAGE, "%s is not a regular file; \"--output -\" is standard output", path);
	/* What is renamed over it would take the link's place and not its target's. */
	if (!*ret_there && lstat(path, st) == 0)
		return vk_fail(VK_EUSAGE, "%s is a link that leads nowhere", path);
	return VK_OK;
}

/* Given out once it is whole, so that the next program in a pipe never sees half of it. */
static enum vk_err
open_spool(struct vk_fetch_target *t)
{
	const char *dir = getenv("TMPDIR");

	if (isatty(STDOUT_FILENO)) {
		vk_hint("name a file, or pipe it to where it is needed");
		return vk_fail(VK_EPOLICY, "a file is not written to a terminal");
	}
	t->to_stdout = true;
	dir = dir && *dir ? dir : "/tmp";
	if ((t->r.fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) < 0) {
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("%s/valetkey-XXXXXX", dir);

		if (!name)
			return VK_ENOMEM;
		if ((t->r.fd = vk_litter_file(name)) >= 0)
			unlink(name);
		vk_litter_forget(name);
	}
	return t->r.fd < 0 ? vk_fail_errno("cannot make a file in %s", dir) : VK_OK;
}

/* Its name can be guessed, so it is looked at whose it is. */
static enum vk_err
open_own(const char *path, mode_t mode, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	struct stat st;

	*ret_fd = fd;
	if (fd < 0 || fstat(fd, &st) < 0)
		return vk_fail_errno("cannot write %s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink > 1)
		return vk_fail(VK_EPOLICY, "%s is not a file of ours alone; remove it", path);
	return VK_OK;
}

/* The one that has the name when the lock is ours: who had it before may have put it in place. */
static enum vk_err
open_locked(const char *path, mode_t mode, int *ret_fd)
{
	for (;;) {
		struct stat opened, named;
		enum vk_err e = open_own(path, mode, ret_fd);

		if (e != VK_OK)
			return e;
		if (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? vk_fail(VK_EEXIST, "another process is fetching %s", path)
						    : vk_fail_errno("cannot lock %s", path);
		if (fstat(*ret_fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
		    opened.st_dev == named.st_dev)
			return VK_OK;
		vk_closep(ret_fd);
		*ret_fd = -1;
	}
}

static enum vk_err
open_part(struct vk_fetch_target *t, const char *path, const struct stat *there)
{
	char *target = there ? realpath(path, NULL) : vk_strdup(path);
	enum vk_err e;

	if (!target)
		return there ? vk_fail_errno("%s", path) : VK_ENOMEM;
	t->r.target = target;
	t->part = vk_asprintf("%s.valetkey-part", target);
	t->record_path = vk_asprintf("%s.valetkey-part.of", target);
	if (!t->part || !t->record_path)
		return VK_ENOMEM;
	e = open_locked(t->part, mode_for(there), &t->r.fd);
	if (e == VK_OK)
		e = open_own(t->record_path, 0600, &t->record);
	if (e == VK_OK && there && fchmod(t->r.fd, mode_for(there)) < 0)
		e = vk_fail_errno("%s", t->part);
	/* Not ours: it stays as it is. */
	if (e != VK_OK)
		free(VK_TAKE(t->part));
	return e;
}

enum vk_err
vk_fetch_target_open(const struct vk_fetch *f, struct vk_fetch_target *ret)
{
	const char *path = f->values[VK_FETCH_OUTPUT];
	struct stat st;
	bool there = false;
	enum vk_err e;

	if (strcmp(path, "-") == 0)
		return open_spool(ret);
	if ((e = check_place(path, &st, &there)) != VK_OK)
		return e;
	if (f->values[VK_FETCH_CONTINUE])
		return open_part(ret, path, there ? &st : NULL);
	return vk_replace_begin_unnamed(path, mode_for(there ? &st : NULL), &ret->r);
}

static enum vk_err
give_out(int fd)
{
	VK_CLEANUP(vk_freep) char *piece = malloc(PIECE);
	size_t n = PIECE;
	enum vk_err e = VK_OK;

	if (!piece)
		return VK_ENOMEM;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return vk_fail_errno("cannot read the file back");
	while (e == VK_OK && n == PIECE)
		if ((e = vk_read_upto(fd, piece, PIECE, &n)) == VK_OK && n > 0)
			e = vk_write_full(STDOUT_FILENO, piece, n);
	return e;
}

enum vk_err
vk_fetch_target_commit(struct vk_fetch_target *t)
{
	enum vk_err e;

	if (t->to_stdout)
		return give_out(t->r.fd);
	if (!t->part)
		return vk_replace_commit(&t->r);
	t->r.temp = VK_TAKE(t->part);
	e = vk_replace_commit(&t->r);
	unlink(t->record_path);
	return e;
}

void
vk_fetch_target_drop(struct vk_fetch_target *t)
{
	if (t->part && ftruncate(t->record, 0) == 0)
		(void)!ftruncate(t->r.fd, 0);
}

void
vk_fetch_target_clear(struct vk_fetch_target *t)
{
	struct stat st;

	if (t->part && fstat(t->r.fd, &st) == 0 && st.st_size == 0) {
		unlink(t->record_path);
		unlink(t->part);
	}
	vk_replace_abort(&t->r);
	vk_closep(&t->record);
	free(t->part);
	free(t->record_path);
}
