/* SPDX-License-Identifier: ISC */
/* Files made by somebody who knows the format and fixes every checksum, but has no key. */
#include "store_tamper.h"

#include "crypto/crypto.h"
#include "store/format.h"

enum { HEADER_SLOTS = 52, HEADER_SLOTS_HASH = 64, HEADER_NONCE = 128, HEADER_TAG = 464, HEADER_SUM = 480 };

static void
fix_sum(unsigned char *header)
{
	vk_digest(header, HEADER_SUM, header + HEADER_SUM);
}

/* ${p}, in which the slot pages of the newest header were changed. */
static void
fix_hash(unsigned char *p)
{
	unsigned char *h = p + newest_at(p);

	vk_digest(p + (size_t)vk_get32(h + HEADER_SLOTS) * VK_PAGE, VK_PAGE, h + HEADER_SLOTS_HASH);
	fix_sum(h);
}

static bool
refused(const unsigned char *p, const char *where, size_t at)
{
	write_file(store_file, p, image_len);
	return ask_everything(where, at);
}

static void
test_flips_with_sums(void **state)
{
	size_t h = newest_at(image);
	unsigned char *p = copy_image();

	(void)state;
	for (size_t at = 0; at < HEADER_SUM; at += stride())
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(p, image, image_len);
			p[h + at] ^= (unsigned char)(1u << bit);
			fix_sum(p + h);
			if (!refused(p, "header with a good sum", at))
				fail_msg("header byte %zu, bit %u, was accepted", at, bit);
		}
	for (size_t at = 0; at < VK_PAGE; at += stride()) {
		memcpy(p, image, image_len);
		p[(size_t)VK_FIRST_PAGE * VK_PAGE + at] ^= (unsigned char)(1u << at % 8);
		fix_hash(p);
		if (!refused(p, "slot page with good sums", at))
			fail_msg("slot page byte %zu was accepted", at);
	}
	free(p);
}

/* What a reader looks at in the older header: all but features that may be ignored, slots, nonce and what is sealed. */
static bool
matters(size_t at)
{
	return at < 44 || (at >= 60 && at < HEADER_SLOTS_HASH) ||
	    (at >= HEADER_SLOTS_HASH + VK_DIGEST_LEN && at < HEADER_NONCE) ||
	    (at >= HEADER_TAG && at < HEADER_SUM);
}

static void
test_older_flips_with_sums(void **state)
{
	size_t h = VK_PAGE - newest_at(image);
	unsigned char *p = copy_image();
	unsigned ignored = 0;

	(void)state;
	for (size_t at = 0; at < HEADER_SUM; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bool noticed;

			memcpy(p, image, image_len);
			p[h + at] ^= (unsigned char)(1u << bit);
			fix_sum(p + h);
			noticed = refused(p, "older header with a good sum", at);
			if (!noticed && matters(at))
				fail_msg("older header byte %zu, bit %u, was accepted", at, bit);
			ignored += !noticed;
		}
	assert_true(ignored > 8 * 336); /* nonce and private half */
	free(p);
}

/* An older header that is not the one that belongs there, in all ways. */
static void
test_two_headers(void **state)
{
	size_t h = newest_at(image), other = VK_PAGE - h;
	unsigned char *p = copy_image();

	(void)state;
	for (unsigned way = 0; way < 7; way++) {
		unsigned char *twin = p + other;

		memcpy(p, image, image_len);
		if (way < 5)
			memcpy(twin, image + h, VK_HEADER_LEN);
		if (way >= 1 && way < 5) /* the generation before, so that parity is right */
			vk_put64(twin + 32, vk_get64(twin + 32) - 1);
		if (way == 2)
			twin[16] ^= 1; /* another store's */
		if (way == 3)
			twin[96] ^= 1; /* another key's */
		if (way == 4) /* the generation after: would be the newest */
			vk_put64(twin + 32, vk_get64(twin + 32) + 2);
		if (way == 5)
			twin[HEADER_TAG] ^= 1;
		if (way == 6) /* long before */
			vk_put64(twin + 32, vk_get64(twin + 32) - 2);
		fix_sum(twin);
		if (!refused(p, "second header", way))
			fail_msg("second header, way %u, was accepted", way);
	}
	free(p);
}

