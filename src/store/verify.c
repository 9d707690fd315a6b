/* SPDX-License-Identifier: ISC */
/*
 * The whole file: every page has one use and is what it is used as, every record can be found, and
 * the records agree with each other.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/lock.h"
#include "valetkey/secret.h"

enum { PROGRESS_EVERY = 64 }; /* pages */

struct check {
	struct vk_store *st;
	const struct vk_progress *progress;
	unsigned char *seen; /* a bit for each page */
	uint64_t seen_pages;
	unsigned char *page[VK_HEIGHT_MAX]; /* arena, one per level, as needed */
	unsigned char *blob;                /* arena, the same for blobs and lists */

	unsigned char first[VK_TREE_KEY]; /* the default of the scope we are in; zero: none seen */
	bool first_met;                   /* and its entry was there */
	uint64_t entries, records, free_pages;
	/* Sums over (name key, entry key), once from the entries, once from the name records: equal sets
	 * have equal sums, whatever the order. */
	unsigned char named[16], names[16];
};

static enum vk_err
see(struct check *c, uint32_t pgno)
{
	unsigned char bit = (unsigned char)(1u << pgno % 8);

	if (pgno >= c->st->header.file_pages)
		return vk_store_damaged(c->st, "page %u is used but not there", pgno);
	if (c->seen[pgno / 8] & bit)
		return vk_store_damaged(c->st, "page %u is used twice", pgno);
	c->seen[pgno / 8] |= bit;
	if (c->progress && c->seen_pages % PROGRESS_EVERY == 0)
		c->progress->fn(c->seen_pages, c->st->header.file_pages, c->progress->arg);
	c->seen_pages++;
	return VK_OK;
}

