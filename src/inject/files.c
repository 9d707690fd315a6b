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
	*v = (struct vk_file){ .fd = -1 };
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
		vk_closep(&v->fd);
		if (v->map)
			munmap(v->map, v->size);
		free(v->over);
		free(v->path);
	}
	f->n = 0;
}
