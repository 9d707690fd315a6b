/* SPDX-License-Identifier: ISC */
/*
 * bench-store fill FILE N       make a keystore with N entries (raw key all zero)
 * bench-store find FILE N       one process, one lookup: open, unlock with the session key
 *                               in $BENCH_SESSION, find a random one of the N, close
 * bench-store loop FILE N TIMES the same again and again in one process; prints microseconds
 * bench-store session FILE      print the session key in hex
 * bench-store measure FILE N TIMES [one-host]
 *                               make it with N entries, on one host each or all on one; then the
 *                               median of TIMES of each operation, each from open to close, the walk
 *                               over everything, and the file's size: "WORD VALUE", microseconds or bytes
 *
 * A process of its own per operation is what tests/bench/run measures.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/store.h"

static bool one_host;
static const unsigned char raw[VK_STORE_KEY_LEN];
static unsigned long seed = 88172645463325252ul;

static unsigned long
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static int
failed(enum vk_err e)
{
	fprintf(stderr, "bench-store: %s: %s\n", vk_err_text(e), vk_reason());
	return 1;
}

static struct vk_cred *
make(unsigned long i)
{
	struct vk_cred *c = vk_cred_new();
	char text[64];

	vk_scope_clear(&c->scope);
	snprintf(text, sizeof(text), "https://host-%lu.example", one_host ? 0 : i);
	if (vk_scope_parse(text, &c->scope, NULL) != VK_OK)
		_exit(1);
	snprintf(text, sizeof(text), one_host ? "user-%lu" : "x-access-token", i);
	if (vk_cred_set(&c->username, text) != VK_OK)
		_exit(1);
	snprintf(text, sizeof(text), "token-%040lu", i);
	if (vk_secret_set(&c->secret, text, strlen(text)) != VK_OK)
		_exit(1);
	c->created = 1700000000;
	return c;
}

static enum vk_err
fill(struct vk_store *st, void *arg)
{
	enum vk_err e = VK_OK;

	for (unsigned long i = 0; e == VK_OK && i < *(unsigned long *)arg; i++) {
		struct vk_cred *c = make(i);

		e = vk_store_stage_put(st, c);
		vk_cred_free(c);
	}
	return e;
}

static int
do_fill(const char *file, unsigned long n)
{
	struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };
	struct vk_store *st;
	enum vk_err e;

	if ((e = vk_secret_set(&key, raw, sizeof(raw))) != VK_OK ||
	    (e = vk_store_create(file, &slot, 1)) != VK_OK ||
	    (e = vk_store_open(file, &st)) != VK_OK || (e = vk_store_unlock_raw(st, raw)) != VK_OK ||
	    (e = vk_store_commit(st, fill, &n)) != VK_OK)
		return failed(e);
	vk_store_close(st);
	return 0;
}

static enum vk_err
find_one(const char *file, const unsigned char *session, unsigned long i)
{
	struct vk_cred *want = make(i), *got = NULL;
	struct vk_query q = { &want->scope, one_host ? want->username : NULL };
	struct vk_store *st = NULL;
	enum vk_err e;

	if ((e = vk_store_open(file, &st)) == VK_OK &&
	    (e = vk_store_unlock_session(st, session)) == VK_OK &&
	    (e = vk_store_find(st, &q, &got)) == VK_OK && strcmp(got->secret.p, want->secret.p) != 0)
		e = VK_ETAMPER;
	vk_cred_free(got);
	vk_cred_free(want);
	vk_store_close(st);
	return e;
}

static int
do_loop(const char *file, const unsigned char *session, unsigned long n, unsigned long times)
{
	struct timespec a, b;
	enum vk_err e = VK_OK;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned long i = 0; e == VK_OK && i < times; i++)
		e = find_one(file, session, next_random() % n);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (e != VK_OK)
		return failed(e);
	printf("%.1f us\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
	    1e3 / (double)times);
	return 0;
}

static int
print_session(const char *file)
{
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_store *st;
	enum vk_err e;

	if ((e = vk_store_open(file, &st)) != VK_OK || (e = vk_store_unlock_raw(st, raw)) != VK_OK ||
	    (e = vk_store_session_key(st, key)) != VK_OK)
		return failed(e);
	for (size_t i = 0; i < sizeof(key); i++)
		printf("%02x", key[i]);
	puts("");
	vk_store_close(st);
	return 0;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* What a measured transaction does to entry ${i}. */
