/* SPDX-License-Identifier: ISC */
/*
 * The keystore's in-place commit (docs/FORMAT.md, sections 3, 5 and 11): writers that are killed,
 * writes that fail, power that fails, and a reader beside them.  README.md says what is in the
 * model and what is not; run says how it is searched.
 *
 * A switch leaves one mechanism out, and the search must then find what goes wrong:
 *
 *     NO_QUARANTINE      pages that the last commit freed are written to by the next one
 *     NO_REWRITE         step 2 is left out
 *     NO_FIRST_SYNC      step 3 is left out
 *     NO_SECOND_SYNC     step 5 is left out
 *     NO_MARK            when step 5 fails, the file is not marked
 *     MARK_APART         the mark is a write of its own, before that of the header
 *     MARK_IN_PAGE_0     and it goes to page 0, in whichever page the header is
 *     EARLY_WITNESS      step 6 comes before step 5
 *     NO_LOCK            writers do not exclude each other
 *     NOTHING            a writer that finds nothing to change says that it is done, whatever is on the disk
 *     READER_NO_TAGS     a reader takes a page as it is
 *     READER_NO_RETRY    a reader whose page does not fit does not look for another header
 *     READER_GENERATION  it looks, and takes the same generation for the same header
 *     READER_NO_LOCK     headers that are bad twice mean damage, though no lock was held
 *
 * Others say what to search: READER (beside a reader), WRITERS (how many), SPARE (how many pages
 * more than are needed), NO_FAULTS (no write fails).
 */
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef SPARE
#define SPARE 0
#endif

#define ALL  (9 + SPARE) /* two header pages; seven others: a tree, its quarantine, what a commit writes */
#define IDS  10         /* headers that matter at one time; names.pml looks whether they are enough */
#define JUNK 253        /* in a page: nothing that a header asks for */
#define TORN 254        /* in a header slot: half old, half new */
#define NONE 255

/* ---- the file -------------------------------------------------------------------------------- */

/*
 * A header and what it reaches.  Its number stands for all its bytes.  The content of a page is the
 * number of the header for which it was written; that is what a tag tells.  The tree has a root and
 * two leaves; a commit writes the root and one leaf anew.  List pages fare as the root does.
 */
typedef header {
	byte gen;               /* its generation, less what is the same for all; 2 or 3 is the lowest in the file */
	byte older;             /* the header in the other slot, as it was when this one was written */
	byte page[3], tag[3];   /* root and leaves: where each is, and what must be there */
	short held;             /* its quarantine: bit n for page n */
	bool done;              /* is the commit in it that was the last to be reported as done? */
	bool undone             /* is one in it that was reported as failed, and taken back? */
}
header h[IDS];
byte ids;

/*
 * As the kernel has the file, and as a power failure leaves it.  Cells 0 and 1 are the headers in pages 0 and 1;
 * the mark and the witness of these pages are in other sectors, which reach the disk by themselves.
 */
byte cache[ALL], disk[ALL];
byte witness[2], disk_witness[2];       /* that of page 0 is about the header in page 1 */
bool mark[2], disk_mark[2];
bool lost[ALL];         /* they differ, but a write has failed, and the kernel takes the page for clean */
bool failing;           /* the next fdatasync fails */

byte lock;
byte step[WRITERS], old[WRITERS], new[WRITERS]; /* of the writers */
byte at, ra, r, was;                            /* of the reader */
bool mixed;

#define SLOT(x)      (h[x].gen % 2)
#define PAIR(a, b)   (a < IDS && b < IDS && (h[a].older == b || h[b].older == a))
#define NEWEST(a, b) (h[a].older == b -> a : b)
#define SUSPECT      (mark[0] || mark[1])

/* Rule 4, for a witness ${w} about the slot that has header ${x}. */
#define AGREES(w, x) (w == NONE || w == x || h[w].gen < h[x].gen)

#define FITS(x, k, where) (where[h[x].page[k]] == h[x].tag[k])
#define INTACT(x, where)  (FITS(x, 0, where) && FITS(x, 1, where) && FITS(x, 2, where))
#define BIT(x, k)         (1 << h[x].page[k])
#define TREE(x)           (BIT(x, 0) | BIT(x, 1) | BIT(x, 2))

