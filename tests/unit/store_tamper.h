/* SPDX-License-Identifier: ISC */
/* store_tamper.h - small keystores to spoil, and the questions that they must answer rightly or not at all. */
#ifndef VK_TESTS_STORE_TAMPER_H
#define VK_TESTS_STORE_TAMPER_H

#include <fcntl.h>

#include "store_util.h"

enum { PAGE = 4096, SLOTS_PAGE = 2, HANG_SECONDS = 60 };

/* A sound file; and those before it, when there are any. */
enum { PAST = 8 };

static unsigned char *image;
static size_t image_len;
static struct past {
	unsigned char *p;
	size_t n;
} past[PAST];

/* Under valgrind, which takes fifty times as long, one place in so many. */
static inline size_t
stride(void)
{
	return getenv("VK_VALGRIND") ? 61 : 1;
}

static inline unsigned char *
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

static inline void
write_file(const char *path, const unsigned char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_ok(vk_write_full(fd, p, n));
	close(fd);
}

static inline unsigned char *
copy_image(void)
{
	unsigned char *p = malloc(image_len);

	assert_non_null(p);
	memcpy(p, image, image_len);
	return p;
}

/* The header page with the higher generation, which lies at offset 32 in both. */
static inline size_t
newest_at(const unsigned char *p)
{
	size_t at[2] = { 32 + 7, PAGE + 32 + 7 };

	for (unsigned i = 0; i < 8; i++)
		if (p[at[0] - i] != p[at[1] - i])
			return p[at[0] - i] > p[at[1] - i] ? 0 : PAGE;
	return 0;
}

enum { ANN, BOB, DEEPER, BIG, ENTRIES };

static struct {
	const char *url, *user, *name, *secret;
} entries[ENTRIES] = {
	[ANN] = { "https://a.example", "ann", "work", "secret-a" },
	[BOB] = { "https://a.example", "bob", "", "secret-b" },
	[DEEPER] = { "https://a.example/x/y", "ann", "", "secret-xy" },
	[BIG] = { "https://blob.example", "big", "big", NULL }, /* 5000 letters */
};

static char blob_secret[5001], other_secret[9001];

/* Where nothing has to be waited for, if there is such a place. */
static inline int
make_fast_scratch(void **state)
{
	strcpy(scratch, "/dev/shm/vk-store-XXXXXX");
	if (!mkdtemp(scratch))
		return make_scratch(state);
	snprintf(store_file, sizeof(store_file), "%s/keystore", scratch);
	return 0;
}

static inline int
make_entries(void **state)
{
	struct vk_store *st;

	if (make_fast_scratch(state) != 0)
		return -1;
	memset(blob_secret, 'B', sizeof(blob_secret) - 1);
	memset(other_secret, 'O', sizeof(other_secret) - 1);
	entries[BIG].secret = blob_secret;
	entries[BOB].secret = "secret-b";
	create_raw(store_file);
	st = open_raw(store_file);
	for (size_t i = 0; i < ENTRIES; i++)
		assert_ok(put(st, entries[i].url, entries[i].user, entries[i].name, entries[i].secret));
	vk_store_close(st);
	return 0;
}

/* A store of six pages, none of them free: headers, slots, two of a blob, one leaf. */
static inline int
make_image(void **state)
{
	uint64_t pages, unused;
	struct vk_store *st;

	if (make_entries(state) != 0)
		return -1;
	st = open_raw(store_file);
	assert_ok(vk_store_compact(st, NULL));
	assert_ok(vk_store_verify(st, NULL));
	assert_ok(vk_store_size(st, &pages, &unused));
	vk_store_close(st);
	image = read_file(store_file, &image_len);
	assert_int_equal(image_len, 6 * PAGE);
	assert_int_equal(pages, 6);
	assert_int_equal(unused, 0);
	return 0;
}

static const char *
bob_of(unsigned i)
{
	static const char *const secrets[PAST] = { "bob-0", "bob-1", "bob-2", "bob-3", "bob-4", "bob-5",
		"bob-6", "bob-7" };

	return secrets[i];
}

/*
 * A store of the same entries that was written in place since then, and has free pages.  past[i] is the file
 * when bob had the secret bob_of(i); in every other of them there is one more entry.
 */
