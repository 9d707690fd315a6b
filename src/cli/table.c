/* SPDX-License-Identifier: ISC */
#include "cli/cmd.h"

extern const struct vk_cmd vk_cmd_init;
extern const struct vk_cmd vk_cmd_add;
extern const struct vk_cmd vk_cmd_login;
extern const struct vk_cmd vk_cmd_list;
extern const struct vk_cmd vk_cmd_show;
extern const struct vk_cmd vk_cmd_remove;
extern const struct vk_cmd vk_cmd_get;
extern const struct vk_cmd vk_cmd_fetch;
extern const struct vk_cmd vk_cmd_import;
extern const struct vk_cmd vk_cmd_export;
extern const struct vk_cmd vk_cmd_unlock;
extern const struct vk_cmd vk_cmd_lock;
extern const struct vk_cmd vk_cmd_status;
extern const struct vk_cmd vk_cmd_slot;
extern const struct vk_cmd vk_cmd_verify;
extern const struct vk_cmd vk_cmd_compact;
extern const struct vk_cmd vk_cmd_backup;
extern const struct vk_cmd vk_cmd_repair;
extern const struct vk_cmd vk_cmd_run;
extern const struct vk_cmd vk_cmd_render;
extern const struct vk_cmd vk_cmd_scan;
extern const struct vk_cmd vk_cmd_setup;
extern const struct vk_cmd vk_cmd_log;
extern const struct vk_cmd vk_cmd_doctor;

const struct vk_cmd *const vk_cmds[] = {
	&vk_cmd_init,
	&vk_cmd_add,
	&vk_cmd_login,
	&vk_cmd_list,
	&vk_cmd_show,
	&vk_cmd_remove,
	&vk_cmd_get,
	&vk_cmd_fetch,
	&vk_cmd_import,
	&vk_cmd_export,
	&vk_cmd_unlock,
	&vk_cmd_lock,
	&vk_cmd_status,
	&vk_cmd_slot,
	&vk_cmd_verify,
	&vk_cmd_compact,
	&vk_cmd_backup,
	&vk_cmd_repair,
	&vk_cmd_run,
	&vk_cmd_render,
	&vk_cmd_scan,
	&vk_cmd_setup,
	&vk_cmd_log,
	&vk_cmd_doctor,
	NULL,
};
