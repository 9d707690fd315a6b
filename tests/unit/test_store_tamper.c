/* SPDX-License-Identifier: ISC */
/*
 * A changed keystore must be noticed or must not matter: never a wrong answer, never "not found"
 * for what is there, never a crash.
 */
#include "store_tamper.h"

static bool
is_zero(const unsigned char *page)
{
	static const unsigned char zero[PAGE];

	return memcmp(page, zero, PAGE) == 0;
}

static void
test_flips(void **state)
{
	int fd = open(store_file, O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_false(ask_everything("untouched", 0));
	for (size_t at = 0; at < image_len; at++) {
		unsigned char flipped = image[at] ^ (unsigned char)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		if (!ask_everything("flip", at))
			fail_msg("verify did not notice the byte at %zu", at);
		assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
	}
	assert_false(ask_everything("restored", 0));
	close(fd);
}

static void
test_cuts(void **state)
{
	struct vk_store *st;

	(void)state;
	write_file(store_file, image, image_len);
	for (size_t n = image_len; n-- > 0;) {
		assert_int_equal(truncate(store_file, (off_t)n), 0);
		if (!ask_everything("cut", n))
			fail_msg("a file cut to %zu bytes was accepted", n);
		/* at once, not only by the lookup that needs what is missing */
		st = NULL;
		if (vk_store_open(store_file, &st) == VK_OK)
			assert_int_equal(vk_store_unlock_raw(st, raw_key), VK_ETAMPER);
		vk_store_close(st);
	}
}

/* The same with a session key, which opens no slot and reads none: verify must still look. */
static void
test_slot_flips_in_session(void **state)
{
	int fd = open(store_file, O_WRONLY);
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_store *st = open_raw(store_file);
	struct vk_slot_info info[2];
	size_t n;

	(void)state;
	assert_true(fd >= 0);
	assert_ok(vk_store_session_key(st, key));
	vk_store_close(st);
	assert_ok(vk_store_open(store_file, &st));
	assert_ok(vk_store_unlock_session(st, key));
	assert_ok(vk_store_verify(st, NULL));
	for (size_t at = 2 * PAGE; at < 3 * PAGE; at++) {
		unsigned char flipped = image[at] ^ (unsigned char)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		assert_int_equal(vk_store_verify(st, NULL), VK_ETAMPER);
		assert_int_equal(vk_store_slots(st, info, 2, &n), VK_ETAMPER);
		expect(st, "https://a.example", "bob", "secret-b");
		/* nor may a writer carry it over into a new file, under a hash that fits */
		assert_int_equal(put(st, "https://n.example", "u", "", "s"), VK_ETAMPER);
		assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
	}
	vk_store_close(st);
	close(fd);
}

/* Every page at every other page's place; every page zeroed. */
static void
test_swaps(void **state)
{
	size_t pages = image_len / PAGE;
	unsigned char *p = malloc(image_len);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < pages; i++)
		for (size_t j = 0; j < pages; j++) {
			if (i == j)
				continue;
			memcpy(p, image, image_len);
			memcpy(p + i * PAGE, image + j * PAGE, PAGE);
			write_file(store_file, p, image_len);
			if (!ask_everything("copied page", i * 100 + j))
				fail_msg("page %zu in the place of %zu was accepted", j, i);
			memcpy(p + j * PAGE, image + i * PAGE, PAGE);
			write_file(store_file, p, image_len);
			if (!ask_everything("swapped page", i * 100 + j))
				fail_msg("pages %zu and %zu swapped were accepted", i, j);
		}
	for (size_t i = 0; i < pages; i++) {
		bool empty = is_zero(image + i * PAGE);

		memcpy(p, image, image_len);
		memset(p + i * PAGE, 0, PAGE);
		write_file(store_file, p, image_len);
		assert_int_equal(ask_everything("zeroed page", i), !empty);
	}
	free(p);
}

/* Each page of ${other}, a file of the same length, in the place of ours. */
static void
graft(const unsigned char *other, const char *where)
{
	unsigned char *p = malloc(image_len);

	assert_non_null(p);
	for (size_t i = 0; i < image_len / PAGE; i++) {
		if (memcmp(image + i * PAGE, other + i * PAGE, PAGE) == 0)
			continue;
		memcpy(p, image, image_len);
		memcpy(p + i * PAGE, other + i * PAGE, PAGE);
		write_file(store_file, p, image_len);
		if (!ask_everything(where, i))
			fail_msg("%s %zu was accepted", where, i);
	}
	free(p);
}

