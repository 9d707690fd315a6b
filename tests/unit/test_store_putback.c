/* SPDX-License-Identifier: ISC */
/*
 * Pages and files that are sound in themselves and lie where they do not belong: swapped, older, of another
 * store.  What is answered nevertheless is right.
 */
#include "store_tamper.h"

/* Copies of ${image} with one thing changed, one after the other. */
static unsigned char *changed;

static void
start_over(void)
{
	memcpy(changed, image, image_len);
}

static bool
refused(const char *where, size_t at)
{
	write_file(store_file, changed, image_len);
	return ask_everything(where, at);
}

static int
make_changed(void **state)
{
	if (make_image(state) != 0)
		return -1;
	changed = copy_image();
	return 0;
}

static int
make_worn_changed(void **state)
{
	if (make_worn_image(state) != 0)
		return -1;
	changed = copy_image();
	return 0;
}

static int
drop_changed(void **state)
{
	free(changed);
	return drop_image(state);
}

static unsigned char *
page(unsigned char *p, size_t i)
{
	return p + i * PAGE;
}

/* Every page at every other page's place, and both swapped; every page of zero bytes. */
static void
swap_all(const bool *unused)
{
	size_t pages = image_len / PAGE;

	for (size_t i = 0; i < pages; i++)
		for (size_t j = 0; j < pages; j++) {
			if (i == j || memcmp(page(image, i), page(image, j), PAGE) == 0)
				continue;
			start_over();
			memcpy(page(changed, i), page(image, j), PAGE);
			if (refused("copied page", i * 100 + j) == (unused && unused[i]))
				fail_msg("page %zu in the place of %zu", j, i);
			memcpy(page(changed, j), page(image, i), PAGE);
			if (refused("swapped page", i * 100 + j) == (unused && unused[i] && unused[j]))
				fail_msg("pages %zu and %zu swapped", i, j);
		}
	for (size_t i = 0; i < pages; i++) {
		start_over();
		memset(page(changed, i), 0, PAGE);
		assert_int_equal(refused("zeroed page", i), !(unused && unused[i]));
	}
}

static void
test_swaps(void **state)
{
	(void)state;
	swap_all(NULL);
}

static void
test_worn_swaps(void **state)
{
	size_t n;
	bool *unused = find_unused(&n);

	(void)state;
	assert_true(n > 0);
	swap_all(unused);
	free(unused);
}

/* What a page may be put back to without anybody noticing: it is free, or, a header's, differs in the witness alone. */
static bool
harmless(const unsigned char *older, size_t i, const bool *unused)
{
	return unused[i] || (i < 2 && memcmp(older, page(image, i), 512) == 0);
}

static void
test_older_pages(void **state)
{
	size_t n;
	bool *unused = find_unused(&n);
	unsigned compared = 0;

	(void)state;
	for (unsigned k = 0; k < PAST; k++)
		for (size_t i = 0; i < image_len / PAGE && (i + 1) * PAGE <= past[k].n; i++) {
			unsigned char *older = page(past[k].p, i);

			if (memcmp(older, page(image, i), PAGE) == 0)
				continue;
			start_over();
			memcpy(page(changed, i), older, PAGE);
			if (refused("older page", k * 100 + i) == harmless(older, i, unused))
				fail_msg("page %zu as it was in state %u", i, k);
			compared += !unused[i];
		}
	assert_true(compared > PAST);
	free(unused);
}

