/* SPDX-License-Identifier: ISC */
/*
 * infile.h - a file of secrets that is read more than once, in pieces: once to see what is in it, once more
 * while the keystore is locked for writing.  A pipe on standard input is kept, sealed, for the second time.
 */
#ifndef VK_CLI_INFILE_H
#define VK_CLI_INFILE_H

#include <sys/stat.h>

#include "valetkey/secret.h"

enum { VK_INFILE_PIECE = 64 * 1024 };

struct vk_infile {
	char *path;     /* "-": standard input */
	int fd;
	struct stat st; /* as it was opened; size 0 for standard input */
	char *piece;    /* in the arena */
	uint64_t at;    /* bytes read since the start */
	struct vk_infile_kept *kept;
};

/**
 * vk_infile_open(path, ret):
 * "-" is standard input.  VK_ENOENT when there is no such file, VK_EPOLICY when it is not a regular
 * one.
 */
enum vk_err vk_infile_open(const char *path, struct vk_infile *ret) VK_MUST;

/** vk_infile_next(f, ret_n): The next ${*ret_n} bytes are in ${f->piece}; 0 at the end. */
enum vk_err vk_infile_next(struct vk_infile *f, size_t *ret_n) VK_MUST;

/** vk_infile_rewind(f): From the start again. */
void vk_infile_rewind(struct vk_infile *f);

/** vk_infile_unchanged(f): Is it still what was opened?  VK_ESYS when something was written to it. */
enum vk_err vk_infile_unchanged(const struct vk_infile *f) VK_MUST;

/** vk_infile_clear(f): Close and wipe. */
void vk_infile_clear(struct vk_infile *f);

#endif
