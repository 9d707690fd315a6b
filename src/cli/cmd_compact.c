/* SPDX-License-Identifier: ISC */
#include <inttypes.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/progress.h"

static int run(int argc, char **argv);

const struct vk_cmd vk_cmd_compact = {
	.name = "compact",
	.args = "",
	.summary = "write the keystore anew, without the pages that are free",
	.help = "What was removed or replaced stays in free pages, encrypted, until they are used again; this\n"
		"leaves it out, and makes the file as small as it can be.  It happens by itself when half of\n"
		"the file is free.\n",
	.run = run,
};

static enum vk_err
compact(struct vk_buf *b)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	uint64_t before = 0, after = 0, free_pages;
	struct vk_bar bar;
	const struct vk_progress progress = { vk_bar_progress, &bar };
	enum vk_err e = vk_cli_open_unlocked(&st);

	if (e != VK_OK || (e = vk_store_size(st, &before, &free_pages)) != VK_OK)
		return e;
	vk_bar_begin(&bar, "compacting", VK_BAR_COUNT, false);
	e = vk_store_compact(st, &progress);
	vk_bar_end(&bar);
	if (e != VK_OK || (e = vk_store_size(st, &after, &free_pages)) != VK_OK)
		return e;
	vk_buf_fmt(b, "%" PRIu64 " pages of 4 KiB, were %" PRIu64 "\n", after, before);
	return b->err;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_compact, argc, argv);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
	int id = vk_opts_next(&o);
	enum vk_err e;

	if (id != 0)
		return vk_opts_exit(id);
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	e = compact(&b);
	return e == VK_OK ? vk_stdout_report(&b) : vk_msg_fail(e);
}