struct one {
	unsigned long i;
	bool remove;
};

static enum vk_err
change_one(struct vk_store *st, void *arg)
{
	const struct one *o = arg;
	struct vk_cred *c = make(o->i);
	enum vk_err e = o->remove ? vk_store_stage_remove(st, &c->scope, c->username)
				  : vk_store_stage_put(st, c);

	vk_cred_free(c);
	return e;
}

static enum vk_err
commit_one(const char *file, const unsigned char *session, struct one o)
{
	struct vk_store *st = NULL;
	enum vk_err e;

	if ((e = vk_store_open(file, &st)) == VK_OK &&
	    (e = vk_store_unlock_session(st, session)) == VK_OK)
		e = vk_store_commit(st, change_one, &o);
	vk_store_close(st);
	return e;
}

static enum vk_err
count_one(const struct vk_cred *c, void *arg)
{
	(void)c;
	++*(unsigned long *)arg;
	return VK_OK;
}

static enum vk_err
walk_all(const char *file, const unsigned char *session, unsigned long n)
{
	struct vk_store *st = NULL;
	unsigned long seen = 0;
	enum vk_err e;

	if ((e = vk_store_open(file, &st)) == VK_OK &&
	    (e = vk_store_unlock_session(st, session)) == VK_OK &&
	    (e = vk_store_each(st, NULL, count_one, &seen)) == VK_OK && seen != n)
		e = VK_ETAMPER;
	vk_store_close(st);
	return e;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

enum op { GET, STORE, ERASE, OPS };

/* New entries have numbers from ${n} on; each is stored, then erased. */
static enum vk_err
run_op(const char *file, const unsigned char *session, enum op op, unsigned long n, unsigned long i)
{
	switch (op) {
	case GET:
		return find_one(file, session, next_random() % n);
	case STORE:
		return commit_one(file, session, (struct one){ n + i, false });
	default:
		return commit_one(file, session, (struct one){ n + i, true });
	}
}

static int
do_measure(const char *file, unsigned long n, unsigned long times)
{
	static const char *const names[OPS] = { "get", "store", "erase" };
	unsigned char session[VK_STORE_KEY_LEN];
	double *v = calloc(times, sizeof(*v)), t = now();
	struct vk_store *st = NULL;
	uint64_t pages, free_pages;
	enum vk_err e = VK_OK;

	if (!v || do_fill(file, n) != 0)
		return 1;
	printf("import %.0f\n", now() - t);
	if ((e = vk_store_open(file, &st)) != VK_OK || (e = vk_store_unlock_raw(st, raw)) != VK_OK ||
	    (e = vk_store_session_key(st, session)) != VK_OK ||
	    (e = vk_store_size(st, &pages, &free_pages)) != VK_OK)
		return failed(e);
	vk_store_close(st);
	printf("bytes %llu\n", (unsigned long long)pages * 4096);
	for (enum op op = GET; op < OPS; op++) {
		for (unsigned long i = 0; i < times; i++) {
			t = now();
			if ((e = run_op(file, session, op, n, i)) != VK_OK)
				return failed(e);
			v[i] = now() - t;
		}
		qsort(v, times, sizeof(*v), ascending);
		printf("%s %.1f\n", names[op], v[times / 2]);
	}
	free(v);
	t = now();
	if ((e = walk_all(file, session, n)) != VK_OK)
		return failed(e);
	printf("list %.0f\n", now() - t);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *hex = getenv("BENCH_SESSION");
	unsigned char session[VK_STORE_KEY_LEN] = { 0 };
	unsigned long n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	enum vk_err e;

	for (size_t i = 0; hex && strlen(hex) == 64 && i < sizeof(session); i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		session[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return do_fill(argv[2], n);
	if (argc == 5 && n > 0 && strcmp(argv[1], "loop") == 0)
		return do_loop(argv[2], session, n, strtoul(argv[4], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "session") == 0)
		return print_session(argv[2]);
	one_host = argc == 6 && strcmp(argv[5], "one-host") == 0;
	if (argc >= 5 && n > 0 && strcmp(argv[1], "measure") == 0)
		return do_measure(argv[2], n, strtoul(argv[4], NULL, 10));
	if (argc != 4 || n == 0 || strcmp(argv[1], "find") != 0)
		return 2;
	seed ^= (unsigned long)getpid() << 20;
	next_random();
	e = find_one(argv[2], session, next_random() % n);
	return e == VK_OK ? 0 : failed(e);
}
