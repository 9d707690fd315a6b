/* SPDX-License-Identifier: ISC */
/* ancestry.h - is the process at the other end of a socket one of a run's? */
#ifndef VK_INJECT_ANCESTRY_H
#define VK_INJECT_ANCESTRY_H

#include <sys/types.h>

#include "valetkey/base.h"

/**
 * vk_descends(fd, pid, of):
 * Does ${pid}, which the kernel named for the socket ${fd}, descend from ${of}?  By the parents in /proc; in R1 a
 * process whose parent is gone has process 1 of the namespace for one, in R2 valetkey itself (PR_SET_CHILD_SUBREAPER).
 */
bool vk_descends(int fd, pid_t pid, pid_t of) VK_MUST;

#endif
