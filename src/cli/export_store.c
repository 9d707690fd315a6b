/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include "cli/entry.h"
#include "cli/export.h"
#include "valetkey/unlock.h"

struct copying {
	struct vk_exporting *ex;
	struct vk_taking *t;
	struct vk_bar bar;
};

static enum vk_err
copy(const struct vk_cred *c, void *arg)
{
	struct copying *k = arg;

	return vk_taking_put(k->t, c, 0);
}

static enum vk_err
decide(struct vk_store *to, void *arg)
{
	struct copying *k = arg;
	enum vk_err e;

	vk_taking_reset(k->t);
	k->t->st = to;
	k->t->stage = k->t->copy = true;
	e = vk_export_each(k->ex, "exporting", copy, k);
	/* For the store, which goes on with it. */
	vk_bar_begin(&k->bar, "writing", VK_BAR_COUNT, k->ex->progress);
	return e;
}

enum vk_err
vk_export_copy(struct vk_exporting *ex, struct vk_store *to, struct vk_taking *t)
{
	struct copying k = { .ex = ex, .t = t };
	const struct vk_progress progress = { vk_bar_progress, &k.bar };
	enum vk_err e;

	vk_store_watch(to, &progress);
	e = vk_store_commit(to, decide, &k);
	vk_store_watch(to, NULL);
	vk_bar_end(&k.bar);
	t->st = NULL;
	return e;
}

static bool
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum vk_err
unlock(struct vk_store *st, const char *key_file)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e = key ? vk_raw_key_read(key_file, key) : VK_ENOMEM;

	if (e == VK_OK && (e = vk_store_unlock_raw(st, key)) == VK_EKEY)
		e = vk_fail(e, "the key file %s does not open the keystore %s", key_file, vk_store_file(st));
	return e;
}

enum vk_err
vk_export_store(struct vk_exporting *ex, const char *path, const char *key_file, struct vk_taking *t)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *to = NULL;
	enum vk_err e;

	if (is_same_file(path, vk_store_file(ex->st)))
		return vk_fail(VK_EUSAGE, "%s is the keystore itself", path);
	if ((e = vk_store_open(path, &to)) == VK_ENOENT) {
		vk_hint("make it: VALETKEY_KEYSTORE=%s valetkey init --key-file FILE", path);
		e = vk_fail(e, "there is no keystore at %s", path);
	}
	if (e == VK_OK)
		e = unlock(to, key_file);
	return e == VK_OK ? vk_export_copy(ex, to, t) : e;
}
