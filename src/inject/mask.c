/* SPDX-License-Identifier: ISC */
/*
 * The automaton is a trie with failure links.  It is slow for its root, where nearly all of an ordinary output leaves
 * it: there, as Wu and Manber do (TR 94-17, 1994), the last bytes of a window as long as the shortest form say how far
 * the window may move, mostly by all of it, and only a window that begins a form is given to the automaton.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/mask.h"

enum {
	WINDOW = VK_FORM_MIN,
	BLOCK = 3, /* the bytes of it that are looked at */
	MOVE = WINDOW - BLOCK + 1, /* at most */
	HASH_BITS = 16,
	NODES_MAX = 1 << 20,
};

#define MASK_LEN (sizeof(VK_MASK_TEXT) - 1)

struct node {
	uint32_t child, sibling; /* 0: none */
	uint32_t fail;           /* the longest proper suffix that is in the trie */
	uint32_t depth;
	uint32_t found;          /* the longest form that ends here; 0: none */
	uint8_t byte;
};

struct vk_mask {
	struct node *v; /* arena; [0] is the root */
	size_t n, longest;
	uint32_t first[256]; /* children of the root */
	uint8_t shift[1 << HASH_BITS];
};

/* ---- the automaton --------------------------------------------------------------------------------------------- */

/* Of BLOCK bytes. */
static unsigned
hash(uint32_t three)
{
	return three * 0x9e3779b1u >> (32 - HASH_BITS);
}

static uint32_t
child_of(const struct vk_mask *m, uint32_t at, unsigned char byte)
{
	uint32_t c;

	if (at == 0)
		return m->first[byte];
	for (c = m->v[at].child; c && m->v[c].byte != byte; c = m->v[c].sibling)
		;
	return c;
}

static void
add_form(struct vk_mask *m, const unsigned char *p, size_t n)
{
	uint32_t at = 0, c;

	for (size_t i = 0; i < n; i++, at = c) {
		if ((c = child_of(m, at, p[i])))
			continue;
		c = (uint32_t)m->n++;
		m->v[c] = (struct node){ .byte = p[i], .depth = (uint32_t)i + 1 };
		if (at == 0) {
			m->first[p[i]] = c;
		} else {
			m->v[c].sibling = m->v[at].child;
			m->v[at].child = c;
		}
	}
	m->v[at].found = (uint32_t)n;
	if (n > m->longest)
		m->longest = n;
	/* A window whose end is this far into a form must move so that the ends meet. */
	for (size_t end = BLOCK; end <= WINDOW; end++) {
		const unsigned char *q = p + end - BLOCK;
		uint8_t *shift = &m->shift[hash(q[0] | (uint32_t)q[1] << 8 | (uint32_t)q[2] << 16)];

		if (*shift > WINDOW - end)
			*shift = (uint8_t)(WINDOW - end);
	}
}

static uint32_t
step(const struct vk_mask *m, uint32_t at, unsigned char byte)
{
	uint32_t c;

	while (!(c = child_of(m, at, byte)) && at)
		at = m->v[at].fail;
	return c;
}

/* Level by level: a node's failure link is to one that is not as deep. */
static void
link_failures(struct vk_mask *m, uint32_t *queue)
{
	size_t n = 0;

	for (size_t b = 0; b < VK_COUNT(m->first); b++)
		if (m->first[b])
			queue[n++] = m->first[b];
	for (size_t i = 0; i < n; i++) {
		const struct node *up = &m->v[queue[i]];

		for (uint32_t c = up->child; c; c = m->v[c].sibling) {
			struct node *new = &m->v[c];

			new->fail = step(m, up->fail, new->byte);
			if (!new->found)
				new->found = m->v[new->fail].found;
			queue[n++] = c;
		}
	}
}

enum vk_err
vk_mask_make(const struct vk_forms *f, struct vk_mask **ret)
{
	VK_CLEANUP(vk_freep) uint32_t *queue = NULL;
	struct vk_mask *m;
	size_t most = 1;

	for (size_t i = 0; i < f->n; i++)
		most += f->v[i].n;
	if (most > NODES_MAX)
		return vk_fail(VK_ELIMIT, "the secrets, in all ways to write them, are over %d bytes", NODES_MAX);
	queue = malloc(most * sizeof(*queue));
	if (!queue || !(m = vk_arena_alloc(sizeof(*m))))
		return VK_ENOMEM;
	memset(m, 0, sizeof(*m));
	m->n = 1;
	if (!(m->v = vk_arena_alloc(most * sizeof(*m->v)))) {
		vk_mask_free(m);
		return VK_ENOMEM;
	}
	m->v[0] = (struct node){ 0 };
	memset(m->shift, MOVE, sizeof(m->shift));
	for (size_t i = 0; i < f->n; i++)
		add_form(m, (const unsigned char *)vk_form_text(f, i), f->v[i].n);
	link_failures(m, queue);
	*ret = m;
	return VK_OK;
}

