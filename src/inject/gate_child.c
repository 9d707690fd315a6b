/* SPDX-License-Identifier: ISC */
/*
 * The process that answers opens.  It has the files and nothing else, is closed to its own user (not dumpable),
 * and lives outside the command's namespaces.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "confine.h"
#include "gate.h"
#include "gate_child.h"
#include "gate_look.h"
#include "phases.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

enum { LISTENERS = VK_PHASES_MAX };

struct file {
	int fd;
	enum vk_gate_rule rule;
	struct vk_gate_id id;
	struct vk_gate_place place; /* no name: none */
	struct vk_gate_count count;
};

struct gate {
	int sock, listener; /* of the open that is answered */
	int listeners[LISTENERS]; /* a part of the command each; -1: none, or no more */
	struct file v[VK_FILES_MAX];
	size_t n, known;
	pid_t own; /* the command's process; 0: nothing was heard of it yet */
	struct vk_confine confine;
	bool confines;
	bool left; /* by valetkey: for what the command left running */
	struct seccomp_notif *in;
	struct seccomp_notif_resp *out;
	struct seccomp_notif_sizes sizes;
};

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
find_place(struct gate *g, const struct vk_look *l)
{
	const char *slash = strrchr(l->path, '/'), *name = slash ? slash + 1 : l->path;
	struct vk_gate_id id;
	struct stat st;
	char dir[VK_LOOK_MAX];
	bool looked = false, sure;

	for (size_t i = 0; i < g->known; i++) {
		const struct vk_gate_place *p = &g->v[i].place;

		if (!*p->name || strcmp(p->name, name) != 0)
			continue;
		if (!looked) {
			snprintf(dir, sizeof(dir), "%.*s.", (int)(name - l->path), l->path);
			VK_CLEANUP(vk_closep) int fd = vk_look_open(l, dir, 0, &sure);
			if (fd < 0 || fstat(fd, &st) < 0)
				return NULL;
			id = (struct vk_gate_id){ .dev = st.st_dev, .ino = st.st_ino };
		}
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
respond(struct gate *g, int value, int error, unsigned flags)
{
	memset(g->out, 0, g->sizes.seccomp_notif_resp);
	g->out->id = g->in->id;
	g->out->val = value;
	g->out->error = error;
	g->out->flags = flags;
	(void)ioctl(g->listener, SECCOMP_IOCTL_NOTIF_SEND, g->out);
}

static void
go_on(struct gate *g)
{
	respond(g, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* Whatever it was whose memory and directories were read, it still waits: nobody has its number by now. */
static bool
still_asks(const struct gate *g)
{
	return ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &g->in->id) == 0;
}

/*
 * Ours is closed before the caller goes on: it must not find a file of its own locked by us, or open for writing.
 */
static bool
hand_over(struct gate *g, int *fd, unsigned flags)
{
	struct seccomp_notif_addfd add = {
		.id = g->in->id, .srcfd = (unsigned)*fd, .newfd_flags = flags & O_CLOEXEC,
	};
	int at = ioctl(g->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	vk_closep(fd);
	if (at < 0)
		return false;
	respond(g, at, 0, 0);
	return true;
}

/* Opened anew, so that each reader begins at the beginning. */
static bool
serve_file(struct gate *g, struct file *f, unsigned flags)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", f->fd);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && hand_over(g, &fd, flags);
}

static void
serve_other(struct gate *g, const struct vk_look *l, int name, const struct stat *st)
{
	int fd = g->confines ? vk_confine_answer(&g->confine, l, name, st) : VK_CONFINE_GO_ON;

	if (fd == VK_CONFINE_GO_ON)
		go_on(g);
	else if (fd < 0)
		respond(g, 0, fd, 0);
	else if (!hand_over(g, &fd, l->flags))
		respond(g, 0, -EMFILE, 0);
}

static void
answer(struct gate *g)
{
	struct vk_look l;
	struct file *f = NULL;
	struct stat st = { 0 };
	VK_CLEANUP(vk_closep) int fd = -1;
	bool sure;

	if (g->own == 0)
		g->own = process_of((pid_t)g->in->pid);
	if (!vk_look_read(&l, g->in)) {
		go_on(g);
		return;
	}
	fd = vk_look_open(&l, l.path, (int)(l.flags & O_NOFOLLOW), &sure);
	if (fd >= 0 && fstat(fd, &st) < 0)
		vk_closep(&fd);
	if (vk_look_reads(&l)) {
		f = fd >= 0 ? find(g, &(struct vk_gate_id){ .dev = st.st_dev, .ino = st.st_ino }) : NULL;
		f = f ? f : find_place(g, &l);
	}
	if (!still_asks(g)) {
		go_on(g);
	} else if (!f && sure) {
		serve_other(g, &l, fd, &st);
	} else if (f && may_read(g, f, l.tid) && serve_file(g, f, l.flags)) {
		f->count.served++;
	} else {
		if (f)
			f->count.refused++;
		go_on(g);
	}
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

/* Of the command, or its next part: by then no file holds a credential, and who gets one is all the same. */
static void
listen_to(struct gate *g, int *fd)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		if (g->listeners[i] >= 0)
			continue;
		/* Linux 6.6: the caller and we take turns on one processor. */
		(void)ioctl(*fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
		g->listeners[i] = *fd;
		*fd = -1;
		break;
	}
	for (size_t i = 0; g->own != 0 && i < g->n; i++)
		g->v[i].rule = VK_GATE_ALL;
}

static enum vk_err
hear_file(struct gate *g, struct vk_note *n)
{
	if (g->n == VK_FILES_MAX || n->n_fds != 1)
		return VK_ELIMIT;
	g->v[g->n++] = (struct file){ .fd = n->fds[0], .rule = (enum vk_gate_rule)n->value };
	n->fds[0] = -1;
	return VK_OK;
}

static enum vk_err
hear_hidden(struct gate *g, struct vk_note *n)
{
	int fd = n->fds[0];

	n->fds[0] = -1;
	return fd >= 0 ? vk_confine_hide(&g->confine, fd) : VK_EPROTO;
}

/*
 * What the command left running still waits for us at each open: nobody else can answer it.  So we stay, without a
 * file, until it has ended too.
 */
static void
leave(struct gate *g, struct vk_note *n)
{
	n->value = 0;
	for (size_t i = 0; i < g->n; i++)
		vk_closep(&g->v[i].fd);
	g->n = g->known = 0;
	g->left = true;
	vk_child_outlive();
	for (size_t i = 0; i < LISTENERS; i++) {
		struct pollfd p = { .fd = g->listeners[i] };

		if (p.fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP))
			vk_closep(&g->listeners[i]);
		n->value += g->listeners[i] >= 0;
	}
}

static bool
is_over(const struct gate *g)
{
	for (size_t i = 0; i < LISTENERS; i++)
		if (g->listeners[i] >= 0)
			return false;
	return g->left;
}

static void
hear(struct gate *g, struct vk_note *n)
{
	enum vk_err e = VK_OK;
	size_t n_fds = 0;

	switch (n->code) {
	case VK_GATE_FILE:
		e = hear_file(g, n);
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
	case VK_GATE_HIDE:
		e = hear_hidden(g, n);
		break;
	case VK_GATE_RULES:
		e = vk_confine_rules(&g->confine, &n->fds[0]);
		g->confines = e == VK_OK;
		n_fds = 1;
		break;
	case VK_GATE_LISTEN:
		listen_to(g, &n->fds[0]);
		return; /* the command does not wait for an answer */
	case VK_GATE_COUNT:
		for (size_t i = 0; i < g->n; i++)
			memcpy(n->text + i * sizeof(g->v[i].count), &g->v[i].count, sizeof(g->v[i].count));
		break;
	case VK_GATE_LEAVE:
		leave(g, n);
		break;
	default:
		e = VK_EPROTO;
	}
	if (e != VK_OK) {
		vk_note_fail(g->sock, e);
		return;
	}
	n->code = VK_OK;
	n->n_fds = n_fds;
	(void)!vk_note_send(g->sock, n);
}

static void
hear_opens(struct gate *g, int *listener, short events)
{
	if (events & POLLIN) {
		g->listener = *listener;
		memset(g->in, 0, g->sizes.seccomp_notif);
		if (ioctl(*listener, SECCOMP_IOCTL_NOTIF_RECV, g->in) == 0)
			answer(g);
	} else if (events) {
		vk_closep(listener); /* nobody is left that could ask */
	}
}

static enum vk_err
serve(struct gate *g)
{
	for (;;) {
		struct pollfd p[1 + LISTENERS] = { { g->sock, POLLIN, 0 } };
		VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
		enum vk_err e;

		for (size_t i = 0; i < LISTENERS; i++)
			p[1 + i] = (struct pollfd){ g->listeners[i], POLLIN, 0 };
		if (poll(p, VK_COUNT(p), -1) < 0)
			continue;
		for (size_t i = 0; i < LISTENERS; i++)
			hear_opens(g, &g->listeners[i], p[1 + i].revents);
		if (p[0].revents && (e = vk_note_recv(g->sock, &n)) == VK_OK)
			hear(g, &n);
		else if (p[0].revents && !g->left)
			return e;
		else if (p[0].revents)
			vk_closep(&g->sock);
		if (is_over(g))
			return VK_OK;
	}
}

void
vk_gate_main(int sock, const void *arg)
{
	struct gate g = { .sock = sock };

	(void)arg;
	prctl(PR_SET_NAME, "valetkey-gate");
	for (size_t i = 0; i < LISTENERS; i++)
		g.listeners[i] = -1;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &g.sizes) < 0)
		return;
	g.in = calloc(1, g.sizes.seccomp_notif);
	g.out = calloc(1, g.sizes.seccomp_notif_resp);
	if (g.in && g.out)
		(void)!serve(&g);
	free(g.in);
	free(g.out);
}
