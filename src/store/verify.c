/* SPDX-License-Identifier: ISC */
/* The whole file: every page, every record, and that the records agree with each other. */
#include <string.h>

#include "store/internal.h"
#include "valetkey/secret.h"

struct check {
	struct vk_store *st;
	unsigned char last[VK_TREE_KEY];  /* the record before */
	unsigned char first[VK_TREE_KEY]; /* the default of the scope we are in; zero: none seen */
	bool first_met;                   /* and its entry was there */
	uint64_t entries, records;
	/* Sums over (name key, entry key), once from the entries, once from the name records: equal sets
	 * have equal sums, whatever the order. */
	unsigned char named[16], names[16];
};

static void
add_to(struct check *c, unsigned char sum[16], const unsigned char *name, const unsigned char *entry)
{
	struct vk_part parts[] = { { name, VK_TREE_KEY }, { entry, VK_TREE_KEY } };
	unsigned char h[16];

	vk_prf(c->st->keys->tag, "vk0 verify", parts, VK_COUNT(parts), h, sizeof(h));
	vk_put64(sum, vk_get64(sum) + vk_get64(h));
	vk_put64(sum + 8, vk_get64(sum + 8) + vk_get64(h + 8));
}

static enum vk_err
check_entry(struct check *c, const struct vk_record *r)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *cred = NULL;
	unsigned char key[VK_TREE_KEY];
	enum vk_err e = vk_record_cred(c->st, r, &cred);

	if (e != VK_OK)
		return e;
	vk_key_entry(c->st->keys, &cred->scope, cred->username, key);
	if (memcmp(key, r->key, sizeof(key)) != 0)
		return vk_store_damaged(c->st, "an entry lies under another entry's key");
	if (memcmp(c->first, r->key, 16) != 0)
		return vk_store_damaged(c->st, "an entry has no default record");
	if (memcmp(c->first, r->key, VK_TREE_KEY) == 0)
		c->first_met = true;
	if (*cred->name) {
		vk_key_name(c->st->keys, cred->name, key);
		add_to(c, c->named, key, r->key);
	}
	c->entries++;
	return VK_OK;
}

static enum vk_err
check_record(struct check *c, const struct vk_record *r)
{
	struct vk_record found;
	enum vk_err e = vk_tree_get(c->st, &c->st->walk, r->key, &found);

	/* What a walk meets, a search must find as well: that depends on the inner nodes' keys. */
	if (e == VK_ENOENT)
		return vk_store_damaged(c->st, "a record cannot be found by its key");
	if (e != VK_OK)
		return e;
	if (c->records > 0 && memcmp(c->last, r->key, VK_TREE_KEY) >= 0)
		return vk_store_damaged(c->st, "records are out of order");
	memcpy(c->last, r->key, VK_TREE_KEY);
	c->records++;
	/* Names are strewn between the entries; they do not end a scope. */
	if (r->kind == VK_RECORD_NAME) {
		add_to(c, c->names, r->key, r->payload);
		return VK_OK;
	}
	if (r->kind == VK_RECORD_ENTRY)
		return check_entry(c, r);
	if (!c->first_met)
		return vk_store_damaged(c->st, "a default record points nowhere");
	memcpy(c->first, r->key, 16);
	memcpy(c->first + 16, r->payload, 8);
	c->first_met = false;
	return VK_OK;
}

/* What lies between the header slots and in the last page is never read, but it must be zero. */
static enum vk_err
check_rest(struct vk_store *st)
{
	unsigned char page[VK_PAGE];
	enum vk_err e;

	for (unsigned i = 0; i < VK_FIRST_PAGE; i++) {
		if ((e = vk_pread_full(st->fd, page, sizeof(page), (off_t)i * VK_PAGE)) != VK_OK)
			return e;
		if (!vk_all_zero(page + VK_HEADER_LEN, VK_PAGE - VK_HEADER_LEN))
			return vk_store_damaged(st, "header page %u has bytes that mean nothing", i);
	}
	return VK_OK;
}

enum vk_err
vk_store_verify(struct vk_store *st)
{
	VK_CLEANUP(vk_cursor_free) struct vk_cursor cur = { 0 };
	struct check c = { .st = st, .first_met = true };
	struct vk_record r;
	bool moved;
	enum vk_err e;

	if (!st->keys)
		return vk_fail(VK_ELOCKED, "the keystore %s is locked", st->path);
	if ((e = vk_store_refresh(st, &moved)) != VK_OK || (e = check_rest(st)) != VK_OK ||
	    (e = vk_slots_check(st)) != VK_OK || (e = vk_cursor_seek(&cur, st, NULL)) != VK_OK)
		return e;
	while ((e = vk_cursor_next(&cur, &r)) == VK_OK)
		if ((e = check_record(&c, &r)) != VK_OK)
			return e;
	if (e != VK_ENOENT)
		return e;
	if (!c.first_met)
		return vk_store_damaged(st, "a default record points nowhere");
	if (memcmp(c.named, c.names, sizeof(c.names)) != 0)
		return vk_store_damaged(st, "names and entries do not agree");
	if (c.entries != st->header.entries || c.records != st->header.records)
		return vk_store_damaged(st, "the header counts other records than there are");
	return VK_OK;
}
