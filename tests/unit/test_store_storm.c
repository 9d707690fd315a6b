/* SPDX-License-Identifier: ISC */
/*
 * Many processes on one keystore, writers among them that are killed at any moment: whoever was told that a change is
 * done finds it, nobody reads what was not current while he read, nothing is taken for tampering, and the
 * file does not grow.
 *
 * Each writer raises a counter of its own and one for all in one transaction, and publishes before and after it what
 * it writes; readers compare.  Others write the file anew and change its slots and keys.
 */
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "store_util.h"

enum { WRITERS = 8, READERS = 64, ALL = WRITERS, COUNTERS, KEEPER = WRITERS + READERS, PROCESSES };
enum { PAGES_MAX = 1500, NOISE = 12, WAIT_S = 120 };

/* What the children tell us; survives them. */
struct shared {
	atomic_ulong before[COUNTERS], after[COUNTERS]; /* what a counter may be; what it is at least */
	atomic_ulong reads[READERS], kept;
	atomic_ulong rekeyed; /* rotations begun and ended: odd while there is one */
	atomic_bool stop, failed;
	char why[300];
};

static struct shared *shared;
static unsigned writers, readers, seconds;

/* A child's: the first one says why, and all end. */
static void VK_NORETURN VK_PRINTF(1, 2)
give_up(const char *fmt, ...)
{
	va_list ap;

	if (!atomic_exchange(&shared->failed, true)) {
		va_start(ap, fmt);
		vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
		va_end(ap);
	}
	shared->stop = true;
	_exit(1);
}

/* A handle of one process, and ${shared->rekeyed} before it was opened. */
struct hand {
	struct vk_store *st;
	unsigned long rekeyed;
};

static bool
is_rekeyed(const struct hand *h)
{
	return h->rekeyed % 2 == 1 || h->rekeyed != shared->rekeyed;
}

static void
open_hand(struct hand *h)
{
	vk_store_closep(&h->st);
	h->rekeyed = shared->rekeyed;
	for (unsigned tries = 0;; tries++) {
		enum vk_err e = vk_store_open(store_file, &h->st);

		if (e == VK_OK && (e = vk_store_unlock_raw(h->st, raw_key)) == VK_OK)
			return;
		vk_store_closep(&h->st);
		/* The header was read before a rotation, the slots after it. */
		if (e != VK_EKEY || !is_rekeyed(h) || tries == 100)
			give_up("open: %s (%s)", vk_err_text(e), vk_reason());
		h->rekeyed = shared->rekeyed;
	}
}

/* Is ${e} what a rotation does to handles?  Then it is opened again. */
static bool
was_rekeyed(struct hand *h, enum vk_err e)
{
	if (e != VK_EKEY || !is_rekeyed(h))
		return false;
	open_hand(h);
	return true;
}

static const char *
url_of(unsigned counter)
{
	static char url[64];

	snprintf(url, sizeof(url), "https://counter-%u.example", counter);
	return url;
}

/* The secret of a counter: decimal digits, then as many bytes as follow from them, so that blobs come and go. */
static size_t
filler_of(unsigned long n)
{
	return n * 37 % 2500;
}

static unsigned long
number_in(const struct vk_cred *c)
{
	char *end;
	unsigned long n = strtoul(c->secret.p, &end, 10);

	if (end + filler_of(n) != c->secret.p + c->secret.n)
		give_up("a secret that nobody wrote: %.40s", c->secret.p);
	return n;
}

static enum vk_err
read_counter(struct vk_store *st, unsigned i, unsigned long *ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e = find(st, url_of(i), NULL, &c);

	if (e == VK_OK)
		*ret = number_in(c);
	else if (e == VK_ENOENT)
		*ret = 0;
	return e == VK_ENOENT ? VK_OK : e;
}

