/* SPDX-License-Identifier: ISC */
/*
 * Random transactions against a plain table of what must be there: after each, some questions; every
 * so often, everything.  Sizes are such that leaves split and join, blobs come and go, and the
 * tree grows to three levels and shrinks to nothing.
 */
#include <time.h>

#include "store_util.h"

enum { ACCOUNTS = 6000, SECRET_MAX = 9000 };

/* Account ${i} is user ${i} on one of a few hosts and paths; ${len[i]} is its secret's length plus one, 0: absent. */
static unsigned len[ACCOUNTS];
static unsigned char fill_byte[ACCOUNTS];
static size_t present;

static uint64_t seed;

static unsigned
draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

static void
url_of(unsigned i, char url[80], char user[16])
{
	snprintf(url, 80, "https://h%u.example%s", i % 5, i % 3 == 0 ? "/team/a" : "");
	snprintf(user, 16, "user-%u", i);
}

static void
secret_of(unsigned i, char *out)
{
	memset(out, fill_byte[i], len[i] - 1);
	out[len[i] - 1] = '\0';
}

/* One transaction: some accounts are put or removed. */
struct batch {
	unsigned n, grow; /* how many; percentage of puts */
	unsigned long_percent;
	bool fail;        /* give up at the end: nothing may have changed */
};

static enum vk_err
stage_one(struct vk_store *st, const struct batch *b)
{
	static char secret[SECRET_MAX + 1];
	unsigned i = draw(ACCOUNTS);
	char url[80], user[16];
	struct vk_scope s = { 0 };
	struct vk_cred *c;
	enum vk_err e;

	url_of(i, url, user);
	if (draw(100) >= b->grow) {
		assert_ok(vk_scope_parse(url, &s, NULL));
		e = vk_store_stage_remove(st, &s, user);
		vk_scope_clear(&s);
		assert_int_equal(e, len[i] ? VK_OK : VK_ENOENT);
		present -= len[i] != 0;
		len[i] = 0;
		return VK_OK;
	}
	present += len[i] == 0;
	len[i] = 1 + (draw(100) < b->long_percent ? 1000 + draw(SECRET_MAX - 1000) : draw(300));
	fill_byte[i] = (unsigned char)('a' + draw(26));
	secret_of(i, secret);
	c = cred(url, user, i % 7 == 0 ? user : "", secret);
	e = vk_store_stage_put(st, c);
	vk_cred_free(c);
	return e;
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	const struct batch *b = arg;

	for (unsigned i = 0; i < b->n; i++)
		assert_ok(stage_one(st, b));
	return b->fail ? VK_EPOLICY : VK_OK;
}

static void
ask(struct vk_store *st, unsigned i)
{
	static char secret[SECRET_MAX + 1];
	char url[80], user[16];

	url_of(i, url, user);
	if (len[i])
		secret_of(i, secret);
	expect(st, url, user, len[i] ? secret : NULL);
}

static enum vk_err
count_one(const struct vk_cred *c, void *arg)
{
	(void)c;
	++*(size_t *)arg;
	return VK_OK;
}

static void
ask_all(struct vk_store *st)
{
	size_t n = 0;

	assert_ok(vk_store_verify(st, NULL));
	for (unsigned i = 0; i < ACCOUNTS; i++)
		ask(st, i);
	assert_ok(vk_store_each(st, NULL, count_one, &n));
	assert_int_equal(n, present);
}

static void
transact(struct vk_store *st, struct batch b)
{
	static unsigned old_len[ACCOUNTS];
	static unsigned char old_fill[ACCOUNTS];
	size_t old_present = present;

	if (b.fail) {
		memcpy(old_len, len, sizeof(len));
		memcpy(old_fill, fill_byte, sizeof(fill_byte));
		assert_int_equal(vk_store_commit(st, decide, &b), VK_EPOLICY);
		memcpy(len, old_len, sizeof(len));
		memcpy(fill_byte, old_fill, sizeof(fill_byte));
		present = old_present;
	} else {
		assert_ok(vk_store_commit(st, decide, &b));
	}
}

static void
random_transactions(void **state)
{
	static const struct batch phases[] = {
		{ 1, 100, 2, false }, { 3, 60, 30, false }, { 300, 90, 5, false }, { 40, 100, 3, false },
		{ 1, 50, 10, false }, { 30, 5, 0, false }, { 200, 0, 0, false }, { 2, 95, 60, false },
	};
	const char *given = getenv("VK_SEED");
	struct vk_store *st, *other;
	uint64_t pages, free_pages;

	(void)state;
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
	print_message("VK_SEED=%llu\n", (unsigned long long)seed);
	create_raw(store_file);
	st = open_raw(store_file);
	other = open_raw(store_file);
	for (size_t p = 0; p < VK_COUNT(phases); p++) {
		for (unsigned i = 0; i < (getenv("VK_VALGRIND") ? 15 : 60); i++) {
			struct batch b = phases[p];

			b.n = 1 + draw(b.n);
			b.fail = draw(20) == 0;
			transact(st, b);
			for (unsigned k = 0; k < 3; k++)
				ask(st, draw(ACCOUNTS));
			/* A handle from before: a page that it knows may be another's by now. */
			assert_ok(vk_store_reload(other));
			ask(other, draw(ACCOUNTS));
			if (i % 30 == 29)
				ask_all(st);
		}
		assert_ok(vk_store_size(st, &pages, &free_pages));
		print_message("phase %zu: %zu entries, %llu pages, %llu free\n", p, present,
		    (unsigned long long)pages, (unsigned long long)free_pages);
		assert_true(pages < 64 || free_pages <= pages / 2 + 40);
	}
	transact(st, (struct batch){ .n = 20000, .grow = 0 });
	ask_all(st);
	assert_ok(vk_store_compact(st, NULL));
	ask_all(other);
	vk_store_close(st);
	vk_store_close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_transactions, make_scratch, drop_scratch),
	};

	return cmocka_run_group_tests_name("store_random", tests, NULL, NULL);
}
