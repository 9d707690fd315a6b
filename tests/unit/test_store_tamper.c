/* SPDX-License-Identifier: ISC */
/*
 * Changed bytes of a keystore must be noticed or must not matter: never a wrong answer, never "not found"
 * for what is there, never a crash.  Whole pages and files: test_store_putback.c.
 */
#include "store_tamper.h"

static void
flip(int fd, size_t at, unsigned bit, const char *where)
{
	unsigned char flipped = image[at] ^ (unsigned char)(1u << bit);

	assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
	/* Of a suspect file (docs/FORMAT.md, section 3) a check says that it is. */
	if (!ask_everything(where, at))
		fail_msg("verify did not notice bit %u at %zu", bit, at);
	assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
}

/* Headers and slots bit by bit, the rest byte by byte. */
static void
test_flips(void **state)
{
	int fd = open(store_file, O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_false(ask_everything("untouched", 0));
	for (size_t at = 0; at < image_len; at += stride()) {
		bool header = at % PAGE < 552 && at < SLOTS_PAGE * PAGE;

		if (header || at / PAGE == SLOTS_PAGE)
			for (unsigned bit = 0; bit < 8; bit++)
				flip(fd, at, bit, "bit");
		else
			flip(fd, at, at % 8, "byte");
	}
	assert_false(ask_everything("restored", 0));
	close(fd);
}

/* Each page is all needed or all free, and as many are free as the header says. */
static void
test_worn_flips(void **state)
{
	struct vk_store *st = open_raw(store_file);
	int fd = open(store_file, O_WRONLY);
	uint64_t pages, count;
	size_t n;
	bool *unused;

	(void)state;
	assert_ok(vk_store_size(st, &pages, &count));
	vk_store_close(st);
	assert_int_equal(pages * PAGE, image_len);
	unused = find_unused(&n);
	assert_true(n > 2);
	assert_int_equal(n, count);
	for (size_t at = 0; at < image_len; at += 37 * stride()) {
		unsigned char flipped = image[at] ^ (unsigned char)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		if (ask_everything("flip", at) == unused[at / PAGE])
			fail_msg("byte %zu: %s", at, unused[at / PAGE] ? "a free page matters" : "not noticed");
		assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
	}
	free(unused);
	close(fd);
}

static void
test_cuts(void **state)
{
	struct vk_store *st;

	(void)state;
	write_file(store_file, image, image_len);
	for (size_t n = image_len; n-- > 0;) {
		if (n % stride() != 0)
			continue;
		assert_int_equal(truncate(store_file, (off_t)n), 0);
		/* at once, not only by the lookup that needs what is missing */
		st = NULL;
		if (vk_store_open(store_file, &st) == VK_OK)
			assert_int_equal(vk_store_unlock_raw(st, raw_key), VK_ETAMPER);
		vk_store_close(st);
		if (n % 16 == 0 && !ask_everything("cut", n))
			fail_msg("a file cut to %zu bytes was accepted", n);
	}
}

/* What follows the last page means nothing, and the next change takes its place. */
static void
test_longer(void **state)
{
	unsigned char *p = malloc(image_len + 2 * PAGE);
	struct vk_store *st;
	int fd;

	(void)state;
	assert_non_null(p);
	memcpy(p, image, image_len);
	memset(p + image_len, 0xa5, 2 * PAGE);
	memcpy(p + image_len, image + image_len - PAGE, 100); /* the last page begins once more */
	write_file(store_file, p, image_len);
	fd = open(store_file, O_WRONLY | O_APPEND);
	for (size_t n = 0; n < 2 * PAGE; n += 32 * stride()) {
		if (ask_everything("longer by", n))
			fail_msg("a file with %zu more bytes was refused", n);
		assert_int_equal(write(fd, p + image_len + n, 32), 32);
	}
	close(fd);
	free(p);
	st = open_raw(store_file);
	assert_ok(put(st, "https://n.example", "u", "", "s"));
	vk_store_close(st);
	assert_false(ask_everything("longer, and changed", 0));
	st = open_raw(store_file);
	expect(st, "https://n.example", NULL, "s");
	vk_store_close(st);
}

/* With a session key, which opens no slot and reads none: verify must still look. */
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
	for (size_t at = SLOTS_PAGE * PAGE; at < (SLOTS_PAGE + 1) * PAGE; at += stride()) {
		unsigned char flipped = image[at] ^ (unsigned char)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		assert_int_equal(vk_store_verify(st, NULL), VK_ETAMPER);
		assert_int_equal(vk_store_slots(st, info, 2, &n), VK_ETAMPER);
		expect(st, "https://a.example", "bob", "secret-b");
		/* nor may a writer carry it over into a new file, under a hash that fits */
		assert_int_equal(vk_store_compact(st, NULL), VK_ETAMPER);
		assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
	}
	vk_store_close(st);
	close(fd);
}

