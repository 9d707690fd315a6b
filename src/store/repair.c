/* SPDX-License-Identifier: ISC */
/*
 * What can be read of a damaged keystore, written to a new one.  Nobody falls back to an older state by
 * itself: this is asked for, and says what it did.
 *
 * First the tree is walked, around the nodes that do not open.  What lay below those is looked for in all pages of
 * the file, since pages keep their last text until they are used again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/stage.h"
#include "valetkey/secret.h"

/* Keys that may be missing: from ${low} on and before ${high}. */
struct gap {
	unsigned char low[VK_TREE_KEY], high[VK_TREE_KEY];
};

/* A leaf that is not part of the tree and has records for the gaps. */
struct orphan {
	uint64_t generation;
	uint32_t pgno;
};

struct rescue {
	struct vk_store *st, *to;
	const struct vk_progress *progress;
	struct vk_repair found;
	uint64_t done;
	uint64_t sound; /* entries that the tree still has */
	unsigned char first[VK_TREE_KEY];
	struct gap *gaps;
	size_t n_gaps, cap_gaps;
	struct orphan *orphans;
	size_t n_orphans, cap_orphans;
};

static enum vk_err
grow(void **v, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap * 2 : 32;
	void *p;

	if (n < *cap)
		return VK_OK;
	if (!(p = reallocarray(*v, more, size)))
		return VK_ENOMEM;
	*v = p;
	*cap = more;
	return VK_OK;
}

static enum vk_err
add_gap(struct rescue *r, const unsigned char *low, const unsigned char *high)
{
	void *v = r->gaps;
	enum vk_err e = grow(&v, &r->cap_gaps, r->n_gaps, sizeof(*r->gaps));
	struct gap *g;

	if (e != VK_OK)
		return e;
	r->gaps = v;
	g = &r->gaps[r->n_gaps++];
	memcpy(g->low, low, sizeof(g->low));
	memcpy(g->high, high, sizeof(g->high));
	r->found.lost_pages++;
	return VK_OK;
}

static bool
in_gap(const struct rescue *r, const unsigned char *key)
{
	for (size_t i = 0; i < r->n_gaps; i++)
		if (memcmp(key, r->gaps[i].low, VK_TREE_KEY) >= 0 &&
		    memcmp(key, r->gaps[i].high, VK_TREE_KEY) < 0)
			return true;
	return false;
}

/* Anything but damage ends the work. */
static enum vk_err
tolerate(enum vk_err e)
{
	if (e != VK_ETAMPER && e != VK_EVERSION)
		return e;
	vk_reason_clear();
	return VK_OK;
}

static enum vk_err
keep(struct rescue *r, struct vk_cred *c, const unsigned char *key)
{
	enum vk_err e;

	if (memcmp(r->first, key, VK_TREE_KEY) == 0)
		c->flags |= VK_CRED_DEFAULT;
	e = vk_store_stage_put(r->to, c);
	/* Two states of the file can give one name to two entries. */
	if (e == VK_EEXIST && vk_cred_set(&c->name, "") == VK_OK)
		e = vk_store_stage_put(r->to, c);
	return e;
}

/* The records of a leaf; with ${only_gaps}, those that the tree has lost. */
static enum vk_err
keep_leaf(struct rescue *r, const unsigned char *text, bool only_gaps)
{
	unsigned at = VK_NODE_HEAD;
	struct vk_record rec;
	enum vk_err e = VK_OK;

	for (unsigned n = vk_node_count(text); e == VK_OK && n > 0; n--) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

		at = vk_leaf_record(text, at, &rec);
		if (rec.kind == VK_RECORD_DEFAULT) {
			memcpy(r->first, rec.key, 16);
			memcpy(r->first + 16, rec.payload, 8);
		}
		if (rec.kind != VK_RECORD_ENTRY || (only_gaps && !in_gap(r, rec.key)))
			continue;
		e = vk_record_cred(r->st, &rec, &c);
		if (e == VK_OK && (e = keep(r, c, rec.key)) == VK_OK)
			r->sound += !only_gaps;
		else if (e == VK_ETAMPER && !only_gaps) {
			unsigned char next[VK_TREE_KEY];

			memcpy(next, rec.key, sizeof(next));
			for (unsigned i = VK_TREE_KEY; i-- > 0 && ++next[i] == 0;)
				;
			e = add_gap(r, rec.key, next);
		} else
			e = tolerate(e);
	}
	return e;
}

