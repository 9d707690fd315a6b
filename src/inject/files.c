/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
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
	*v = (struct vk_file){ .now.fd = -1, .spot = -1, .plain = VK_BUF(VK_MAX_FILE) };
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
	for (size_t i = 0; i < f->n; i++) {
		vk_buf_clear(&f->v[i].text);
		vk_buf_clear(&f->v[i].template);
	}
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

static enum vk_err
wipe(const struct vk_placed *p)
{
	if (p->map)
		vk_wipe(p->map, p->size);
	return p->fd >= 0 ? overwrite(p->fd) : VK_OK;
}

void
vk_placed_drop(struct vk_placed *p)
{
	if (wipe(p) != VK_OK)
		vk_reason_clear();
	vk_closep(&p->fd);
	if (p->map)
		munmap(p->map, p->size);
	*p = (struct vk_placed){ .fd = -1 };
}

enum vk_err
vk_placed_write(int dir, const char *name, const struct vk_buf *text, struct vk_placed *ret)
{
	enum vk_err e = VK_OK;

	ret->fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (ret->fd < 0)
		return vk_fail_errno("cannot write %s", name);
	if (text->len > 0)
		e = vk_write_full(ret->fd, text->p, text->len);
	/* A umask may have taken the owner's read permission. */
	if (e == VK_OK && fchmod(ret->fd, 0400) < 0)
		e = vk_fail_errno("cannot protect %s", name);
	if (e != VK_OK) {
		vk_placed_drop(ret);
		unlinkat(dir, name, 0);
	}
	return e;
}

void
vk_files_succeed(struct vk_file *f, struct vk_placed *next)
{
	if (f->n_old == VK_FILES_OLD) {
		vk_placed_drop(&f->old[0]);
		memmove(f->old, f->old + 1, --f->n_old * sizeof(*f->old));
	}
	f->old[f->n_old++] = f->now;
	f->now = *next;
	*next = (struct vk_placed){ .fd = -1 };
	f->rewritten++;
}

static void
drop_old(struct vk_file *f)
{
	while (f->n_old > 0)
		vk_placed_drop(&f->old[--f->n_old]);
}

/* In place, since its length is sealed: blank lines at the end mean nothing to any reader. */
static void
withdraw_mapped(struct vk_file *v)
{
	char *map = v->now.map;
	size_t size = v->now.size, n = v->plain.len < size ? v->plain.len : size;

	vk_wipe(map, size);
	memset(map, '\n', size);
	if (n > 0)
		memcpy(map, v->plain.p, n);
}

enum vk_err
vk_files_withdraw(struct vk_files *f)
{
	enum vk_err worst = VK_OK;

	for (size_t i = 0; i < f->n; i++) {
		struct vk_file *v = &f->v[i];
		int fd = v->now.fd;
		enum vk_err e = fd >= 0 ? overwrite(fd) : VK_OK;

		if (e == VK_OK && fd >= 0 && v->plain.len > 0)
			e = lseek(fd, 0, SEEK_SET) < 0 ? vk_fail_errno("%s", v->name) :
			    vk_write_full(fd, v->plain.p, v->plain.len);
		if (v->now.map)
			withdraw_mapped(v);
		drop_old(v);
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
		enum vk_err e = wipe(&f->v[i].now);

		drop_old(&f->v[i]);
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
		vk_buf_clear(&v->template);
		vk_closep(&v->spot);
		vk_closep(&v->now.fd);
		if (v->now.map)
			munmap(v->now.map, v->now.size);
		free(v->over);
		free(v->fixed);
		free(v->path);
	}
	f->n = 0;
}
