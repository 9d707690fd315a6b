/* SPDX-License-Identifier: ISC */
/* What a decide callback asks for, turned into records. */
#include <string.h>

#include "store/stage.h"
#include "valetkey/secret.h"

static enum vk_err
need_txn(const struct vk_store *st)
{
	return st->txn ? VK_OK : vk_fail(VK_EUSAGE, "a change outside of a transaction");
}

/*
 * The record of ${key} as it would be if the transaction ended here; VK_ENOENT.
 * A default that waits for the oldest account to be found reads as VK_ENOENT with ${*ret_open} set.
 */
static enum vk_err
effective(struct vk_store *st, const unsigned char *key, struct vk_payload *ret, bool *ret_open)
{
	const struct vk_staged *s = vk_txn_get(st->txn, key);
	struct vk_record r;
	enum vk_err e;

	if (ret_open)
		*ret_open = s && s->state == VK_STAGE_OLDEST;
	if (s)
		return s->state == VK_STAGE_PUT ? vk_txn_payload(st->txn, s, ret) : VK_ENOENT;
	if ((e = vk_tree_get(st, &st->walk, key, &r)) != VK_OK)
		return e;
	return vk_payload_read(st, &r, ret);
}

static bool
same_place(const struct vk_cred *c, const struct vk_scope *s)
{
	return vk_scope_same_origin(&c->scope, s) && strcmp(c->scope.path, s->path) == 0;
}

/* The entry of (scope, username) as it would be; ${ret_key} is set in any case. */
static enum vk_err
effective_cred(struct vk_store *st, const struct vk_scope *s, const char *username,
    unsigned char ret_key[VK_TREE_KEY], struct vk_cred **ret)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	vk_key_entry(st->keys, s, username, ret_key);
	if ((e = effective(st, ret_key, &p, NULL)) != VK_OK)
		return e;
	e = vk_cred_decode(p.p, p.n, &c);
	if (e == VK_ETAMPER)
		return vk_store_damaged(st, "an entry is malformed");
	if (e != VK_OK)
		return e;
	/* One in some 10^19; storing over the other one would be the wrong answer to it. */
	if (!same_place(c, s) || strcmp(c->username, username) != 0)
		return vk_fail(VK_EEXIST, "this entry cannot be told from another one in this keystore");
	*ret = VK_TAKE(c);
	return VK_OK;
}

/* Give ${c}, whose key is ${key}, the name it has, instead of ${old}'s. */
static enum vk_err
stage_name(struct vk_store *st, const struct vk_cred *c, const struct vk_cred *old,
    const unsigned char *key)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	unsigned char name[VK_TREE_KEY];
	enum vk_err e = VK_OK;

	if (*c->name) {
		vk_key_name(st->keys, c->name, name);
		e = effective(st, name, &p, NULL);
		if (e == VK_OK && (p.n != VK_TREE_KEY || memcmp(p.p, key, VK_TREE_KEY) != 0))
			return vk_fail(VK_EEXIST, "the name %s is taken by another entry", c->name);
		if (e == VK_ENOENT)
			e = vk_txn_set(st->txn, name, VK_RECORD_NAME, VK_STAGE_PUT, key, VK_TREE_KEY);
		if (e != VK_OK)
			return e;
	}
	if (old && *old->name && strcmp(old->name, c->name) != 0) {
		vk_key_name(st->keys, old->name, name);
		e = vk_txn_set(st->txn, name, VK_RECORD_NAME, VK_STAGE_REMOVE, NULL, 0);
	}
	return e;
}

/* A new account on a scope that has others: is it really the same scope? */
static enum vk_err
check_neighbour(struct vk_store *st, const struct vk_scope *s, const unsigned char *first)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	if ((e = effective(st, first, &p, NULL)) != VK_OK ||
	    (e = vk_cred_decode(p.p, p.n, &c)) != VK_OK)
		return e == VK_ENOENT || e == VK_ETAMPER
		    ? vk_store_damaged(st, "a default record points nowhere")
		    : e;
	if (!same_place(c, s))
		return vk_fail(VK_EEXIST, "this scope cannot be told from another one in this keystore");
	return VK_OK;
}

