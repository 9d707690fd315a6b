/* SPDX-License-Identifier: ISC */
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/progress.h"

static int run(int argc, char **argv);

const struct vk_cmd vk_cmd_backup = {
	.name = "backup",
	.args = "FILE",
	.summary = "copy the keystore to FILE, as it is between two changes",
	.help = "The copy is a keystore: the same keys open it, and VALETKEY_KEYSTORE=FILE uses it.  No key is\n"
		"needed to make it.  FILE must not exist.  To go back to it, put it in the keystore's place,\n"
		"then \"valetkey lock\" and \"valetkey unlock\": a session notices an older state.\n",
	.run = run,
};

static enum vk_err
backup(const char *to)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_bar bar;
	const struct vk_progress progress = { vk_bar_progress, &bar };
	enum vk_err e = vk_cli_open(&st);

	if (e != VK_OK || (e = vk_pin_check(st)) != VK_OK)
		return e;
	vk_bar_begin(&bar, "copying", VK_BAR_BYTES, false);
	e = vk_store_backup(st, to, &progress);
	vk_bar_end(&bar);
	return e;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_backup, argc, argv);
	int id = vk_opts_next(&o);
	enum vk_err e;

	if (id != 0)
		return vk_opts_exit(id);
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	e = backup(argv[o.at]);
	return e == VK_OK ? 0 : vk_msg_fail(e);
}
