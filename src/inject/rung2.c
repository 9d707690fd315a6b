/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "memory_file.h"
#include "rung2.h"

enum { REPLACE = 501 }; /* the descriptor in ${value}; else it is one more */

/* Whoever opens the number meanwhile finds the one or the other (dup2(2)). */
static enum vk_err
hold(struct vk_note *n)
{
	int fd = n->fds[0];

	n->fds[0] = -1;
	n->n_fds = 0;
	if (n->code != REPLACE)
		n->value = fd; /* stays open */
	else if (dup3(fd, (int)n->value, O_CLOEXEC) < 0)
		return vk_fail_errno("cannot replace a memory file");
	if (n->code == REPLACE)
		close(fd);
	n->code = VK_OK;
	return VK_OK;
}

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
	while (vk_note_send(sock, &n) == VK_OK && vk_note_recv(sock, &n) == VK_OK && n.n_fds == 1)
		if ((e = hold(&n)) != VK_OK) {
			n.code = e;
			snprintf(n.text, sizeof(n.text), "%s", vk_reason());
		}
}

static enum vk_err
hear(struct vk_rung2 *r, struct vk_note *n)
{
	enum vk_err e = vk_note_recv_soon(r->holder.sock, n);

	if (e == VK_OK && n->code != VK_OK)
		e = vk_fail((enum vk_err)n->code, "%s", n->text);
	return e;
}

bool
vk_rung2_has_names(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && strtol(text, NULL, 10) == (long)getpid())
		return true;
	(void)!vk_fail(VK_ESYS, n > 0 ? "/proc here belongs to another PID namespace" : "there is no /proc here");
	return false;
}

enum vk_err
vk_rung2_start(struct vk_rung2 *r, bool late)
{
	if (late)
		return vk_child_start_late(holder_main, NULL, &r->holder);
	return vk_child_start(0, holder_main, NULL, &r->holder);
}

/* A name that leads astray is not given to the command. */
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
give(struct vk_rung2 *r, int fd, struct vk_note *n)
{
	enum vk_err e;

	if ((n->fds[0] = dup(fd)) < 0)
		return vk_fail_errno("cannot copy a descriptor");
	n->n_fds = 1;
	if ((e = vk_note_send(r->holder.sock, n)) != VK_OK)
		return e;
	vk_note_clear(n);
	return hear(r, n);
}

static enum vk_err
place_one(struct vk_rung2 *r, struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e;

	if ((e = vk_memory_file(f, &r->locked, &f->now, &fd)) != VK_OK)
		return e;
	if ((e = give(r, fd, &n)) != VK_OK)
		return e;
	if (!(f->path = vk_asprintf("/proc/%d/fd/%ld", (int)r->holder.pid, n.value)))
		return VK_ENOMEM;
	return check_name(f->path, fd);
}

enum vk_err
vk_rung2_replace(struct vk_rung2 *r, struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_closep) int fd = -1;
	struct vk_placed next = { .fd = -1 };
	enum vk_err e;

	if ((e = vk_memory_file(f, &r->locked, &next, &fd)) != VK_OK)
		return e;
	n.code = REPLACE;
	n.value = strtol(strrchr(f->path, '/') + 1, NULL, 10);
	if ((e = give(r, fd, &n)) != VK_OK) {
		vk_placed_drop(&next);
		return e;
	}
	vk_files_succeed(f, &next);
	return VK_OK;
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
