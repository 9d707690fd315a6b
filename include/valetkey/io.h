/* SPDX-License-Identifier: ISC */
/*
 * io.h - whole reads and writes, and replacing a file so that it is either the
 * old one or the new one whatever happens.  What is half done has no name, or one
 * that goes when a signal ends us.
 */
#ifndef VALETKEY_IO_H
#define VALETKEY_IO_H

#include <sys/types.h>

#include "valetkey/base.h"

/** vk_closep(fd): For VK_CLEANUP on descriptors; closes ${*fd} when >= 0. */
void vk_closep(int *fd);

/** vk_fds_drop(first, inherited_only): Close from ${first} on, perhaps only what exec would pass on. */
void vk_fds_drop(int first, bool inherited_only);

/**
 * vk_read_upto(fd, buf, n, ret_len):
 * Read until end of file or ${n} bytes, through short reads and EINTR.
 * ${*ret_len} < ${n} means end of file was met.
 */
enum vk_err vk_read_upto(int fd, void *buf, size_t n, size_t *ret_len) VK_MUST;

/** vk_pread_full(fd, buf, n, off): Exactly ${n} bytes at ${off}; VK_ETAMPER when the file ends before. */
enum vk_err vk_pread_full(int fd, void *buf, size_t n, off_t off) VK_MUST;

/** vk_write_full(fd, buf, n): All of it, through short writes and EINTR. */
enum vk_err vk_write_full(int fd, const void *buf, size_t n) VK_MUST;

/** vk_pwrite_full(fd, buf, n, off): The same at a place in the file. */
enum vk_err vk_pwrite_full(int fd, const void *buf, size_t n, off_t off) VK_MUST;

/** vk_datasync(fd): fdatasync, through EINTR; the caller says what failed. */
int vk_datasync(int fd) VK_MUST;

/**
 * vk_replace_begin(path, mode, ret):
 * vk_replace_commit(r):
 * vk_replace_abort(r):
 * Write a file beside ${path} (symbolic links followed, so that a linked dot
 * file stays a link), then fsync, rename over it and fsync the directory.  The
 * caller writes to ${r->fd}.  abort removes the new file; it is safe after
 * commit, and on NULL.  A failing commit leaves the old file, with one exception: when only the
 * last step, syncing the directory, fails, the new one is in place, and the reason says so.
 */
struct vk_replace {
	int fd;       /* write here */
	char *target; /* the file that is replaced, links resolved */
	char *temp;   /* the new file's name until then; NULL: it has none */
};
enum vk_err vk_replace_begin(const char *path, mode_t mode, struct vk_replace *ret) VK_MUST;
enum vk_err vk_replace_commit(struct vk_replace *r) VK_MUST;
void vk_replace_abort(struct vk_replace *r);

/**
 * vk_replace_begin_new(path, mode, ret):
 * vk_replace_commit_new(r):
 * The same for a file that must not exist yet: VK_EEXIST when it does.  Where the file system can, the file has no
 * name before it is whole, so that of a process that is killed nothing is left.
 */
enum vk_err vk_replace_begin_new(const char *path, mode_t mode, struct vk_replace *ret) VK_MUST;
enum vk_err vk_replace_commit_new(struct vk_replace *r) VK_MUST;

/**
 * vk_replace_begin_unnamed(path, mode, ret):
 * As vk_replace_begin(), but where the file system can, the file has no name until vk_replace_commit() gives it one for
 * a moment: for what is written for so long that being killed meanwhile is likely.
 */
enum vk_err vk_replace_begin_unnamed(const char *path, mode_t mode, struct vk_replace *ret) VK_MUST;

/**
 * vk_litter_file(template):
 * vk_litter_dir(template):
 * mkostemp() and mkdtemp() of a name that is taken away again when a signal ends us, until vk_litter_forget().
 * Until then the string must stay.
 *
 * vk_litter_add(path), vk_litter_forget(path):
 * The same of a name that is ours already; forget takes the very pointer.
 *
 * vk_litter_remove():
 * Take all of them away.  For a signal handler that does not return.
 */
int vk_litter_file(char *template) VK_MUST;
bool vk_litter_dir(char *template) VK_MUST;
void vk_litter_add(const char *path);
void vk_litter_forget(const char *path);
void vk_litter_remove(void);

/** vk_parent(pid): The parent of the process ${pid}, or -1. */
pid_t vk_parent(pid_t pid) VK_MUST;

/** vk_sync_name(path): Whoever gave the file its name may not have lived to fsync the directory: do it. */
enum vk_err vk_sync_name(const char *path) VK_MUST;

/** vk_mkdir_parents(path, mode): Make every missing directory above the file ${path}. */
enum vk_err vk_mkdir_parents(const char *path, mode_t mode) VK_MUST;

/**
 * vk_user_path(env, dir_env, dir_default, file, ret_path):
 * Where a file of ours lies: ${env} if that variable is set (must be absolute),
 * else ${dir_env}/${file} if that is an absolute directory name, else
 * $HOME/${dir_default}/${file}.  VK_EUSAGE with a reason when HOME is unset or
 * relative.  The caller frees ${*ret_path}.
 */
enum vk_err vk_user_path(const char *env, const char *dir_env, const char *dir_default,
    const char *file, char **ret_path) VK_MUST;

#endif
