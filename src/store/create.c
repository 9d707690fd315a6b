/* SPDX-License-Identifier: ISC */
/* The first file.  It appears whole, and only where nothing was. */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/lock.h"
#include "store/stage.h"
#include "valetkey/secret.h"

static enum vk_err
fill(int fd, struct vk_keys *keys, const struct vk_slot_new *slots, size_t n)
{
	VK_CLEANUP(vk_builder_release) struct vk_builder b = { .fd = -1 };
	VK_CLEANUP(vk_freep) unsigned char *pages = NULL;
	unsigned char older[VK_HEADER_LEN], newest[VK_HEADER_LEN];
	struct vk_header h = { .generation = 1 };
	int64_t now = vk_store_now();
	size_t len;
	enum vk_err e;

	h.created = h.committed = (uint64_t)now;
	if ((e = vk_random(h.store_id, sizeof(h.store_id))) != VK_OK ||
	    (e = vk_random(keys->master, sizeof(keys->master))) != VK_OK ||
	    (e = vk_random(keys->tag, sizeof(keys->tag))) != VK_OK)
		return e;
	vk_keys_from_master(keys, h.store_id);
	if ((e = vk_slots_make(h.store_id, keys, now, slots, n, &pages, &len)) != VK_OK ||
	    (e = vk_builder_begin(&b, fd, keys, &h, pages, len)) != VK_OK)
		return e;
	return vk_builder_finish(&b, older, newest);
}

/* Locked, so that who comes upon the new keystore before the other names beside it are gone waits. */
static enum vk_err
publish(struct vk_replace *r, const char *path)
{
	VK_CLEANUP(vk_closep) int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
	enum vk_err e = fd >= 0 ? VK_OK : vk_fail_errno("cannot make the keystore %s", path);

	if (e == VK_OK && (e = vk_replace_commit_new(r)) == VK_OK)
		vk_store_sweep(path);
	return e;
}

enum vk_err
vk_store_create(const char *path, const struct vk_slot_new *slots, size_t n)
{
	struct vk_keys *keys;
	struct vk_replace r;
	struct stat s;
	enum vk_err e;

	if (lstat(path, &s) == 0)
		return vk_fail(VK_EEXIST, "%s already exists", path);
	if ((e = vk_mkdir_parents(path, 0700)) != VK_OK)
		return e;
	if (!(keys = vk_arena_alloc(sizeof(*keys))))
		return VK_ENOMEM;
	*keys = (struct vk_keys){ 0 };
	if ((e = vk_replace_begin_new(path, 0600, &r)) == VK_OK) {
		(void)!vk_lock_try(r.fd, F_WRLCK);
		if ((e = fill(r.fd, keys, slots, n)) == VK_OK)
			e = publish(&r, path);
		vk_replace_abort(&r);
	}
	vk_arena_free(keys);
	return e;
}
