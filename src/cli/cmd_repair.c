/* SPDX-License-Identifier: ISC */
#include <inttypes.h>

#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/progress.h"

static int run(int argc, char **argv);

const struct vk_cmd vk_cmd_repair = {
	.name = "repair",
	.args = "",
	.summary = "save what can be read of a damaged keystore",
	.help = "Writes every entry that can be read to a new file in the keystore's place, and keeps the damaged\n"
		"one beside it as NAME.damaged-TIME.  Entries in damaged parts are taken from older states of\n"
		"their pages where there are any: these may be out of date, or have been removed since, so look\n"
		"at \"valetkey list\" afterwards.  A backup is better.  Exit code 5 when something was lost\n"
		"or is older.\n",
	.run = run,
};

static enum vk_err
open_damaged(struct vk_store **ret)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_store_path(&path);

	if (e != VK_OK || (e = vk_store_open_damaged(path, &st)) != VK_OK ||
	    (e = vk_unlock(st, NULL)) != VK_OK)
		return e;
	*ret = VK_TAKE(st);
	return VK_OK;
}

/* Is there anything to do? */
static enum vk_err
check_sound(bool *ret_sound)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_bar bar;
	const struct vk_progress progress = { vk_bar_progress, &bar };
	enum vk_err e = vk_cli_open_unlocked(&st);

	if (e == VK_OK) {
		vk_bar_begin(&bar, "verifying", VK_BAR_COUNT, false);
		e = vk_store_verify(st, &progress);
		vk_bar_end(&bar);
	}
	if (e != VK_OK && e != VK_ETAMPER)
		return e;
	*ret_sound = e == VK_OK;
	if (e == VK_ETAMPER)
		vk_msg_note("%s", vk_reason());
	vk_reason_clear();
	return VK_OK;
}

static int
report(const struct vk_repair *r)
{
	bool lost = r->entries < r->expected || r->recovered > 0;

	if (r->one_header)
		vk_msg_warn("one of its two headers was lost: the last change to it may be missing");
	if (r->lost_pages)
		vk_msg_warn("%" PRIu64 " damaged pages were left out", r->lost_pages);
	if (r->recovered)
		vk_msg_warn("%" PRIu64 " entries come from older states of their pages, and may be out of "
			    "date: check them with \"valetkey list\"", r->recovered);
	vk_msg_note("kept %" PRIu64 " of %" PRIu64 " entries; the damaged file is %s", r->entries,
	    r->expected, r->kept);
	return lost ? vk_err_exit(VK_ETAMPER) : 0;
}

static int
repair(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_bar bar;
	const struct vk_progress progress = { vk_bar_progress, &bar };
	struct vk_repair found;
	bool sound = false;
	enum vk_err e = check_sound(&sound);

	if (e == VK_OK && sound) {
		vk_msg_note("the keystore is sound, nothing was done");
		return 0;
	}
	if (e == VK_OK)
		e = open_damaged(&st);
	if (e != VK_OK)
		return vk_msg_fail(e);
	vk_bar_begin(&bar, "repairing", VK_BAR_COUNT, false);
	e = vk_store_repair(st, &progress, &found);
	vk_bar_end(&bar);
	return e == VK_OK ? report(&found) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_repair, argc, argv);
	int id = vk_opts_next(&o);

	if (id != 0)
		return vk_opts_exit(id);
	return vk_opts_operands(&o, 0, 0) ? repair() : 2;
}
