/* SPDX-License-Identifier: ISC */
/*
 * A changed keystore must be noticed or must not matter: never a wrong answer, never "not found"
 * for what is there, never a crash.
 */
#include <fcntl.h>

#include "crypto/crypto.h"
#include "store/format.h"
#include "store_util.h"

enum { HEADER_SUM = 480, HEADER_SLOTS_HASH = 64 };

static unsigned char *image; /* the sound file */
static size_t image_len;

static unsigned char *
read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY);
	unsigned char *p;
	struct stat s;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &s), 0);
	*ret_len = (size_t)s.st_size;
	p = malloc(*ret_len);
	assert_non_null(p);
	assert_ok(vk_pread_full(fd, p, *ret_len, 0));
	close(fd);
	return p;
}

static void
write_file(const char *path, const unsigned char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_ok(vk_write_full(fd, p, n));
	close(fd);
}

static const struct {
	const char *url, *user, *name, *secret; /* secret NULL: 5000 letters */
} entries[] = {
	{ "https://a.example", "ann", "work", "secret-a" },
	{ "https://a.example", "bob", "", "secret-b" },
	{ "https://a.example/x/y", "ann", "", "secret-xy" },
	{ "https://blob.example", "big", "big", NULL },
};

static char blob_secret[5001];

/* A store of six pages: headers, slots, two of a blob, one leaf. */
static int
make_image(void **state)
{
	struct vk_store *st;

	if (make_scratch(state) != 0)
		return -1;
	memset(blob_secret, 'B', sizeof(blob_secret) - 1);
	create_raw(store_file);
	st = open_raw(store_file);
	for (size_t i = 0; i < VK_COUNT(entries); i++)
		assert_ok(put(st, entries[i].url, entries[i].user, entries[i].name,
		    entries[i].secret ? entries[i].secret : blob_secret));
	assert_ok(vk_store_verify(st));
	vk_store_close(st);
	image = read_file(store_file, &image_len);
	return 0;
}

static int
drop_image(void **state)
{
	free(image);
	return drop_scratch(state);
}

static bool
is_refusal(enum vk_err e)
{
	return e == VK_ETAMPER || e == VK_EVERSION || e == VK_EKEY;
}

static void
check_answer(const char *where, size_t at, enum vk_err e, struct vk_cred **c, const char *secret)
{
	if (e == VK_OK && strcmp((*c)->secret.p, secret) == 0) {
		vk_cred_free(*c);
		*c = NULL;
		return;
	}
	if (!is_refusal(e))
		fail_msg("%s at %zu: %s (%s)", where, at, e == VK_OK ? "wrong answer" : vk_err_text(e),
		    vk_reason());
}