#ifdef NO_QUARANTINE
#define HELD(x) 0
#else
#define HELD(x) h[x].held
#endif
#ifdef NO_LOCK
#define UNLOCKED (cache[0] != TORN && cache[1] != TORN)
#else
#define UNLOCKED (lock == 0)
#endif

/* Steps of a writer; it can be killed before each, but for the second half of a header. */
#define IDLE    0
#define LEAF    1
#define ROOT    2
#define AGAIN   3
#define SYNC1   4
#define TEAR    5
#define HEADER  6
#define SYNC2   7
#define WITNESS 8
#define MARK    9
#define TEAR_2  10
#define BACK    11
#define SYNC3   12
#define UNMARK  13
#define SURE    14      /* of one that finds nothing to change */

/* Steps of the reader. */
#define READ_A 0
#define READ_B 1
#define LOCKED 2
#define PAGES  3

#include "names.pml"

#define must(condition, otherwise) \
	if \
	:: condition \
	:: else -> printf(otherwise); assert(false) \
	fi

/* What the cache or the disk holds is a whole file, with all that was reported as done, and nothing else. */
#define sound(where, witness) \
	must(PAIR(where[0], where[1]), "WRONG: the headers are not a pair\n"); \
	n = NEWEST(where[0], where[1]); \
	must(h[n].gen == h[h[n].older].gen + 1, "WRONG: the generations do not differ by one\n"); \
	must(INTACT(n, where), "WRONG: a page of the newest header is not the one that was meant\n"); \
	must(AGREES(witness[0], where[1]) && AGREES(witness[1], where[0]), "WRONG: a witness is against it\n"); \
	must(h[n].done, "WRONG: a commit that was reported as done is gone\n"); \
	must(!h[n].undone, "WRONG: a commit that was taken back is there\n")

/* ---- writers --------------------------------------------------------------------------------- */

inline write(to, what)
{
	cache[to] = what;
	lost[to] = false
}

/* The disk gets cell ${c}, and what else is in the page. */
inline settle(c)
{
	disk[c] = cache[c];
	if
	:: c < 2 -> disk_mark[c] = mark[c]; disk_witness[c] = witness[c]
	:: else
	fi
}

inline fdatasync()
{
	for (i : 0 .. ALL - 1) {
		if
		:: !failing && !lost[i] -> settle(i)
		:: else
		fi
	}
}

inline end(w)
{
	step[w] = IDLE; old[w] = NONE; new[w] = NONE; lock = 0
}

/* Header ${x} was reported as done.  One that was written after it, and taken back, has it too. */
inline report(x)
{
	for (i : 0 .. IDS - 1) { h[i].done = (i == x || h[i].older == x) }
}

/*
 * Two headers for the same tree, on the disk; of the other pages two are in quarantine.  Who reads the old file
 * meets nobody there any more.
 */
inline new_file()
{
	for (i : 0 .. 1) {
		h[i].gen = 2 + i; h[i].older = (i -> 0 : NONE); h[i].done = true; h[i].undone = false;
		h[i].page[0] = 2; h[i].page[1] = 3; h[i].page[2] = 4;
		h[i].tag[0] = 0; h[i].tag[1] = 0; h[i].tag[2] = 0;
		h[i].held = (i -> 1 << 5 | 1 << 6 : 0)
	};
	ids = 2;
	for (i : 0 .. ALL - 1) {
		cache[i] = (i < 2 -> i : (i < 5 -> 0 : JUNK)); lost[i] = false;
		if
		:: i < 2 -> mark[i] = false; witness[i] = NONE
		:: else
		fi;
		settle(i)
	};
	at = READ_A; ra = NONE; r = NONE; was = NONE; mixed = false
}

/* Put page ${k} of header ${x} where there is room: anywhere. */
inline take(k)
{
	p = 2;
	do
	:: usable & (1 << p) -> usable = usable & ~(1 << p); break
	:: p < ALL && (usable >> (p + 1)) -> p++
	:: usable == 0 -> printf("WRONG: no page is free\n"); assert(false)
	od;
	h[x].page[k] = p; h[x].tag[k] = x
}

