/* SPDX-License-Identifier: ISC */
/*
 * A keystore for somebody else is made as any other, which takes a key of our own: a slot for a random one, which
 * is taken out again at the end, when the key is forgotten.  Until then the file has no name but in a directory
 * that only we can enter.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/identity.h"
#include "valetkey/io.h"
#include "valetkey/unlock.h"
#include "cli/export.h"

/* The place where it is made. */
struct workshop {
	char *dir, *file;
};

static void
close_workshop(struct workshop *w)
{
	if (w->file)
		(void)unlink(w->file);
	if (w->dir)
		(void)rmdir(w->dir);
	vk_litter_forget(w->file);
	vk_litter_forget(w->dir);
	free(w->file);
	free(w->dir);
}

static enum vk_err
open_workshop(const char *path, struct workshop *w)
{
	VK_CLEANUP(vk_freep) char *dir = vk_asprintf("%s.new-XXXXXX", path);
	struct stat st;

	if (lstat(path, &st) == 0)
		return vk_fail(VK_EEXIST, "%s already exists", path);
	if (!dir)
		return VK_ENOMEM;
	if (!vk_litter_dir(dir))
		return vk_fail_errno("cannot make a file beside %s", path);
	w->dir = VK_TAKE(dir);
	if (!(w->file = vk_asprintf("%s/keystore", w->dir)))
		return VK_ENOMEM;
	vk_litter_add(w->file);
	return VK_OK;
}

/* Opened with the random key. */
static enum vk_err
make(const char *file, const struct vk_secret *recipient, struct vk_store **ret)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	struct vk_secret raw = { (char *)key, VK_STORE_KEY_LEN };
	const struct vk_slot_new slots[] = {
		{ .type = VK_SLOT_RAW, .secret = &raw },
		{ .type = VK_SLOT_X25519, .secret = recipient },
	};
	enum vk_err e = key ? vk_raw_key_new(key) : VK_ENOMEM;

	if (e == VK_OK)
		e = vk_store_create(file, slots, VK_COUNT(slots));
	if (e == VK_OK)
		e = vk_store_open(file, &st);
	if (e == VK_OK)
		e = vk_store_unlock_raw(st, key);
	if (e == VK_OK)
		*ret = VK_TAKE(st);
	return e;
}

/* Whoever held the random key could still open an old copy of the file, but nobody does. */
static enum vk_err
leave_only_recipient(struct vk_store *st)
{
	struct vk_slot_info v[2];
	size_t n;
	enum vk_err e = vk_store_slots(st, v, VK_COUNT(v), &n);

	for (size_t i = 0; e == VK_OK && i < n; i++)
		if (v[i].type == VK_SLOT_RAW)
			return vk_store_slot_remove(st, v[i].id, true);
	return e == VK_OK ? vk_fail(VK_ETAMPER, "the new keystore lost a key slot") : e;
}

/* A name that nothing has, for the finished file. */
static enum vk_err
publish(const struct workshop *w, const char *path)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(path);
	VK_CLEANUP(vk_closep) int fd = -1;
	char *slash;

	if (!dir)
		return VK_ENOMEM;
	if (link(w->file, path) < 0)
		return errno == EEXIST ? vk_fail(VK_EEXIST, "%s already exists", path)
				       : vk_fail_errno("cannot make %s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != EROFS))
		return vk_fail_errno("%s is in place, but may not survive a power failure: fsync of its directory",
		    path);
	return VK_OK;
}

enum vk_err
vk_export_recipient(struct vk_exporting *ex, const char *recipient, const char *path, struct vk_taking *t)
{
	VK_CLEANUP(close_workshop) struct workshop w = { NULL, NULL };
	VK_CLEANUP(vk_store_closep) struct vk_store *to = NULL;
	VK_CLEANUP(vk_secret_clear) struct vk_secret public = { NULL, 0 };
	unsigned char bytes[VK_STORE_KEY_LEN];
	enum vk_err e = vk_recipient_parse(recipient, strlen(recipient), bytes);

	if (e == VK_OK)
		e = vk_secret_set(&public, bytes, sizeof(bytes));
	if (e == VK_OK)
		e = open_workshop(path, &w);
	if (e == VK_OK)
		e = make(w.file, &public, &to);
	if (e == VK_OK)
		e = vk_export_copy(ex, to, t);
	if (e == VK_OK)
		e = leave_only_recipient(to);
	return e == VK_OK ? publish(&w, path) : e;
}