static void
assert_is_file(const unsigned char *p, size_t n)
{
	size_t now_n;
	unsigned char *now = read_file(store_file, &now_n);

	assert_int_equal(now_n, n);
	assert_memory_equal(now, p, n);
	free(now);
}

/* Whatever is damaged, a change does not bless it: it is refused, or the damage can be noticed as before. */
static void
test_changes_of_damaged(void **state)
{
	unsigned char *p = copy_image();
	unsigned refused = 0, done = 0;
	size_t n;
	bool *unused = find_unused(&n);

	(void)state;
	for (size_t i = SLOTS_PAGE; i < image_len / PAGE; i++) {
		size_t at = i * PAGE + 1000;
		struct vk_store *st = NULL;
		enum vk_err e;

		p[at] ^= 1;
		write_file(store_file, p, image_len);
		if (vk_store_open(store_file, &st) == VK_OK && vk_store_unlock_raw(st, raw_key) == VK_OK) {
			size_t now_n;
			unsigned char *now;

			e = put(st, entries[BOB].url, entries[BOB].user, "", "secret-b2");
			if (e != VK_OK)
				assert_int_equal(e, VK_ETAMPER);
			entries[BOB].secret = e == VK_OK ? "secret-b2" : "secret-b";
			now = read_file(store_file, &now_n);
			for (size_t j = 0; e != VK_OK && j < image_len / PAGE; j++)
				if (!unused[j])
					assert_memory_equal(now + j * PAGE, p + j * PAGE, PAGE);
			free(now);
			if (ask_everything("change", at) == unused[i])
				fail_msg("a change blessed page %zu", i);
			refused += e != VK_OK;
			done += e == VK_OK;
			entries[BOB].secret = "secret-b";
		}
		vk_store_close(st);
		p[at] ^= 1;
	}
	assert_true(refused >= 2 && done >= 3); /* the tree and the list; the blob and what is free */
	free(unused);
	free(p);
}

/* Nor does writing the file anew: it reads all that it takes over. */
static void
test_compacting_damaged(void **state)
{
	unsigned char *p = copy_image();
	unsigned refused = 0, done = 0;

	(void)state;
	for (size_t i = 0; i < image_len / PAGE; i++) {
		size_t at = i * PAGE + 1000;
		struct vk_store *st = NULL;

		p[at] ^= 1;
		write_file(store_file, p, image_len);
		if (vk_store_open(store_file, &st) == VK_OK && vk_store_unlock_raw(st, raw_key) == VK_OK) {
			if (vk_store_compact(st, NULL) == VK_OK) {
				if (ask_everything("compacted", i))
					fail_msg("page %zu: the new file is damaged", i);
				done++;
			} else {
				assert_is_file(p, image_len);
				refused++;
			}
		}
		vk_store_close(st);
		p[at] ^= 1;
	}
	assert_true(refused >= 3 && done >= 3); /* leaf and blob; what is free, the list and the headers' rest */
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
	unsigned seed = 20240229, refused = 0, answered = 0;
	struct vk_store *st = open_raw(store_file);
	int fd;

	(void)state;
	assert_ok(vk_store_commit(st, decide_hundreds, NULL));
	vk_store_close(st);
	free(image);
	image = read_file(store_file, &image_len);
	assert_true(image_len / PAGE > 100);
	fd = open(store_file, O_WRONLY);
	for (unsigned i = 0; i < 3000; i++) {
		size_t at, n = i % 3 == 0 ? 1 : i % 3 == 1 ? 64 : 12 * PAGE;
		unsigned char *junk = malloc(n);
		struct vk_cred *c = NULL;
		char url[64];
		enum vk_err e;

		at = (size_t)rand_r(&seed) % (image_len - n);
		if (n > PAGE)
			at -= at % PAGE;
		for (size_t j = 0; j < n; j++)
			junk[j] = (unsigned char)rand_r(&seed);
		assert_int_equal(pwrite(fd, junk, n, (off_t)at), n);
		snprintf(url, sizeof(url), "https://h%u.example", (unsigned)rand_r(&seed) % 2500);
		st = NULL;
		alarm(HANG_SECONDS);
		if ((e = vk_store_open(store_file, &st)) == VK_OK)
			e = vk_store_unlock_raw(st, raw_key);
		if (e == VK_OK)
			e = find(st, url, NULL, &c);
		refused += e == VK_ETAMPER;
		answered += e == VK_OK;
		check_answer("junk", at, e, &c, url);
		vk_store_close(st);
		assert_int_equal(pwrite(fd, image + at, n, (off_t)at), n);
		free(junk);
	}
	assert_true(refused > 50 && answered > 1000);
	alarm(0);
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_image, drop_image)
#define W(f) cmocka_unit_test_setup_teardown(f, make_worn_image, drop_image)
	const struct CMUnitTest tests[] = {
		T(test_flips),
		W(test_worn_flips),
		T(test_cuts),
		T(test_longer),
		T(test_slot_flips_in_session),
		W(test_changes_of_damaged),
		W(test_compacting_damaged),
		T(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
