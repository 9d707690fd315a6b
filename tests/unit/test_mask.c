/* SPDX-License-Identifier: ISC */
/* However a stream is cut, what comes out is what masking it at once in the plainest way gives, and in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mask_naive.h"

enum { ROOM = 4096 };

static uint32_t seed = 1;

static unsigned
below(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* The forms themselves, not those of a secret. */
static void
add(struct vk_forms *f, const char *p, size_t n)
{
	size_t at = f->text.len;

	assert_int_equal(vk_buf_add(&f->text, p, n), VK_OK);
	f->v = reallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct vk_form){ .at = at, .n = n, .how = "" };
}

struct feeding {
	const struct vk_forms *f;
	struct vk_mask *m;
	bool timely; /* compare what is held after each piece */
};

static size_t
feed(const struct feeding *g, const char *p, size_t n, const size_t *cut, size_t n_cuts, char *out)
{
	struct vk_mask_stream s;
	char buf[ROOM];
	size_t len = 0, at = 0;

	assert_int_equal(vk_mask_begin(g->m, &s), VK_OK);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t end = i < n_cuts ? cut[i] : n, had = s.held, ready;

		memcpy(buf + had, p + at, end - at);
		vk_mask_feed(&s, buf, had + end - at, i == n_cuts, &ready);
		assert_true(s.held <= end);
		assert_true(ready <= had + end - at);
		if (g->timely && i < n_cuts)
			assert_int_equal(s.held, naive_held(g->f, p, end));
		memcpy(out + len, buf, ready);
		len += ready;
		memmove(buf, buf + had + end - at - s.held, s.held);
		at = end;
	}
	assert_int_equal(s.held, 0);
	vk_mask_end(&s);
	vk_mask_end(&s);
	return len;
}

static void
check(const struct feeding *g, const char *p, size_t n, const size_t *cut, size_t n_cuts)
{
	char want[ROOM], got[ROOM];
	size_t wanted = naive_mask(g->f, p, n, want), have = feed(g, p, n, cut, n_cuts, got);

	if (wanted != have || memcmp(want, got, have) != 0)
		fail_msg("%.*s: %.*s instead of %.*s (%zu cuts, first at %zu)", (int)n, p, (int)have, got, (int)wanted,
		    want, n_cuts, n_cuts ? cut[0] : 0);
}

/* At once, in two at every place, byte by byte, in three, and in random pieces. */
static void
check_splits(const struct feeding *g, const char *p, size_t n)
{
	size_t cut[ROOM];

	check(g, p, n, NULL, 0);
	for (cut[0] = 0; cut[0] <= n; cut[0]++)
		check(g, p, n, cut, 1);
	for (size_t i = 0; i < n; i++)
		cut[i] = i;
	check(g, p, n, cut, n);
	for (int i = 0; i < 8; i++) {
		size_t many = 0;

		for (size_t at = below(9); at < n; at += below(9))
			cut[many++] = at;
		check(g, p, n, cut, many);
	}
}

static void
begin(struct feeding *g, const struct vk_forms *f)
{
	g->f = f;
	g->timely = true;
	assert_int_equal(vk_mask_make(f, &g->m), VK_OK);
}

static void
test_words(void **state)
{
	static const char *const texts[] = {
		"", "s3cr3t-one", "xs3cr3t-onex", "s3cr3t-ones3cr3t-one", "s3cr3t-on", "s3cr3t-os3cr3t-one", "s3cr3t-one two",
		"s3cr3t-one-two-three", "s3cr3t-one-two-thre", "e-two-thr", "cr3t-one-t", "s3cr3t-one-two-thrs3cr3t-one.",
		"s3cr3t-one, s3cr3t-two, r3t-one-two-threeand more\n", "aab-aab-aab-secret", "aab-aab-secret", "aab-aaaab-secret",
		"\xff\xfes3cr3t-one\xc3",
	};
	struct vk_forms f = VK_FORMS_NONE;
	struct feeding g;

	(void)state;
	add(&f, "s3cr3t-one", 10);
	add(&f, "s3cr3t-two", 10);
	add(&f, "r3t-one-two-three", 17);
	add(&f, "s3cr3t-one-two-three", 20);
	add(&f, "aab-aab-secret", 14);
	begin(&g, &f);
	assert_int_equal(vk_mask_longest(g.m), 20);
	for (size_t i = 0; i < VK_COUNT(texts); i++)
		check_splits(&g, texts[i], strlen(texts[i]));
	check_splits(&g, "s3cr3t-one\0s3cr3t-one\n", 22);
	vk_mask_free(g.m);
	vk_forms_clear(&f);
}

