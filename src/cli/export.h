/* SPDX-License-Identifier: ISC */
/* export.h - the ways out of a keystore: lines of JSON in clear, and other keystores. */
#ifndef VK_CLI_EXPORT_H
#define VK_CLI_EXPORT_H

#include "cli/progress.h"
#include "cli/taking.h"

struct vk_exporting {
	struct vk_store *st;
	struct vk_scope *under; /* only what lies below one of these ${n_under}, unless 0 */
	size_t n_under;
	bool progress;
	uint64_t n;             /* entries that went out */
};

/**
 * vk_export_each(ex, label, fn, arg):
 * Call ${fn} for each entry that is to go out, once, and count it; ${label} is for the progress bar.
 * VK_ENOENT when URLs were given and there is nothing below them.
 */
enum vk_err vk_export_each(struct vk_exporting *ex, const char *label, vk_store_visit *fn, void *arg)
    VK_MUST;

/**
 * vk_export_clear(ex, file):
 * One JSON object per line to ${file}, which must not exist, or to standard output when it is NULL.
 */
enum vk_err vk_export_clear(struct vk_exporting *ex, const char *file) VK_MUST;

/**
 * vk_export_store(ex, path, key_file, t):
 * Into the keystore ${path}, which the raw key in ${key_file} opens, in one transaction; ${t} says how
 * it went.
 */
enum vk_err vk_export_store(struct vk_exporting *ex, const char *path, const char *key_file,
    struct vk_taking *t) VK_MUST;

/**
 * vk_export_recipient(ex, recipient, path, t):
 * Into a new keystore ${path}, which must not exist and which the identity of ${recipient} (vkr1-...) alone
 * opens.
 */
enum vk_err vk_export_recipient(struct vk_exporting *ex, const char *recipient, const char *path,
    struct vk_taking *t) VK_MUST;

/** vk_export_copy(ex, to, t): Into the open keystore ${to}, for the two above. */
enum vk_err vk_export_copy(struct vk_exporting *ex, struct vk_store *to, struct vk_taking *t) VK_MUST;

#endif
