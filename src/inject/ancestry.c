/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "ancestry.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { GENERATIONS = 4096 };

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
		pid = vk_parent(pid);
	}
	return pid == of && still_lives(fd);
}