static void
test_older_pages(void **state)
{
	struct vk_store *st = open_raw(store_file);
	unsigned char *older = image;

	(void)state;
	/* Same entries, two generations later: the same page numbers, the same keys. */
	assert_ok(put(st, "https://a.example", "bob", "", "secret-B"));
	assert_ok(put(st, "https://a.example", "bob", "", "secret-b"));
	vk_store_close(st);
	image = read_file(store_file, &image_len);
	graft(older, "older page");
	free(older);
}

static void
test_foreign_pages(void **state)
{
	char path[128];
	struct vk_store *st;
	unsigned char *other;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/other", scratch);
	create_raw(path);
	st = open_raw(path);
	for (size_t i = 0; i < VK_COUNT(entries); i++)
		assert_ok(put(st, entries[i].url, entries[i].user, entries[i].name,
		    entries[i].secret ? "secret-?" : blob_secret));
	vk_store_close(st);
	other = read_file(path, &n);
	assert_int_equal(n, image_len);
	graft(other, "page of another store");
	free(other);
}

/* A damaged keystore is never written to, since that would bless what is left of it. */
static void
test_no_write_to_damaged(void **state)
{
	unsigned char *p = malloc(image_len), *after;
	size_t n, leaf = image_len - PAGE;
	struct vk_store *st;

	(void)state;
	assert_non_null(p);
	memcpy(p, image, image_len);
	p[leaf + 100] ^= 1;
	write_file(store_file, p, image_len);
	st = open_raw(store_file);
	assert_int_equal(put(st, "https://new.example", "u", "", "s"), VK_ETAMPER);
	vk_store_close(st);
	after = read_file(store_file, &n);
	assert_int_equal(n, image_len);
	assert_memory_equal(after, p, n);
	free(after);
	free(p);
}

static enum vk_err
decide_hundreds(struct vk_store *st, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2500; i++) {
		char url[64], name[16];
		struct vk_cred *c;

		snprintf(url, sizeof(url), "https://h%u.example", i);
		snprintf(name, sizeof(name), "n%u", i);
		c = cred(url, "u", name, url);
		assert_ok(vk_store_stage_put(st, c));
		vk_cred_free(c);
	}
	return VK_OK;
}

/* A tree of three levels: random damage, random lookups. */
static void
test_deep(void **state)
{
	unsigned seed = 20240229;
	struct vk_store *st = open_raw(store_file);
	int fd;

	(void)state;
	assert_ok(vk_store_commit(st, decide_hundreds, NULL));
	vk_store_close(st);
	free(image);
	image = read_file(store_file, &image_len);
	assert_true(image_len / PAGE > 100);
	fd = open(store_file, O_WRONLY);
	for (unsigned i = 0; i < 1500; i++) {
		size_t at, n = i % 3 == 0 ? 1 : i % 3 == 1 ? 64 : PAGE;
		unsigned char *junk;
		struct vk_cred *c = NULL;
		char url[64];
		enum vk_err e;

		at = (size_t)rand_r(&seed) % (image_len - n);
		if (n == PAGE)
			at -= at % PAGE;
		junk = malloc(n);
		for (size_t j = 0; j < n; j++)
			junk[j] = (unsigned char)rand_r(&seed);
		assert_int_equal(pwrite(fd, junk, n, (off_t)at), n);
		snprintf(url, sizeof(url), "https://h%u.example", (unsigned)rand_r(&seed) % 2500);
		st = NULL;
		if ((e = vk_store_open(store_file, &st)) == VK_OK)
			e = vk_store_unlock_raw(st, raw_key);
		if (e == VK_OK)
			e = find(st, url, NULL, &c);
		check_answer("junk", at, e, &c, url);
		vk_store_close(st);
		assert_int_equal(pwrite(fd, image + at, n, (off_t)at), n);
		free(junk);
	}
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_image, drop_image)
	const struct CMUnitTest tests[] = {
		T(test_flips),
		T(test_cuts),
		T(test_slot_flips_in_session),
		T(test_swaps),
		T(test_older_pages),
		T(test_foreign_pages),
		T(test_no_write_to_damaged),
		T(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
