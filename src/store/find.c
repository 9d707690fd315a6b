/* SPDX-License-Identifier: ISC */
/* Lookups.  Each costs a bounded number of pages, however many entries there are. */
#include <string.h>

#include "store/lock.h"
#include "valetkey/secret.h"

enum vk_err
vk_store_need_key(const struct vk_store *st)
{
	if (st->keys)
		return VK_OK;
	vk_hint("valetkey unlock");
	return vk_fail(VK_ELOCKED, "the keystore %s is locked", st->path);
}

static bool
is_exactly(const struct vk_cred *c, const struct vk_scope *origin, const char *path, size_t n)
{
	return vk_scope_same_origin(&c->scope, origin) && strlen(c->scope.path) == n &&
	    memcmp(c->scope.path, path, n) == 0;
}

/*
 * The entry at ${key}, or, when its user part is zero, the default one of its
 * (origin, path).  Every (origin, path) that has an entry has a default record.
 */
static enum vk_err
entry_at(struct vk_store *st, const unsigned char key[VK_TREE_KEY], struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	bool any = vk_all_zero(key + 16, 8);
	unsigned char first[VK_TREE_KEY] = { 0 };
	struct vk_record r;
	enum vk_err e;

	memcpy(first, key, 16);
	if ((e = vk_tree_get(st, &st->walk, first, &r)) != VK_OK)
		return e;
	if (r.kind != VK_RECORD_DEFAULT)
		return vk_store_damaged(st, "a default record is of another kind");
	memcpy(first + 16, r.payload, 8);
	e = vk_tree_get(st, &st->walk, any ? first : key, &r);
	if (e == VK_ENOENT && any)
		return vk_store_damaged(st, "a default record points nowhere");
	if (e != VK_OK)
		return e;
	if (r.kind != VK_RECORD_ENTRY)
		return vk_store_damaged(st, "an entry's record is of another kind");
	any = any || memcmp(first, key, VK_TREE_KEY) == 0;
	if ((e = vk_record_cred(st, &r, &c)) != VK_OK)
		return e;
	c->flags |= any ? VK_CRED_DEFAULT : 0;
	*ret = VK_TAKE(c);
	return VK_OK;
}

/*
 * The entry on exactly (origin, the first ${n} bytes of ${path}): of ${username}, or the default one
 * when NULL.  ${key} has the origin's part filled in.
 */
static enum vk_err
probe(struct vk_store *st, const struct vk_scope *origin, const char *path, size_t n,
    const char *username, unsigned char key[VK_TREE_KEY], struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	vk_key_path(st->keys, path, n, key + 8);
	memset(key + 16, 0, 8);
	if (username)
		vk_key_user(st->keys, username, key + 16);
	if ((e = entry_at(st, key, &c)) != VK_OK)
		return e;
	/* The key is a hash of 8 bytes for each part: what it led to must be what was asked. */
	if (!is_exactly(c, origin, path, n) || (username && strcmp(c->username, username) != 0))
		return VK_ENOENT;
	*ret = VK_TAKE(c);
	return VK_OK;
}

/* All prefixes of the path asked for that end at a component, longest first: see vk_path_covers(). */
static enum vk_err
find(struct vk_store *st, const struct vk_query *q, struct vk_cred **ret)
{
	const char *path = q->scope->path;
	unsigned char key[VK_TREE_KEY];
	size_t end[VK_DEPTH_MAX + 1] = { 0 };
	unsigned ends = 1;
	enum vk_err e;

	vk_key_origin(st->keys, q->scope, key);
	/* Entries have at most VK_DEPTH_MAX components, so deeper prefixes need no look. */
	for (size_t i = 1; *path && ends <= VK_DEPTH_MAX; i++)
		if (path[i] == '/' || path[i] == '\0') {
			end[ends++] = i;
			if (path[i] == '\0')
				break;
		}
	while (ends-- > 0) {
		size_t n = end[ends];

		e = probe(st, q->scope, path, n, q->username, key, ret);
		/* "org/repo.git" is also asked for with the entry "org/repo" */
		if (e == VK_ENOENT && n > 4 && memcmp(path + n - 4, ".git", 4) == 0 &&
		    path[n - 5] != '/')
			e = probe(st, q->scope, path, n - 4, q->username, key, ret);
		if (e != VK_ENOENT)
			return e;
	}
	return VK_ENOENT;
}

static enum vk_err
find_name(struct vk_store *st, const char *name, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	unsigned char key[VK_TREE_KEY];
	struct vk_record r;
	enum vk_err e;

	vk_key_name(st->keys, name, key);
	if ((e = vk_tree_get(st, &st->walk, key, &r)) != VK_OK)
		return e;
	if (r.kind != VK_RECORD_NAME)
		return vk_store_damaged(st, "a name's record is of another kind");
	memcpy(key, r.payload, sizeof(key));
	if ((e = entry_at(st, key, &c)) != VK_OK)
		return e == VK_ENOENT ? vk_store_damaged(st, "a name's record points nowhere") : e;
	if (strcmp(c->name, name) != 0)
		return vk_store_damaged(st, "a name's record points to another entry");
	*ret = VK_TAKE(c);
	return VK_OK;
}

/* One of the two kinds of lookup. */
struct lookup {
	const struct vk_query *q; /* else */
	const char *name;
	struct vk_cred **ret;
};

static enum vk_err
lookup(struct vk_store *st, void *arg)
{
	const struct lookup *l = arg;

	return l->q ? find(st, l->q, l->ret) : find_name(st, l->name, l->ret);
}

enum vk_err
vk_store_find(struct vk_store *st, const struct vk_query *q, struct vk_cred **ret_cred)
{
	struct lookup l = { .q = q, .ret = ret_cred };
	enum vk_err e = vk_store_need_key(st);

	return e == VK_OK ? vk_store_attempt(st, lookup, &l) : e;
}

enum vk_err
vk_store_find_name(struct vk_store *st, const char *name, struct vk_cred **ret_cred)
{
	struct lookup l = { .name = name, .ret = ret_cred };
	enum vk_err e = vk_store_need_key(st);

	if (e != VK_OK || !*name)
		return e != VK_OK ? e : VK_ENOENT;
	return vk_store_attempt(st, lookup, &l);
}

enum vk_err
vk_store_count(struct vk_store *st, uint64_t *ret_n)
{
	enum vk_err e = vk_store_need_key(st);

	if (e == VK_OK)
		*ret_n = st->header.entries;
	return e;
}

enum vk_err
vk_store_size(struct vk_store *st, uint64_t *ret_pages, uint64_t *ret_free)
{
	enum vk_err e = vk_store_need_key(st);

	if (e == VK_OK) {
		*ret_pages = st->header.file_pages;
		*ret_free = st->header.free_pages;
	}
	return e;
}
