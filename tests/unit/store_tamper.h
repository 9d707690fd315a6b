/* SPDX-License-Identifier: ISC */
/* store_tamper.h - a small keystore to spoil, and the questions that it must answer rightly or not at all. */
#ifndef VK_TESTS_STORE_TAMPER_H
#define VK_TESTS_STORE_TAMPER_H

#include <fcntl.h>

#include "store_util.h"

enum { PAGE = 4096 };

static unsigned char *image; /* the sound file */
static size_t image_len;

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
static inline int
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
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
	image = read_file(store_file, &image_len);
	return 0;
}

static inline int
drop_image(void **state)
{
	free(image);
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

/* Open the file as it is now and ask for everything.  Returns whether a full check noticed anything. */
static inline bool
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
	noticed = vk_store_verify(st, NULL) != VK_OK;
	vk_store_close(st);
	return noticed;
}

#endif
