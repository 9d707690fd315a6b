/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "cli/wipe_source.h"
#include "valetkey/io.h"

void
vk_wipe_end(struct vk_wiping *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->target);
	*w = (struct vk_wiping){ .fd = -1 };
}

static enum vk_err
refuse(const struct vk_infile *in, const char *why)
{
	return vk_fail(VK_EPOLICY, "%s is not wiped, and nothing was imported: %s", in->path, why);
}

/* A link is followed only to where nobody else could have put another file. */
static enum vk_err
check_link(const struct vk_infile *in, const char *target, bool *ret_link)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(target);
	struct stat link, place;
	char *slash;

	if (!dir)
		return VK_ENOMEM;
	if (lstat(in->path, &link) < 0)
		return vk_fail_errno("%s", in->path);
	*ret_link = S_ISLNK(link.st_mode);
	if (!*ret_link)
		return VK_OK;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (stat(dir, &place) < 0)
		return vk_fail_errno("%s", dir);
	if (link.st_uid != geteuid() || place.st_uid != geteuid() || (place.st_mode & 022) != 0)
		return refuse(in, "it is a symbolic link to a place that is not only yours");
	return VK_OK;
}

static enum vk_err
check_file(const struct vk_infile *in, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || st->st_dev != in->st.st_dev || st->st_ino != in->st.st_ino)
		return refuse(in, "it was replaced by another file just now");
	if (st->st_uid != geteuid())
		return refuse(in, "it belongs to somebody else");
	if (st->st_nlink > 1)
		return refuse(in, "it has other hard links, which would lose their contents with it");
	return VK_OK;
}

enum vk_err
vk_wipe_begin(const struct vk_infile *in, struct vk_wiping *ret)
{
	VK_CLEANUP(vk_wipe_end) struct vk_wiping w = { .fd = -1 };
	enum vk_err e;

	if (in->kept)
		return vk_fail(VK_EUSAGE, "--wipe-source needs a file, not standard input");
	if (!(w.target = realpath(in->path, NULL)))
		return vk_fail_errno("%s", in->path);
	if ((e = check_link(in, w.target, &w.by_link)) != VK_OK)
		return e;
	w.fd = open(w.target, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (w.fd < 0 || fstat(w.fd, &w.st) < 0)
		return vk_fail_errno("cannot overwrite %s", in->path);
	if ((e = check_file(in, &w.st)) != VK_OK)
		return e;
	w.st = in->st; /* what was read is what may go */
	*ret = w;
	w = (struct vk_wiping){ .fd = -1 };
	return VK_OK;
}

/* Is it still the file that was read, under its only name? */
static enum vk_err
check_again(const struct vk_wiping *w)
{
	struct stat now, named;

	if (fstat(w->fd, &now) < 0 || lstat(w->target, &named) < 0)
		return vk_fail_errno("%s", w->target);
	if (now.st_size == w->st.st_size && now.st_mtim.tv_sec == w->st.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == w->st.st_mtim.tv_nsec && now.st_nlink == 1 &&
	    named.st_dev == now.st_dev && named.st_ino == now.st_ino)
		return VK_OK;
	return vk_fail(VK_ESYS, "%s was changed since it was read: its credentials are in the keystore, and it "
				"is left as it is", w->target);
}

static enum vk_err
sync_file(const struct vk_wiping *w)
{
	int r;

	while ((r = fsync(w->fd)) < 0 && errno == EINTR)
		;
	return r < 0 ? vk_fail_errno("%s may not be overwritten on the disk: fsync", w->target) : VK_OK;
}

/* Noise, which no file system can store as a hole or compress. */
static enum vk_err
overwrite(const struct vk_wiping *w)
{
	VK_CLEANUP(vk_freep) char *noise = malloc(VK_INFILE_PIECE);
	enum vk_err e;

	if (!noise)
		return VK_ENOMEM;
	if ((e = vk_random(noise, VK_INFILE_PIECE)) != VK_OK)
		return e;
	if (lseek(w->fd, 0, SEEK_SET) < 0)
		return vk_fail_errno("%s", w->target);
	for (off_t left = w->st.st_size; left > 0 && e == VK_OK; left -= VK_INFILE_PIECE)
		e = vk_write_full(w->fd, noise, left < VK_INFILE_PIECE ? (size_t)left : VK_INFILE_PIECE);
	if (e != VK_OK)
		return vk_fail(e, "%s is not wholly overwritten: %s", w->target, vk_reason());
	if ((e = sync_file(w)) != VK_OK)
		return e;
	if (ftruncate(w->fd, 0) < 0)
		return vk_fail_errno("%s is overwritten, but cannot be emptied", w->target);
	return sync_file(w);
}

static enum vk_err
remove_name(const struct vk_wiping *w)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(w->target);
	VK_CLEANUP(vk_closep) int fd = -1;
	char *slash;

	if (!dir)
		return VK_ENOMEM;
	if (unlink(w->target) < 0)
		return vk_fail_errno("%s is overwritten, but cannot be removed", w->target);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot sync a directory; what matters was written before. */
	if (fd >= 0)
		(void)fsync(fd);
	return VK_OK;
}

