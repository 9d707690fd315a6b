/* SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/rows.h"

static void
add(struct vk_buf *b, const char *text, size_t width, bool last)
{
	vk_printable_add(b, *text ? text : "-", width);
	vk_buf_str(b, last ? "\n" : "  ");
}

void
vk_rows_add(struct vk_buf *b, const struct vk_column *v, size_t n, const char *const *cells)
{
	for (size_t i = 0; i < n; i++)
		add(b, cells[i], v[i].width, i + 1 == n);
}

void
vk_rows_heading(struct vk_buf *b, const struct vk_column *v, size_t n)
{
	bool colour = vk_use_colour(STDOUT_FILENO);

	vk_buf_str(b, colour ? "\033[1m" : "");
	for (size_t i = 0; i < n; i++)
		add(b, v[i].title, v[i].width, i + 1 == n);
	vk_buf_str(b, colour ? "\033[0m" : "");
}

enum vk_err
vk_rows_flush(struct vk_buf *b)
{
	enum vk_err e = b->err;

	if (e == VK_OK && b->len)
		e = vk_write_full(STDOUT_FILENO, b->p, b->len);
	vk_buf_clear(b);
	return e;
}
