/* SPDX-License-Identifier: ISC */
/*
 * Inside "valetkey run" git is answered from a file of descriptions in its own format, which
 * only that run can read: no keystore, no key, no config.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "valetkey/io.h"
#include "git.h"

static enum vk_err
read_file(const char *file, struct vk_buf *b)
{
	VK_CLEANUP(vk_closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return vk_fail_errno("cannot open the answers of this run, %s", file);
	return vk_buf_read(b, fd);
}

/* The credential of one description; VK_ENOENT when it does not answer ${q}. */
static enum vk_err
consider(const char *text, size_t n, const struct vk_query *q, struct vk_cred **ret)
{
	VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg m = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e = vk_git_parse(text, n, &m);

	if (e == VK_OK)
		e = vk_git_cred(&m, &c);
	if (e != VK_OK)
		return e;
	if (!vk_cred_matches(c, q) || vk_cred_expired(c, time(NULL)))
		return VK_ENOENT;
	*ret = VK_TAKE(c);
	return VK_OK;
}

enum vk_err
vk_git_answers_find(const char *file, const struct vk_query *q, struct vk_cred **ret_cred)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_cred_freep) struct vk_cred *best = NULL;
	enum vk_err e = read_file(file, &b);

	if (e != VK_OK)
		return e;
	for (size_t at = 0, n; at < b.len; at += n) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

		if ((n = vk_git_block(b.p + at, b.len - at)) == 0)
			n = b.len - at;
		e = consider(b.p + at, n, q, &c);
		if (e != VK_OK && e != VK_ENOENT)
			return vk_fail(e, "%s: %s", file, vk_reason());
		/* Longest path first, then the order of the file. */
		if (e == VK_OK && (!best || strlen(c->scope.path) > strlen(best->scope.path))) {
			vk_cred_free(best);
			best = VK_TAKE(c);
		}
	}
	if (!best)
		return VK_ENOENT;
	*ret_cred = VK_TAKE(best);
	return VK_OK;
}
