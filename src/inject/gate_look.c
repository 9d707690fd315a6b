/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "gate_look.h"

enum { PAGE = 4096 };

/* A string that may end just before what cannot be read. */
static bool
read_path(int mem, uint64_t at, char path[VK_LOOK_MAX])
{
	size_t have = 0;

	while (have < VK_LOOK_MAX) {
		size_t want = PAGE - (size_t)((at + have) % PAGE);
		ssize_t got;

		if (want > VK_LOOK_MAX - have)
			want = VK_LOOK_MAX - have;
		got = pread(mem, path + have, want, (off_t)(at + have));
		if (got <= 0)
			return false;
		if (memchr(path + have, '\0', (size_t)got))
			return true;
		have += (size_t)got;
	}
	return false;
}

/* Of openat2() the flags lie in memory, too. */
static void
read_how(int mem, uint64_t at, struct vk_look *l)
{
	struct open_how how = { .resolve = 1 };

	if (pread(mem, &how, sizeof(how), (off_t)at) != (ssize_t)sizeof(how))
		how = (struct open_how){ .flags = O_CLOEXEC, .resolve = 1 };
	l->flags = (unsigned)how.flags;
	l->mode = (unsigned)how.mode;
	l->bounded = how.resolve != 0;
}

bool
vk_look_read(struct vk_look *l, const struct seccomp_notif *in)
{
	const __u64 *args = in->data.args;
	char name[32];

	l->tid = (pid_t)in->pid;
	l->bounded = false;
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)l->tid);
	VK_CLEANUP(vk_closep) int mem = open(name, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return false;
#ifdef SYS_open
	if (in->data.nr == SYS_open) {
		l->dirfd = AT_FDCWD;
		l->flags = (unsigned)args[1];
		l->mode = (unsigned)args[2];
		return read_path(mem, args[0], l->path);
	}
#endif
	l->dirfd = (int)args[0];
	l->flags = (unsigned)args[2];
	l->mode = (unsigned)args[3];
	if (in->data.nr == SYS_openat2)
		read_how(mem, args[2], l);
	return read_path(mem, args[1], l->path);
}

bool
vk_look_reads(const struct vk_look *l)
{
	return (l->flags & (O_ACCMODE | O_DIRECTORY | O_PATH)) == O_RDONLY;
}

/* Where a relative path begins, as a link below /proc. */
static void
start_link(pid_t tid, int dirfd, char name[48])
{
	if (dirfd == AT_FDCWD)
		snprintf(name, 48, "/proc/%d/cwd", (int)tid);
	else
		snprintf(name, 48, "/proc/%d/fd/%d", (int)tid, dirfd);
}

/* The names of the caller's own descriptors, which would be ours here; -1: it is none. */
static int
own_descriptor(const char *path)
{
	static const char *const prefixes[] = { "/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/" };
	static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };

	for (size_t i = 0; i < VK_COUNT(streams); i++)
		if (strcmp(path, streams[i]) == 0)
			return (int)i;
	for (size_t i = 0; i < VK_COUNT(prefixes); i++) {
		const char *digits = path + strlen(prefixes[i]);
		size_t n;

		if (!vk_str_starts(path, prefixes[i]))
			continue;
		n = strspn(digits, "0123456789");
		return n > 0 && n < 9 && !digits[n] ? (int)strtol(digits, NULL, 10) : -1;
	}
	return -1;
}

/*
 * Absolute ones begin at the root that the process has, and so do links on the way.  That refuses the links of
 * /proc/PID/fd, which R2's files are reached by, and which lead to the same place from everywhere.
 */
static int
open_absolute(pid_t tid, const char *path, int flags, bool *ret_sure)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_IN_ROOT
	};
	char name[48];
	int fd, own = own_descriptor(path);

	if (own >= 0 && !(flags & O_NOFOLLOW)) {
		start_link(tid, own, name);
		return open(name, O_PATH | O_CLOEXEC);
	}
	snprintf(name, sizeof(name), "/proc/%d/root", (int)tid);
	VK_CLEANUP(vk_closep) int root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd >= 0 || errno != EXDEV)
		return fd;
	*ret_sure = false;
	return open(path, O_PATH | O_CLOEXEC | flags);
}

/* A link on the way may be absolute: then the whole of it as an absolute path. */
static int
open_relative(const struct vk_look *l, const char *path, int flags, bool *ret_sure)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_NO_SYMLINKS
	};
	char link[48], whole[2 * PAGE];
	ssize_t n;
	int fd;

	start_link(l->tid, l->dirfd, link);
	VK_CLEANUP(vk_closep) int start = open(link, O_PATH | O_CLOEXEC);
	if (start < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, start, path, &how, sizeof(how));
	if (fd >= 0 || errno != ELOOP || (n = readlink(link, whole, PAGE)) < 0 || n == PAGE)
		return fd;
	snprintf(whole + n, sizeof(whole) - (size_t)n, "/%s", path);
	return open_absolute(l->tid, whole, flags, ret_sure);
}

int
vk_look_open(const struct vk_look *l, const char *path, int flags, bool *ret_sure)
{
	*ret_sure = true;
	return *path == '/' ? open_absolute(l->tid, path, flags, ret_sure) : open_relative(l, path, flags, ret_sure);
}
