/* SPDX-License-Identifier: ISC */
#include "cli/cmd.h"
#include "cli/session.h"
#include "cli/when.h"

int
vk_cli_session_start(struct vk_store *st, enum vk_session_scope scope, unsigned seconds)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
	const char *variable = vk_unlock_variable();
	struct vk_session_info info;
	char stamp[VK_WHEN_TEXT];
	enum vk_err e = vk_session_put(st, scope, seconds, &info);

	if (e != VK_OK)
		return vk_msg_fail(e);
	if (info.how == VK_UNLOCK_SESSION_FILE)
		vk_msg_warn("the kernel refuses key calls here, so the session key is in a file in "
			    "memory: every process of this user can read it, and the system may swap it");
	else if (info.user_scope && scope == VK_SESSION_LOGIN)
		vk_msg_note("every process of this user can use this session");
	if (variable)
		vk_msg_note("%s is set and goes before this session", variable);
	vk_when_stamp(info.expires, stamp);
	vk_buf_fmt(&b, "unlocked until %s: %s\n", stamp, info.place);
	return vk_stdout_report(&b);
}
