/* SPDX-License-Identifier: ISC */
/*
 * Two states that differ only in how headers and pages are called are the same state: nothing in
 * the protocol hangs on a number.  same() gives every state the one set of names that follows from
 * its shape, and forgets what can no longer be asked for.  So there is no bound on the number of
 * commits, and the search still ends.
 *
 * Forgotten are: headers that are in no slot and in nobody's hand (their numbers are used
 * again; that is not a second header with the same bytes, since nothing remembers the first);
 * what is in a page when no header wants it there; and a reader whose header is in no slot any
 * more: its answer is right, for it checks every tag, or it starts over, and never says "damaged",
 * for it cannot find that header again.
 */

/* For the story that a trail tells, apart from the state: page numbers, and generations with a letter for each attempt. */
hidden byte page_name[ALL], header_name[IDS], header_try[IDS], tries[256];

#define NAME(x) header_name[x], 'a' + header_try[x]

inline name(x, n)
{
	header_name[x] = header_name[n] + 1;
	header_try[x] = tries[header_name[x]];
	tries[header_name[x]]++
}

c_code {
#if defined(READER_NO_TAGS) || defined(READER_NO_RETRY) || defined(READER_GENERATION)
#define READER_STAYS 1
#else
#define READER_STAYS 0
#endif

extern int readtrail;
extern void (*Uerror)(char *);

static unsigned char to[256], from[IDS];                /* headers: new names, and the other way round */
static unsigned char page_to[ALL], page_from[ALL];      /* pages */
static int named, mine, heads, linked, pages;

static void
name_header(int x)
{
	if (x < IDS && to[x] == NONE) {
		if (named == IDS)
			Uerror("more headers than IDS");
		from[named] = x;
		to[x] = named++;
	}
}

static void
name_page(int x)
{
	if (page_to[x] == 0) {
		page_from[pages] = x;
		page_to[x] = pages++;
	}
}

/* One that speaks of a header that is long gone says nothing: it is as if there were none. */
static void
name_witness(unsigned char *w, int i)
{
	for (int k = 0; k < heads && w[i] != NONE; k++)
		if (now.h[from[k]].gen % 2 == !i && now.h[from[k]].gen <= now.h[w[i]].gen) {
			name_header(w[i]);
			return;
		}
	w[i] = NONE;
}

/* Headers that are in a slot or in somebody's hand come first, then those whose pages they use. */
static void
name_headers(void)
{
	named = 0;
	memset(to, NONE, sizeof(to));
	for (int i = 0; i < 2; i++) {
		name_header(now.cache[i]);
		name_header(now.disk[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		name_header(now.old[i]);
		name_header(now.new[i]);
	}
	mine = named;
	if (READER_STAYS) {
		name_header(now.r);
		name_header(now.was);
	}
	if (to[now.r] == NONE && now.at >= PAGES)
		now.r = NONE, now.at = READ_A;
	heads = named;
	for (int i = 0; i < 2; i++) {
		name_witness(now.witness, i);
		name_witness(now.disk_witness, i);
	}
	/* Of what was read from slot 0 and is not there any more matters only whose older header it is. */
	for (int i = 0; i < heads; i++)
		if (now.h[from[i]].older == now.ra)
			name_header(now.ra);
	linked = named;
	if (to[now.ra] == NONE && now.ra < IDS)
		now.ra = TORN;
	if (to[now.was] == NONE)
		now.was = NONE;
	for (int i = 0; i < heads; i++)
		for (int k = 0; k < 3; k++)
			name_header(now.h[from[i]].tag[k]);
}

static void
name_pages(void)
{
	pages = 2;
	memset(page_to, 0, sizeof(page_to));
	for (int i = 0; i < heads; i++)
		for (int k = 0; k < 3; k++)
			name_page(now.h[from[i]].page[k]);
	for (int i = 0; i < heads; i++)
		for (int p = 2; p < ALL; p++)
			if (now.h[from[i]].held >> p & 1)
				name_page(p);
	for (int p = 2; p < ALL; p++)
		name_page(p);
}

/* The lowest generation that matters, or one less. */
static int
lowest(void)
{
	int low = 255;

	for (int i = 0; i < mine; i++)
		if (now.h[from[i]].gen < low)
			low = now.h[from[i]].gen;
	return low & ~1;
}

static void
rename_headers(void)
{
	struct header t[IDS];
	int low = lowest();

	memset(t, 0, sizeof(t));
	for (int i = 0; i < named; i++) {
		int g = now.h[from[i]].gen;

		t[i].gen = i >= linked ? 0 : g < low ? g % 2 : g - low + 2;
		t[i].older = NONE;
	}
	for (int i = 0; i < heads; i++) {
		const struct header *f = &now.h[from[i]];

		t[i].done = f->done;
		t[i].undone = f->undone;
		t[i].older = to[f->older] < linked ? to[f->older] : NONE;
		for (int k = 0; k < 3; k++) {
			t[i].page[k] = page_to[f->page[k]];
			t[i].tag[k] = to[f->tag[k]];
		}
		for (int p = 2; p < ALL; p++)
			if (f->held >> p & 1)
				t[i].held |= 1 << page_to[p];
	}
	memcpy(now.h, t, sizeof(t));
	now.ids = named;
}

/* What is in page ${p}, if a header wants it there. */
static int
wanted(int p, int content)
{
	for (int i = 0; i < heads; i++)
		for (int k = 0; k < 3; k++)
			if (now.h[from[i]].page[k] == p && now.h[from[i]].tag[k] == content)
				return to[content];
	return JUNK;
}

static void
rename_pages(void)
{
	unsigned char c[ALL], d[ALL], l[ALL];

	for (int p = 0; p < ALL; p++) {
		int n = p < 2 ? p : page_to[p];

		c[n] = p >= 2 ? wanted(p, now.cache[p]) : now.cache[p] == TORN ? TORN : to[now.cache[p]];
		d[n] = p >= 2 ? wanted(p, now.disk[p]) : to[now.disk[p]];
		l[n] = now.lost[p] && (c[n] != d[n] || (p < 2 && (now.mark[p] != now.disk_mark[p] ||
			now.witness[p] != now.disk_witness[p])));
	}
	memcpy(now.cache, c, ALL);
	memcpy(now.disk, d, ALL);
	memcpy(now.lost, l, ALL);
}

static void
rename_story(void)
{
	unsigned char p[ALL] = { 0, 1 }, n[IDS] = { 0 }, a[IDS] = { 0 };

	for (int i = 2; i < ALL; i++)
		p[i] = page_name[page_from[i]];
	for (int i = 0; i < named; i++) {
		n[i] = header_name[from[i]];
		a[i] = header_try[from[i]];
	}
	memcpy(page_name, p, sizeof(p));
	memcpy(header_name, n, sizeof(n));
	memcpy(header_try, a, sizeof(a));
}

static void
same(void)
{
	name_headers();
	name_pages();
	rename_pages();
	rename_headers();
	for (int i = 0; i < WRITERS; i++) {
		now.old[i] = to[now.old[i]];
		now.new[i] = to[now.new[i]];
	}
	for (int i = 0; i < 2; i++) {
		now.witness[i] = to[now.witness[i]];
		now.disk_witness[i] = to[now.disk_witness[i]];
	}
	now.r = to[now.r];
	now.was = to[now.was];
	now.ra = now.ra == TORN ? TORN : to[now.ra];
	if (readtrail)
		rename_story();
}
}

inline same() { i = 0; c_code { same(); } }
