/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"

/* pidfd_open(2), Linux 6.13: tells it where /proc hides processes from others, or shows those of another namespace. */
struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct info)

static pid_t
parent_by_kernel(pid_t pid)
{
	VK_CLEANUP(vk_closep) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct info info = { .mask = 1 };

	return fd >= 0 && ioctl(fd, GET_INFO, &info) == 0 && info.ppid != 0 ? (pid_t)info.ppid : -1;
}

/* proc_pid_stat(5): the name, which may hold anything, is in parentheses; the parent is the second field after it. */
pid_t
vk_parent(pid_t pid)
{
	char name[32], text[1024];
	const char *at;
	ssize_t n;
	pid_t parent = parent_by_kernel(pid);

	if (parent > 0)
		return parent;
	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		return -1;
	text[n] = '\0';
	if (!(at = strrchr(text, ')')) || strlen(at) < 5)
		return -1;
	return (pid_t)strtol(at + 4, NULL, 10);
}
