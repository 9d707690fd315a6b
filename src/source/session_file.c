/* SPDX-License-Identifier: ISC */
/*
 * The session key in a file, for containers whose kernel calls for keys are refused.
 * The rules: never on a disk, never where somebody else owns or can write a directory
 * on the way, never through a symbolic link, mode 0600 from the first byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "source/session_priv.h"

enum { N_PLACES = 3 };

struct place {
	char base[160]; /* "": not to be had */
	char sub[32];
};

static void
place(int which, struct place *ret)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	unsigned uid = (unsigned)geteuid();

	*ret = (struct place){ .sub = "valetkey" };
	if (which == 0 && xdg && *xdg == '/' && strlen(xdg) < sizeof(ret->base)) {
		memcpy(ret->base, xdg, strlen(xdg) + 1);
	} else if (which == 1) {
		snprintf(ret->base, sizeof(ret->base), "/run/user/%u", uid);
	} else if (which == 2) {
		snprintf(ret->base, sizeof(ret->base), "/dev/shm");
		snprintf(ret->sub, sizeof(ret->sub), "valetkey-%u", uid);
	}
}

static bool
in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    ((unsigned)fs.f_type == TMPFS_MAGIC || (unsigned)fs.f_type == RAMFS_MAGIC);
}

/* Open the directory of ${p}, or say why it will not do. */
static enum vk_err
open_place(const struct place *p, bool create, int *ret_fd)
{
	VK_CLEANUP(vk_closep) int base = -1;
	VK_CLEANUP(vk_closep) int dir = -1;
	struct stat st;

	if (!*p->base)
		return VK_ENOENT;
	if ((base = open(p->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return vk_fail(VK_ENOENT, "%s: %s", p->base, strerror(errno));
	if (fstat(base, &st) < 0)
		return vk_fail_errno("%s", p->base);
	if (!in_memory(base))
		return vk_fail(VK_EPOLICY, "%s is not on a memory file system", p->base);
	/* Either nobody else can make names here, or (/dev/shm) nobody else can take ours away. */
	if ((st.st_uid != geteuid() && st.st_uid != 0) ||
	    ((st.st_mode & 022) && !(st.st_mode & S_ISVTX)))
		return vk_fail(VK_EPOLICY, "others can replace files in %s", p->base);
	if (create && mkdirat(base, p->sub, 0700) < 0 && errno != EEXIST)
		return vk_fail_errno("cannot make the directory %s/%s", p->base, p->sub);
	dir = openat(base, p->sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return vk_fail(errno == ENOENT ? VK_ENOENT : VK_EPOLICY, "%s/%s: %s", p->base, p->sub,
		    strerror(errno));
	if (fstat(dir, &st) < 0)
		return vk_fail_errno("%s/%s", p->base, p->sub);
	if (st.st_uid != geteuid() || (st.st_mode & 077) || !in_memory(dir))
		return vk_fail(VK_EPOLICY, "%s/%s is not a private directory of ours", p->base, p->sub);
	*ret_fd = dir;
	dir = -1;
	return VK_OK;
}

static void
file_name(const char *tag, const char *suffix, char out[64])
{
	snprintf(out, 64, "session-%s%s", tag, suffix);
}

/* Overwritten first: a descriptor or a second name may keep the pages alive after the unlink. */
static bool
destroy(int dir, const char *name)
{
	static const struct vk_session_raw zero;
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0) {
		(void)!pwrite(fd, &zero, sizeof(zero), 0);
		close(fd);
	}
	return unlinkat(dir, name, 0) == 0;
}

static enum vk_err
write_file(int dir, const char *tag, const struct vk_session_raw *raw)
{
	char name[64], temp[64];
	enum vk_err e;
	int fd;

	file_name(tag, "", name);
	/* A fixed name, so that what a killed process left is found and removed. */
	file_name(tag, ".new", temp);
	for (int tries = 0; tries < 3; tries++) {
		destroy(dir, temp);
		fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue; /* another unlock at the same moment */
		if (fd < 0)
			return vk_fail_errno("cannot create a session file");
		e = vk_write_full(fd, raw, sizeof(*raw));
		close(fd);
		if (e != VK_OK) {
			destroy(dir, temp);
			return e;
		}
		if (renameat(dir, temp, dir, name) == 0)
			return VK_OK;
		if (errno != ENOENT) {
			e = vk_fail_errno("cannot create a session file");
			destroy(dir, temp);
			return e;
		}
	}
	return vk_fail(VK_EBACKEND, "cannot create a session file: another unlock is at it");
}

enum vk_err
vk_session_file_put(const char *tag, const struct vk_session_raw *raw, char *ret_place, size_t size)
{
	for (int i = 0; i < N_PLACES; i++) {
		VK_CLEANUP(vk_closep) int dir = -1;
		struct place p;

		place(i, &p);
		if (open_place(&p, true, &dir) != VK_OK || write_file(dir, tag, raw) != VK_OK)
			continue;
		snprintf(ret_place, size, "%s/%s/session-%s", p.base, p.sub, tag);
		vk_reason_clear();
		return VK_OK;
	}
	vk_hint("set VALETKEY_KEY or VALETKEY_KEY_FILE instead, or give the container a private tmpfs "
		"and name it in XDG_RUNTIME_DIR");
	return vk_fail(VK_EBACKEND,
	    "the kernel refuses key calls here, and no memory file system can hold a session (%s)",
	    *vk_reason() ? vk_reason() : "none found");
}

static enum vk_err
open_file(int dir, const char *name, int flags, int *ret_fd)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;

	fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? VK_ENOENT : vk_fail(VK_ELOCKED, "%s", strerror(errno));
	if (fstat(fd, &st) < 0)
		return vk_fail_errno("fstat");
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) || st.st_nlink != 1)
		return vk_fail(VK_ELOCKED, "it is not a private file of ours");
	if (st.st_size != sizeof(struct vk_session_raw))
		return vk_fail(VK_ELOCKED, "it has the wrong length");
	*ret_fd = fd;
	fd = -1;
	return VK_OK;
}

