/* SPDX-License-Identifier: ISC */
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"

static int run(int argc, char **argv);

const struct vk_cmd vk_cmd_lock = {
	.name = "lock",
	.args = "",
	.summary = "end the session: forget the keystore's key",
	.help = "Revokes the session key of this keystore in every kernel keyring that can be reached\n"
		"from here, and removes its session files.\n",
	.run = run,
};

static int
lock(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	const char *variable = vk_unlock_variable();
	struct vk_session_info info;
	unsigned n = 0;
	enum vk_err e = vk_cli_open(&st);
	static const char done[] = "locked\n", idle[] = "locked (it was not unlocked here)\n";

	if (e == VK_OK)
		e = vk_session_drop(st, &n);
	/* A promise is checked: what is still there after this was not ours to take. */
	if (e == VK_OK)
		e = vk_session_describe(st, &info);
	if (e == VK_OK && info.how != VK_UNLOCK_NONE)
		e = vk_fail(VK_ESYS, "the session key is still there: %s", info.place);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (info.elsewhere)
		vk_msg_warn("another login session has it unlocked; run \"valetkey lock\" there");
	if (variable)
		vk_msg_warn("%s still opens it", variable);
	return n ? vk_stdout_text(done, sizeof(done) - 1) : vk_stdout_text(idle, sizeof(idle) - 1);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_lock, argc, argv);
	int id = vk_opts_next(&o);

	if (id != 0)
		return vk_opts_exit(id);
	return vk_opts_operands(&o, 0, 0) ? lock() : 2;
}
