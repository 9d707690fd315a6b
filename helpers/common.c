/* SPDX-License-Identifier: ISC */
#include "common.h"

const char *
vk_helper_line(enum vk_err e)
{
	const char *reason = *vk_reason() ? vk_reason() : vk_err_text(e);

	if (*vk_hint_text())
		(void)vk_fail(e, "%s; %s", reason, vk_hint_text());
	else
		(void)vk_fail(e, "%s", reason);
	vk_hint("%s", "");
	return vk_reason();
}

int
vk_helper_fail(enum vk_err e)
{
	vk_helper_line(e);
	return vk_msg_fail(e);
}