static enum vk_err
raise_counter(struct vk_store *st, unsigned i)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	char text[32 + 2500];
	unsigned long low = shared->after[i], n;
	enum vk_err e = read_counter(st, i, &n);
	size_t at;

	if (e != VK_OK)
		return e;
	if (n < low || n > shared->before[i])
		give_up("counter %u is %lu under the lock, and should be %lu to %lu", i, n, low, shared->before[i]);
	/* Nobody else has the lock. */
	shared->before[i] = n + 1;
	at = (size_t)snprintf(text, sizeof(text), "%lu", n + 1);
	memset(text + at, 'x', filler_of(n + 1));
	text[at + filler_of(n + 1)] = '\0';
	c = cred(url_of(i), "u", "", text);
	return vk_store_stage_put(st, c);
}

/* Something that comes and goes beside the counters. */
static enum vk_err
noise(struct vk_store *st, unsigned who, unsigned long n)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	char user[32], secret[400];
	struct vk_scope s = { 0 };
	enum vk_err e = vk_scope_parse("https://noise.example", &s, NULL);

	snprintf(user, sizeof(user), "noise-%u-%lu", who, n % NOISE);
	memset(secret, 'n', sizeof(secret));
	secret[n % sizeof(secret)] = '\0';
	c = cred("https://noise.example", user, "", secret);
	if (e == VK_OK && n % 3 == 0 && (e = vk_store_stage_remove(st, &s, user)) == VK_ENOENT)
		e = VK_OK;
	else if (e == VK_OK && n % 3 != 0)
		e = vk_store_stage_put(st, c);
	vk_scope_clear(&s);
	return e;
}

static enum vk_err
decide_count(struct vk_store *st, void *arg)
{
	unsigned who = *(unsigned *)arg;
	enum vk_err e = raise_counter(st, who);

	if (e == VK_OK)
		e = raise_counter(st, ALL);
	return e == VK_OK ? noise(st, who, shared->before[who]) : e;
}

/* ${*at} becomes at least ${n}. */
static void
raise_to(atomic_ulong *at, unsigned long n)
{
	unsigned long old = *at;

	while (old < n && !atomic_compare_exchange_weak(at, &old, n))
		;
}

static void
write_on(unsigned who)
{
	struct hand h = { 0 };

	open_hand(&h);
	while (!shared->stop) {
		unsigned long all;
		enum vk_err e = vk_store_commit(h.st, decide_count, &who);

		if (e == VK_OK) {
			/* Only we raise our own; of the other one the handle still shows what this commit made of it. */
			shared->after[who] = shared->before[who];
			if ((e = read_counter(h.st, ALL, &all)) == VK_OK)
				raise_to(&shared->after[ALL], all);
		}
		if (e != VK_OK && !was_rekeyed(&h, e))
			give_up("writer %u: %s (%s)", who, vk_err_text(e), vk_reason());
		/* The lock is polled for: who never lets go for longer than a moment is hard to follow. */
		pause_ms(1 + who);
	}
	_exit(0);
}

/* The counters as one handle shows them; ${lo} were their values at least before. */
static enum vk_err
compare(struct vk_store *st, const unsigned long lo[COUNTERS], unsigned long seen[COUNTERS])
{
	uint64_t generation = vk_store_generation(st);
	unsigned long sum = 0;

	for (unsigned i = 0; i < COUNTERS; i++) {
		enum vk_err e = read_counter(st, i, &seen[i]);

		if (e != VK_OK)
			return e;
		if (seen[i] < lo[i] || seen[i] > shared->before[i])
			give_up("counter %u reads as %lu, and should be %lu to %lu", i, seen[i], lo[i],
			    shared->before[i]);
		sum += i == ALL ? 0 : seen[i];
	}
	if (generation == vk_store_generation(st) && sum != seen[ALL])
		give_up("in one state the counter of all is %lu, and the sum is %lu", seen[ALL], sum);
	return VK_OK;
}

static void
look_at_counters(unsigned long lo[COUNTERS])
{
	for (unsigned i = 0; i < COUNTERS; i++)
		lo[i] = shared->after[i];
}

