/* SPDX-License-Identifier: ISC */
/* A run of bytes that is searched as it passes. */
#include <string.h>

#include "search.h"

struct hit {
	uint64_t at;
	size_t form;
};

struct vk_stream {
	struct vk_search *search;
	struct vk_source *source;
	const struct vk_place *place;
	struct vk_buf *document;
	char *p;         /* the level's buffer: what was kept of the bytes before, then new ones */
	size_t kept, n;  /* of them, and all */
	uint64_t base;   /* where p lies in the stream */
	struct hit hits[VK_FOUND_MAX]; /* not yet reported, in order */
	size_t n_hits;
	struct vk_searched last;
	bool end;
};

static uint64_t
hit_end(const struct vk_stream *st, const struct hit *h)
{
	return h->at + st->search->ask->forms[h->form].n;
}

static unsigned
owner_of(const struct vk_stream *st, size_t form)
{
	return st->search->ask->forms[form].owner;
}

/* Forms of one credential contain others: of those that overlap the longest is the one to be told. */
static bool
merge(struct vk_stream *st, const struct hit *new)
{
	for (size_t i = st->n_hits; i-- > 0;) {
		struct hit *h = &st->hits[i];

		if (owner_of(st, h->form) != owner_of(st, new->form) || hit_end(st, h) <= new->at ||
		    hit_end(st, new) <= h->at)
			continue;
		if (hit_end(st, new) - new->at > hit_end(st, h) - h->at)
			*h = *new;
		return true;
	}
	return false;
}

static void
tell(struct vk_stream *st, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		vk_say_found(st->search, st->place, st->hits[i].form, st->hits[i].at, 0);
}

static void
note_last(struct vk_stream *st, size_t n)
{
	if (n > 0)
		st->last = (struct vk_searched){ true, st->hits[n - 1].at, (unsigned)st->hits[n - 1].form };
}

static void
forget(struct vk_stream *st, size_t n)
{
	note_last(st, n);
	memmove(st->hits, st->hits + n, (st->n_hits - n) * sizeof(*st->hits));
	st->n_hits -= n;
}

static void
on_found(size_t at, size_t form, void *arg)
{
	struct vk_stream *st = arg;
	struct hit new = { st->base + at, form };
	size_t i;

	if (merge(st, &new))
		return;
	if (st->n_hits == VK_FOUND_MAX) {
		tell(st, 0, st->n_hits);
		forget(st, st->n_hits);
	}
	for (i = st->n_hits; i > 0 && st->hits[i - 1].at > new.at; i--)
		st->hits[i] = st->hits[i - 1];
	st->hits[i] = new;
	st->n_hits++;
}

/*
 * Where in these bytes the member's own begin is not asked of the archive's format: what was found last in a member
 * without compression is also what was found last here, and tells how far apart the two counts are.
 */
void
vk_stream_passed(struct vk_stream *st, uint64_t from, uint64_t to, const struct vk_searched *inner)
{
	size_t begin = 0, end, keep;

	while (begin < st->n_hits && st->hits[begin].at < from)
		begin++;
	for (end = begin; end < st->n_hits && st->hits[end].at < to;)
		end++;
	keep = end;
	if (inner->any && end > begin && st->hits[end - 1].form == inner->form && st->hits[end - 1].at >= inner->at)
		while (keep > begin && st->hits[keep - 1].at >= st->hits[end - 1].at - inner->at)
			keep--;
	tell(st, 0, keep);
	forget(st, end);
}

ssize_t
vk_stream_next(struct vk_stream *st, const char **ret_p)
{
	struct vk_search *s = st->search;
	size_t carry = s->matcher.longest > 0 ? s->matcher.longest - 1 : 0;
	ssize_t r;

	if (st->end || s->err != VK_OK)
		return 0;
	st->kept = st->n < carry ? st->n : carry;
	memmove(st->p, st->p + st->n - st->kept, st->kept);
	st->base += st->n - st->kept;
	st->n = st->kept;
	r = st->source->read(st->source, st->p + st->n, VK_READ_SIZE);
	if (r <= 0) {
		st->end = true;
		return r;
	}
	if (st->source->hole > 0) {
		memset(st->p, 0, st->kept);
		st->base += st->source->hole;
		st->source->hole = 0;
	}
	st->n += (size_t)r;
	s->bytes += (uint64_t)r;
	vk_match(&s->matcher, st->p, st->n, st->kept, on_found, st);
	if (st->document)
		vk_buf_add(st->document, st->p + st->kept, (size_t)r);
	vk_say_progress(s, VK_SCAN_PROGRESS);
	*ret_p = st->p + st->kept;
	return r;
}

void
vk_stream_whole(struct vk_stream *st)
{
	st->source->whole = true;
}

static bool
room(struct vk_search *s, unsigned level)
{
	if (!s->buffers[level])
		s->buffers[level] = vk_arena_alloc(VK_READ_SIZE + s->matcher.longest);
	return s->buffers[level] != NULL;
}

void
vk_search_stream(struct vk_search *s, struct vk_source *source, const struct vk_place *place, unsigned level,
    struct vk_buf *document, struct vk_searched *ret)
{
	struct vk_stream st;
	const char *p;
	ssize_t n;

	/* All but the hits: for a small file to clear them would be most of the work. */
	st.search = s;
	st.source = source;
	st.place = place;
	st.document = document;
	st.kept = st.n = st.n_hits = 0;
	st.base = 0;
	st.last = (struct vk_searched){ 0 };
	st.end = false;
	if (!room(s, level)) {
		vk_say_problem(s, place, VK_SCAN_LIMIT, "no memory is left for it");
		return;
	}
	st.p = s->buffers[level];
	if ((n = vk_stream_next(&st, &p)) > 0)
		vk_unpack(s, &st, p, (size_t)n, place, level);
	while (vk_stream_next(&st, &p) > 0)
		;
	tell(&st, 0, st.n_hits);
	note_last(&st, st.n_hits);
	if (ret)
		*ret = st.last;
}