/* All headers that there have been, in all pairs, before the newest pages. */
static void
test_older_headers(void **state)
{
	unsigned accepted = 0;

	(void)state;
	for (unsigned a = 0; a < PAST; a++)
		for (unsigned b = 0; b < PAST; b++) {
			bool put_back;

			start_over();
			memcpy(page(changed, 0), past[a].p, PAGE);
			memcpy(page(changed, 1), page(past[b].p, 1), PAGE);
			/* Where both are of one state, and its pages are still there, that is the whole file put back. */
			put_back = a == b;
			entries[BOB].secret = bob_of(a);
			if (!refused("older headers", a * 100 + b)) {
				if (!put_back)
					fail_msg("headers of states %u and %u", a, b);
				accepted++;
			}
			entries[BOB].secret = "secret-b";
			/* one of them with the newest other one */
			for (unsigned which = 0; which < 2; which++) {
				const unsigned char *older = page(past[a].p, which);

				start_over();
				memcpy(page(changed, which), older, PAGE);
				if (refused("one older header", a * 10 + which) ==
				    (memcmp(older, page(image, which), 512) == 0))
					fail_msg("header page %u of state %u", which, a);
			}
		}
	assert_true(accepted < PAST / 2);
}

/* A page of ${other}, a file of the same length, in the place of ours. */
static void
graft(const unsigned char *other, const bool *unused)
{
	for (size_t i = 0; i < image_len / PAGE; i++)
		for (size_t j = 0; j < image_len / PAGE; j++) {
			start_over();
			memcpy(page(changed, i), other + j * PAGE, PAGE);
			if (refused("foreign page", i * 100 + j) == (unused && unused[i]))
				fail_msg("page %zu of another store as page %zu", j, i);
		}
}

/* Another store that the same key opens and that has the same entries, with secrets of its own. */
static unsigned char *
make_other(size_t *ret_n)
{
	char path[128];
	struct vk_store *st;

	snprintf(path, sizeof(path), "%s/other", scratch);
	create_raw(path);
	st = open_raw(path);
	for (size_t i = 0; i < ENTRIES; i++)
		assert_ok(put(st, entries[i].url, entries[i].user, entries[i].name,
		    i == BIG ? blob_secret : "secret-?"));
	assert_ok(vk_store_compact(st, NULL));
	vk_store_close(st);
	return read_file(path, ret_n);
}

static void
test_foreign_pages(void **state)
{
	unsigned char key[VK_STORE_KEY_LEN], *other;
	struct vk_store *st;
	size_t n;

	(void)state;
	other = make_other(&n);
	assert_int_equal(n, image_len);
	graft(other, NULL);
	/* The whole file: the raw key is that of both, a session key is not. */
	write_file(store_file, image, image_len);
	st = open_raw(store_file);
	assert_ok(vk_store_session_key(st, key));
	write_file(store_file, other, n);
	assert_int_equal(vk_store_reload(st), VK_EKEY);
	vk_store_close(st);
	assert_ok(vk_store_open(store_file, &st));
	assert_int_equal(vk_store_unlock_session(st, key), VK_EKEY);
	vk_store_close(st);
	free(other);
}

/*
 * The whole file as it was: that is a sound file, and it answers as such.  Who remembers what there has been
 * is not taken in, nor is a handle that has read more than that.
 */
static void
test_older_files(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_store_anchor anchor;

	(void)state;
	vk_store_anchor(st, &anchor);
	assert_ok(vk_store_expect(st, &anchor));
	for (unsigned k = 0; k < PAST; k++) {
		struct vk_store *live, *fresh = NULL;
		struct vk_cred *c = NULL;

		write_file(store_file, image, image_len);
		live = open_raw(store_file);
		write_file(store_file, past[k].p, past[k].n);
		/* It has read nothing of the tree yet: older pages are not its own. */
		alarm(HANG_SECONDS);
		if (find(live, entries[BOB].url, "bob", &c) == VK_OK) {
			assert_string_equal(c->secret.p, bob_of(k));
			vk_cred_free(c);
		}
		vk_store_close(live);
		assert_int_equal(vk_store_reload(st), VK_ETAMPER);
		assert_ok(vk_store_open(store_file, &fresh));
		assert_int_equal(vk_store_expect(fresh, &anchor), VK_ETAMPER);
		vk_store_close(fresh);
		entries[BOB].secret = bob_of(k);
		if (ask_everything("older file", k))
			fail_msg("state %u, put back whole, was refused", k);
		entries[BOB].secret = "secret-b";
	}
	write_file(store_file, image, image_len);
	assert_ok(vk_store_reload(st));
	assert_false(ask_handle(st, "the newest again", 0));
	vk_store_close(st);
}

