/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"

/* proc_pid_stat(5): the name, which may hold anything, is in parentheses; the parent is the second field after it. */
pid_t
vk_parent(pid_t pid)
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