/* Open the file as it is now and ask for everything.  Returns whether a full check noticed anything. */
static bool
ask_everything(const char *where, size_t at)
{
	struct vk_store *st = NULL;
	struct vk_cred *c = NULL;
	enum vk_err e = vk_store_open(store_file, &st);
	bool noticed;

	if (e == VK_OK)
		e = vk_store_unlock_raw(st, raw_key);
	if (e != VK_OK) {
		if (!is_refusal(e))
			fail_msg("%s at %zu: %s (%s)", where, at, vk_err_text(e), vk_reason());
		vk_store_close(st);
		return true;
	}
	for (size_t i = 0; i < VK_COUNT(entries); i++) {
		const char *secret = entries[i].secret ? entries[i].secret : blob_secret;

		e = find(st, entries[i].url, entries[i].user, &c);
		check_answer(where, at, e, &c, secret);
		if (!*entries[i].name)
			continue;
		e = vk_store_find_name(st, entries[i].name, &c);
		check_answer(where, at, e, &c, secret);
	}
	e = find(st, "https://a.example", NULL, &c);
	check_answer(where, at, e, &c, "secret-a");
	e = find(st, "https://a.example", "nobody", &c);
	if (e != VK_ENOENT && !is_refusal(e))
		fail_msg("%s at %zu: an answer for nobody", where, at);
	noticed = vk_store_verify(st) != VK_OK;
	vk_store_close(st);
	return noticed;
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
	assert_ok(vk_store_verify(st));
	for (size_t at = 2 * VK_PAGE; at < 3 * VK_PAGE; at++) {
		unsigned char flipped = image[at] ^ (unsigned char)(1u << at % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		assert_int_equal(vk_store_verify(st), VK_ETAMPER);
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
	size_t pages = image_len / VK_PAGE;
	unsigned char *p = malloc(image_len);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < pages; i++)
		for (size_t j = 0; j < pages; j++) {
			if (i == j)
				continue;
			memcpy(p, image, image_len);
			memcpy(p + i * VK_PAGE, image + j * VK_PAGE, VK_PAGE);
			write_file(store_file, p, image_len);
			if (!ask_everything("copied page", i * 100 + j))
				fail_msg("page %zu in the place of %zu was accepted", j, i);
			memcpy(p + j * VK_PAGE, image + i * VK_PAGE, VK_PAGE);
			write_file(store_file, p, image_len);
			if (!ask_everything("swapped page", i * 100 + j))
				fail_msg("pages %zu and %zu swapped were accepted", i, j);
		}
	for (size_t i = 0; i < pages; i++) {
		bool empty = vk_all_zero(image + i * VK_PAGE, VK_PAGE);

		memcpy(p, image, image_len);
		memset(p + i * VK_PAGE, 0, VK_PAGE);
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
	for (size_t i = 0; i < image_len / VK_PAGE; i++) {
		if (memcmp(image + i * VK_PAGE, other + i * VK_PAGE, VK_PAGE) == 0)
			continue;
		memcpy(p, image, image_len);
		memcpy(p + i * VK_PAGE, other + i * VK_PAGE, VK_PAGE);
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

/* Which of the two header slots is in use. */
static size_t
header_at(void)
{
	return vk_all_zero(image, VK_HEADER_LEN) ? VK_PAGE : 0;
}

static void
fix_sum(unsigned char *header)
{
	vk_digest(header, HEADER_SUM, header + HEADER_SUM);
}

/* An attacker who can also make the checksums fit. */
static void
test_flips_with_sums(void **state)
{
	size_t h = header_at(), slots = (size_t)VK_FIRST_PAGE * VK_PAGE;
	unsigned char *p = malloc(image_len);

	(void)state;
	assert_non_null(p);
	for (size_t at = 0; at < HEADER_SUM; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(p, image, image_len);
			p[h + at] ^= (unsigned char)(1u << bit);
			fix_sum(p + h);
			write_file(store_file, p, image_len);
			if (!ask_everything("header with a good sum", at))
				fail_msg("header byte %zu was accepted", at);
		}
	for (size_t at = 0; at < VK_PAGE; at++) {
		memcpy(p, image, image_len);
		p[slots + at] ^= (unsigned char)(1u << at % 8);
		vk_digest(p + slots, VK_PAGE, p + h + HEADER_SLOTS_HASH);
		fix_sum(p + h);
		write_file(store_file, p, image_len);
		if (!ask_everything("slot page with good sums", at))
			fail_msg("slot page byte %zu was accepted", at);
	}
	free(p);
}

/* A second header beside the first: all ways in which it is not the one that belongs there. */
static void
test_two_headers(void **state)
{
	size_t h = header_at(), other = VK_PAGE - h;
	unsigned char *p = malloc(image_len);

	(void)state;
	assert_non_null(p);
	for (unsigned way = 0; way < 5; way++) {
		unsigned char *twin = p + other;

		memcpy(p, image, image_len);
		memcpy(twin, image + h, VK_HEADER_LEN);
		if (way >= 1) /* the generation before, so that parity is right */
			vk_put64(twin + 32, vk_get64(twin + 32) - 1);
		if (way == 2)
			twin[16] ^= 1; /* another store's */
		if (way == 3)
			twin[96] ^= 1; /* another key's */
		if (way == 4) /* the generation after: would be the newest */
			vk_put64(twin + 32, vk_get64(twin + 32) + 2);
		fix_sum(twin);
		write_file(store_file, p, image_len);
		if (!ask_everything("second header", way))
			fail_msg("second header, way %u, was accepted", way);
	}
	free(p);
}

static void
test_foreign_formats(void **state)
{
	size_t h = header_at();
	unsigned char *p = malloc(image_len);
	struct vk_store *st = NULL;

	(void)state;
	assert_non_null(p);
	memcpy(p, image, image_len);
	p[h + 7] = '1';
	write_file(store_file, p, image_len);
	assert_int_equal(vk_store_open(store_file, &st), VK_EVERSION);
	memcpy(p, image, image_len);
	p[h + 40] = 1; /* an incompatible feature */
	fix_sum(p + h);
	write_file(store_file, p, image_len);
	assert_int_equal(vk_store_open(store_file, &st), VK_EVERSION);
	write_file(store_file, (const unsigned char *)"machine a login b password c\n", 29);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	write_file(store_file, p, 0);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	memset(p, 0, image_len);
	write_file(store_file, p, image_len);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	free(p);
}

/* A damaged keystore is never written to, since that would bless what is left of it. */
static void
test_no_write_to_damaged(void **state)
{
	unsigned char *p = malloc(image_len), *after;
	size_t n, leaf = image_len - VK_PAGE;
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

/* What a hostile file may ask of the key derivation is bounded. */
static void
test_hostile_costs(void **state)
{
	static const uint32_t costs[][2] = { { 3, 1024 * 1024 + 1 }, { 17, 65536 }, { 0, 65536 },
		{ 3, 7 }, { UINT32_MAX, UINT32_MAX } };
	struct vk_secret pass = { 0 };
	struct vk_slot_new slot = { VK_SLOT_PASSPHRASE, VK_KDF_INTERACTIVE, &pass };
	struct vk_store *st = NULL;
	char path[128];
	unsigned char *p;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/pass", scratch);
	assert_ok(vk_secret_set(&pass, "pass", 4));
	assert_ok(vk_store_create(path, &slot, 1));
	p = read_file(path, &n);
	for (size_t i = 0; i < VK_COUNT(costs); i++) {
		unsigned char *s = p + (size_t)VK_FIRST_PAGE * VK_PAGE, *h = p + VK_PAGE;

		vk_put32(s + 16 + 40, costs[i][0]);
		vk_put32(s + 16 + 44, costs[i][1]);
		vk_digest(s, VK_PAGE, h + HEADER_SLOTS_HASH);
		fix_sum(h);
		write_file(path, p, n);
		assert_ok(vk_store_open(path, &st));
		assert_int_equal(vk_store_unlock_passphrase(st, &pass), VK_ETAMPER);
		vk_store_close(st);
	}
	free(p);
	vk_secret_clear(&pass);
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
	assert_true(image_len / VK_PAGE > 100);
	fd = open(store_file, O_WRONLY);
	for (unsigned i = 0; i < 1500; i++) {
		size_t at, n = i % 3 == 0 ? 1 : i % 3 == 1 ? 64 : VK_PAGE;
		unsigned char *junk;
		struct vk_cred *c = NULL;
		char url[64];
		enum vk_err e;

		at = (size_t)rand_r(&seed) % (image_len - n);
		if (n == VK_PAGE)
			at -= at % VK_PAGE;
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
		T(test_flips_with_sums),
		T(test_two_headers),
		T(test_foreign_formats),
		T(test_no_write_to_damaged),
		T(test_hostile_costs),
		T(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
