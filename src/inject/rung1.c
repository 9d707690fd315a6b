/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "rung1.h"

enum vk_err
vk_way_choose(enum vk_way *ret)
{
	if (vk_caps_has(CAP_SYS_ADMIN)) {
		if (!vk_caps_has(CAP_SYS_CHROOT)) /* setns() to a mount namespace wants it */
			return vk_fail(VK_EPOLICY, "CAP_SYS_ADMIN is of no use without CAP_SYS_CHROOT");
		*ret = VK_WAY_PLAIN;
		return VK_OK;
	}
	if (vk_caps_has(CAP_SETUID) && vk_caps_has(CAP_SETGID))
		*ret = VK_WAY_WHOLE;
	else if (geteuid() != 0)
		*ret = VK_WAY_IDENTITY;
	else
		return vk_fail(VK_EPOLICY, "a root without CAP_SETUID and CAP_SETGID would be less "
					   "than root in a user namespace");
	return VK_OK;
}

const char *
vk_way_text(enum vk_way w)
{
	switch (w) {
	case VK_WAY_PLAIN:
		return "as root, without a user namespace";
	case VK_WAY_WHOLE:
		return "in a user namespace with all ids";
	case VK_WAY_IDENTITY:
		return "in a user namespace with your own ids";
	}
	return "?";
}

/* Every line "inside outside count" of our map as "inside inside count" for the new one. */
static enum vk_err
copy_map(const char *name, pid_t pid)
{
	VK_CLEANUP(vk_closep) int out = -1;
	VK_CLEANUP(vk_closep) int in = -1;
	VK_CLEANUP(vk_buf_clear) struct vk_buf from = VK_BUF(65536), to = VK_BUF(4095);
	char path[64];
	enum vk_err e;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	if ((in = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot read %s", path);
	if ((e = vk_buf_read(&from, in)) != VK_OK)
		return e;
	for (char *at = from.p; at && *at;) {
		unsigned long inside, count;

		inside = strtoul(at, &at, 10);
		(void)!strtoul(at, &at, 10);
		count = strtoul(at, &at, 10);
		at += strspn(at, " \n");
		vk_buf_fmt(&to, "%lu %lu %lu\n", inside, inside, count);
	}
	if (to.err != VK_OK)
		return vk_fail(to.err, "%s has too many lines to be copied", path);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((out = open(path, O_WRONLY | O_CLOEXEC)) < 0 ||
	    write(out, to.p, to.len) != (ssize_t)to.len)
		return vk_fail_errno("the kernel refuses to map all ids");
	return VK_OK;
}

static enum vk_err
hear(struct vk_rung1 *r, struct vk_note *n)
{
	enum vk_err e = vk_note_recv(r->init.sock, n);

	if (e == VK_OK && n->code != VK_OK)
		e = vk_fail((enum vk_err)n->code, "%s", n->text);
	return e;
}

/* Once the child has made itself dumpable, so that its maps may be written. */
static enum vk_err
give_maps(struct vk_rung1 *r)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e = hear(r, &n);

	if (e == VK_OK)
		e = copy_map("uid_map", r->init.pid);
	if (e == VK_OK)
		e = copy_map("gid_map", r->init.pid);
	if (e == VK_OK)
		e = vk_note_send(r->init.sock, &n);
	return e;
}

static enum vk_err
take_over(struct vk_rung1 *r)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	int *slot[] = { &r->dir, &r->root, &r->cwd, &r->ns_mnt, &r->ns_pid, &r->ns_user };
	enum vk_err e = hear(r, &n);

	if (e == VK_OK && n.n_fds < VK_COUNT(slot) - (r->plan->way == VK_WAY_PLAIN))
		e = vk_fail(VK_ESYS, "the namespaces did not come to be");
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(slot) && i < n.n_fds; i++) {
		*slot[i] = n.fds[i];
		n.fds[i] = -1;
	}
	memcpy(r->place, n.text, sizeof(r->place));
	return e;
}

enum vk_err
vk_rung1_build(struct vk_rung1 *r, const struct vk_rung1_plan *plan)
{
	int namespaces = CLONE_NEWNS | CLONE_NEWPID;
	enum vk_err e;

	r->plan = plan;
	if (plan->way != VK_WAY_PLAIN)
		namespaces |= CLONE_NEWUSER;
	e = vk_child_start(namespaces, vk_rung1_init, plan, &r->init);
	if (e == VK_OK && plan->way == VK_WAY_WHOLE)
		e = give_maps(r);
	if (e == VK_OK)
		e = take_over(r);
	if (e != VK_OK)
		vk_rung1_end(r);
	return e;
}

enum vk_err
vk_rung1_join(struct vk_rung1 *r)
{
	if (r->ns_user >= 0 && setns(r->ns_user, CLONE_NEWUSER) < 0)
		return vk_fail_errno("cannot enter the user namespace");
	if (setns(r->ns_mnt, CLONE_NEWNS) < 0)
		return vk_fail_errno("cannot enter the mount namespace");
	/* setns() went to the namespace's root, which is not ours where we are in a chroot. */
	if (fchdir(r->root) < 0 || chroot(".") < 0 || fchdir(r->cwd) < 0)
		return vk_fail_errno("cannot return to the working directory");
	if (setns(r->ns_pid, CLONE_NEWPID) < 0)
		return vk_fail_errno("cannot enter the PID namespace");
	vk_closep(&r->ns_user);
	vk_closep(&r->ns_mnt);
	vk_closep(&r->ns_pid);
	vk_closep(&r->root);
	vk_closep(&r->cwd);
	return VK_OK;
}

