/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "files.h"

enum vk_err
vk_files_add(struct vk_files *f, const char *name, struct vk_buf *text, const char *over,
    struct vk_file **ret)
{
	struct vk_file *v;

	if (f->n == VK_FILES_MAX)
		return vk_fail(VK_ELIMIT, "a run places at most %d files", VK_FILES_MAX);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].name, name) == 0)
			return vk_fail(VK_EUSAGE, "two files of this run have the name %s", name);
	v = &f->v[f->n];
	*v = (struct vk_file){ .fd = -1, .plain = VK_BUF(VK_MAX_FILE) };
	if ((size_t)snprintf(v->name, sizeof(v->name), "%s", name) >= sizeof(v->name))
		return vk_fail(VK_EUSAGE, "the name %s is too long for a file of a run", name);
	if (over && !(v->over = vk_strdup(over)))
		return VK_ENOMEM;
	v->text = *text;
	*text = (struct vk_buf)VK_BUF_SECRET(text->max);
	f->n++;
	*ret = v;
	return VK_OK;
}

void
vk_files_forget_text(struct vk_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		vk_buf_clear(&f->v[i].text);
}

static enum vk_err
overwrite(int fd)
{
	static const char zeros[4096];
	struct stat st;

	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return vk_fail_errno("cannot overwrite a file of this run");
	for (off_t left = st.st_size; left > 0;) {
		size_t n = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
		enum vk_err e = vk_write_full(fd, zeros, n);

		if (e != VK_OK)
			return e;
		left -= (off_t)n;
	}
	if (ftruncate(fd, 0) < 0)
		return vk_fail_errno("cannot empty a file of this run");
	return VK_OK;
}

/* In place, since its length is sealed: blank lines at the end mean nothing to any reader. */
static void
withdraw_mapped(struct vk_file *v)
{
	size_t n = v->plain.len < v->size ? v->plain.len : v->size;

	vk_wipe(v->map, v->size);
	memset(v->map, '\n', v->size);
	if (n > 0)
		memcpy(v->map, v->plain.p, n);
}

enum vk_err
vk_files_withdraw(struct vk_files *f)
{
	enum vk_err worst = VK_OK;

	for (size_t i = 0; i < f->n; i++) {
		struct vk_file *v = &f->v[i];
		enum vk_err e = v->fd >= 0 ? overwrite(v->fd) : VK_OK;

		if (e == VK_OK && v->fd >= 0 && v->plain.len > 0)
			e = lseek(v->fd, 0, SEEK_SET) < 0 ? vk_fail_errno("%s", v->name) :
			    vk_write_full(v->fd, v->plain.p, v->plain.len);
		if (v->map)
			withdraw_mapped(v);
		if (e != VK_OK)
			worst = e;
	}
	return worst;
}

enum vk_err
vk_files_wipe(struct vk_files *f)
{
	enum vk_err worst = VK_OK;

	for (size_t i = 0; i < f->n; i++) {
		enum vk_err e = f->v[i].fd >= 0 ? overwrite(f->v[i].fd) : VK_OK;

		if (f->v[i].map)
			vk_wipe(f->v[i].map, f->v[i].size);
		if (e != VK_OK)
			worst = e;
	}
	return worst;
}

void
vk_files_clear(struct vk_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct vk_file *v = &f->v[i];

		vk_buf_clear(&v->text);
		vk_buf_clear(&v->plain);
		vk_closep(&v->fd);
		if (v->map)
			munmap(v->map, v->size);
		free(v->over);
		free(v->fixed);
		free(v->path);
	}
	f->n = 0;
}
