/* SPDX-License-Identifier: ISC */
/* files.h - the files of one run, before and after they are placed. */
#ifndef VK_INJECT_FILES_H
#define VK_INJECT_FILES_H

#include "valetkey/inject.h"
#include "valetkey/secret.h"

enum { VK_FILES_MAX = 32, VK_FILES_OLD = 4 };

struct vk_recipe;

/* The bytes of a file, as they are placed. */
struct vk_placed {
	int fd;      /* ours, writable, for the wipe (R1, R3); -1 */
	char *map;   /* the same for R2 and the gate */
	size_t size; /* of ${map} */
};

struct vk_file {
	char name[64];      /* unique in the run */
	struct vk_buf text; /* in the arena until it is placed */
	char *over;         /* R1: an existing file to be hidden by this one; NULL: none */
	char *fixed;        /* where readers look that nothing leads elsewhere, for the gate; NULL: none */
	char *path;         /* how the command reaches it; NULL until it is placed */
	struct vk_placed now;
	/* What it was before it was rewritten, for those who opened it then; the oldest first. */
	struct vk_placed old[VK_FILES_OLD];
	size_t n_old;
	unsigned rewritten; /* so many times */
	int spot;           /* R1: the mount that hides ${over}, as a name only (O_PATH); -1 */
	struct vk_buf plain; /* what stays when the credentials are withdrawn */
	bool is_secret;     /* ${text} is one secret and nothing else */
	const struct vk_build_secret *secret; /* which it is; NULL: none */
	const struct vk_recipe *recipe;       /* who makes ${text}; NULL: */
	struct vk_buf template;               /* what it is made from; empty as well: it is as it is */
	bool changes;       /* a source of it may */
	enum vk_gate_rule rule; /* of the gate, in the place of the run's; OFF: the run's */
};

struct vk_files {
	struct vk_file v[VK_FILES_MAX];
	size_t n;
};

/** vk_files_add(f, name, text, over, ret): Takes ${text}; ${over} is copied.  ${ret} is borrowed. */
enum vk_err vk_files_add(struct vk_files *f, const char *name, struct vk_buf *text,
    const char *over, struct vk_file **ret) VK_MUST;

/**
 * vk_files_succeed(f, next):
 * ${next} is what ${f} is from now on.  The bytes until now are kept, since somebody may be in the middle of reading
 * them; when there are VK_FILES_OLD already, the oldest are overwritten.
 */
void vk_files_succeed(struct vk_file *f, struct vk_placed *next);

/** vk_placed_write(dir, name, text, ret): Make ${name} in ${dir}, readable for its owner alone. */
enum vk_err vk_placed_write(int dir, const char *name, const struct vk_buf *text, struct vk_placed *ret) VK_MUST;

/** vk_placed_drop(p): Overwrite and release. */
void vk_placed_drop(struct vk_placed *p);

/** vk_files_forget_text(f): The placed bytes are enough from now on. */
void vk_files_forget_text(struct vk_files *f);

/** vk_files_withdraw(f): Overwrite every placed file with what it would be without credentials, and older ones. */
enum vk_err vk_files_withdraw(struct vk_files *f) VK_MUST;

/** vk_files_wipe(f): Overwrite every placed file; VK_ESYS when one could not be. */
enum vk_err vk_files_wipe(struct vk_files *f) VK_MUST;

/** vk_files_clear(f): Release; does not overwrite what was placed. */
void vk_files_clear(struct vk_files *f);

#endif
