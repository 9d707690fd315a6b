/* SPDX-License-Identifier: ISC */
/* The region for secrets: blocks do not overlap, nothing freed stays readable, misuse ends the program. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/secret.h"

enum { LIVE = 400, ROUNDS = 60000 };

static struct {
	unsigned char *p;
	size_t n;
	unsigned char fill;
} live[LIVE];

static void
check_and_free(unsigned i)
{
	for (size_t j = 0; j < live[i].n; j++)
		if (live[i].p[j] != live[i].fill)
			fail_msg("block %u of %zu bytes was overwritten at %zu", i, live[i].n, j);
	vk_arena_free(live[i].p);
	live[i].p = NULL;
}

/* Random sizes and lifetimes against a pattern in every block. */
static void
test_random(void **state)
{
	unsigned seed = 4711;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned i = (unsigned)rand_r(&seed) % LIVE;
		size_t n = (size_t)rand_r(&seed) % (round % 100 == 0 ? 60000 : 300);

		if (live[i].p) {
			check_and_free(i);
			continue;
		}
		live[i].p = vk_arena_alloc(n);
		assert_non_null(live[i].p);
		assert_int_equal((uintptr_t)live[i].p % 16, 0);
		live[i].n = n;
		live[i].fill = (unsigned char)round;
		memset(live[i].p, live[i].fill, n);
	}
	for (unsigned i = 0; i < LIVE; i++)
		if (live[i].p)
			check_and_free(i);
}

/* To the last byte and back, twice: nothing leaks, and full is an answer. */
static void
test_full(void **state)
{
	void *p[128];
	unsigned n[2] = { 0, 0 };

	(void)state;
	assert_null(vk_arena_alloc(SIZE_MAX));
	assert_null(vk_arena_alloc(SIZE_MAX - 8));
	assert_null(vk_arena_alloc((size_t)1 << 30));
	for (unsigned round = 0; round < 2; round++) {
		while (n[round] < 128 && (p[n[round]] = vk_arena_alloc(1000 * 1000)))
			n[round]++;
		assert_in_range(n[round], 32, 127);
		/* every second one, so that only small holes are left; a large one does not fit */
		for (unsigned i = 0; i < n[round]; i += 2)
			vk_arena_free(p[i]);
		assert_null(vk_arena_alloc(1500 * 1000));
		p[0] = vk_arena_alloc(900 * 1000);
		assert_non_null(p[0]);
		vk_arena_free(p[0]);
		for (unsigned i = 1; i < n[round]; i += 2)
			vk_arena_free(p[i]);
		p[0] = vk_arena_alloc(7 * 1000 * 1000); /* the holes were joined */
		assert_non_null(p[0]);
		vk_arena_free(p[0]);
	}
	assert_int_equal(n[0], n[1]);
}

/* Filled with small blocks, of which a pattern is freed, the region can be filled again. */
static void
test_refill(void **state)
{
	enum { N = 400000 };
	static void *p[N];
	unsigned n = 0, again = 0;

	(void)state;
	while (n < N && (p[n] = vk_arena_alloc(200)))
		n++;
	assert_in_range(n, 240000, N - 1);
	for (unsigned i = 0; i < n; i += 3) {
		vk_arena_free(p[i]);
		p[i] = NULL;
	}
	for (unsigned i = 0; i < n; i += 3)
		again += (p[i] = vk_arena_alloc(200)) != NULL;
	assert_int_equal(again, (n + 2) / 3);
	assert_null(vk_arena_alloc(200));
	assert_null(vk_arena_alloc(64));
	for (unsigned i = 0; i < n; i++)
		vk_arena_free(p[i]);
}

static void
test_wiped(void **state)
{
	unsigned char *p = vk_arena_alloc(4096), *q;

	(void)state;
	memset(p, 'x', 4096);
	vk_arena_free(p);
	/* still mapped: that is how we can look */
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(p[i], 0);
	p = vk_arena_alloc(100);
	q = vk_arena_alloc(100);
	memset(p, 'x', 100);
	memset(q, 'y', 100);
	vk_arena_wipe();
	for (unsigned i = 0; i < 100; i++)
		assert_true(p[i] == 0 && q[i] == 0);
	p = vk_arena_alloc(100);
	assert_non_null(p);
	vk_arena_free(p);
	vk_arena_free(NULL);
}

static void
free_twice(void)
{
	char *p = vk_arena_alloc(10), *q = vk_arena_alloc(10);

	vk_arena_free(p);
	(void)q;
	vk_arena_free(p);
}

static void
free_inside(void)
{
	char *p = vk_arena_alloc(64);

	memset(p, 0, 64);
	vk_arena_free(p + 32);
}

static void
free_foreign(void)
{
	char *p = malloc(64);

	if (!p)
		_exit(0);
	vk_arena_free(p + 16);
}

static void
run_over(void)
{
	char *p = vk_arena_alloc(10);
	volatile char *v = p;

	/* There is a guard behind the region, however far that is. */
	for (size_t i = 0; i < (size_t)256 * 1024 * 1024; i += 4096)
		v[i] = 1;
}

static void
test_misuse(void **state)
{
	static void (*const ways[])(void) = { free_twice, free_inside, free_foreign, run_over };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(ways); i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			/* whatever watches over memory in this build shall not speak of it */
			signal(SIGABRT, SIG_DFL);
			signal(SIGSEGV, SIG_DFL);
			vk_harden();
			ways[i]();
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			fail_msg("misuse %zu was survived", i);
	}
}

/* 60,000 secrets at once took a minute when every allocation looked at all of them. */
static void
test_many_is_linear(void **state)
{
	enum { N = 60000 };
	static void *p[N];
	clock_t start = clock();

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		void *passing = vk_arena_alloc(300);

		assert_non_null(p[i] = vk_arena_alloc(40));
		vk_arena_free(passing);
	}
	for (unsigned i = 0; i < N; i++)
		vk_arena_free(p[i]);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 10);
}

static void
test_secret(void **state)
{
	struct vk_secret s = { 0 };
	char big[16] = "0123456789abcdef";

	(void)state;
	assert_int_equal(vk_secret_set(&s, NULL, 0), VK_OK);
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.p[0], 0);
	assert_int_equal(vk_secret_set(&s, big, sizeof(big)), VK_OK);
	assert_int_equal(s.p[16], 0);
	assert_int_equal(vk_secret_set(&s, s.p + 4, 4), VK_OK); /* from itself */
	assert_string_equal(s.p, "4567");
	assert_int_equal(vk_secret_set(&s, big, VK_MAX_SECRET + 1), VK_ELIMIT);
	assert_string_equal(s.p, "4567");
	vk_secret_clear(&s);
	assert_null(s.p);
	vk_secret_clear(&s);
	assert_true(vk_mem_eq("abc", "abc", 3) && !vk_mem_eq("abc", "abd", 3) && vk_mem_eq("x", "y", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_refill),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_many_is_linear),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