struct walk {
	const unsigned long *lo;
	unsigned met;
};

static enum vk_err
visit(const struct vk_cred *c, void *arg)
{
	struct walk *w = arg;
	unsigned i;
	unsigned long n;

	if (!vk_str_starts(c->scope.host, "counter-"))
		return VK_OK;
	i = (unsigned)strtoul(c->scope.host + strlen("counter-"), NULL, 10);
	n = number_in(c);
	if (i >= COUNTERS || n < w->lo[i] || n > shared->before[i])
		give_up("a walk meets counter %u as %lu", i, n);
	w->met |= 1u << i;
	return VK_OK;
}

static enum vk_err
walk(struct vk_store *st, const unsigned long lo[COUNTERS])
{
	struct walk w = { .lo = lo };
	enum vk_err e = vk_store_each(st, NULL, visit, &w);

	for (unsigned i = 0; e == VK_OK && i < COUNTERS; i++)
		if (lo[i] > 0 && !(w.met & 1u << i))
			give_up("a walk misses counter %u, which is %lu", i, lo[i]);
	return e;
}

enum reading { FRESH, RELOADED, ANCHORED, LEFT_ALONE, WALK, READINGS };

/* One look, in the way of this reader. */
static enum vk_err
read_once(struct hand *h, enum reading how, unsigned long lo[COUNTERS])
{
	struct vk_store_anchor a;
	unsigned long seen[COUNTERS];
	enum vk_err e = VK_OK;

	if (how == FRESH) {
		look_at_counters(lo);
		open_hand(h);
	} else if (how != LEFT_ALONE) {
		look_at_counters(lo);
		e = vk_store_reload(h->st);
	}
	if (e == VK_OK && how == ANCHORED) {
		vk_store_anchor(h->st, &a);
		e = vk_store_expect(h->st, &a);
	}
	if (e == VK_OK && how == WALK)
		e = walk(h->st, lo);
	else if (e == VK_OK && (e = compare(h->st, lo, seen)) == VK_OK)
		memcpy(lo, seen, sizeof(seen)); /* a handle never goes back */
	return e;
}

static void
read_on(unsigned i)
{
	enum reading how = i % READINGS;
	unsigned long lo[COUNTERS] = { 0 };
	struct hand h = { 0 };

	open_hand(&h);
	while (!shared->stop) {
		enum vk_err e = read_once(&h, how, lo);

		if (e == VK_OK && i < 3 && shared->reads[i] % 50 == 0)
			e = vk_store_verify(h.st, NULL);
		if (e == VK_OK && ++shared->reads[i] % 300 == 0)
			open_hand(&h);
		if (e != VK_OK && !was_rekeyed(&h, e))
			give_up("reader %u: %s (%s)", i, vk_err_text(e), vk_reason());
		pause_ms(1 + i % 7);
	}
	_exit(0);
}

static enum vk_err
change_slots(struct vk_store *st)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };
	unsigned char id[8];
	enum vk_err e = vk_secret_set(&key, "fedcba9876543210fedcba9876543210", VK_STORE_KEY_LEN);

	if (e == VK_OK)
		e = vk_store_slot_add(st, &slot, id);
	return e == VK_OK ? vk_store_slot_remove(st, id, true) : e;
}

/* Who keeps the file in order while it is used. */
static void
keep_on(void)
{
	struct hand h = { 0 };
	uint64_t pages, free_pages;

	open_hand(&h);
	for (unsigned k = 0; !shared->stop; k++) {
		enum vk_err e;

		shared->rekeyed += k % 3 == 2;
		e = k % 3 == 0 ? vk_store_compact(h.st, NULL) : k % 3 == 1 ? change_slots(h.st) : vk_store_rotate(h.st);
		shared->rekeyed += k % 3 == 2;
		if (e == VK_OK && (e = vk_store_size(h.st, &pages, &free_pages)) == VK_OK && pages > PAGES_MAX)
			give_up("the file has %lu pages", (unsigned long)pages);
		if (e != VK_OK && !was_rekeyed(&h, e))
			give_up("keeper: %s (%s)", vk_err_text(e), vk_reason());
		shared->kept++;
		pause_ms(300);
	}
	_exit(0);
}