/* The file of ${tag} in the first place that has one. */
static enum vk_err
find_file(const char *tag, int flags, int *ret_fd, char *ret_place, size_t size)
{
	char name[64];

	file_name(tag, "", name);
	for (int i = 0; i < N_PLACES; i++) {
		VK_CLEANUP(vk_closep) int dir = -1;
		struct place p;
		enum vk_err e;

		place(i, &p);
		if (open_place(&p, false, &dir) != VK_OK ||
		    (e = open_file(dir, name, flags, ret_fd)) == VK_ENOENT)
			continue;
		if (ret_place)
			snprintf(ret_place, size, "%s/%s/%s", p.base, p.sub, name);
		if (e != VK_OK)
			return vk_fail(VK_ELOCKED, "the session file %s/%s/%s is not usable: %s", p.base,
			    p.sub, name, vk_reason());
		vk_reason_clear(); /* of the places before it */
		return VK_OK;
	}
	vk_reason_clear();
	return VK_ENOENT;
}

enum vk_err
vk_session_file_get(const char *tag, struct vk_session_raw *ret, char *ret_place, size_t size)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e = find_file(tag, O_RDONLY, &fd, ret_place, size);

	if (e == VK_OK && vk_pread_full(fd, ret, sizeof(*ret), 0) != VK_OK)
		e = vk_fail(VK_ELOCKED, "the session file cannot be read: %s", vk_reason());
	return e;
}

void
vk_session_file_write_anchor(const char *tag, const struct vk_session_raw *raw)
{
	VK_CLEANUP(vk_closep) int fd = -1;

	/* In place and at once: a name that "lock" removed meanwhile must not come back. */
	if (find_file(tag, O_WRONLY, &fd, NULL, 0) == VK_OK)
		(void)!pwrite(fd, raw->anchor, sizeof(raw->anchor),
		    offsetof(struct vk_session_raw, anchor));
}

unsigned
vk_session_file_drop(const char *tag)
{
	char name[64], temp[64];
	unsigned n = 0;

	file_name(tag, "", name);
	file_name(tag, ".new", temp);
	for (int i = 0; i < N_PLACES; i++) {
		VK_CLEANUP(vk_closep) int dir = -1;
		struct place p;

		place(i, &p);
		if (open_place(&p, false, &dir) != VK_OK)
			continue;
		n += destroy(dir, name);
		destroy(dir, temp);
	}
	vk_reason_clear();
	return n;
}
