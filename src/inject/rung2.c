/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "rung2.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static void
holder_main(int sock, const void *arg)
{
	struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	(void)arg;
	prctl(PR_SET_NAME, "valetkey-files");
	/* Who has capabilities that a reader lacks is closed to it; who is not dumpable, to everybody. */
	e = vk_caps_drop();
	if (e == VK_OK && prctl(PR_SET_DUMPABLE, 1) < 0)
		e = vk_fail_errno("cannot become dumpable");
	if (e != VK_OK) {
		vk_note_fail(sock, e);
		return;
	}
	while (vk_note_send(sock, &n) == VK_OK && vk_note_recv(sock, &n) == VK_OK && n.n_fds == 1) {
		n.value = n.fds[0]; /* stays open */
		n.n_fds = 0;
	}
}

static enum vk_err
hear(struct vk_rung2 *r, struct vk_note *n)
{
	enum vk_err e = vk_note_recv(r->holder.sock, n);

	if (e == VK_OK && n->code != VK_OK)
		e = vk_fail((enum vk_err)n->code, "%s", n->text);
	return e;
}

enum vk_err
vk_rung2_start(struct vk_rung2 *r)
{
	return vk_child_start(0, holder_main, NULL, &r->holder);
}

/*
 * The writable mapping is made before the seal and is the only way left to change the bytes: it is
 * how they are overwritten in the end.
 */
static enum vk_err
fill(struct vk_file *f, int fd, bool *locked)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	char *map;

	if (f->text.len > 0 && vk_write_full(fd, f->text.p, f->text.len) != VK_OK)
		return VK_ESYS;
	if (fchmod(fd, 0400) < 0)
		return vk_fail_errno("cannot protect a memory file");
	if (f->text.len > 0) {
		map = mmap(NULL, f->text.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			return vk_fail_errno("cannot map a memory file");
		f->map = map;
		f->size = f->text.len;
		madvise(map, f->size, MADV_DONTDUMP);
		if (mlock(map, f->size) < 0)
			*locked = false;
	}
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return vk_fail_errno("cannot seal a memory file");
	return VK_OK;
}

static int
memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/* Where /proc shows another PID namespace's numbers, the name would lead astray. */
static enum vk_err
check_name(const char *path, int fd)
{
	struct stat named, real;

	if (stat(path, &named) < 0)
		return vk_fail_errno("a memory file cannot be reached as %s", path);
	if (fstat(fd, &real) < 0 || named.st_dev != real.st_dev || named.st_ino != real.st_ino)
		return vk_fail(VK_ESYS, "/proc here belongs to another PID namespace");
	return VK_OK;
}

static enum vk_err
place_one(struct vk_rung2 *r, struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_closep) int fd = memory_file(f->name);
	enum vk_err e;

	if (fd < 0)
		return vk_fail_errno("cannot make a memory file");
	if ((e = fill(f, fd, &r->locked)) != VK_OK)
		return e;
	n.fds[0] = dup(fd);
	n.n_fds = 1;
	if ((e = vk_note_send(r->holder.sock, &n)) != VK_OK)
		return e;
	vk_note_clear(&n);
	if ((e = hear(r, &n)) != VK_OK)
		return e;
	if (!(f->path = vk_asprintf("/proc/%d/fd/%ld", (int)r->holder.pid, n.value)))
		return VK_ENOMEM;
	return check_name(f->path, fd);
}

enum vk_err
vk_rung2_place(struct vk_rung2 *r, struct vk_files *files)
{
	struct vk_note ready = VK_NOTE_INIT;
	enum vk_err e = hear(r, &ready);

	for (size_t i = 0; e == VK_OK && i < files->n; i++)
		e = place_one(r, &files->v[i]);
	return e;
}

void
vk_rung2_end(struct vk_rung2 *r)
{
	vk_child_stop(&r->holder);
}
