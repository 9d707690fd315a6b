/* SPDX-License-Identifier: ISC */
/* log_read.h - the lines of a log, damaged ones told from whole ones. */
#ifndef VK_CLI_LOG_READ_H
#define VK_CLI_LOG_READ_H

#include <jansson.h>

#include "valetkey/log.h"

struct vk_log_reader {
	/* A whole line without its LF, and what is in it.  An error ends the reading. */
	enum vk_err (*take)(void *arg, const char *line, size_t n, json_t *j);
	void *arg;
	uint64_t lines, damaged; /* whole ones, and pieces that are none */
};

/**
 * vk_log_read_all(fd, r):
 * To the end of the file.  A line that a full disk cut short may have another one behind it, which is found; a line
 * that lacks its LF at the end of the file is damaged, unless it is whole.
 */
enum vk_err vk_log_read_all(int fd, struct vk_log_reader *r) VK_MUST;

#endif
