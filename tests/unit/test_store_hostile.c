/* SPDX-License-Identifier: ISC */
/* Files made by somebody who knows the format and fixes every checksum, but has no key. */
#include "store_tamper.h"

#include "crypto/crypto.h"
#include "store/format.h"

enum { HEADER_SUM = 480, HEADER_SLOTS_HASH = 64 };

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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_image, drop_image)
	const struct CMUnitTest tests[] = {
		T(test_flips_with_sums),
		T(test_two_headers),
		T(test_foreign_formats),
		T(test_hostile_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
