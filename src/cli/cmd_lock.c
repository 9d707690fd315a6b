/* SPDX-License-Identifier: ISC */
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"

static int run(int argc, char **argv);

const struct vk_cmd vk_cmd_lock = {
	.name = "lock",
	.args = "",
	.summary = "end every session: forget the keystore's key",
	.help = "Revokes the session keys of this keystore in all kernel keyrings of this user, also those of\n"
		"other login sessions, and removes its session files.\n",
	.run = run,
};

/* A promise is checked: what is still there after this was not ours to take. */
static enum vk_err
check(const struct vk_store *st)
{
	struct vk_session_info info;
	enum vk_err e = vk_session_describe(st, &info);

	if (e != VK_OK)
		return e;
	if (info.how != VK_UNLOCK_NONE)
		return vk_fail(VK_ESYS, "the session key is still there: %s", info.place);
	if (info.damaged)
		return vk_fail(VK_ESYS, "what is left of a session cannot be removed: %s", vk_reason());
	if (info.elsewhere) {
		vk_hint("run \"valetkey lock\" in that session%s", info.keyring_refused ?
			": here the kernel refuses its keyring (a container?)" : "");
		return vk_fail(VK_ESYS, "another session still has the keystore unlocked, and cannot be ended from "
		    "here");
	}
	/* Where there are no key calls, /proc/keys is mostly hidden too, and sessions were files. */
	if (info.unseen && !info.keyring_refused)
		return vk_fail(VK_ESYS, "locked here, but whether another session has the keystore unlocked cannot "
		    "be seen: /proc/keys is not readable");
	return VK_OK;
}

static int
lock(void)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(256);
	const char *variable = vk_unlock_variable();
	unsigned n = 0;
	enum vk_err e = vk_cli_open(&st);

	if (e == VK_OK)
		e = vk_session_drop(st, &n);
	if (e == VK_OK)
		e = check(st);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (variable)
		vk_msg_warn("%s still opens it", variable);
	if (n)
		vk_buf_fmt(&b, "locked: %u session%s ended\n", n, n == 1 ? "" : "s");
	else
		vk_buf_str(&b, "locked (it was not unlocked)\n");
	return vk_stdout_report(&b);
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
