/* SPDX-License-Identifier: ISC */
#include "cli/cmd.h"

const struct vk_cmd *const vk_cmds[] = {
	NULL,
};