void
vk_mask_free(struct vk_mask *m)
{
	if (m)
		vk_arena_free(m->v);
	vk_arena_free(m);
}

static size_t
copy_size(const struct vk_mask *m)
{
	return sizeof(*m) + m->n * sizeof(*m->v);
}

void
vk_mask_forget(struct vk_mask *m)
{
	size_t size = copy_size(m);

	vk_wipe(m, size);
	munmap(m, size);
}

/* ${fd} -1: for this process alone. */
static struct vk_mask *
room(size_t size, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)mlock(p, size);
	madvise(p, size, MADV_DONTDUMP);
	return p;
}

static void
fill(struct vk_mask *copy, const struct vk_mask *m)
{
	*copy = *m;
	copy->v = (struct node *)(void *)(copy + 1);
	memcpy(copy->v, m->v, m->n * sizeof(*m->v));
}

enum vk_err
vk_mask_rescue(const struct vk_mask *m, struct vk_mask **ret)
{
	struct vk_mask *copy = room(copy_size(m), -1);

	if (!copy)
		return VK_ENOMEM;
	fill(copy, m);
	vk_arena_wipe();
	*ret = copy;
	return VK_OK;
}

enum vk_err
vk_mask_share(const struct vk_mask *m, struct vk_mask **ret, int *ret_fd)
{
	VK_CLEANUP(vk_closep) int fd = memfd_create("valetkey-mask", MFD_CLOEXEC);
	struct vk_mask *copy;

	if (fd < 0 || ftruncate(fd, (off_t)copy_size(m)) < 0)
		return vk_fail_errno("cannot make a memory file");
	if (!(copy = room(copy_size(m), fd)))
		return VK_ENOMEM;
	fill(copy, m);
	*ret = copy;
	*ret_fd = fd;
	fd = -1;
	return VK_OK;
}

enum vk_err
vk_mask_load(int fd, struct vk_mask **ret)
{
	struct vk_mask *copy;
	struct stat st;
	size_t size;
	enum vk_err e;

	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*copy))
		return vk_fail(VK_EPROTO, "what is to be hidden did not arrive");
	size = (size_t)st.st_size;
	if (!(copy = room(size, -1)))
		return VK_ENOMEM;
	e = vk_pread_full(fd, copy, size, 0);
	if (e == VK_OK && copy_size(copy) != size)
		e = vk_fail(VK_EPROTO, "what is to be hidden did not arrive whole");
	if (e != VK_OK) {
		vk_wipe(copy, size);
		munmap(copy, size);
		return e;
	}
	copy->v = (struct node *)(void *)(copy + 1);
	*ret = copy;
	return VK_OK;
}

size_t
vk_mask_longest(const struct vk_mask *m)
{
	return m->longest;
}

/* ---- the stream ------------------------------------------------------------------------------------------------ */

/* Those in what may still become one form do not touch each other; two more can be added before settling. */
static size_t
most_spans(const struct vk_mask *m)
{
	return m->longest / (WINDOW + 1) + 3;
}

/* Nodes are numbered as they are made, so the state is the same one in the larger trie. */
enum vk_err
vk_mask_extend(struct vk_mask_stream *s, const struct vk_mask *m)
{
	size_t max = most_spans(m);
	struct vk_mask_span *span = max > s->max_spans ? reallocarray(s->span, max, sizeof(*span)) : s->span;

	if (!span)
		return VK_ENOMEM;
	s->span = span;
	s->max_spans = max > s->max_spans ? max : s->max_spans;
	s->mask = m;
	return VK_OK;
}

enum vk_err
vk_mask_begin(const struct vk_mask *m, struct vk_mask_stream *ret)
{
	size_t max = most_spans(m);
	struct vk_mask_span *span = calloc(max, sizeof(*span));

	if (!span)
		return VK_ENOMEM;
	*ret = (struct vk_mask_stream){ .mask = m, .span = span, .max_spans = max };
	return VK_OK;
}

void
vk_mask_end(struct vk_mask_stream *s)
{
	free(s->span);
	s->span = NULL;
}

/* Of one call.  Places are counted from ${buf}. */
struct piece {
	struct vk_mask_stream *s;
	char *buf;
	size_t n;
	size_t out;  /* up to here it is ready */
	size_t from; /* up to here everything was given out or hidden */
};

static void
give(struct piece *p, size_t upto)
{
	size_t n = upto - p->from;

	if (n == 0)
		return;
	if (p->out != p->from)
		memmove(p->buf + p->out, p->buf + p->from, n);
	p->out += n;
	p->from = upto;
	p->s->hidden = false;
}

