/* SPDX-License-Identifier: ISC */
/* Our side of the gate, and the command's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "filter.h"
#include "gate.h"
#include "gate_child.h"
#include "memory_file.h"

enum vk_err
vk_gate_start(struct vk_gate *g, enum vk_gate_rule rule)
{
	g->rule = rule;
	return vk_child_start(0, vk_gate_main, NULL, &g->child);
}

static enum vk_err
ask(struct vk_gate *g, struct vk_note *n)
{
	enum vk_err e = vk_note_send(g->child.sock, n);

	vk_note_clear(n);
	if (e == VK_OK)
		e = vk_note_recv_soon(g->child.sock, n);
	if (e == VK_OK && n->code != VK_OK)
		e = vk_fail((enum vk_err)n->code, "%s", n->text);
	return e;
}

enum vk_err
vk_gate_take(struct vk_gate *g, struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	n.code = VK_GATE_FILE;
	n.value = (long)(f->rule ? f->rule : g->rule);
	if ((e = vk_memory_file(f, &g->locked, &f->now, &n.fds[0])) != VK_OK)
		return e;
	n.n_fds = 1;
	vk_buf_clear(&f->text);
	return ask(g, &n);
}

enum vk_err
vk_gate_replace(struct vk_gate *g, size_t i, struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	struct vk_placed next = { .fd = -1 };
	enum vk_err e;

	if ((e = vk_memory_file(f, &g->locked, &next, &n.fds[0])) != VK_OK)
		return e;
	n.code = VK_GATE_REPLACE;
	n.value = (long)i;
	n.n_fds = 1;
	if ((e = ask(g, &n)) != VK_OK) {
		vk_placed_drop(&next);
		return e;
	}
	vk_files_succeed(f, &next);
	return VK_OK;
}

enum vk_err
vk_gate_know(struct vk_gate *g, const struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	struct vk_gate_id id = { 0 };
	struct stat st;

	if (stat(f->path, &st) < 0)
		return vk_fail_errno("%s", f->path);
	id.dev = st.st_dev;
	id.ino = st.st_ino;
	n.code = VK_GATE_KNOW;
	memcpy(n.text, &id, sizeof(id));
	return ask(g, &n);
}

enum vk_err
vk_gate_also(struct vk_gate *g, const struct vk_file *f)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_freep) char *dir = NULL;
	struct vk_gate_place place = { .name = "" };
	const char *slash = f->fixed ? strrchr(f->fixed, '/') : NULL;
	struct stat st;

	/* A home that is not there has no files. */
	if (!slash)
		return VK_OK;
	if (!(dir = vk_asprintf("%.*s/", (int)(slash - f->fixed), f->fixed)))
		return VK_ENOMEM;
	if (stat(dir, &st) < 0 || strlen(slash + 1) >= sizeof(place.name))
		return VK_OK;
	place.dir = (struct vk_gate_id){ .dev = st.st_dev, .ino = st.st_ino };
	memcpy(place.name, slash + 1, strlen(slash + 1));
	n.code = VK_GATE_PLACE;
	memcpy(n.text, &place, sizeof(place));
	return ask(g, &n);
}

static enum vk_err
hide_one(struct vk_gate *g, const char *path)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;

	n.code = VK_GATE_HIDE;
	if ((n.fds[0] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return errno == ENOENT ? VK_OK : vk_fail_errno("cannot hide %s from the command", path);
	n.n_fds = 1;
	return ask(g, &n);
}

enum vk_err
vk_gate_hide(struct vk_gate *g, const struct vk_hidden *h, int *ret_ruleset)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < h->n; i++)
		e = hide_one(g, h->v[i]);
	n.code = VK_GATE_RULES;
	/* A directory may have very many entries: no limit of time but the gate's end. */
	if (e != VK_OK || (e = vk_note_send(g->child.sock, &n)) != VK_OK ||
	    (e = vk_note_recv(g->child.sock, &n)) != VK_OK)
		return e;
	if (n.code != VK_OK || n.n_fds != 1)
		return vk_fail(n.code != VK_OK ? (enum vk_err)n.code : VK_EPROTO, "%s", n.text);
	*ret_ruleset = n.fds[0];
	n.fds[0] = -1;
	return VK_OK;
}

