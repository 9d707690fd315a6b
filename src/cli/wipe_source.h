/* SPDX-License-Identifier: ISC */
/*
 * wipe_source.h - making away with a file whose secrets are in the keystore now: its bytes are
 * overwritten and it is removed, or what else is in it goes to a new file.  That is all that can be done
 * from here, and vk_wipe_remains() says so.
 */
#ifndef VK_CLI_WIPE_SOURCE_H
#define VK_CLI_WIPE_SOURCE_H

#include "cli/infile.h"

struct vk_wiping {
	char *target; /* links resolved */
	bool by_link; /* the path that was given is one, and stays */
	int fd;       /* to write to */
	struct stat st;
};

/**
 * vk_wipe_begin(in, ret):
 * May ${in} be wiped?  VK_EPOLICY with the reason when it is not ours, has other names, or is reached
 * by a link that leads to a place which is not ours; VK_EUSAGE for standard input.  Nothing is written.
 */
enum vk_err vk_wipe_begin(const struct vk_infile *in, struct vk_wiping *ret) VK_MUST;

/**
 * vk_wipe_run(w, rest, n):
 * Overwrite the file and remove it; or, if ${rest} is not NULL, first put a file of these ${n} bytes in
 * its place.  VK_ESYS when it was changed since it was begun with, and then it is left.
 */
enum vk_err vk_wipe_run(struct vk_wiping *w, const char *rest, size_t n) VK_MUST;

/** vk_wipe_remains(w): What this kind of file system may still have; NULL: nothing special.  Static. */
const char *vk_wipe_remains(const struct vk_wiping *w);

/** vk_wipe_end(w): Close; safe at any time. */
void vk_wipe_end(struct vk_wiping *w);

#endif