/* ${pgno} as whatever it says it is; the tag that was expected is not known any more. */
static bool
read_orphan(const struct rescue *r, uint32_t pgno, unsigned char *page)
{
	struct vk_child c = { .pgno = pgno };

	if (vk_pread_full(r->st->fd, page, VK_PAGE, (off_t)pgno * VK_PAGE) != VK_OK)
		return false;
	memcpy(c.tag, page + VK_PAGE - VK_TAG_LEN, VK_TAG_LEN);
	return vk_page_open(r->st->keys, r->st->header.store_id, &c, page) &&
	    vk_node_check(vk_page_text(page), 0, UINT32_MAX);
}

static enum vk_err
walk(struct rescue *r, unsigned level, const struct vk_child *child, const unsigned char *low,
    const unsigned char *high)
{
	unsigned char *page = vk_arena_alloc(VK_PAGE), *text = page ? vk_page_text(page) : NULL;
	enum vk_err e = page ? vk_page_read(r->st, child, "node", page) : VK_ENOMEM;

	if (e == VK_OK && !vk_node_check(text, level, UINT32_MAX))
		e = VK_ETAMPER;
	if (r->progress)
		r->progress->fn(r->done++, r->st->header.file_pages, r->progress->arg);
	if (e == VK_OK && level == 0)
		e = keep_leaf(r, text, false);
	else if (e == VK_OK)
		for (unsigned i = 0; e == VK_OK && i < vk_node_count(text); i++) {
			struct vk_child next;

			vk_inner_child(text, i, &next);
			e = walk(r, level - 1, &next, vk_inner_key(text, i),
			    i + 1 < vk_node_count(text) ? vk_inner_key(text, i + 1) : high);
		}
	else if (e == VK_ETAMPER && (e = add_gap(r, low, high)) == VK_OK)
		vk_reason_clear();
	vk_arena_free(page);
	return e;
}

static int
by_generation(const void *a, const void *b)
{
	const struct orphan *x = a, *y = b;

	return (x->generation > y->generation) - (x->generation < y->generation);
}

/* Leaves with records for the gaps, wherever they lie; later generations come later, and win. */
static enum vk_err
search_pages(struct rescue *r)
{
	unsigned char *page = vk_arena_alloc(VK_PAGE);
	uint32_t pages = (uint32_t)(r->st->stat.st_size / VK_PAGE);
	enum vk_err e = page ? VK_OK : VK_ENOMEM;

	for (uint32_t pgno = VK_FIRST_PAGE; e == VK_OK && pgno < pages; pgno++) {
		void *v = r->orphans;

		if (!read_orphan(r, pgno, page))
			continue;
		if ((e = grow(&v, &r->cap_orphans, r->n_orphans, sizeof(*r->orphans))) != VK_OK)
			break;
		r->orphans = v;
		r->orphans[r->n_orphans++] = (struct orphan){ vk_get64(vk_page_text(page) + 8), pgno };
	}
	if (r->n_orphans)
		qsort(r->orphans, r->n_orphans, sizeof(*r->orphans), by_generation);
	for (size_t i = 0; e == VK_OK && i < r->n_orphans; i++)
		if (read_orphan(r, r->orphans[i].pgno, page))
			e = keep_leaf(r, vk_page_text(page), true);
	vk_arena_free(page);
	return e;
}