static inline int
make_worn_image(void **state)
{
	struct vk_store *st;
	struct stat before, after;

	if (make_entries(state) != 0)
		return -1;
	st = open_raw(store_file);
	assert_int_equal(stat(store_file, &before), 0);
	for (unsigned i = 0; i < PAST; i++) {
		if (i % 2 == 0)
			assert_ok(put(st, "https://other.example", "u", "", other_secret));
		else
			assert_ok(take(st, "https://other.example", "u"));
		assert_ok(put(st, entries[BOB].url, entries[BOB].user, "", bob_of(i)));
		past[i].p = read_file(store_file, &past[i].n);
	}
	assert_ok(put(st, entries[BOB].url, entries[BOB].user, "", entries[BOB].secret));
	assert_int_equal(stat(store_file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
	image = read_file(store_file, &image_len);
	return 0;
}

static inline int
drop_image(void **state)
{
	free(image);
	image = NULL;
	for (unsigned i = 0; i < PAST; i++) {
		free(past[i].p);
		past[i] = (struct past){ 0 };
	}
	return drop_scratch(state);
}

static inline bool
is_refusal(enum vk_err e)
{
	return e == VK_ETAMPER || e == VK_EVERSION || e == VK_EKEY;
}

static inline void
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

/* How many of the entries a walk has met; anything else in the file is let pass. */
static inline enum vk_err
meet_entry(const struct vk_cred *c, void *arg)
{
	unsigned *met = arg;

	for (unsigned i = 0; i < ENTRIES; i++)
		*met += strcmp(c->secret.p, entries[i].secret) == 0 && strcmp(c->username, entries[i].user) == 0;
	return VK_OK;
}

/* Ask an open handle for everything.  Returns whether a full check noticed anything. */
static inline bool
ask_handle(struct vk_store *st, const char *where, size_t at)
{
	struct vk_cred *c = NULL;
	unsigned met = 0;
	enum vk_err e;

	for (size_t i = 0; i < ENTRIES; i++) {
		e = find(st, entries[i].url, entries[i].user, &c);
		check_answer(where, at, e, &c, entries[i].secret);
		if (!*entries[i].name)
			continue;
		e = vk_store_find_name(st, entries[i].name, &c);
		check_answer(where, at, e, &c, entries[i].secret);
	}
	e = find(st, "https://a.example", NULL, &c);
	check_answer(where, at, e, &c, "secret-a");
	e = find(st, "https://a.example", "nobody", &c);
	if (e != VK_ENOENT && !is_refusal(e))
		fail_msg("%s at %zu: an answer for nobody", where, at);
	e = vk_store_each(st, NULL, meet_entry, &met);
	if (e == VK_OK ? met != ENTRIES : !is_refusal(e))
		fail_msg("%s at %zu: a walk met %u entries: %s", where, at, met, vk_err_text(e));
	return vk_store_verify(st, NULL) != VK_OK;
}

/* The same of the file as it is now. */
static inline bool
ask_everything(const char *where, size_t at)
{
	struct vk_store *st = NULL;
	enum vk_err e;
	bool noticed;

	alarm(HANG_SECONDS);
	e = vk_store_open(store_file, &st);
	if (e == VK_OK)
		e = vk_store_unlock_raw(st, raw_key);
	if (e != VK_OK && !is_refusal(e))
		fail_msg("%s at %zu: %s (%s)", where, at, vk_err_text(e), vk_reason());
	noticed = e != VK_OK || ask_handle(st, where, at);
	vk_store_close(st);
	alarm(0);
	return noticed;
}

/* Which pages nothing depends on, and how many; the caller frees.  A byte of each was changed to see that. */
static inline bool *
find_unused(size_t *ret_n)
{
	bool *unused = calloc(image_len / PAGE, sizeof(*unused));
	int fd = open(store_file, O_WRONLY);

	assert_true(unused && fd >= 0);
	*ret_n = 0;
	for (size_t i = 0; i < image_len / PAGE; i++) {
		unsigned char flipped = image[i * PAGE + 1000] ^ 1;

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(i * PAGE + 1000)), 1);
		unused[i] = !ask_everything("page", i);
		*ret_n += unused[i];
		assert_int_equal(pwrite(fd, &image[i * PAGE + 1000], 1, (off_t)(i * PAGE + 1000)), 1);
	}
	close(fd);
	return unused;
}

#endif