/* Witnesses have no key.  Still none says what is not so: of another newest header, or of one that is not there. */
static void
test_witnesses(void **state)
{
	size_t h = newest_at(image);
	uint64_t newest = vk_get64(image + h + 32);
	unsigned char *p = copy_image(), tag[VK_TAG_LEN];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (uint64_t generation = newest > 6 ? newest - 6 : 1; generation < newest + 6; generation++)
			for (unsigned right = 0; right < 2; right++) {
				bool there = generation == newest - (i == h / VK_PAGE);
				bool is_false = generation % 2 == i || generation > newest || (there && !right);
				unsigned char *page = p + (size_t)i * VK_PAGE;

				memcpy(p, image, image_len);
				memcpy(tag, p + (size_t)!i * VK_PAGE + HEADER_TAG, sizeof(tag));
				tag[0] ^= !right;
				vk_witness_encode(generation, tag, page + VK_WITNESS_AT);
				if (refused(p, "witness", generation) != is_false)
					fail_msg("witness of generation %llu of %llu, %s tag, page %u",
					    (unsigned long long)generation, (unsigned long long)newest,
					    right ? "right" : "wrong", i);
			}
	free(p);
}

/*
 * A header page put back, and all that witnesses it taken away, is the file as it was a commit ago: its
 * pages are still there.  It answers as that, or not at all; who remembers the newest state is not taken in.
 */
static void
test_witness_removed(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_store_anchor anchor;
	unsigned char *p = copy_image();
	size_t h = newest_at(image);

	(void)state;
	vk_store_anchor(st, &anchor);
	vk_store_close(st);
	memcpy(p + h, past[PAST - 1].p + h, VK_PAGE);
	assert_true(refused(p, "header put back", h));
	memset(p + VK_PAGE - h + VK_WITNESS_AT, 0, VK_WITNESS_LEN);
	entries[BOB].secret = bob_of(PAST - 1);
	(void)!refused(p, "header put back without its witness", h);
	entries[BOB].secret = "secret-b";
	assert_ok(vk_store_open(store_file, &st));
	assert_int_equal(vk_store_expect(st, &anchor), VK_ETAMPER);
	vk_store_close(st);
	free(p);
}

static void
test_foreign_formats(void **state)
{
	size_t h = newest_at(image);
	unsigned char *p = copy_image();
	struct vk_store *st = NULL;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(p, image, image_len);
		p[i * VK_PAGE + 7] = i ? '0' : '2';
		write_file(store_file, p, image_len);
		assert_int_equal(vk_store_open(store_file, &st), VK_EVERSION);
		memcpy(p, image, image_len);
		p[i * VK_PAGE + 40] = 1; /* an incompatible feature */
		fix_sum(p + (size_t)i * VK_PAGE);
		write_file(store_file, p, image_len);
		assert_int_equal(vk_store_open(store_file, &st), VK_EVERSION);
	}
	memcpy(p, image, image_len);
	p[h + 8] = 2; /* a major version, without the checksum that it would have */
	write_file(store_file, p, image_len);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	write_file(store_file, (const unsigned char *)"machine a login b password c\n", 29);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	write_file(store_file, p, 0);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	memset(p, 0, image_len);
	write_file(store_file, p, image_len);
	assert_int_equal(vk_store_open(store_file, &st), VK_ETAMPER);
	free(p);
}

/* What a hostile file may ask of the key derivation is bounded. */
static void
test_hostile_costs(void **state)
{
	static const uint32_t costs[][2] = { { 3, 1024 * 1024 + 1 }, { 17, 65536 }, { 0, 65536 },
		{ 3, 7 }, { UINT32_MAX, UINT32_MAX } };
	struct vk_secret pass = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_PASSPHRASE, .cost = { 2, 19456 }, .secret = &pass };
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
		unsigned char *s = p + (size_t)VK_FIRST_PAGE * VK_PAGE;

		vk_put32(s + 16 + 40, costs[i][0]);
		vk_put32(s + 16 + 44, costs[i][1]);
		fix_hash(p);
		write_file(path, p, n);
		assert_ok(vk_store_open(path, &st));
		assert_int_equal(vk_store_unlock_passphrase(st, &pass), VK_ETAMPER);
		vk_store_close(st);
	}
	free(p);
	vk_secret_clear(&pass);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_image, drop_image)
#define W(f) cmocka_unit_test_setup_teardown(f, make_worn_image, drop_image)
	const struct CMUnitTest tests[] = {
		T(test_flips_with_sums),
		T(test_older_flips_with_sums),
		T(test_two_headers),
		W(test_witnesses),
		W(test_witness_removed),
		T(test_foreign_formats),
		T(test_hostile_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