static pid_t
start(unsigned i)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (i < writers)
			write_on(i);
		if (i == KEEPER)
			keep_on();
		read_on(i - WRITERS);
	}
	return pid;
}

static bool
is_used(unsigned i)
{
	return i < writers || (i >= WRITERS && i < WRITERS + readers) || i == KEEPER;
}

/* Each has done something at least. */
static bool
all_did(const unsigned long from[COUNTERS])
{
	bool all = shared->kept >= 3;

	for (unsigned i = 0; i < writers; i++)
		all = all && shared->after[i] >= from[i] + 3;
	for (unsigned i = 0; i < readers; i++)
		all = all && shared->reads[i] > 0;
	return all;
}

/* Kill writers for ${seconds}; how many. */
static unsigned
kill_some(pid_t *pid)
{
	unsigned kills = 0, seed = 7;
	time_t end = time(NULL) + seconds;

	for (; time(NULL) < end && !shared->failed; kills++) {
		unsigned who = (unsigned)rand_r(&seed) % writers;
		int status;

		pause_ms((unsigned)rand_r(&seed) % 60);
		kill(pid[who], SIGKILL);
		assert_int_equal(waitpid(pid[who], &status, 0), pid[who]);
		pid[who] = start(who);
	}
	return kills;
}

/* What is in the file in the end. */
static void
judge(unsigned kills)
{
	struct vk_store *st = open_raw(store_file);
	unsigned long lo[COUNTERS], seen[COUNTERS], reads = 0;
	uint64_t pages, free_pages;

	assert_ok(vk_store_verify(st, NULL));
	look_at_counters(lo);
	assert_ok(compare(st, lo, seen));
	/* a commit whose writer was killed before it could say so may or may not have happened */
	assert_true(seen[ALL] >= 3ul * writers && seen[ALL] <= lo[ALL] + kills);
	for (unsigned i = 0; i < readers; i++)
		reads += shared->reads[i];
	assert_ok(vk_store_size(st, &pages, &free_pages));
	print_message("%lu commits, %u kills, %lu reads, %lu times in order; %lu pages, %lu free\n", seen[ALL], kills,
	    reads, shared->kept, (unsigned long)pages, (unsigned long)free_pages);
	/* what writers left that were killed goes with the next new file */
	assert_ok(vk_store_compact(st, NULL));
	assert_int_equal(files_in(scratch), 1);
	vk_store_close(st);
}

static void
test_storm(void **state)
{
	pid_t pid[PROCESSES] = { 0 };
	unsigned long from[COUNTERS];
	unsigned kills;

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	create_raw(store_file);
	for (unsigned i = 0; i < PROCESSES; i++)
		if (is_used(i))
			pid[i] = start(i);
	kills = kill_some(pid);
	/* on a slow machine they were killed before they could do anything */
	look_at_counters(from);
	for (unsigned ms = 0; !all_did(from) && ms < WAIT_S * 1000 && !shared->failed; ms += 10)
		pause_ms(10);
	shared->stop = true;
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status;

		if (!is_used(i))
			continue;
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		if (shared->failed)
			continue;
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	if (shared->failed)
		fail_msg("%s", shared->why);
	assert_true(all_did(from));
	judge(kills);
	munmap(shared, sizeof(*shared));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_storm, make_scratch, drop_scratch),
	};
	/* Where everything is slow there are fewer of them: what matters is that they meet. */
	bool slow = getenv("VK_VALGRIND") != NULL;

	writers = slow ? 2 : WRITERS;
	readers = slow ? 5 : READERS;
	seconds = getenv("VK_NIGHTLY") && *getenv("VK_NIGHTLY") ? 60 : 8;
	return cmocka_run_group_tests_name("store_storm", tests, NULL, NULL);
}
