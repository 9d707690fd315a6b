/* SPDX-License-Identifier: ISC */
/*
 * run_scan.h - "valetkey run --scan": a process that knows the forms of the run's secrets waits beside the command,
 * which runs when valetkey itself knows none any more, and searches when it has ended.
 */
#ifndef VK_CLI_RUN_SCAN_H
#define VK_CLI_RUN_SCAN_H

#include <sys/types.h>

#include "valetkey/cred.h"

enum { VK_RUN_SCAN_MAX = 64 };

struct vk_run_scan {
	const char *paths[VK_RUN_SCAN_MAX];
	size_t n; /* 0: there is nothing to be searched */
	pid_t pid;
	int go; /* our end of its socket */
};

/** vk_run_scan_prepare(creds, scan): When everything is resolved, for struct vk_run_opts: start the process. */
enum vk_err vk_run_scan_prepare(const struct vk_cred_list *creds, void *scan) VK_MUST;

/** vk_run_scan_finish(s): Search now; what was found goes to standard error.  VK_EPOLICY: something was. */
enum vk_err vk_run_scan_finish(struct vk_run_scan *s) VK_MUST;

/** vk_run_scan_drop(s): The command did not run: there is nothing to search. */
void vk_run_scan_drop(struct vk_run_scan *s);

#endif
