/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "match.h"

enum {
	BLOCK = 4,
	WINDOW_MAX = 128,
	BITS_MIN = 12, /* of the hash: tables that fit into the first cache, unless there are many texts */
	BITS_MAX = 18,
	LANES = 4,
	LANE_LEAST = 1024,
};

/* A text whose window ends with some block. */
struct vk_candidate {
	uint64_t begins; /* its first bytes */
	uint16_t next;   /* 1 + the next one; 0: none */
};

static inline uint32_t
block_hash(const struct vk_matcher *m, const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (v * 0x9e3779b1U) >> (32 - m->shift_bits);
}

static void
add(struct vk_matcher *m, size_t i)
{
	const char *p = m->forms[i].p;
	struct vk_candidate *c = &m->candidates[i];
	uint32_t last = 0;

	for (size_t end = BLOCK; end <= m->window; end++) {
		size_t skip = m->window - end;

		last = block_hash(m, p + end - BLOCK);
		if (m->skip[last] > skip)
			m->skip[last] = (uint8_t)skip;
	}
	memcpy(&c->begins, p, sizeof(c->begins));
	c->next = m->first[last];
	m->first[last] = (uint16_t)(i + 1);
}

enum vk_err
vk_matcher_init(struct vk_matcher *m, const struct vk_scan_form *forms, size_t n)
{
	size_t slots;

	*m = (struct vk_matcher){ .forms = forms, .n = n, .window = WINDOW_MAX, .shift_bits = BITS_MIN };
	for (size_t i = 0; i < n; i++) {
		m->longest = forms[i].n > m->longest ? forms[i].n : m->longest;
		m->window = forms[i].n < m->window ? forms[i].n : m->window;
	}
	/* One slot in sixteen is a block of a text: then a step seldom meets one by chance. */
	while (m->shift_bits < BITS_MAX && ((size_t)1 << m->shift_bits) < n * (m->window - BLOCK + 1) * 16)
		m->shift_bits++;
	slots = (size_t)1 << m->shift_bits;
	m->skip = vk_arena_alloc(slots);
	m->first = vk_arena_alloc(slots * sizeof(*m->first));
	m->candidates = vk_arena_alloc(n * sizeof(*m->candidates));
	if (!m->skip || !m->first || !m->candidates) {
		vk_matcher_clear(m);
		return VK_ENOMEM;
	}
	memset(m->skip, (int)(m->window - BLOCK + 1), slots);
	memset(m->first, 0, slots * sizeof(*m->first));
	for (size_t i = 0; i < n; i++)
		add(m, i);
	return VK_OK;
}

void
vk_matcher_clear(struct vk_matcher *m)
{
	vk_arena_free(m->skip);
	vk_arena_free(m->first);
	vk_arena_free(m->candidates);
	*m = (struct vk_matcher){ 0 };
}

struct searched {
	const struct vk_matcher *m;
	const char *p;
	size_t n, known;
	void (*found)(size_t at, size_t form, void *arg);
	void *arg;
};

/* A window ends before ${end}, with a block that ends a window of some text. */
static __attribute__((noinline)) void
look(const struct searched *s, size_t end, uint32_t hash)
{
	const struct vk_matcher *m = s->m;
	size_t at = end - m->window;
	uint64_t begins;

	memcpy(&begins, s->p + at, sizeof(begins));
	for (size_t i = m->first[hash]; i > 0; i = m->candidates[i - 1].next) {
		const struct vk_scan_form *f = &m->forms[i - 1];

		if (m->candidates[i - 1].begins == begins && f->n <= s->n - at && at + f->n > s->known &&
		    memcmp(s->p + at, f->p, f->n) == 0)
			s->found(at, i - 1, s->arg);
	}
}

/* One step of the window that ends before ${end}: where the next one does. */
static inline size_t
step(const struct searched *s, size_t end)
{
	uint32_t h = block_hash(s->m, s->p + end - BLOCK);
	size_t skip = s->m->skip[h];

	if (__builtin_expect(skip == 0, 0)) {
		look(s, end, h);
		skip = 1;
	}
	return end + skip;
}

/*
 * Each step waits for the one before it, which is most of its time.  So parts of the text are searched in turn, and the
 * processor does their steps side by side.
 */
void
vk_match(const struct vk_matcher *m, const char *p, size_t n, size_t known,
    void (*found)(size_t at, size_t form, void *arg), void *arg)
{
	const struct searched s = { m, p, n, known, found, arg };
	size_t lane = n / LANES, end = m->window;

	if (m->n == 0 || n < m->window)
		return;
	if (lane >= LANE_LEAST) {
		size_t a = end, b = lane, c = 2 * lane, d = 3 * lane;

		/* The first begins later, or nowhere else would the lanes be as long. */
		while (a < lane && b < 2 * lane && c < 3 * lane && d <= n) {
			a = step(&s, a);
			b = step(&s, b);
			c = step(&s, c);
			d = step(&s, d);
		}
		while (a < lane)
			a = step(&s, a);
		while (b < 2 * lane)
			b = step(&s, b);
		while (c < 3 * lane)
			c = step(&s, c);
		end = d;
	}
	while (end <= n)
		end = step(&s, end);
}
