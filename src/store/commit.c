/* SPDX-License-Identifier: ISC */
/*
 * Transactions: lock the file, decide on its newest state, write what changed beside what is there,
 * then let a header point to it.  Whatever happens on the way, the state is the old or the new one.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "store/inplace.h"
#include "store/lock.h"
#include "valetkey/secret.h"

enum {
	/* More changed records than this are cheaper written in one stream with all others. */
	CHANGES_AT_LEAST = 4, /* an entry, its name, its scope's default, and one that goes */
	PAGES_PER_CHANGE = 4,
	/* Files that are smaller are not worth giving pages back. */
	COMPACT_FROM = 64,
};

/* New slot pages go, one after the other, to the end of the file. */
static enum vk_err
write_slots(struct vk_inplace *w, struct vk_header *h)
{
	const struct vk_txn *t = w->st->txn;
	uint32_t pages = (uint32_t)(t->slots_len / VK_PAGE);
	enum vk_err e;

	if (!t->slots)
		return VK_OK;
	for (uint32_t i = 0; i < h->slots_pages; i++)
		if ((e = vk_pages_free(w, h->slots_pgno + i)) != VK_OK)
			return e;
	if (pages > UINT32_MAX - w->file_pages)
		return vk_fail(VK_ELIMIT, "the keystore would become too large");
	e = vk_pwrite_full(w->st->fd, t->slots, t->slots_len, (off_t)w->file_pages * VK_PAGE);
	if (e != VK_OK)
		return e;
	h->slots_pgno = w->file_pages;
	h->slots_pages = pages;
	vk_digest(t->slots, t->slots_len, h->slots_hash);
	w->file_pages += pages;
	return VK_OK;
}

/* Everything but the new header. */
static enum vk_err
write_pages(struct vk_inplace *w, struct vk_header *h)
{
	const struct vk_store *st = w->st;
	enum vk_err e = VK_OK;

	if (st->txn->n > 0)
		e = vk_splice(w, st->txn->v, st->txn->n, &h->root, &h->height);
	if (e != VK_OK || (e = write_slots(w, h)) != VK_OK ||
	    (e = vk_pages_write_list(w, &h->list, &h->free_pages, &h->quarantine)) != VK_OK)
		return e;
	h->generation = w->generation;
	h->file_pages = w->file_pages;
	h->entries = w->entries;
	h->records = w->records;
	h->committed = (uint64_t)vk_store_now();
	memcpy(h->older_tag, vk_header_tag(st->raw), sizeof(h->older_tag));
	/* Whoever wrote the header that this builds upon may have died before it reached the disk. */
	e = vk_pwrite_full(st->fd, st->raw, sizeof(st->raw), vk_header_at(st->header.generation));
	if (e == VK_OK && vk_datasync(st->fd) < 0)
		e = vk_fail_errno("cannot write the keystore %s", st->path);
	return e;
}

/*
 * The older header's slot gets the new one; if that cannot be made sure of, it gets the older one back.
 * If that cannot be made sure of either, the disk may hold the new one while everybody here sees the older: then
 * nobody may write to pages that only the new one needs, so the next commit is to make a new file.  The mark that says
 * so goes with the older header in one write: were it one of its own, the page cache could lose it alone.
 */
static enum vk_err
publish(const struct vk_store *st, uint64_t generation, const unsigned char raw[VK_HEADER_LEN])
{
	unsigned char witness[VK_WITNESS_LEN], marked[VK_SUSPECT_AT + 1];
	off_t at = vk_header_at(generation);
	enum vk_err e = vk_pwrite_full(st->fd, raw, VK_HEADER_LEN, at);

	if (e == VK_OK && vk_datasync(st->fd) < 0)
		e = vk_fail_errno("cannot write the keystore %s", st->path);
	if (e == VK_OK) {
		/* Not before: a header that it speaks of must not be lost.  It may be. */
		vk_witness_encode(generation, vk_header_tag(raw), witness);
		(void)!vk_pwrite_full(st->fd, witness, sizeof(witness), vk_witness_at(generation));
		return e;
	}
	memcpy(marked, st->older, VK_HEADER_LEN);
	marked[VK_SUSPECT_AT] = 1;
	if (vk_pwrite_full(st->fd, marked, sizeof(marked), at) == VK_OK && vk_datasync(st->fd) == 0) {
		(void)!vk_pwrite_full(st->fd, "", 1, at + VK_SUSPECT_AT);
		return e;
	}
	return vk_fail(e, "cannot write the keystore %s, nor take back what was written: after a power "
	    "failure it may have this change or not", st->path);
}

/* Nothing was written in place yet. */
static bool
is_just_made(const struct vk_store *st)
{
	struct vk_header older = { 0 };

	return vk_header_open(st->older, st->keys, &older) != VK_OK ||
	    vk_all_zero(older.older_tag, sizeof(older.older_tag));
}