/* Keep the default account of ${c}'s scope right, now that ${c} is there. */
static enum vk_err
stage_first(struct vk_store *st, const struct vk_cred *c, const unsigned char *key, bool is_new)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	unsigned char group[VK_TREE_KEY] = { 0 }, first[VK_TREE_KEY];
	bool open, wanted = (c->flags & VK_CRED_DEFAULT) != 0;
	enum vk_err e;

	memcpy(group, key, 16);
	e = effective(st, group, &p, &open);
	if (e == VK_OK && p.n != 8)
		return vk_store_damaged(st, "a default record is of another kind");
	if (e == VK_OK && is_new) {
		memcpy(first, group, 16);
		memcpy(first + 16, p.p, 8);
		if ((e = check_neighbour(st, &c->scope, first)) != VK_OK)
			return e;
	}
	if (e == VK_OK ? !wanted : e != VK_ENOENT || (open && !wanted))
		return e == VK_ENOENT ? VK_OK : e;
	return vk_txn_set(st->txn, group, VK_RECORD_DEFAULT, VK_STAGE_PUT, key + 16, 8);
}

enum vk_err
vk_store_stage_put(struct vk_store *st, const struct vk_cred *c)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	unsigned char key[VK_TREE_KEY];
	struct vk_cred new = *c; /* borrowed: only what the entry keeps is set here */
	enum vk_err e = need_txn(st);

	if (e != VK_OK)
		return e;
	e = effective_cred(st, &c->scope, c->username, key, &old);
	if (e != VK_OK && e != VK_ENOENT)
		return e;
	if (new.created == 0)
		new.created = old ? old->created : vk_store_now();
	/* What renews a secret goes with it. */
	if (old && !new.extra.p && !new.refresh.p && (e = vk_grant_forget(old)) != VK_OK)
		return e;
	if (old && !new.extra.p)
		new.extra = old->extra;
	if ((e = vk_cred_encode(&new, &p)) != VK_OK ||
	    (e = stage_name(st, c, old, key)) != VK_OK ||
	    (e = stage_first(st, c, key, !old)) != VK_OK)
		return e;
	return vk_txn_set(st->txn, key, VK_RECORD_ENTRY, VK_STAGE_PUT, p.p, p.n);
}

enum vk_err
vk_store_stage_remove(struct vk_store *st, const struct vk_scope *s, const char *username)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	unsigned char key[VK_TREE_KEY], other[VK_TREE_KEY] = { 0 };
	enum vk_err e = need_txn(st);

	if (e != VK_OK || (e = effective_cred(st, s, username, key, &old)) != VK_OK)
		return e;
	if ((e = vk_txn_set(st->txn, key, VK_RECORD_ENTRY, VK_STAGE_REMOVE, NULL, 0)) != VK_OK)
		return e;
	memcpy(other, key, 16);
	e = effective(st, other, &p, NULL);
	if (e == VK_OK && p.n == 8 && memcmp(p.p, key + 16, 8) == 0)
		e = vk_txn_set(st->txn, other, VK_RECORD_DEFAULT, VK_STAGE_OLDEST, NULL, 0);
	if (e != VK_OK && e != VK_ENOENT)
		return e;
	if (!*old->name)
		return VK_OK;
	vk_key_name(st->keys, old->name, other);
	return vk_txn_set(st->txn, other, VK_RECORD_NAME, VK_STAGE_REMOVE, NULL, 0);
}

enum vk_err
vk_store_stage_default(struct vk_store *st, const struct vk_scope *s, const char *username)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	unsigned char key[VK_TREE_KEY], group[VK_TREE_KEY] = { 0 };
	enum vk_err e = need_txn(st);

	if (e != VK_OK || (e = effective_cred(st, s, username, key, &c)) != VK_OK)
		return e;
	memcpy(group, key, 16);
	return vk_txn_set(st->txn, group, VK_RECORD_DEFAULT, VK_STAGE_PUT, key + 16, 8);
}