/* What comes out for a few, said in plain text. */
static void
test_result(void **state)
{
	static const char text[] = "a password1 b password12 c password password1password1 d word1 word2.";
	struct vk_forms f = VK_FORMS_NONE;
	struct feeding g;
	char out[ROOM];
	size_t n;

	(void)state;
	add(&f, "password1", 9);
	add(&f, "word1 word2", 11);
	add(&f, "ord12 c pass", 12);
	begin(&g, &f);
	n = feed(&g, text, strlen(text), NULL, 0, out);
	assert_int_equal(n, strlen("a *** b ***word *** d ***."));
	assert_memory_equal(out, "a *** b ***word *** d ***.", n);
	vk_mask_free(g.m);
	vk_forms_clear(&f);
}

/* Short forms inside of a long one that may still come: what was found waits, and is not forgotten. */
static void
test_nested(void **state)
{
	struct vk_forms f = VK_FORMS_NONE;
	char line[600], text[1300];
	struct feeding g;

	(void)state;
	for (size_t i = 0; i + 10 <= sizeof(line); i += 10)
		memcpy(line + i, i % 30 ? "0123456789" : "abcdefgh.,", 10);
	add(&f, line, sizeof(line));
	add(&f, "abcdefgh", 8);
	begin(&g, &f);
	g.timely = false; /* the reference is slow */
	memcpy(text, line, sizeof(line) - 1);
	memcpy(text + sizeof(line) - 1, line, sizeof(line));
	memcpy(text + 2 * sizeof(line) - 1, line, 50);
	check_splits(&g, text, sizeof(line) - 1);
	check_splits(&g, text, 2 * sizeof(line) - 1);
	check_splits(&g, text, 2 * sizeof(line) + 49);
	check_splits(&g, text + 5, 2 * sizeof(line));
	vk_mask_free(g.m);
	vk_forms_clear(&f);
}

/* At every place in ${text}, of which the first ${known} bytes are from before anybody knew the last form. */
static void
check_extension(const struct vk_forms *all, const char *text, size_t known)
{
	struct vk_forms few = *all;
	size_t n = strlen(text), wanted;
	char want[ROOM], got[ROOM], buf[ROOM];
	struct vk_mask *old, *made, *shared, *new;

	few.n--;
	wanted = naive_mask(all, text, n, want);
	for (size_t cut = 0; cut <= known; cut++) {
		struct vk_mask_stream s;
		size_t len, ready;
		int fd;

		assert_int_equal(vk_mask_make(&few, &old), VK_OK);
		assert_int_equal(vk_mask_make(all, &made), VK_OK);
		assert_int_equal(vk_mask_share(made, &shared, &fd), VK_OK);
		assert_int_equal(vk_mask_load(fd, &new), VK_OK);
		vk_mask_forget(shared);
		close(fd);
		vk_mask_free(made);
		assert_int_equal(vk_mask_begin(old, &s), VK_OK);
		memcpy(buf, text, cut);
		vk_mask_feed(&s, buf, cut, false, &ready);
		memcpy(got, buf, ready);
		len = ready;
		memmove(buf, buf + cut - s.held, s.held);
		assert_int_equal(vk_mask_extend(&s, new), VK_OK);
		vk_mask_free(old);
		memcpy(buf + s.held, text + cut, n - cut);
		vk_mask_feed(&s, buf, s.held + n - cut, true, &ready);
		memcpy(got + len, buf, ready);
		len += ready;
		if (len != wanted || memcmp(got, want, len) != 0)
			fail_msg("%s: %.*s instead of %.*s (cut at %zu)", text, (int)len, got, (int)wanted, want, cut);
		vk_mask_end(&s);
		vk_mask_forget(new);
	}
}

/* A form that becomes known in the middle of a stream; what was held back by then is still held back rightly. */
static void
test_extension(void **state)
{
	static const char *const texts[] = {
		"s3cr3t-one ", "a s3cr3t-one-two-thre", "s3cr3t-os3cr3t-one-two-thr", "xs3cr3t-one-two-threeand ", "aab-aab-aab-s",
		"aab-aab-secr3t-one-tw",
	};
	static const char *const later[] = {
		"#new-one", "b #new-one, s3cr3t-two", "#new-on#new-one#new-one-longer-than-all-that-were", "ee #new-one",
		"ecret#new-one-longer-than-all-that-wer",
	};
	struct vk_forms f = VK_FORMS_NONE;
	char text[200];

	(void)state;
	add(&f, "s3cr3t-one", 10);
	add(&f, "s3cr3t-two", 10);
	add(&f, "r3t-one-two-three", 17);
	add(&f, "s3cr3t-one-two-three", 20);
	add(&f, "aab-aab-secret", 14);
	for (int two = 0; two < 2; two++) {
		add(&f, two ? "#new-one-longer-than-all-that-were" : "#new-one", two ? 34 : 8);
		for (size_t i = 0; i < VK_COUNT(texts); i++)
			for (size_t k = 0; k < VK_COUNT(later); k++) {
				snprintf(text, sizeof(text), "%s%s", texts[i], later[k]);
				check_extension(&f, text, two ? 0 : strlen(texts[i]));
			}
	}
	vk_forms_clear(&f);
}