/* Not for reading a file: names only, and writing.  A file without a name is made with what else means a directory. */
#define OTHER_USE (O_PATH | O_WRONLY)
#define NAMELESS (O_TMPFILE & ~O_DIRECTORY)

/*
 * Descriptors of other architectures' calls go on as they are: they read the empty file.  io_uring would open files
 * unseen, and so is not there.  What a tool has read is not to be taken from its memory or descriptors by these calls.
 */
static enum vk_err
take_listener(bool hides, int *ret_fd)
{
#if defined(__x86_64__) || defined(__aarch64__)
	struct sock_filter program[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ IF(BPF_JEQ, VK_FILTER_OWN, 1, 0),
		/* 2 */ RETURN(SECCOMP_RET_ALLOW),
		/* 3 */ LOAD(nr),
		/* 4 */ IF(BPF_JEQ, SYS_openat, 8, 0),
#ifdef SYS_open
		/* 5 */ IF(BPF_JEQ, SYS_open, 9, 0),
#else
		/* 5 */ IF(BPF_JEQ, SYS_openat, 7, 0),
#endif
		/* 6 */ IF(BPF_JEQ, SYS_openat2, 12, 0),
		/* 7 */ IF(BPF_JEQ, SYS_io_uring_setup, 0, 1),
		/* 8 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		/* 9 */ IF(BPF_JEQ, SYS_ptrace, 10, 0),
		/* 10 */ IF(BPF_JEQ, SYS_process_vm_readv, 9, 0),
		/* 11 */ IF(BPF_JEQ, SYS_pidfd_getfd, 8, 0),
		/* 12 */ RETURN(SECCOMP_RET_ALLOW),
		/* 13: openat */ LOAD(args[2]),
		/* 14 */ BPF_STMT(BPF_JMP | BPF_JA, 1),
		/* 15: open */ LOAD(args[1]),
		/* 16 */ IF(BPF_JSET, hides ? OTHER_USE : OTHER_USE | O_RDWR, 4, 0),
		/* 17 */ IF(BPF_JSET, NAMELESS, 1, 0),
		/* 18 */ IF(BPF_JSET, O_DIRECTORY, 2, 0),
		/* 19 */ RETURN(SECCOMP_RET_USER_NOTIF),
		/* 20 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* 21 */ RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(program[0]), program };
	long fd;

	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
	if (fd < 0 && errno == EBUSY)
		return vk_fail(VK_EPOLICY, "a process around this one has a gate of its own");
	if (fd < 0)
		return vk_fail_errno("the kernel refuses the gate");
	*ret_fd = (int)fd;
	return VK_OK;
#else
	(void)hides;
	(void)ret_fd;
	return vk_fail(VK_ESYS, "there is no gate on this architecture");
#endif
}

enum vk_err
vk_gate_enter(int sock, bool hides)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;
	int fd;

	n.code = VK_GATE_LISTEN;
	if ((e = take_listener(hides, &n.fds[0])) != VK_OK)
		return e;
	n.n_fds = 1;
	if ((e = vk_note_send(sock, &n)) != VK_OK)
		return e;
	/* The first open that the gate hears of: whose it is, is the command's own process. */
	if ((fd = open("/", O_RDONLY | O_CLOEXEC)) < 0)
		return vk_fail_errno("the gate does not answer");
	close(fd);
	return VK_OK;
}

/* Whoever takes in our children will reap it. */
static bool
leave(struct vk_gate *g)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;

	n.code = VK_GATE_LEAVE;
	if (ask(g, &n) != VK_OK || n.value == 0)
		return false;
	vk_closep(&g->child.sock);
	g->child.pid = 0;
	return true;
}

void
vk_gate_end(struct vk_gate *g, bool stays, struct vk_gate_count ret[VK_FILES_MAX])
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;

	memset(ret, 0, VK_FILES_MAX * sizeof(*ret));
	if (g->child.pid > 0) {
		n.code = VK_GATE_COUNT;
		if (ask(g, &n) == VK_OK)
			memcpy(ret, n.text, VK_FILES_MAX * sizeof(*ret));
	}
	if (g->child.pid <= 0 || !stays || !leave(g))
		vk_child_stop(&g->child);
}

_Static_assert(sizeof(struct vk_gate_place) <= VK_NOTE_TEXT, "a place fits a note");
_Static_assert(VK_FILES_MAX * sizeof(struct vk_gate_count) <= VK_NOTE_TEXT, "the counts fit a note");
