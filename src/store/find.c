/* SPDX-License-Identifier: ISC */
/* Lookups.  Each costs a bounded number of pages, however many entries there are. */
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

enum { FIND_TRIES = 8 };

static enum vk_err
need_key(const struct vk_store *st)
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
};

static enum vk_err
retrying(struct vk_store *st, const struct lookup *l, struct vk_cred **ret)
{
	bool moved = true;
	enum vk_err e = need_key(st);

	for (unsigned try = 0; e == VK_OK; try++) {
		e = l->q ? find(st, l->q, ret) : find_name(st, l->name, ret);
		if (e != VK_ETAMPER || st->txn || !moved || try == FIND_TRIES)
			break;
		/* Was the file changed under us?  Then the new one counts; else look once more and give up. */
		e = vk_store_refresh(st, &moved);
	}
	return e;
}

enum vk_err
vk_store_find(struct vk_store *st, const struct vk_query *q, struct vk_cred **ret_cred)
{
	struct lookup l = { .q = q };

	return retrying(st, &l, ret_cred);
}

enum vk_err
vk_store_find_name(struct vk_store *st, const char *name, struct vk_cred **ret_cred)
{
	struct lookup l = { .name = name };

	return *name ? retrying(st, &l, ret_cred) : VK_ENOENT;
}

enum vk_err
vk_store_count(struct vk_store *st, uint64_t *ret_n)
{
	enum vk_err e = need_key(st);

	if (e == VK_OK)
		*ret_n = st->header.entries;
	return e;
}

static enum vk_err
walk(struct vk_store *st, struct vk_cursor *cur, const struct vk_scope *origin,
    const unsigned char prefix[8], vk_store_visit *fn, void *arg)
{
	unsigned char first[VK_TREE_KEY] = { 0 };
	struct vk_record r;
	enum vk_err e;

	while ((e = vk_cursor_next(cur, &r)) == VK_OK) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

		if (origin && memcmp(r.key, prefix, 8) != 0)
			break;
		if (r.kind == VK_RECORD_DEFAULT) {
			memcpy(first, r.key, 16);
			memcpy(first + 16, r.payload, 8);
		}
		if (r.kind != VK_RECORD_ENTRY)
			continue;
		if ((e = vk_record_cred(st, &r, &c)) != VK_OK)
			return e;
		if (origin && !vk_scope_same_origin(&c->scope, origin))
			continue;
		if (memcmp(first, r.key, VK_TREE_KEY) == 0)
			c->flags |= VK_CRED_DEFAULT;
		if ((e = fn(c, arg)) != VK_OK)
			return e;
	}
	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_store_each(struct vk_store *st, const struct vk_scope *origin, vk_store_visit *fn, void *arg)
{
	VK_CLEANUP(vk_cursor_free) struct vk_cursor cur = { 0 };
	unsigned char prefix[VK_TREE_KEY] = { 0 };
	enum vk_err e = need_key(st);

	if (e != VK_OK)
		return e;
	if (origin)
		vk_key_origin(st->keys, origin, prefix);
	if ((e = vk_cursor_seek(&cur, st, origin ? prefix : NULL)) != VK_OK)
		return e;
	return walk(st, &cur, origin, prefix, fn, arg);
}