/*
 * The new file takes the place of the old one first: whoever is killed between the two steps
 * has lost no settings.
 */
static enum vk_err
replace(const struct vk_wiping *w, const char *rest, size_t n)
{
	struct vk_replace r;
	enum vk_err e = vk_replace_begin(w->target, w->st.st_mode & 07777, &r);

	if (e != VK_OK)
		return e;
	if (fchown(r.fd, (uid_t)-1, w->st.st_gid) < 0 && (w->st.st_mode & 070) != 0)
		e = vk_fail_errno("cannot keep the group of %s", w->target);
	if (e == VK_OK)
		e = vk_write_full(r.fd, rest, n);
	if (e == VK_OK)
		return vk_replace_commit(&r);
	vk_replace_abort(&r);
	return vk_fail(e, "%s is left as it is: %s", w->target, vk_reason());
}

enum vk_err
vk_wipe_run(struct vk_wiping *w, const char *rest, size_t n)
{
	enum vk_err e = check_again(w);

	if (e == VK_OK && rest)
		e = replace(w, rest, n);
	if (e == VK_OK)
		e = overwrite(w);
	if (e == VK_OK && !rest)
		e = remove_name(w);
	return e;
}

static const struct {
	unsigned long magic; /* statfs(2) */
	const char *text;
} systems[] = {
	{ 0x9123683e, "it was on btrfs, which writes changes to other blocks and keeps the old ones until it "
		      "needs them: the secrets are probably still on the disk" },
	{ 0x2fc12fc1, "it was on ZFS, which writes changes to other blocks and keeps the old ones until it "
		      "needs them: the secrets are probably still on the disk" },
	{ 0xca451a4e, "it was on bcachefs, which writes changes to other blocks and keeps the old ones until it "
		      "needs them: the secrets are probably still on the disk" },
	{ 0xf2f52010, "it was on F2FS, which writes changes to other blocks and keeps the old ones until it "
		      "needs them: the secrets are probably still on the disk" },
	{ 0x794c7630, "it was on overlayfs: if a lower layer has the file, as in a container image, it is still "
		      "whole there" },
	{ 0x58465342, "it was on XFS: blocks that it shared with a copy (reflink) were not overwritten" },
	{ 0x6969, "it was on NFS: what the server still has is not to be known from here" },
	{ 0xff534d42, "it was on CIFS: what the server still has is not to be known from here" },
	{ 0xfe534d42, "it was on SMB: what the server still has is not to be known from here" },
	{ 0x65735546, "it was on FUSE: what its program still has is not to be known from here" },
	{ 0x01021994, "it was on tmpfs, in memory: parts may have gone to swap" },
};

const char *
vk_wipe_remains(const struct vk_wiping *w)
{
	struct statfs fs;

	if (w->fd >= 0 && fstatfs(w->fd, &fs) == 0)
		for (size_t i = 0; i < VK_COUNT(systems); i++)
			if (((unsigned long)fs.f_type & 0xffffffff) == systems[i].magic)
				return systems[i].text;
	return NULL;
}