/* Cut off or wiped, it is nothing to look for. */
static void
test_no_share(void **state)
{
	struct vk_forms f = VK_FORMS_NONE;
	struct vk_mask *m, *shared, *got = NULL;
	int fd;

	(void)state;
	add(&f, "s3cr3t-one", 10);
	assert_int_equal(vk_mask_make(&f, &m), VK_OK);
	assert_int_equal(vk_mask_share(m, &shared, &fd), VK_OK);
	vk_mask_forget(shared);
	assert_int_equal(vk_mask_load(fd, &got), VK_EPROTO);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(vk_mask_load(fd, &got), VK_EPROTO);
	assert_null(got);
	close(fd);
	vk_mask_free(m);
	vk_forms_clear(&f);
}

static void
random_case(unsigned letters, unsigned longest)
{
	struct vk_forms f = VK_FORMS_NONE;
	struct feeding g;
	char text[400];
	size_t n = 0, forms = 1 + below(6);

	for (size_t i = 0; i < forms; i++) {
		char form[64];
		size_t len = VK_FORM_MIN + below(longest - VK_FORM_MIN + 1);

		/* half of them a piece of the one before with something in front */
		for (size_t k = 0; k < len; k++)
			form[k] = (char)(letters == 256 ? below(256) : 'a' + below(letters));
		if (i > 0 && below(2)) {
			size_t share = 1 + below((unsigned)(len < f.v[i - 1].n ? len : f.v[i - 1].n));

			memcpy(form + len - share, vk_form_text(&f, i - 1), share);
		}
		add(&f, form, len);
	}
	while (n < 150) {
		size_t i = below((unsigned)forms), len = 1 + below((unsigned)f.v[i].n), from = 0;

		/* whole ones, beginnings, ends, and noise */
		switch (below(4)) {
		case 0:
			len = f.v[i].n;
			break;
		case 1:
			from = f.v[i].n - len;
			break;
		case 2:
			break;
		default:
			for (size_t k = 0; k < 3; k++)
				text[n++] = (char)(letters == 256 ? below(256) : 'a' + below(letters));
			continue;
		}
		memcpy(text + n, vk_form_text(&f, i) + from, len);
		n += len;
	}
	begin(&g, &f);
	check_splits(&g, text, n);
	vk_mask_free(g.m);
	vk_forms_clear(&f);
}

static void
test_random(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		random_case(2, 12);
		random_case(2, 40);
		random_case(3, 24);
		random_case(26, 30);
		random_case(256, 50);
	}
}

/* All forms of real secrets, in a text that has them in all ways. */
static void
test_forms(void **state)
{
	static const char secret[] = "tok/en+\"with'odd\\chars & \xc3\xa9", line[] = "first line of it\nsecond line of it\n";
	struct vk_forms f = VK_FORMS_NONE;
	struct feeding g;
	char out[ROOM];

	(void)state;
	assert_int_equal(vk_forms_add(&f, secret, strlen(secret), 0), VK_OK);
	assert_int_equal(vk_forms_add(&f, line, strlen(line), 1), VK_OK);
	assert_int_equal(vk_forms_pair(&f, "user", secret, strlen(secret), 0), VK_OK);
	begin(&g, &f);
	for (size_t i = 0; i < f.n; i++) {
		char text[600];
		size_t n = 3;

		memcpy(text, "<> ", 3);
		memcpy(text + n, vk_form_text(&f, i), f.v[i].n);
		n += f.v[i].n;
		memcpy(text + n, " <>", 3);
		assert_int_equal(feed(&g, text, n + 3, NULL, 0, out), 9);
		assert_memory_equal(out, "<> *** <>", 9);
		for (size_t cut = 0; cut < n; cut++)
			check(&g, text, n + 3, &cut, 1);
	}
	vk_mask_free(g.m);
	vk_forms_clear(&f);
}

static void
test_none_and_too_much(void **state)
{
	struct vk_forms f = VK_FORMS_NONE;
	struct feeding g;
	static char big[1 << 16];

	(void)state;
	begin(&g, &f);
	check_splits(&g, "nothing is hidden", 17);
	vk_mask_free(g.m);
	for (int i = 0; i < 17; i++) {
		memset(big, 'a' + i, sizeof(big));
		add(&f, big, sizeof(big));
	}
	assert_int_equal(vk_mask_make(&f, &g.m), VK_ELIMIT);
	vk_forms_clear(&f);
	vk_mask_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_result), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_extension),
		cmocka_unit_test(test_no_share),
		cmocka_unit_test(test_random), cmocka_unit_test(test_forms), cmocka_unit_test(test_none_and_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
