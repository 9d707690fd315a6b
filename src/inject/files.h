/* SPDX-License-Identifier: ISC */
/* files.h - the files of one run, before and after they are placed. */
#ifndef VK_INJECT_FILES_H
#define VK_INJECT_FILES_H

#include "valetkey/inject.h"
#include "valetkey/secret.h"

enum { VK_FILES_MAX = 32 };

struct vk_file {
	char name[64];      /* unique in the run */
	struct vk_buf text; /* in the arena until it is placed */
	char *over;         /* R1: an existing file to be hidden by this one; NULL: none */
	char *fixed;        /* where readers look that nothing leads elsewhere, for the gate; NULL: none */
	char *path;         /* how the command reaches it; NULL until it is placed */
	int fd;             /* ours, writable, for the wipe (R1); -1 */
	char *map;          /* the same for R2 */
	size_t size;
	struct vk_buf plain; /* what stays when the credentials are withdrawn */
	bool is_secret;     /* ${text} is one secret and nothing else */
	enum vk_gate_rule rule; /* of the gate, in the place of the run's; OFF: the run's */
};

struct vk_files {
	struct vk_file v[VK_FILES_MAX];
	size_t n;
};

/** vk_files_add(f, name, text, over, ret): Takes ${text}; ${over} is copied.  ${ret} is borrowed. */
enum vk_err vk_files_add(struct vk_files *f, const char *name, struct vk_buf *text,
    const char *over, struct vk_file **ret) VK_MUST;

/** vk_files_forget_text(f): The placed bytes are enough from now on. */
void vk_files_forget_text(struct vk_files *f);

/** vk_files_withdraw(f): Overwrite every placed file with what it would be without credentials. */
enum vk_err vk_files_withdraw(struct vk_files *f) VK_MUST;

/** vk_files_wipe(f): Overwrite every placed file; VK_ESYS when one could not be. */
enum vk_err vk_files_wipe(struct vk_files *f) VK_MUST;

/** vk_files_clear(f): Release; does not overwrite what was placed. */
void vk_files_clear(struct vk_files *f);

#endif