/* The header ${x}, which a writer will write when it has found ${n}. */
inline prepare()
{
	d_step {
		assert(ids < IDS);
		x = ids; ids++;
		h[x].older = n; h[x].gen = h[n].gen + 1; h[x].done = h[n].done; h[x].undone = h[n].undone;
		for (i : 0 .. 2) { h[x].page[i] = h[n].page[i]; h[x].tag[i] = h[n].tag[i] };
		usable = ((1 << ALL) - 4) & ~TREE(n) & ~HELD(n)
	};
	if
	:: k = 1
	:: k = 2
	fi;
	h[x].held = BIT(n, 0) | BIT(n, k);
	take(k);
	take(0)
}

#if defined(MARK_APART) || defined(MARK_IN_PAGE_0)
#define FIRST MARK
#else
#define FIRST TEAR_2
#endif
#ifdef MARK_IN_PAGE_0
#define MARKED(x) 0
#else
#define MARKED(x) SLOT(x)
#endif

proctype writer(byte w)
{
	byte i, n, x, p, k;
	short usable;

	do
	:: atomic { step[w] == IDLE && UNLOCKED && !SUSPECT ->
		d_step { lock = w + 1; failing = false; sound(cache, witness) };
		prepare();
		d_step {
			old[w] = n; new[w] = x; step[w] = LEAF;
			name(x, n);
			printf("writer %d: finds header %d%c, will write header %d%c\n", w, NAME(n), NAME(x));
			same(); n = 0; x = 0; p = 0; k = 0; usable = 0
		} }
	/* Somebody could not make sure of a header: a new file in the place of this one. */
	:: d_step { step[w] == IDLE && UNLOCKED && SUSPECT ->
		sound(cache, witness);
		printf("writer %d: finds header %d%c and the mark; writes a new file: done\n", w, NAME(n));
		new_file(); same(); n = 0 }
	/* Nothing to change.  Is what it finds on the disk?  A witness says so; without one it makes sure. */
	:: d_step { step[w] == IDLE && UNLOCKED && !SUSPECT ->
		lock = w + 1; failing = false;
		sound(cache, witness);
#ifdef NOTHING
		if
		:: true ->
#else
		if
		:: witness[1 - SLOT(n)] == n ->
#endif
			printf("writer %d: finds header %d%c and nothing to change: done\n", w, NAME(n));
			report(n);
			end(w)
		:: else ->
			printf("writer %d: finds header %d%c and nothing to change; writes it again\n", w, NAME(n));
			write(SLOT(n), n);
			new[w] = n; step[w] = SURE
		fi;
		same(); n = 0 }
	:: d_step { step[w] == SURE ->
		fdatasync();
		if
		:: failing -> printf("writer %d: fdatasync fails: failed\n", w); end(w)
		:: else ->
			printf("writer %d: fdatasync: done\n", w);
			report(new[w]);
			step[w] = WITNESS
		fi;
		failing = false;
		same() }
	:: d_step { step[w] == LEAF ->
		k = (h[new[w]].tag[1] == new[w] -> 1 : 2);
		p = h[new[w]].page[k];
		write(p, new[w]);
		printf("writer %d: writes a leaf to page %d\n", w, page_name[p]);
		step[w] = ROOT; same(); k = 0; p = 0 }
	:: d_step { step[w] == ROOT ->
		p = h[new[w]].page[0];
		write(p, new[w]);
		printf("writer %d: writes the root to page %d\n", w, page_name[p]);
		step[w] = AGAIN; same(); p = 0 }
	:: d_step { step[w] == AGAIN ->
#ifndef NO_REWRITE
		write(SLOT(old[w]), old[w]);
		printf("writer %d: writes header %d%c again\n", w, NAME(old[w]));
#endif
		step[w] = SYNC1; old[w] = NONE; same() }
	:: d_step { step[w] == SYNC1 ->
#ifdef NO_FIRST_SYNC
		step[w] = TEAR;
#else
		fdatasync();
		if
		:: failing -> printf("writer %d: fdatasync fails: failed\n", w); end(w)
		:: else -> printf("writer %d: fdatasync\n", w); step[w] = TEAR
		fi;
		failing = false;
#endif
		same() }
	/* A read can fall into the middle of the write; a signal cannot, nor half a sector. */
	:: d_step { step[w] == TEAR ->
		old[w] = cache[SLOT(new[w])];
		write(SLOT(new[w]), TORN);
		printf("writer %d: has written half of header %d%c\n", w, NAME(new[w]));
		step[w] = HEADER; same() }
	:: d_step { step[w] == HEADER ->
		write(SLOT(new[w]), new[w]);
		printf("writer %d: has written header %d%c\n", w, NAME(new[w]));
#ifdef EARLY_WITNESS
		witness[1 - SLOT(new[w])] = new[w];
		lost[1 - SLOT(new[w])] = false;
#endif
		step[w] = SYNC2; same() }
	:: d_step { step[w] == SYNC2 ->
#ifndef NO_SECOND_SYNC
		fdatasync();
#endif
		if
		:: !failing ->
			printf("writer %d: fdatasync: done\n", w);
			must(h[new[w]].done, "WRONG: an update is lost\n");
			report(new[w]);
			old[w] = NONE; step[w] = WITNESS
		:: else ->
			printf("writer %d: fdatasync fails: failed\n", w);
			step[w] = FIRST
		fi;
		failing = false;
		same() }
	:: d_step { step[w] == WITNESS ->
		printf("writer %d: writes a witness of header %d%c\n", w, NAME(new[w]));
		witness[1 - SLOT(new[w])] = new[w];
		lost[1 - SLOT(new[w])] = false;
		end(w); same() }
#if defined(MARK_APART) || defined(MARK_IN_PAGE_0)
	:: d_step { step[w] == MARK ->
		printf("writer %d: writes the mark to page %d\n", w, MARKED(new[w]));
		mark[MARKED(new[w])] = true; lost[MARKED(new[w])] = false;
		step[w] = TEAR_2; same() }
#endif
	:: d_step { step[w] == TEAR_2 ->
		write(SLOT(new[w]), TORN);
		printf("writer %d: has written half of header %d%c back\n", w, NAME(old[w]));
		step[w] = BACK; same() }
	:: d_step { step[w] == BACK ->
		write(SLOT(new[w]), old[w]);
#if defined(NO_MARK) || defined(MARK_APART) || defined(MARK_IN_PAGE_0)
		printf("writer %d: has written header %d%c back\n", w, NAME(old[w]));
#else
		printf("writer %d: has written header %d%c back, and the mark\n", w, NAME(old[w]));
		mark[SLOT(new[w])] = true;
#endif
		step[w] = SYNC3; same() }
	:: d_step { step[w] == SYNC3 ->
		fdatasync();
		if
		:: failing -> printf("writer %d: fdatasync fails\n", w); end(w)
		:: else ->
			printf("writer %d: fdatasync\n", w);
			h[new[w]].undone = true;
			step[w] = UNMARK
		fi;
		failing = false;
		same() }
	:: d_step { step[w] == UNMARK ->
		printf("writer %d: takes the mark away\n", w);
		mark[MARKED(new[w])] = false;
		lost[MARKED(new[w])] = false;
		end(w); same() }
	:: d_step { step[w] != IDLE && step[w] != HEADER && step[w] != BACK ->
		printf("writer %d: is killed\n", w);
		end(w); same() }
	od
}

