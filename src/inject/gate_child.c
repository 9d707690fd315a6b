/* SPDX-License-Identifier: ISC */
/*
 * The process that answers opens.  It has the files and nothing else, is closed to its own user (not dumpable),
 * and lives outside the command's namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "gate.h"
#include "gate_child.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

enum { PAGE = 4096 };

struct file {
	int fd;
	enum vk_gate_rule rule;
	struct vk_gate_id id;
	struct vk_gate_place place; /* no name: none */
	struct vk_gate_count count;
};

struct gate {
	int sock, listener;
	struct file v[VK_FILES_MAX];
	size_t n, known;
	pid_t own; /* the command's process; 0: nothing was heard of it yet */
	struct seccomp_notif *in;
	struct seccomp_notif_resp *out;
	struct seccomp_notif_sizes sizes;
};

/* ---- what was asked for ---------------------------------------------------------------------------------------- */

/* The path, which lies in another process: a string that may end just before what cannot be read. */
static bool
read_path(pid_t tid, uint64_t at, char path[PAGE])
{
	char name[32];
	size_t have = 0;

	snprintf(name, sizeof(name), "/proc/%d/mem", (int)tid);
	VK_CLEANUP(vk_closep) int mem = open(name, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return false;
	while (have < PAGE) {
		size_t want = PAGE - (size_t)((at + have) % PAGE);
		ssize_t got;

		if (want > PAGE - have)
			want = PAGE - have;
		got = pread(mem, path + have, want, (off_t)(at + have));
		if (got <= 0)
			return false;
		if (memchr(path + have, '\0', (size_t)got))
			return true;
		have += (size_t)got;
	}
	return false;
}

/* Where a relative path begins, as a link below /proc. */
static void
start_link(pid_t tid, int dirfd, char name[48])
{
	if (dirfd == AT_FDCWD)
		snprintf(name, 48, "/proc/%d/cwd", (int)tid);
	else
		snprintf(name, 48, "/proc/%d/fd/%d", (int)tid, dirfd);
}

/*
 * Absolute ones begin at the root that the process has, and so do links on the way.  That refuses the links of
 * /proc/PID/fd, which R2's files are reached by, and which lead to the same place from everywhere.
 */
static int
open_absolute(pid_t tid, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/root", (int)tid);
	VK_CLEANUP(vk_closep) int root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 && errno == EXDEV ? open(path, O_PATH | O_CLOEXEC) : fd;
}

/* A link on the way may be absolute: then the whole of it as an absolute path. */
static int
open_relative(pid_t tid, int dirfd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	char link[48], whole[2 * PAGE];
	ssize_t n;
	int fd;

	start_link(tid, dirfd, link);
	VK_CLEANUP(vk_closep) int start = open(link, O_PATH | O_CLOEXEC);
	if (start < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, start, path, &how, sizeof(how));
	if (fd >= 0 || errno != ELOOP || (n = readlink(link, whole, PAGE)) < 0 || n == PAGE)
		return fd;
	snprintf(whole + n, sizeof(whole) - (size_t)n, "/%s", path);
	return open_absolute(tid, whole);
}

/* "/proc/self" and the like lead to ours instead of its, hence to no file of the run. */
static bool
identify(pid_t tid, int dirfd, const char *path, struct vk_gate_id *ret)
{
	VK_CLEANUP(vk_closep) int fd = *path == '/' ? open_absolute(tid, path) : open_relative(tid, dirfd, path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	return true;
}

static bool
is_same(const struct vk_gate_id *a, const struct vk_gate_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static struct file *
find(struct gate *g, const struct vk_gate_id *id)
{
	for (size_t i = 0; i < g->known; i++)
		if (is_same(&g->v[i].id, id))
			return &g->v[i];
	return NULL;
}

/*
 * A place where nothing of ours lies: by its directory and its last name.  Most opens have none of the names, and cost
 * no more than to see that.
 */
static struct file *
find_place(struct gate *g, pid_t tid, int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct vk_gate_id id;
	char dir[PAGE];
	bool looked = false;

	for (size_t i = 0; i < g->known; i++) {
		const struct vk_gate_place *p = &g->v[i].place;

		if (!*p->name || strcmp(p->name, name) != 0)
			continue;
		snprintf(dir, sizeof(dir), "%.*s.", (int)(name - path), path);
		if (!looked && !identify(tid, dirfd, dir, &id))
			return NULL;
		looked = true;
		if (is_same(&p->dir, &id))
			return &g->v[i];
	}
	return NULL;
}

/* ---- who asks -------------------------------------------------------------------------------------------------- */

/* The kernel names the thread. */
static pid_t
process_of(pid_t tid)
{
	char name[48], text[1024];
	const char *at;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/status", (int)tid);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		return -1;
	text[n] = '\0';
	/* The name in the first line has its newlines escaped. */
	return (at = strstr(text, "\nTgid:")) ? (pid_t)strtol(at + strlen("\nTgid:"), NULL, 10) : -1;
}

static bool
may_read(const struct gate *g, const struct file *f, pid_t tid)
{
	switch (f->rule) {
	case VK_GATE_ALL:
		return true;
	case VK_GATE_FIRST:
		return f->count.served == 0;
	case VK_GATE_OWN:
		return process_of(tid) == g->own;
	case VK_GATE_OFF:
		break;
	}
	return false;
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static void
go_on(struct gate *g)
{
	memset(g->out, 0, g->sizes.seccomp_notif_resp);
	g->out->id = g->in->id;
	g->out->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(g->listener, SECCOMP_IOCTL_NOTIF_SEND, g->out);
}

/* Whatever it was whose memory and directories were read, it still waits: nobody has its number by now. */
static bool
still_asks(const struct gate *g)
{
	return ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &g->in->id) == 0;
}

/* Opened anew, so that each reader begins at the beginning. */
static bool
hand_over(struct gate *g, struct file *f, unsigned flags)
{
	struct seccomp_notif_addfd add = { .id = g->in->id, .flags = SECCOMP_ADDFD_FLAG_SEND };
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", f->fd);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	add.srcfd = (unsigned)fd;
	add.newfd_flags = flags & O_CLOEXEC;
	return ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0;
}

/* Of openat2() the flags lie in its memory; descriptors are closed at exec by nearly all who know that call. */
static void
arguments(const struct seccomp_data *d, int *ret_dirfd, uint64_t *ret_path, unsigned *ret_flags)
{
#ifdef SYS_open
	if (d->nr == SYS_open) {
		*ret_dirfd = AT_FDCWD;
		*ret_path = d->args[0];
		*ret_flags = (unsigned)d->args[1];
		return;
	}
#endif
	*ret_dirfd = (int)d->args[0];
	*ret_path = d->args[1];
	*ret_flags = d->nr == SYS_openat ? (unsigned)d->args[2] : O_CLOEXEC;
}

static void
answer(struct gate *g)
{
	pid_t tid = (pid_t)g->in->pid;
	char path[PAGE];
	struct vk_gate_id id;
	struct file *f = NULL;
	uint64_t at;
	unsigned flags;
	int dirfd;

	arguments(&g->in->data, &dirfd, &at, &flags);
	if (g->own == 0)
		g->own = process_of(tid);
	if (read_path(tid, at, path)) {
		f = identify(tid, dirfd, path, &id) ? find(g, &id) : NULL;
		f = f ? f : find_place(g, tid, dirfd, path);
	}
	if (!f || !still_asks(g)) {
		go_on(g);
	} else if (may_read(g, f, tid) && hand_over(g, f, flags)) {
		f->count.served++;
	} else {
		f->count.refused++;
		go_on(g);
	}
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static void
hear(struct gate *g, struct vk_note *n)
{
	n->code = n->code == VK_GATE_FILE && (g->n == VK_FILES_MAX || n->n_fds != 1) ? VK_ELIMIT : n->code;
	switch (n->code) {
	case VK_GATE_FILE:
		g->v[g->n++] = (struct file){ .fd = n->fds[0], .rule = (enum vk_gate_rule)n->value };
		n->fds[0] = -1;
		break;
	case VK_GATE_REPLACE:
		if (n->n_fds == 1 && n->value >= 0 && (size_t)n->value < g->n) {
			vk_closep(&g->v[n->value].fd);
			g->v[n->value].fd = n->fds[0];
			n->fds[0] = -1;
		}
		break;
	case VK_GATE_KNOW:
		if (g->known < g->n)
			memcpy(&g->v[g->known++].id, n->text, sizeof(struct vk_gate_id));
		break;
	case VK_GATE_PLACE:
		if (g->known > 0)
			memcpy(&g->v[g->known - 1].place, n->text, sizeof(struct vk_gate_place));
		break;
	case VK_GATE_LISTEN:
		g->listener = n->fds[0];
		/* Linux 6.6: the caller and we take turns on one processor. */
		(void)ioctl(g->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
		n->fds[0] = -1;
		return; /* the command does not wait for an answer */
	case VK_GATE_COUNT:
		for (size_t i = 0; i < g->n; i++)
			memcpy(n->text + i * sizeof(g->v[i].count), &g->v[i].count, sizeof(g->v[i].count));
		break;
	default:
		vk_note_fail(g->sock, VK_EPROTO);
		return;
	}
	n->code = VK_OK;
	n->n_fds = 0;
	(void)!vk_note_send(g->sock, n);
}

static enum vk_err
serve(struct gate *g)
{
	for (;;) {
		struct pollfd p[2] = { { g->sock, POLLIN, 0 }, { g->listener, POLLIN, 0 } };
		VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
		enum vk_err e;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents & POLLIN) {
			memset(g->in, 0, g->sizes.seccomp_notif);
			if (ioctl(g->listener, SECCOMP_IOCTL_NOTIF_RECV, g->in) == 0)
				answer(g);
		} else if (p[1].revents) {
			vk_closep(&g->listener); /* nobody is left that could ask */
		}
		if (p[0].revents && (e = vk_note_recv(g->sock, &n)) != VK_OK)
			return e;
		if (p[0].revents)
			hear(g, &n);
	}
}

void
vk_gate_main(int sock, const void *arg)
{
	struct gate g = { .sock = sock, .listener = -1 };

	(void)arg;
	prctl(PR_SET_NAME, "valetkey-gate");
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &g.sizes) < 0)
		return;
	g.in = calloc(1, g.sizes.seccomp_notif);
	g.out = calloc(1, g.sizes.seccomp_notif_resp);
	if (g.in && g.out)
		(void)!serve(&g);
	free(g.in);
	free(g.out);
}