static void
add_to(struct check *c, unsigned char sum[16], const unsigned char *name, const unsigned char *entry)
{
	struct vk_part parts[] = { { name, VK_TREE_KEY }, { entry, VK_TREE_KEY } };
	unsigned char h[16];

	vk_prf(c->st->keys->tag, "vk1 verify", parts, VK_COUNT(parts), h, sizeof(h));
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

/* The pages of a chain, from ${next} on; ${c->blob} holds each in turn for ${fn}, which may be NULL. */
static enum vk_err
check_chain(struct check *c, struct vk_child next, enum vk_page_type type,
    enum vk_err (*fn)(struct check *c, const unsigned char *text))
{
	const char *what = type == VK_PAGE_BLOB ? "blob" : "list";
	enum vk_err e;

	if (!c->blob && !(c->blob = vk_arena_alloc(VK_PAGE)))
		return VK_ENOMEM;
	while (next.pgno != 0) {
		uint32_t pgno = next.pgno;
		const unsigned char *text = vk_page_text(c->blob);

		if ((e = see(c, pgno)) != VK_OK || (e = vk_page_read(c->st, &next, what, c->blob)) != VK_OK)
			return e;
		if (!vk_chain_check(text, type, c->st->header.file_pages))
			return vk_store_damaged(c->st, "%s page %u is malformed", what, pgno);
		if (fn && (e = fn(c, text)) != VK_OK)
			return e;
		vk_chain_get(text, &next);
	}
	return VK_OK;
}

static enum vk_err
check_record(struct check *c, const struct vk_record *r)
{
	struct vk_child blob;
	size_t len;
	enum vk_err e;

	c->records++;
	/* Names are strewn between the entries; they do not end a scope. */
	if (r->kind == VK_RECORD_NAME) {
		add_to(c, c->names, r->key, r->payload);
		return VK_OK;
	}
	if (r->kind == VK_RECORD_ENTRY) {
		if (r->blob) {
			vk_blob_ref(r, &blob, &len);
			if ((e = check_chain(c, blob, VK_PAGE_BLOB, NULL)) != VK_OK)
				return e;
		}
		return check_entry(c, r);
	}
	if (!c->first_met)
		return vk_store_damaged(c->st, "a default record points nowhere");
	memcpy(c->first, r->key, 16);
	memcpy(c->first + 16, r->payload, 8);
	c->first_met = false;
	return VK_OK;
}

/* Everything below a node lies from ${low} on and before ${high} (NULL: no bound), or a search would miss it. */
struct bounds {
	const unsigned char *low, *high;
};

static bool
inside(const struct bounds *b, const unsigned char *key)
{
	return (!b->low || memcmp(key, b->low, VK_TREE_KEY) >= 0) &&
	    (!b->high || memcmp(key, b->high, VK_TREE_KEY) < 0);
}

static enum vk_err
check_leaf(struct check *c, const unsigned char *text, const struct bounds *b, bool root)
{
	unsigned at = VK_NODE_HEAD;
	struct vk_record r;
	enum vk_err e;

	if (!root && vk_node_count(text) == 0)
		return vk_store_damaged(c->st, "a leaf has no records");
	for (unsigned n = vk_node_count(text); n > 0; n--) {
		at = vk_leaf_record(text, at, &r);
		if (!inside(b, r.key))
			return vk_store_damaged(c->st, "a record cannot be found by its key");
		if ((e = check_record(c, &r)) != VK_OK)
			return e;
	}
	return VK_OK;
}

static enum vk_err
check_node(struct check *c, unsigned level, const struct vk_child *child, const struct bounds *b)
{
	struct vk_store *st = c->st;
	const char *what = level == 0 ? "leaf" : "inner";
	const unsigned char *text;
	enum vk_err e;

	if (!c->page[level] && !(c->page[level] = vk_arena_alloc(VK_PAGE)))
		return VK_ENOMEM;
	if ((e = see(c, child->pgno)) != VK_OK ||
	    (e = vk_page_read(st, child, what, c->page[level])) != VK_OK)
		return e;
	text = vk_page_text(c->page[level]);
	if (!vk_node_check(text, level, st->header.file_pages))
		return vk_store_damaged(st, "%s page %u is malformed", what, child->pgno);
	if (level == 0)
		return check_leaf(c, text, b, st->header.height == 1);
	for (unsigned i = 0; i < vk_node_count(text); i++) {
		struct bounds below = { vk_inner_key(text, i), b->high };
		struct vk_child next;

		if (i + 1 < vk_node_count(text))
			below.high = vk_inner_key(text, i + 1);
		if (!inside(b, below.low))
			return vk_store_damaged(st, "a record cannot be found by its key");
		vk_inner_child(text, i, &next);
		if ((e = check_node(c, level - 1, &next, &below)) != VK_OK)
			return e;
	}
	return VK_OK;
}

static enum vk_err
see_free(struct check *c, const unsigned char *text)
{
	enum vk_err e = VK_OK;

	c->free_pages += vk_node_count(text);
	for (unsigned i = 0; e == VK_OK && i < vk_node_count(text); i++)
		e = see(c, vk_get32(text + VK_CHAIN_HEAD + (size_t)i * 4));
	return e;
}

/* Headers, slot pages, and the list of what is free. */
static enum vk_err
check_rest(struct check *c)
{
	struct vk_store *st = c->st;
	const struct vk_header *h = &st->header;
	enum vk_err e = VK_OK;

	for (uint32_t i = 0; e == VK_OK && i < VK_FIRST_PAGE; i++) {
		unsigned char page[VK_PAGE];

		if ((e = see(c, i)) != VK_OK ||
		    (e = vk_pread_full(st->fd, page, sizeof(page), (off_t)i * VK_PAGE)) != VK_OK)
			break;
		if (!vk_all_zero(page + VK_HEADER_END, VK_PAGE - VK_HEADER_END))
			e = vk_store_damaged(st, "header page %u has bytes that mean nothing", i);
	}
	if (e == VK_OK && st->suspect) {
		vk_hint("valetkey compact");
		e = vk_store_damaged(st, "the disk failed in the middle of a change, and nothing was changed since");
	}
	for (uint32_t i = 0; e == VK_OK && i < h->slots_pages; i++)
		e = see(c, h->slots_pgno + i);
	if (e != VK_OK || (e = vk_slots_check(st)) != VK_OK)
		return e;
	if ((e = check_chain(c, h->list, VK_PAGE_LIST, see_free)) != VK_OK)
		return e;
	return c->free_pages == h->free_pages ? VK_OK
					      : vk_store_damaged(st, "its header counts other free pages");
}

static enum vk_err
check_all(struct check *c)
{
	const struct vk_header *h = &c->st->header;
	struct bounds all = { NULL, NULL };
	enum vk_err e = check_rest(c);

	if (e != VK_OK || (e = check_node(c, h->height - 1, &h->root, &all)) != VK_OK)
		return e;
	if (!c->first_met)
		return vk_store_damaged(c->st, "a default record points nowhere");
	if (memcmp(c->named, c->names, sizeof(c->names)) != 0)
		return vk_store_damaged(c->st, "names and entries do not agree");
	if (c->entries != h->entries || c->records != h->records)
		return vk_store_damaged(c->st, "the header counts other records than there are");
	if (c->seen_pages != h->file_pages)
		return vk_store_damaged(c->st, "%llu pages are neither used nor free",
		    (unsigned long long)(h->file_pages - c->seen_pages));
	return VK_OK;
}

enum vk_err
vk_store_verify(struct vk_store *st, const struct vk_progress *progress)
{
	struct check c = { .st = st, .progress = progress, .first_met = true };
	enum vk_err e = vk_store_need_key(st);

	if (e != VK_OK || (e = vk_lock_newest(st, F_RDLCK, VK_LOCK_WAIT_MS)) != VK_OK)
		return e;
	c.seen = calloc(1, (size_t)st->header.file_pages / 8 + 1);
	e = c.seen ? check_all(&c) : VK_ENOMEM;
	vk_lock_drop(st->fd);
	free(c.seen);
	for (unsigned i = 0; i < VK_HEIGHT_MAX; i++)
		vk_arena_free(c.page[i]);
	vk_arena_free(c.blob);
	return e;
}