/*
 * What is bound over an existing file has a name of its own: on old kernels its successor is mounted on it, and a
 * mountpoint cannot be renamed.
 */
static void
name_over(const struct vk_file *f, unsigned number, char ret[96])
{
	snprintf(ret, 96, ".over-%u-%s", number, f->name);
}

static enum vk_err
hide_existing(struct vk_rung1 *r, struct vk_file *f)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct stat st;
	char name[96];

	/* Such as a file that another run has below the /proc outside. */
	if (stat(f->over, &st) < 0 && errno == ENOENT) {
		free(f->over);
		f->over = NULL;
		return VK_OK;
	}
	name_over(f, 0, name);
	if (f->changes && linkat(r->dir, f->name, r->dir, name, 0) < 0)
		return vk_fail_errno("cannot write %s", name);
	if (!(path = vk_asprintf("%s/%s", r->place, f->changes ? name : f->name)))
		return VK_ENOMEM;
	/* From the read-only mount, which the new one takes its flags from. */
	if (mount(path, f->over, NULL, MS_BIND, NULL) < 0)
		return vk_fail_errno("cannot bind a file over %s", f->over);
	/* By the time it is replaced the command may have led the path elsewhere. */
	if (f->changes && (f->spot = open(f->over, O_PATH | O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot open %s", f->over);
	return VK_OK;
}

static enum vk_err
place_one(struct vk_rung1 *r, struct vk_file *f)
{
	enum vk_err e = vk_placed_write(r->dir, f->name, &f->text, &f->now);

	if (e != VK_OK)
		return e;
	if (!(f->path = vk_asprintf("%s/%s", r->place, f->name)))
		return VK_ENOMEM;
	return f->over ? hide_existing(r, f) : VK_OK;
}

enum vk_err
vk_rung1_place(struct vk_rung1 *r, struct vk_files *files)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < files->n; i++)
		e = place_one(r, &files->v[i]);
	return e;
}

/* The new file over the old, by who may mount. */
static enum vk_err
cover(struct vk_rung1 *r, struct vk_file *f, const char *name)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", r->place, name);
	enum vk_err e;

	if (!path)
		return VK_ENOMEM;
	n.code = VK_RUNG1_COVER;
	n.n_fds = 2;
	/* As before, from the read-only mount. */
	if ((n.fds[0] = open(path, O_PATH | O_CLOEXEC)) < 0 || (n.fds[1] = fcntl(f->spot, F_DUPFD_CLOEXEC, 3)) < 0)
		return vk_fail_errno("cannot open %s", path);
	if ((e = vk_note_send(r->init.sock, &n)) != VK_OK)
		return e;
	vk_note_clear(&n);
	e = vk_note_recv_soon(r->init.sock, &n);
	if (e == VK_OK && n.code != VK_OK)
		e = vk_fail((enum vk_err)n.code, "%s", n.text);
	if (e == VK_OK && n.n_fds == 1) {
		vk_closep(&f->spot);
		f->spot = n.fds[0];
		n.fds[0] = -1;
	}
	return e;
}

enum vk_err
vk_rung1_replace(struct vk_rung1 *r, struct vk_file *f)
{
	static const char new[] = ".new";
	struct vk_placed next = { .fd = -1 };
	char was[96], over[96];
	enum vk_err e = vk_placed_write(r->dir, new, &f->text, &next);

	if (e != VK_OK)
		return e;
	name_over(f, f->rewritten, was);
	name_over(f, f->rewritten + 1, over);
	if ((f->over && linkat(r->dir, new, r->dir, over, 0) < 0) || renameat(r->dir, new, r->dir, f->name) < 0) {
		e = vk_fail_errno("cannot replace %s", f->path);
		unlinkat(r->dir, new, 0);
		unlinkat(r->dir, over, 0);
		vk_placed_drop(&next);
		return e;
	}
	vk_files_succeed(f, &next);
	if (!f->over)
		return VK_OK;
	e = cover(r, f, over);
	/* Where its successor is mounted on it, it has to stay. */
	if (e == VK_OK)
		unlinkat(r->dir, was, 0);
	return e;
}

enum vk_err
vk_rung1_sweep(struct vk_rung1 *r)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	n.code = VK_RUNG1_SWEEP;
	if ((e = vk_note_send(r->init.sock, &n)) != VK_OK)
		return e;
	return hear(r, &n);
}

void
vk_rung1_end(struct vk_rung1 *r)
{
	/* It is reaped when the kernel has killed everything in the namespace. */
	vk_child_stop(&r->init);
	vk_closep(&r->ns_user);
	vk_closep(&r->ns_mnt);
	vk_closep(&r->ns_pid);
	vk_closep(&r->root);
	vk_closep(&r->cwd);
	vk_closep(&r->dir);
}
