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

static enum vk_err
place_one(struct vk_rung1 *r, struct vk_file *f)
{
	f->fd = openat(r->dir, f->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (f->fd < 0)
		return vk_fail_errno("cannot write %s", f->name);
	if (f->text.len > 0 && vk_write_full(f->fd, f->text.p, f->text.len) != VK_OK)
		return VK_ESYS;
	/* A umask may have taken the owner's read permission. */
	if (fchmod(f->fd, 0400) < 0)
		return vk_fail_errno("cannot protect %s", f->name);
	if (!(f->path = vk_asprintf("%s/%s", r->place, f->name)))
		return VK_ENOMEM;
	/* From the read-only mount, which the new one takes its flags from. */
	if (f->over && mount(f->path, f->over, NULL, MS_BIND, NULL) < 0)
		return vk_fail_errno("cannot bind a file over %s", f->over);
	return VK_OK;
}

enum vk_err
vk_rung1_place(struct vk_rung1 *r, struct vk_files *files)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < files->n; i++)
		e = place_one(r, &files->v[i]);
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
