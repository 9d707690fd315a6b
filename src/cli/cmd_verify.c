/* SPDX-License-Identifier: ISC */
#include <inttypes.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/progress.h"

static int run(int argc, char **argv);

enum { OPT_JSON = 1 };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print a JSON object", false },
};

const struct vk_cmd vk_cmd_verify = {
	.name = "verify",
	.args = "",
	.summary = "read and authenticate the whole keystore",
	.help = "Checks every page and every record, and that they agree with each other.  Writers wait\n"
		"meanwhile; lookups do not.  Exit code 5 when anything is not as it must be; nothing is\n"
		"changed: see \"valetkey repair\".\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

static enum vk_err
verify(struct vk_buf *b, bool json)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	uint64_t entries = 0, pages = 0, free_pages = 0;
	struct vk_bar bar;
	const struct vk_progress progress = { vk_bar_progress, &bar };
	enum vk_err e = vk_cli_open_unlocked(&st);

	if (e != VK_OK)
		return e;
	vk_bar_begin(&bar, "verifying", VK_BAR_COUNT, false);
	e = vk_store_verify(st, &progress);
	vk_bar_end(&bar);
	if (e == VK_ETAMPER && !*vk_hint_text())
		vk_hint("put a backup back, or run \"valetkey repair\"");
	if (e != VK_OK || (e = vk_store_count(st, &entries)) != VK_OK ||
	    (e = vk_store_size(st, &pages, &free_pages)) != VK_OK)
		return e;
	if (json)
		vk_buf_fmt(b, "{\"sound\": true, \"generation\": %" PRIu64 ", \"entries\": %" PRIu64
		    ", \"pages\": %" PRIu64 ", \"free_pages\": %" PRIu64 "}\n", vk_store_generation(st),
		    entries, pages, free_pages);
	else
		vk_buf_fmt(b, "sound: %" PRIu64 " %s, %" PRIu64 " pages of 4 KiB, %" PRIu64 " of them free\n",
		    entries, entries == 1 ? "entry" : "entries", pages, free_pages);
	return b->err;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_verify, argc, argv);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
	bool json = false;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id != OPT_JSON)
			return vk_opts_exit(id);
		json = true;
	}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	e = verify(&b, json);
	return e == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(e);
}
