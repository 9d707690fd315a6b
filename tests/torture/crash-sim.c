/* SPDX-License-Identifier: ISC */
/*
 * crash-sim [--seed N] [--times N] DIRECTORY - power failures at every step of every kind of commit.
 *
 * A chain is the life of one keystore: writers come, one after the other, and end, are killed, or meet a failing disk;
 * now and then the power fails, and the next ones go on with what is left.  After each system call of each writer some
 * of the images that a power failure could leave there and then are opened, read as a whole, and compared with what
 * the keystore held after its last successful commit; a commit that was in flight may be there or not.
 *
 * Then the same with writers that are broken on purpose: that must be found.  DIRECTORY is empty and ours, and
 * better in memory.
 */
#include <stdio.h>
#include <string.h>

#include "crash-disk.h"
#include "crash-model.h"

enum { MAYBE_MAX = 64, TAG = 16, HEADER_PAGE = 4096, GENERATION_AT = 32, TAG_AT = 464 };

/* How the writers of a chain live.  Per cent but for the first line of numbers. */
struct mode {
	const char *name;
	unsigned chains, writers;
	unsigned killed, failing; /* writers that are, or meet a disk that does */
	unsigned lose, forget;    /* after a writer that was killed; between writers: see crash-disk.h */
	unsigned power;           /* failures of it, between writers */
	unsigned anew, slots;     /* commits that write the file anew; that change key slots */
	unsigned large, huge;     /* secrets that need a blob, and one of many pages */
};

static const struct mode modes[] = {
	{ "writers that end", 3, 40, 0, 0, 0, 0, 30, 10, 10, 10, 0 },
	{ "one writer in four is killed", 3, 60, 25, 0, 0, 0, 30, 10, 10, 10, 0 },
	{ "four writers in five are killed", 5, 80, 80, 0, 0, 0, 30, 10, 15, 15, 0 },
	{ "what the killed leave is written back badly", 4, 80, 60, 0, 60, 0, 30, 10, 10, 10, 0 },
	{ "a long list of free pages", 1, 6, 40, 20, 20, 10, 30, 0, 10, 0, 70 },
	{ "the disk fails", 5, 60, 10, 50, 0, 20, 20, 10, 10, 10, 0 },
	{ "all of that, and files that are written anew", 5, 60, 40, 30, 40, 10, 20, 40, 20, 20, 0 },
};

static const struct {
	enum disk_mutant mutant;
	const char *name;
} mutants[] = {
	{ MUTANT_PAGES, "pages are not synced before the header" },
	{ MUTANT_HEADER, "the header is not synced" },
	{ MUTANT_REWRITE, "the newest header is not written once more" },
	{ MUTANT_QUARANTINE, "there is no quarantine" },
	{ MUTANT_SUSPECT, "a file whose disk failed is not marked" },
	{ MUTANT_WITNESS, "the witness comes before its header" },
	{ MUTANT_FILE, "a new file is not synced" },
	{ MUTANT_DIRECTORY, "the directory is not synced" },
};

/* A state that a commit made, or tried to make; known by its header's tag. */
struct state {
	struct model m;
	unsigned char tag[TAG];
	bool tagged;
};

static char store[160], copy[160];
static struct state pool[MAYBE_MAX * 2];
static size_t pool_at;
/* What a power failure may leave. */
static struct state *maybe[MAYBE_MAX];
static size_t maybe_n;
static struct state *now;      /* what the page cache shows */
static struct state *inflight; /* of the writer that is at work; NULL: none */
static unsigned long states;   /* images that were looked at */
static char bad[400];          /* what was found */

static bool
is_maybe(const struct state *s)
{
	for (size_t i = 0; i < maybe_n; i++)
		if (maybe[i] == s)
			return true;
	return false;
}

static struct state *
new_state(void)
{
	struct state *s;

	do
		s = &pool[pool_at++ % VK_COUNT(pool)];
	while (s == now || is_maybe(s));
	*s = (struct state){ 0 };
	if (now)
		s->m = now->m;
	return s;
}

static void
only(struct state *s)
{
	maybe[0] = s;
	maybe_n = 1;
}

static void
also(struct state *s)
{
	if (is_maybe(s))
		return;
	disk_must(maybe_n < MAYBE_MAX, "too many commits in flight");
	maybe[maybe_n++] = s;
}

/* Remember the first thing that is wrong. */
static void
wrong(const char *what, const char *why)
{
	if (!*bad)
		snprintf(bad, sizeof(bad), "%s: %s", what, why);
}

static const char *
newest_tag(const unsigned char *file)
{
	const unsigned char *other = file + HEADER_PAGE;
	int order = 0;

	for (unsigned k = 8; order == 0 && k-- > 0;)
		order = file[GENERATION_AT + k] - other[GENERATION_AT + k];
	return (const char *)(order > 0 ? file : other) + TAG_AT;
}