/* A handle that goes from each state to each other one, as it is told to, does not mix them. */
static void
test_states(void **state)
{
	(void)state;
	for (unsigned a = 0; a < PAST; a++)
		for (unsigned b = 0; b < PAST; b++) {
			struct vk_store *st;

			write_file(store_file, past[a].p, past[a].n);
			st = open_raw(store_file);
			entries[BOB].secret = bob_of(a);
			assert_false(ask_handle(st, "a state", a));
			write_file(store_file, past[b].p, past[b].n);
			assert_ok(vk_store_reload(st));
			entries[BOB].secret = bob_of(b);
			assert_false(ask_handle(st, "another state", a * 10 + b));
			vk_store_close(st);
		}
	entries[BOB].secret = "secret-b";
}

/* An older state, changed until it is as new as the newest: another file of the same generation. */
static void
test_forks(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_store_anchor anchor, other;
	unsigned char *fork;
	bool *unused;
	size_t n;

	(void)state;
	vk_store_anchor(st, &anchor);
	assert_ok(vk_store_expect(st, &anchor));
	vk_store_close(st);
	write_file(store_file, past[PAST - 1].p, past[PAST - 1].n);
	st = open_raw(store_file);
	assert_ok(put(st, entries[BOB].url, entries[BOB].user, "", "forked"));
	vk_store_anchor(st, &other);
	assert_int_equal(other.generation, anchor.generation);
	assert_memory_not_equal(other.tag, anchor.tag, sizeof(anchor.tag));
	assert_int_equal(vk_store_expect(st, &anchor), VK_ETAMPER);
	assert_ok(vk_store_expect(st, &other));
	vk_store_close(st);
	/* each page of one among those of the other */
	fork = read_file(store_file, &n);
	assert_int_equal(n, image_len);
	write_file(store_file, image, image_len);
	unused = find_unused(&n);
	for (size_t i = 0; i < image_len / PAGE; i++) {
		if (memcmp(page(image, i), page(fork, i), PAGE) == 0)
			continue;
		start_over();
		memcpy(page(changed, i), page(fork, i), PAGE);
		if (refused("page of a fork", i) == unused[i])
			fail_msg("page %zu of a fork", i);
	}
	free(unused);
	free(fork);
}

/* The file changes in all these ways under a handle that is open, and that has an anchor. */
static void
test_under_a_handle(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_store_anchor anchor;

	(void)state;
	vk_store_anchor(st, &anchor);
	assert_ok(vk_store_expect(st, &anchor));
	for (unsigned k = 0; k < PAST; k++)
		for (size_t i = 0; i < image_len / PAGE && (i + 1) * PAGE <= past[k].n; i++) {
			write_file(store_file, past[k].p, past[k].n);
			ask_handle(st, "an older file under a handle", k);
			start_over();
			memcpy(page(changed, i), page(past[k].p, i), PAGE);
			write_file(store_file, changed, image_len);
			ask_handle(st, "an older page under a handle", k * 100 + i);
			assert_int_equal(truncate(store_file, (off_t)(i * PAGE + 99)), 0);
			ask_handle(st, "a cut file under a handle", i);
			write_file(store_file, image, image_len);
			if (ask_handle(st, "the sound file again", i))
				fail_msg("page %zu of state %u: the handle is lost: %s", i, k, vk_reason());
		}
	vk_store_close(st);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_changed, drop_changed)
#define W(f) cmocka_unit_test_setup_teardown(f, make_worn_changed, drop_changed)
	const struct CMUnitTest tests[] = {
		T(test_swaps),
		W(test_worn_swaps),
		W(test_older_pages),
		W(test_older_headers),
		T(test_foreign_pages),
		W(test_older_files),
		W(test_states),
		W(test_forks),
		W(test_under_a_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
