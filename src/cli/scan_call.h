/* SPDX-License-Identifier: ISC */
/* scan_call.h - starting valetkey-scan, handing it what to look for, and hearing what it says. */
#ifndef VK_CLI_SCAN_CALL_H
#define VK_CLI_SCAN_CALL_H

#include "valetkey/scan.h"

struct vk_scan_call {
	struct vk_forms *forms; /* their bytes are wiped once they are handed over */
	const char *const *paths;
	size_t n_paths;
	unsigned flags;
	enum vk_err (*answer)(const struct vk_scan_answer *a, void *arg);
	void *arg;
};

/**
 * vk_scan_call(c):
 * Run it to its end.  VK_OK: it said that it is done.  VK_EBACKEND: it is not there, or died, or made no sense.
 */
enum vk_err vk_scan_call(const struct vk_scan_call *c) VK_MUST;

#endif