/* ---- the reader ------------------------------------------------------------------------------ */

#ifdef READER_GENERATION
#define SAME(a, b) (b < IDS && h[a].gen == h[b].gen)
#else
#define SAME(a, b) (a == b)
#endif
#ifdef READER_NO_LOCK
#define LOCK_HAD true
#else
#define LOCK_HAD (lock == 0)
#endif

/* The headers ${a} and ${b} are a pair.  ${was}: the newest one of a pair by which a page did not fit. */
inline chosen(a, b)
{
	r = NEWEST(a, b);
	printf("reader: has header %d%c\n", NAME(r));
	must(!SAME(r, was), "WRONG: the reader says that a page is damaged\n");
	ra = NONE; was = NONE; at = PAGES
}

inline read(k)
{
	if
	:: FITS(r, k, cache) ->
		printf("reader: reads page %d\n", page_name[h[r].page[k]])
	:: else ->
		printf("reader: page %d does not fit\n", page_name[h[r].page[k]]);
#ifdef READER_NO_TAGS
		mixed = true
#else
#ifdef READER_NO_RETRY
		must(false, "WRONG: the reader says that a page is damaged\n");
#endif
		was = r; r = NONE; at = READ_A
#endif
	fi
}

proctype reader()
{
	byte i;

	do
	:: d_step { at == READ_A -> ra = cache[0]; printf("reader: reads slot 0\n"); at = READ_B; same() }
	:: d_step { at == READ_B && PAIR(ra, cache[1]) ->
		printf("reader: reads slot 1\n"); chosen(ra, cache[1]); same() }
	/* Bad: once more, as often as it likes, or with a shared lock. */
	:: d_step { at == READ_B && !PAIR(ra, cache[1]) ->
		printf("reader: reads slot 1: not a pair\n"); ra = NONE; at = READ_A; same() }
	:: d_step { at == READ_B && !PAIR(ra, cache[1]) ->
		printf("reader: reads slot 1: not a pair\n"); ra = NONE; at = LOCKED; same() }
	:: d_step { at == LOCKED && LOCK_HAD ->
		printf("reader: reads both slots\n");
		must(PAIR(cache[0], cache[1]) && AGREES(witness[0], cache[1]) && AGREES(witness[1], cache[0]),
			"WRONG: the reader says that a header is damaged\n");
		chosen(cache[0], cache[1]); same() }
	/* It may read any page, in any order, as often as it likes: that is all that lookups can do, and more. */
	:: d_step { at == PAGES -> read(0); same() }
	:: d_step { at == PAGES -> read(1); same() }
	:: d_step { at == PAGES -> read(2); same() }
	:: d_step { at == PAGES ->
		printf("reader: answers\n");
		must(!mixed, "WRONG: the answer is of two states\n");
		r = NONE; at = READ_A; same() }
	od
}