static struct state *
state_of(const unsigned char *file, size_t n)
{
	for (size_t i = 0; n >= 2 * (size_t)HEADER_PAGE && i < maybe_n; i++)
		if (maybe[i]->tagged && memcmp(maybe[i]->tag, newest_tag(file), TAG) == 0)
			return maybe[i];
	return NULL;
}

/* Check a file as the library sees it; the state that it is in, or NULL. */
static struct state *
look(const char *where, const unsigned char *file, size_t n)
{
	struct state *s = state_of(file, n);
	char what[80];
	enum vk_err e;

	states++;
	disk_put(copy, file, n);
	e = model_verify(copy, s ? &s->m : &maybe[0]->m);
	snprintf(what, sizeof(what), "%s %s", where, e == VK_EPROTO ? "holds something else" : "is unreadable");
	if (e != VK_OK)
		wrong(what, vk_reason());
	else if (!s)
		wrong(where, "is in a state that was neither committed last nor in flight");
	return e == VK_OK ? s : NULL;
}

static void
probe(void)
{
	unsigned char *file;
	size_t n;

	disk_image(&file, &n);
	look("after a power failure the file", file, n);
	free(file);
}

/* Which state does the page cache show?  With ${closely}: and does it hold what it should? */
static void
follow(bool closely)
{
	unsigned char *file;
	size_t n;

	disk_cache(&file, &n);
	if (memcmp(now->tag, newest_tag(file), TAG) != 0) {
		if (!state_of(file, n) && inflight && !inflight->tagged) {
			memcpy(inflight->tag, newest_tag(file), TAG);
			inflight->tagged = true;
			also(inflight);
		}
		if (state_of(file, n))
			now = state_of(file, n);
		else
			wrong("the page cache", "shows a state that was neither committed last nor in flight");
	}
	if (closely && !*bad && !is_maybe(now))
		wrong("the page cache", "shows a state that was given up");
	if (closely && !*bad)
		look("what is in the page cache", file, n);
	free(file);
}

/* After a call of the writer.  A sync makes sure of what the page cache shows, be it somebody else's commit. */
static void
on_event(bool sure)
{
	unsigned probes;

	if (*bad)
		return;
	follow(false);
	/* How a broken writer ends is more interesting than that it breaks its word before. */
	if (sure && disk_mutant == MUTANT_NONE)
		only(now);
	probes = sure || now == inflight ? 4 : 1;
	for (unsigned i = 0; i < probes && !*bad; i++)
		probe();
}

static struct disk_plan
draw_plan(const struct mode *m)
{
	static const unsigned syncs[] = { 1 << 1, 1 << 2, 1 << 2, 3 << 2, 3 << 2, 1 << 3 };
	bool killed = disk_draw(100) < m->killed, fails = disk_draw(100) < m->failing;
	struct disk_plan p = { 0 };

	if (killed && disk_draw(2))
		p.kill_sync = 1 + disk_draw(fails ? 3 : 2);
	else if (killed)
		p.kill_call = 1 + disk_draw(disk_draw(2) ? 10 : 40);
	if (fails && disk_draw(4))
		p.fail_syncs = syncs[disk_draw(VK_COUNT(syncs))];
	else if (fails)
		p.fail_call = 1 + disk_draw(disk_draw(2) ? 10 : 40);
	return p;
}

static struct model_change
draw_change(const struct mode *m)
{
	static const enum model_kind slots[] = { MODEL_SLOT_ADD, MODEL_SLOT_REMOVE, MODEL_SLOT_CHANGE, MODEL_ROTATE };
	struct model_change c = { .kind = MODEL_FEW, .grow = disk_draw(5) ? 70 : 20,
		.large = m->large, .huge = m->huge };
	unsigned kind = disk_draw(100);

	if (kind < m->slots) {
		c.kind = slots[disk_draw(VK_COUNT(slots))];
	} else if (kind < m->slots + m->anew) {
		c.kind = disk_draw(3) ? MODEL_MANY : MODEL_COMPACT;
		c.accounts = 20 + disk_draw(60);
	} else {
		c.accounts = 1 + disk_draw(2);
	}
	return c;
}

/* What a writer that lived says must be so. */
static void
judge(enum vk_err e, const struct state *before, const struct disk_report *r)
{
	struct state *new = inflight;

	if (e == VK_OK && now == new)
		only(new);
	else if (e == VK_OK && (new->tagged || !model_same(&before->m, &new->m)))
		wrong("a commit", "says that it is done, and the page cache does not show it");
	else if (e != VK_OK && !r->failed)
		wrong("a commit fails without a cause", vk_reason());
	else if (e != VK_OK && now == new && !strstr(vk_reason(), "is in place"))
		wrong("a commit that is there fails", vk_reason());
	else if (e != VK_OK && now != new && disk_mutant == MUTANT_NONE && is_maybe(new) != (strstr(vk_reason(), "may have this change") != NULL))
		wrong("a commit that failed does not say how", vk_reason());
}

