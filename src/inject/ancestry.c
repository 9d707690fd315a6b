/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "ancestry.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { GENERATIONS = 4096 };

/* proc_pid_stat(5): the name, which may hold anything, is in parentheses; the parent is the second field after it. */
static pid_t
parent_of(pid_t pid)
{
	char name[32], text[1024];
	const char *at;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		return -1;
	text[n] = '\0';
	if (!(at = strrchr(text, ')')) || strlen(at) < 5)
		return -1;
	return (pid_t)strtol(at + 4, NULL, 10);
}

/* Linux 6.5.  Its number may be somebody else's once it has ended, so whoever has ended is nobody. */
static bool
still_lives(int fd)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);
	struct pollfd p;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
		return true;
	p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	if (poll(&p, 1, 0) < 0)
		p.revents = POLLIN;
	close(pidfd);
	return p.revents == 0;
}

bool
vk_descends(int fd, pid_t pid, pid_t of)
{
	for (int i = 0; i < GENERATIONS && pid > 1; i++) {
		if (pid == of)
			return still_lives(fd);
		pid = parent_of(pid);
	}
	return pid == of && still_lives(fd);
}