/* ---- the machine ----------------------------------------------------------------------------- */

/*
 * What can befall a cell at any time: it reaches the disk; the write of its page fails, and the page counts as clean; the page
 * leaves the cache and is read anew.  One that counts as clean can still reach the disk, together with a neighbour.
 */
#define PAGE(c) \
	:: d_step { cache[c] != disk[c] && cache[c] != TORN -> \
		printf("machine: page %d reaches the disk\n", page_name[c]); \
		disk[c] = cache[c]; same() } \
	:: d_step { failing && !lost[c] && cache[c] != TORN && DIFFERS(c) -> \
		printf("machine: page %d does not reach the disk\n", page_name[c]); \
		lost[c] = true; same() } \
	:: d_step { lost[c] -> \
		printf("machine: page %d is read from the disk again\n", page_name[c]); \
		reread(c); same() }

#define SIDE(c) \
	:: d_step { mark[c] != disk_mark[c] || witness[c] != disk_witness[c] -> \
		printf("machine: the mark and the witness in page %d reach the disk\n", c); \
		disk_mark[c] = mark[c]; disk_witness[c] = witness[c]; same() }

#define DIFFERS(c) (cache[c] != disk[c] || \
	c < 2 && (mark[c % 2] != disk_mark[c % 2] || witness[c % 2] != disk_witness[c % 2]))

inline reread(c)
{
	cache[c] = disk[c];
	if
	:: c < 2 -> mark[c] = disk_mark[c]; witness[c] = disk_witness[c]
	:: else
	fi;
	lost[c] = false
}

proctype machine()
{
	byte i, n;

	do
	PAGE(0) PAGE(1) PAGE(2) PAGE(3) PAGE(4) PAGE(5) PAGE(6) PAGE(7) PAGE(8)
#if SPARE > 0
	PAGE(9)
#endif
	SIDE(0) SIDE(1)
#ifndef NO_FAULTS
	:: d_step { !failing -> printf("machine: a write fails\n"); failing = true }
#endif
	:: d_step { true ->
		printf("machine: power fails\n");
		for (i : 0 .. ALL - 1) { reread(i) };
		for (i : 0 .. WRITERS - 1) { end(i) };
		failing = false; at = READ_A; ra = NONE; r = NONE; was = NONE; mixed = false;
		sound(disk, disk_witness);
		same(); n = 0 }
	od
}

init {
	byte i;

	d_step {
		for (i : 0 .. ALL - 1) { page_name[i] = i };
		header_name[1] = 1;
		for (i : 0 .. WRITERS - 1) { end(i) };
		new_file()
	};
	atomic {
		for (i : 0 .. WRITERS - 1) { run writer(i) };
		i = 0;
#ifdef READER
		run reader();
#endif
		run machine()
	}
}