/* One writer; ${st} is the last one's handle, if it lived. */
static void
one_writer(const struct mode *m, struct vk_store **st)
{
	struct disk_plan plan = draw_plan(m);
	struct model_change c = draw_change(m);
	struct state *before = now;
	struct disk_report r;
	enum vk_err e;

	if (disk_draw(2))
		vk_store_closep(st);
	if (!*st && (e = model_open(store, st)) != VK_OK) {
		wrong("the page cache is unreadable", vk_reason());
		return;
	}
	inflight = new_state();
	c.m = &inflight->m;
	disk_note("a writer: %s", model_kind_name(c.kind));
	disk_writer(&plan);
	e = model_commit(*st, &c);
	disk_writer_end(&r);
	if (!r.dead && !*bad)
		judge(e, before, &r);
	inflight = NULL;
	/* A rotation whose last step failed has happened, and its handle does not know. */
	if (r.dead || (e != VK_OK && now != before))
		vk_store_closep(st);
	if (!r.dead)
		return;
	if (disk_draw(100) < m->lose)
		disk_lose();
}

static void
power_failure(struct vk_store **st)
{
	unsigned char *file;
	struct state *s;
	size_t n;

	vk_store_closep(st);
	disk_crash();
	disk_cache(&file, &n);
	if ((s = look("after a power failure the file", file, n))) {
		now = s;
		only(s);
	}
	free(file);
}

/* More free pages than one list page can name: a file of some 2400 pages, of which a few accounts are removed at a time. */
static void
prepare(struct vk_store **st)
{
	struct model_change c = { .kind = MODEL_MANY, .accounts = 220, .grow = 100, .huge = 100 };
	uint64_t pages, free_pages = 0;
	enum vk_err e = model_open(store, st);

	while (e == VK_OK && free_pages < 1050) {
		c.m = &now->m;
		if ((e = model_commit(*st, &c)) == VK_OK)
			e = vk_store_size(*st, &pages, &free_pages);
		c = (struct model_change){ .kind = MODEL_FEW, .accounts = 2 };
	}
	disk_must(e == VK_OK, vk_reason());
}

static void
chain(const struct mode *m, const char *dir)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	unsigned char *file;
	size_t n;

	maybe_n = 0;
	now = NULL;
	now = new_state();
	only(now);
	disk_clear(dir);
	disk_must(model_create(store, &now->m) == VK_OK, vk_reason());
	if (m->huge)
		prepare(&st);
	disk_attach(store);
	disk_cache(&file, &n);
	memcpy(now->tag, newest_tag(file), TAG);
	now->tagged = true;
	free(file);
	for (unsigned i = 0; i < m->writers && !*bad; i++) {
		one_writer(m, &st);
		if (!*bad && disk_draw(100) < m->forget)
			disk_forget();
		if (!*bad)
			follow(true);
		if (!*bad && disk_draw(100) < m->power)
			power_failure(&st);
	}
}

/* All chains of a mode; false when something was found. */
static bool
run(size_t i, const char *dir, uint64_t seed, unsigned times)
{
	const struct mode *m = &modes[i];

	*bad = '\0';
	for (unsigned k = 0; k < m->chains * times; k++) {
		disk_seed((seed * VK_COUNT(modes) + i) * 100000 + k);
		chain(m, dir);
		if (*bad)
			return false;
	}
	return true;
}

static bool
run_mutant(size_t i, const char *dir, uint64_t seed)
{
	bool found = false;

	disk_mutant = mutants[i].mutant;
	/* The last one has most of what can happen. */
	for (size_t k = VK_COUNT(modes); k-- > 0 && !found;)
		found = !run(k, dir, seed, 1);
	disk_mutant = MUTANT_NONE;
	return found;
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1, times = 1;
	size_t n = 0;
	bool failed = false;

	while (argc > 3 && (strcmp(argv[1], "--seed") == 0 || strcmp(argv[1], "--times") == 0) &&
	    vk_str_u64(argv[2], UINT32_MAX, argv[1][2] == 's' ? &seed : &times) == VK_OK) {
		argc -= 2;
		argv += 2;
	}
	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(store, sizeof(store), "%s/keystore", argv[1]);
	snprintf(copy, sizeof(copy), "%s/copy", argv[1]);
	disk_on_event = on_event;
	printf("1..%zu\n", VK_COUNT(modes) + VK_COUNT(mutants));
	for (size_t i = 0; i < VK_COUNT(modes); i++) {
		bool ok;

		states = 0;
		ok = run(i, argv[1], seed, (unsigned)times);
		printf("%sok %zu - %s: %lu states\n", ok ? "" : "not ", ++n, modes[i].name, states);
		if (!ok) {
			printf("# --seed %llu: %s\n", (unsigned long long)seed, bad);
			disk_print_log();
		}
		failed = failed || !ok;
	}
	for (size_t i = 0; i < VK_COUNT(mutants); i++) {
		bool ok;

		states = 0;
		ok = run_mutant(i, argv[1], seed);
		printf("%sok %zu - found in state %lu: %s\n# %s\n", ok ? "" : "not ", ++n, states, mutants[i].name,
		    bad);
		failed = failed || !ok;
	}
	disk_detach();
	return failed;
}