/* Nothing that is still to be found begins before ${start}. */
static void
settle(struct piece *p, size_t start)
{
	struct vk_mask_stream *s = p->s;
	size_t i;

	for (i = 0; i < s->n_spans && s->span[i].at <= start; i++) {
		give(p, s->span[i].at);
		/* A form is longer than this, so that it never reaches bytes that are not read yet. */
		memcpy(p->buf + p->out, VK_MASK_TEXT, MASK_LEN);
		p->out += MASK_LEN;
		p->from = s->span[i].end;
		s->hidden = true;
	}
	s->n_spans -= i;
	memmove(s->span, s->span + i, s->n_spans * sizeof(*s->span));
	if (start > p->from)
		give(p, start);
}

/* Found: the ${n} bytes before ${end}, of which the first may have been hidden by an earlier call. */
static void
note(struct piece *p, size_t n, size_t end)
{
	struct vk_mask_stream *s = p->s;
	size_t at = end > n ? end - n : 0;

	if (at <= p->from && s->hidden) {
		s->n_spans = 0;
		p->from = end;
		return;
	}
	while (s->n_spans > 0 && s->span[s->n_spans - 1].end >= at) {
		s->n_spans--;
		if (s->span[s->n_spans].at < at)
			at = s->span[s->n_spans].at;
	}
	s->span[s->n_spans++] = (struct vk_mask_span){ .at = at, .end = end };
}

/* How far the window at ${p} may move.  The last three of the four bytes count, which are one load. */
static unsigned
shift_at(const struct vk_mask *m, const unsigned char *p)
{
	const unsigned char *q = p + WINDOW - 4;
	uint32_t four = q[0] | (uint32_t)q[1] << 8 | (uint32_t)q[2] << 16 | (uint32_t)q[3] << 24;

	return m->shift[hash(four >> 8)];
}

/* The first place from ${at} on where a form begins, and the state after its window; 0: there is none. */
static size_t
skip(const struct vk_mask *m, const char *buf, size_t n, size_t at, uint32_t *ret_state)
{
	const unsigned char *p = (const unsigned char *)buf;

	while (at + WINDOW <= n) {
		unsigned by = shift_at(m, p + at);
		uint32_t state = 0;
		size_t i;

		/* Three that do not wait for each other: nearly always, all of them move by the most. */
		while (by == MOVE && n - at >= 3 * MOVE + WINDOW && shift_at(m, p + at + MOVE) == MOVE &&
		    shift_at(m, p + at + 2 * MOVE) == MOVE) {
			at += 3 * MOVE;
			by = shift_at(m, p + at);
		}
		if (by > 0) {
			at += by;
			continue;
		}
		for (i = 0; i < WINDOW && (state = child_of(m, state, p[at + i])); i++)
			;
		if (i == WINDOW) {
			*ret_state = state;
			return at;
		}
		at++;
	}
	*ret_state = 0;
	return at;
}

/* The state after the last few bytes: of what is a beginning in them, the longest. */
static uint32_t
state_of_rest(const struct vk_mask *m, const char *buf, size_t n, size_t at)
{
	for (; at < n; at++) {
		uint32_t state = 0;
		size_t i = at;

		while (i < n && (state = child_of(m, state, (unsigned char)buf[i])))
			i++;
		if (state)
			return state;
	}
	return 0;
}

void
vk_mask_feed(struct vk_mask_stream *s, char *buf, size_t n, bool last, size_t *ret_ready)
{
	const struct vk_mask *m = s->mask;
	struct piece p = { .s = s, .buf = buf, .n = n };
	uint32_t state = s->state;
	size_t at = s->held, start; /* read up to; what the state stands for begins here */

	for (;;) {
		size_t depth = m->v[state].depth;

		if (m->v[state].found && at > s->held)
			note(&p, m->v[state].found, at);
		start = at > depth ? at - depth : 0;
		if (depth < WINDOW || s->n_spans == s->max_spans)
			settle(&p, start);
		if (at == n)
			break;
		/* Back to the window, unless it would begin in what is hidden and gone. */
		if (depth >= WINDOW || start < p.from || depth > at) {
			state = step(m, state, (unsigned char)buf[at++]);
			continue;
		}
		at = skip(m, buf, n, start, &state);
		if (state) {
			at += WINDOW;
		} else {
			state = state_of_rest(m, buf, n, at);
			at = n;
		}
	}
	settle(&p, last ? n : start);
	s->state = last ? 0 : state;
	s->held = n - p.from;
	for (size_t i = 0; i < s->n_spans; i++) {
		s->span[i].at -= p.from;
		s->span[i].end -= p.from;
	}
	*ret_ready = p.out;
}
