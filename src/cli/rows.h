/* SPDX-License-Identifier: ISC */
/*
 * rows.h - a table that is printed as it grows: its columns have fixed widths, and a value that is longer pushes the
 * rest of its row.
 */
#ifndef VK_CLI_ROWS_H
#define VK_CLI_ROWS_H

#include "valetkey/base.h"

enum { VK_ROWS_FLUSH_AT = 32 * 1024 }; /* text is written in pieces of about this size */

struct vk_column {
	const char *title;
	size_t width;
};

/** vk_rows_heading(b, v, n): The titles of ${n} columns, bold on a terminal. */
void vk_rows_heading(struct vk_buf *b, const struct vk_column *v, size_t n);

/** vk_rows_add(b, v, n, cells): One row, made printable; "-" for what is empty. */
void vk_rows_add(struct vk_buf *b, const struct vk_column *v, size_t n, const char *const *cells);

/** vk_rows_flush(b): To stdout; ${b} is empty then, also when that failed. */
enum vk_err vk_rows_flush(struct vk_buf *b) VK_MUST;

#endif