static enum vk_err
decide(struct vk_store *to, void *arg)
{
	static const unsigned char low[VK_TREE_KEY];
	unsigned char high[VK_TREE_KEY];
	struct rescue *r = arg;
	const struct vk_header *h = &r->st->header;
	enum vk_err e;

	memset(high, 0xff, sizeof(high));
	r->to = to;
	if ((e = walk(r, h->height - 1, &h->root, low, high)) != VK_OK)
		return e;
	return r->n_gaps ? search_pages(r) : VK_OK;
}

/* A store with the same keys and slots and without records, in the file ${n}. */
static enum vk_err
write_empty(struct vk_store *st, const struct vk_replace *n)
{
	VK_CLEANUP(vk_builder_release) struct vk_builder b = { .fd = -1 };
	VK_CLEANUP(vk_freep) unsigned char *slots = NULL;
	unsigned char older[VK_HEADER_LEN], newest[VK_HEADER_LEN];
	struct vk_header base = st->header;
	size_t len;
	enum vk_err e = vk_slots_read(st, &slots, &len);

	if (e == VK_ETAMPER)
		vk_hint("its key slots are lost; while a session lasts, \"valetkey export --to-store\" saves the "
			"entries");
	if (e != VK_OK)
		return e;
	base.generation += 2; /* the newest header may have been lost */
	if ((e = vk_builder_begin(&b, n->fd, st->keys, &base, slots, len)) != VK_OK)
		return e;
	return vk_builder_finish(&b, older, newest);
}

/* The damaged file gets another name, and the new one its. */
static enum vk_err
exchange(struct vk_replace *n, char *kept, size_t size)
{
	char stamp[VK_STAMP_TEXT];
	size_t n_stamp = 0;

	if (!vk_stamp(time(NULL), stamp))
		return vk_fail(VK_ESYS, "the clock shows a time that cannot be written");
	for (const char *s = stamp; *s; s++)
		if (*s != '-' && *s != ':')
			stamp[n_stamp++] = *s;
	stamp[n_stamp] = '\0';
	if ((size_t)snprintf(kept, size, "%s.damaged-%s", n->target, stamp) >= size)
		return vk_fail(VK_ELIMIT, "the name %s is too long", n->target);
	if (link(n->target, kept) < 0)
		return vk_fail_errno("cannot keep the damaged keystore as %s", kept);
	return vk_replace_commit(n);
}

static enum vk_err
fill(struct vk_store *st, const struct vk_replace *n, struct rescue *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *to = NULL;
	enum vk_err e;

	if ((e = write_empty(st, n)) != VK_OK || (e = vk_store_open(n->temp, &to)) != VK_OK ||
	    (e = vk_store_unlock_session(to, st->keys->session)) != VK_OK ||
	    (e = vk_store_commit(to, decide, r)) != VK_OK)
		return e;
	if ((e = vk_store_count(to, &r->found.entries)) == VK_OK)
		/* Not counted one by one: older pages can have several states of one entry. */
		r->found.recovered = r->found.entries - r->sound;
	return e;
}

enum vk_err
vk_store_repair(struct vk_store *st, const struct vk_progress *progress, struct vk_repair *ret)
{
	struct rescue r = { .st = st, .progress = progress };
	struct vk_header other;
	struct vk_replace n;
	enum vk_err e = vk_store_need_key(st);

	if (e != VK_OK)
		return e;
	if (!vk_lock_try(st->fd, F_RDLCK))
		return vk_fail(VK_ESYS, "the keystore %s is being written", st->path);
	if ((e = vk_replace_begin(st->path, st->stat.st_mode & 0777, &n)) != VK_OK)
		return e;
	r.found.expected = st->header.entries;
	r.found.one_header = vk_header_decode(st->older, !(st->header.generation % 2), &other) != VK_OK ||
	    other.generation > st->header.generation;
	if ((e = fill(st, &n, &r)) == VK_OK)
		e = exchange(&n, r.found.kept, sizeof(r.found.kept));
	vk_replace_abort(&n);
	free(r.gaps);
	free(r.orphans);
	if (e == VK_OK)
		*ret = r.found;
	return e;
}