static enum vk_err
commit_in_place(struct vk_store *st, struct vk_written *ret)
{
	VK_CLEANUP(vk_pages_release) struct vk_inplace w = { 0 };
	enum vk_err e;

	ret->header = st->header;
	ret->stat = st->stat;
	/* Whoever made the file may have died before the disk knew its name: then this commit would go with it. */
	if (is_just_made(st) && (e = vk_sync_name(st->path)) != VK_OK)
		return e;
	if ((e = vk_pages_begin(&w, st)) != VK_OK || (e = write_pages(&w, &ret->header)) != VK_OK ||
	    (e = vk_header_encode(&ret->header, st->keys, ret->newest)) != VK_OK)
		return e;
	memcpy(ret->older, st->raw, sizeof(ret->older));
	return publish(st, w.generation, ret->newest);
}

/*
 * Nothing changes, and the caller will say that it is done.  The header that says so may be of a writer that died
 * before it reached the disk; the witness tells that it did.
 */
static enum vk_err
make_sure(const struct vk_store *st)
{
	unsigned char witness[VK_WITNESS_LEN];
	off_t at = vk_header_at(st->header.generation);
	enum vk_err e = is_just_made(st) ? vk_sync_name(st->path) : VK_OK;

	if (e != VK_OK || st->witnessed)
		return e;
	if ((e = vk_pwrite_full(st->fd, st->raw, sizeof(st->raw), at)) != VK_OK)
		return e;
	if (vk_datasync(st->fd) < 0)
		return vk_fail_errno("cannot write the keystore %s", st->path);
	vk_witness_encode(st->header.generation, vk_header_tag(st->raw), witness);
	(void)!vk_pwrite_full(st->fd, witness, sizeof(witness), vk_witness_at(st->header.generation));
	return VK_OK;
}

static bool
in_place_is_better(const struct vk_store *st)
{
	const struct vk_header *h = &st->header;

	return !st->txn->rekey && !st->txn->anew && !st->suspect &&
	    st->txn->n <= CHANGES_AT_LEAST + h->file_pages / PAGES_PER_CHANGE &&
	    (h->file_pages < COMPACT_FROM || h->free_pages <= h->file_pages / 2);
}

static void
adopt(struct vk_store *st, const struct vk_written *new)
{
	if (st->txn->rekey) {
		vk_arena_free(st->keys);
		st->keys = VK_TAKE(st->txn->rekey);
	}
	st->suspect = false;
	st->witnessed = true;
	st->stat = new->stat;
	st->header = new->header;
	memcpy(st->raw, new->newest, sizeof(st->raw));
	memcpy(st->older, new->older, sizeof(st->older));
	vk_path_forget(&st->walk);
}

/* A signal shall not leave half-written files lying about. */
static enum vk_err
write_undisturbed(struct vk_store *st)
{
	struct vk_written new;
	sigset_t block, mask;
	enum vk_err e;

	sigfillset(&block);
	sigprocmask(SIG_BLOCK, &block, &mask);
	vk_store_sweep(st->path);
	e = in_place_is_better(st) ? commit_in_place(st, &new) : vk_commit_anew(st, &new);
	if (e == VK_OK)
		adopt(st, &new);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return e;
}

static bool
is_change(const struct vk_txn *t)
{
	return t->n > 0 || t->slots || t->rekey || t->anew;
}

enum vk_err
vk_store_commit(struct vk_store *st, vk_store_decide *decide, void *arg)
{
	enum vk_err e = vk_store_need_key(st);

	if (e != VK_OK)
		return e;
	if (st->txn)
		return vk_fail(VK_EUSAGE, "a transaction within a transaction");
	if ((e = vk_lock_newest(st, F_WRLCK, VK_LOCK_WAIT_MS)) != VK_OK)
		return e;
	if (st->header.rocompat != 0)
		e = vk_fail(VK_EVERSION, "the keystore %s uses features that this version cannot write",
		    st->path);
	if (e == VK_OK && (e = vk_txn_new(&st->txn)) == VK_OK) {
		e = decide(st, arg);
		if (e == VK_OK)
			e = vk_txn_settle(st);
		st->txn->anew |= st->suspect;
		if (e == VK_OK && !is_change(st->txn))
			e = make_sure(st);
		else if (e == VK_OK && (e = write_undisturbed(st)) == VK_OK && st->committed)
			st->committed(st); /* under the lock, so that anchors follow in the order of the commits */
		vk_txn_free(VK_TAKE(st->txn));
	}
	vk_lock_drop(st->fd);
	return e;
}

static enum vk_err
decide_anew(struct vk_store *st, void *arg)
{
	(void)arg;
	st->txn->anew = true;
	return VK_OK;
}

void
vk_store_watch(struct vk_store *st, const struct vk_progress *progress)
{
	st->progress = progress;
}

enum vk_err
vk_store_compact(struct vk_store *st, const struct vk_progress *progress)
{
	enum vk_err e;

	vk_store_watch(st, progress);
	e = vk_store_commit(st, decide_anew, NULL);
	vk_store_watch(st, NULL);
	return e;
}
