/* SPDX-License-Identifier: ISC */
/* gate_look.h - what an open that the gate hears of asks for, seen from the process that asks. */
#ifndef VK_INJECT_GATE_LOOK_H
#define VK_INJECT_GATE_LOOK_H

#include <linux/seccomp.h>
#include <sys/types.h>

#include "valetkey/base.h"

enum { VK_LOOK_MAX = 4096 };

struct vk_look {
	pid_t tid;
	int dirfd;
	unsigned flags, mode;
	bool bounded; /* openat2() with conditions on the way */
	char path[VK_LOOK_MAX];
};

/** vk_look_read(l, in): From the call's arguments and the caller's memory; false: it cannot be read. */
bool vk_look_read(struct vk_look *l, const struct seccomp_notif *in) VK_MUST;

/** vk_look_reads(l): Reading and nothing else? */
bool vk_look_reads(const struct vk_look *l) VK_MUST;

/**
 * vk_look_open(l, path, flags, ret_sure):
 * ${path}, from where the caller is, as a name only (O_PATH); ${flags} may add O_NOFOLLOW.  -1 with errno as open(2).
 * ${*ret_sure} is false where a link of /proc was followed, which may have led to something of ours instead of the
 * caller's: its device and inode can be compared, nothing more.
 */
int vk_look_open(const struct vk_look *l, const char *path, int flags, bool *ret_sure) VK_MUST;

#endif
