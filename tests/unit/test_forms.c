/* SPDX-License-Identifier: ISC */
/* A secret is found however it is written, and what is not decided by it alone is no part of a form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/forms.h"

static bool
has(const struct vk_forms *f, const char *text)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].n == strlen(text) && memcmp(vk_form_text(f, i), text, f->v[i].n) == 0)
			return true;
	return false;
}

#define assert_has(f, text) do { if (!has(f, text)) fail_msg("no form %s", text); } while (0)
#define assert_has_not(f, text) do { if (has(f, text)) fail_msg("a form %s", text); } while (0)

static struct vk_forms
forms_of(const char *secret)
{
	struct vk_forms f = VK_FORMS_NONE;

	assert_int_equal(vk_forms_add(&f, secret, strlen(secret), 7), VK_OK);
	for (size_t i = 0; i < f.n; i++) {
		assert_int_equal(f.v[i].owner, 7);
		assert_true(f.v[i].n >= VK_FORM_MIN);
		assert_true(f.v[i].at + f.v[i].n <= f.text.len);
		for (size_t k = 0; k < i; k++)
			assert_false(f.v[i].n == f.v[k].n &&
			    memcmp(vk_form_text(&f, i), vk_form_text(&f, k), f.v[i].n) == 0);
	}
	return f;
}

static void
test_plain(void **state)
{
	struct vk_forms f = forms_of("s3cr3tT0ken");

	(void)state;
	/* once as it is, three alignments, two cases of hex: all other ways look the same */
	assert_int_equal(f.n, 6);
	assert_string_equal(f.v[0].how, "as it is");
	assert_memory_equal(vk_form_text(&f, 0), "s3cr3tT0ken", 11);
	assert_has(&f, "czNjcjN0VDBrZW"); /* czNjcjN0VDBrZW4= */
	assert_has(&f, "MzY3IzdFQwa2Vu");
	assert_has(&f, "zM2NyM3RUMGtlb");
	assert_has(&f, "733363723374" "54306b656e");
	assert_has(&f, "733363723374" "54306B656E");
	vk_forms_clear(&f);
	assert_int_equal(f.n, 0);
	assert_null(f.text.p);
}

/* Whatever stands before and behind it, one of the three is in the base64 of all. */
static void
test_alignments(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t n = VK_FORM_MIN; n < 40; n++)
		for (size_t ahead = 0; ahead < 7; ahead++)
			for (size_t behind = 0; behind < 4; behind++) {
				unsigned char all[64];
				char out[VK_BASE64_LEN(64) + 1];
				struct vk_forms f = VK_FORMS_NONE;

				for (size_t i = 0; i < ahead + n + behind; i++) {
					seed = seed * 1103515245 + 12345;
					/* no blanks, so that there is one part */
					all[i] = (unsigned char)(seed >> 16) | 0x80;
				}
				vk_base64_encode(all, ahead + n + behind, out);
				assert_int_equal(vk_forms_add(&f, (char *)all + ahead, n, 0), VK_OK);
				for (int url = 0; url < 2; url++) {
					bool found = false;

					for (size_t i = 0; i < f.n; i++)
						if (vk_str_starts(f.v[i].how, "base64")) {
							found |= memmem(out, strlen(out), vk_form_text(&f, i), f.v[i].n) != NULL;
							/* not shorter than it may be: whole characters */
							assert_true(f.v[i].n >= (8 * n) / 6 - 1);
						}
					assert_true(found);
					for (char *c = out; *c; c++)
						*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
				}
				vk_forms_clear(&f);
			}
}

static void
test_escapes(void **state)
{
	struct vk_forms f = forms_of("a/b c\"d'e&<f>\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");

	(void)state;
	assert_has(&f, "a%2Fb%20c%22d%27e%26%3Cf%3E%5Cg%24%0A%20h~%C3%A9%F0%9F%94%91%3D%2C%2A");
	assert_has(&f, "a%2fb%20c%22d%27e%26%3cf%3e%5cg%24%0a%20h~%c3%a9%f0%9f%94%91%3d%2c%2a");
	assert_has(&f, "a/b%20c%22d%27e%26%3Cf%3E%5Cg%24%0A%20h~%C3%A9%F0%9F%94%91%3D%2C%2A");
	assert_has(&f, "a%2Fb%20c%22d'e%26%3Cf%3E%5Cg%24%0A%20h~%C3%A9%F0%9F%94%91%3D%2C*");
	assert_has(&f, "a%2Fb+c%22d%27e%26%3Cf%3E%5Cg%24%0A+h%7E%C3%A9%F0%9F%94%91%3D%2C*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g$\\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a\\/b c\\\"d'e&<f>\\\\g$\\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\\\"d'e\\u0026\\u003cf\\u003e\\\\g$\\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g$\\n h~\\u00e9\\ud83d\\udd11=,*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g$\\n h~\\u00E9\\uD83D\\uDD11=,*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g$\\n h~\\303\\251\\360\\237\\224\\221=,*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g$\\n h~\\xc3\\xa9\\xf0\\x9f\\x94\\x91=,*");
	assert_has(&f, "a/b c\"d\\'e&<f>\\\\g$\\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\"d'\\''e&<f>\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\"d'\"'\"'e&<f>\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\\\"d'e&<f>\\\\g\\$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\"d'e&amp;&lt;f&gt;\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c&quot;d&apos;e&amp;&lt;f&gt;\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c&#34;d&#39;e&amp;&lt;f&gt;\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\"d''e&<f>\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	assert_has(&f, "a/b c\"\"d'e&<f>\\g$\n h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	/* its first line, in a word of a shell; the second is short enough to be anything */
	assert_has(&f, "a/b\\ c\\\"d\\'e\\&\\<f\\>\\\\g\\$");
	assert_has(&f, "h~\xc3\xa9\xf0\x9f\x94\x91=,*");
	vk_forms_clear(&f);
}

/* What is not UTF-8 has no JSON, and all other forms. */
static void
test_bytes(void **state)
{
	struct vk_forms f = forms_of("ab\"cd\xff\xfe" "ef\x01gh");

	(void)state;
	for (size_t i = 0; i < f.n; i++)
		assert_string_not_equal(f.v[i].how, "JSON");
	assert_has(&f, "ab%22cd%FF%FEef%01gh");
	assert_has(&f, "ab\\\"cd\\377\\376ef\\001gh");
	vk_forms_clear(&f);
}

static void
test_parts(void **state)
{
	struct vk_forms f = forms_of("  first line \r\nshort\n\n-----BEGIN PRIVATE KEY-----\n\tanother line\n");

	(void)state;
	assert_has(&f, "  first line \r\nshort\n\n-----BEGIN PRIVATE KEY-----\n\tanother line\n");
	assert_has(&f, "first line \r\nshort\n\n-----BEGIN PRIVATE KEY-----\n\tanother line");
	assert_has(&f, "first line");
	assert_has(&f, "another line");
	assert_has(&f, "YW5vdGhlciBsaW5l");
	assert_has_not(&f, "short");
	assert_has_not(&f, "-----BEGIN PRIVATE KEY-----");
	vk_forms_clear(&f);
}

static void
test_json(void **state)
{
	struct vk_forms f = forms_of(" {\"a\": {\"key\": \"leaf\\n0123456789\", \"b\": [\"brief\", \"another leaf\", 12345678]}}\n");

	(void)state;
	assert_has(&f, "leaf\n0123456789");
	assert_has(&f, "leaf\\n0123456789");
	assert_has(&f, "0123456789");
	assert_has(&f, "another leaf");
	assert_has_not(&f, "12345678");
	vk_forms_clear(&f);
	f = forms_of("{\"not json: no leaves\"");
	assert_has(&f, "{\"not json: no leaves\"");
	assert_has_not(&f, "not json: no leaves");
	vk_forms_clear(&f);
}

/* base64 in lines, as base64(1) and PEM have it. */
static void
test_wrapped(void **state)
{
	char secret[200], out[VK_BASE64_LEN(200) + 1];
	struct vk_forms f;

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (char)('!' + i * i % 90);
	secret[199] = '\0';
	f = forms_of(secret);
	vk_base64_encode((const unsigned char *)secret, 199, out);
	for (size_t width = 64; width <= 76; width += 12)
		for (size_t at = 0; at + width < strlen(out); at += width) {
			char line[80];

			snprintf(line, sizeof(line), "%.*s", (int)width, out + at);
			assert_has(&f, line);
		}
	vk_forms_clear(&f);
}

/* A long one has fewer, its lines have all. */
static void
test_long(void **state)
{
	char secret[VK_FORM_LONG + 20];
	struct vk_forms f;
	bool json = false;

	(void)state;
	memset(secret, 'a', sizeof(secret));
	memcpy(secret, "line <&> one\n", 13);
	secret[sizeof(secret) - 1] = '\0';
	f = forms_of(secret);
	assert_has(&f, "line &lt;&amp;&gt; one");
	assert_has(&f, secret);
	for (size_t i = 0; i < f.n; i++) {
		json |= f.v[i].n > VK_FORM_LONG && strcmp(f.v[i].how, "JSON") == 0;
		if (strcmp(f.v[i].how, "XML") == 0)
			assert_true(f.v[i].n < VK_FORM_LONG);
	}
	assert_true(json);
	vk_forms_clear(&f);
}

static void
test_pair(void **state)
{
	struct vk_forms f = VK_FORMS_NONE;

	(void)state;
	assert_int_equal(vk_forms_pair(&f, "user", "s3cr3t", 6, 3), VK_OK);
	assert_has(&f, "user:s3cr3t");
	assert_has(&f, "dXNlcjpzM2NyM3"); /* dXNlcjpzM2NyM3Q= */
	assert_has(&f, "user%3As3cr3t");
	assert_has_not(&f, "s3cr3t");
	assert_int_equal(f.v[0].owner, 3);
	assert_int_equal(vk_forms_pair(&f, "u", "s", 1, 3), VK_ENOENT);
	assert_int_equal(vk_forms_pair(&f, "longusername", "", 0, 3), VK_ENOENT);
	vk_forms_clear(&f);
}

static void
test_short_and_same(void **state)
{
	struct vk_forms f = VK_FORMS_NONE;
	size_t n;

	(void)state;
	assert_int_equal(vk_forms_add(&f, "", 0, 0), VK_ENOENT);
	assert_int_equal(vk_forms_add(&f, "1234567", 7, 0), VK_ENOENT);
	assert_int_equal(vk_forms_add(&f, "1234567   \n", 11, 0), VK_ENOENT);
	assert_int_equal(f.n, 0);
	assert_int_equal(vk_forms_add(&f, "12345678", 8, 1), VK_OK);
	n = f.n;
	assert_int_equal(vk_forms_add(&f, "12345678", 8, 2), VK_OK);
	assert_int_equal(f.n, n);
	/* the same with a line end: only that is new */
	assert_int_equal(vk_forms_add(&f, "12345678\n", 9, 2), VK_OK);
	assert_true(f.n > n);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(f.v[i].owner, i < n ? 1 : 2);
	vk_forms_clear(&f);
}

/* Full means full, with all that went before kept. */
static void
test_limits(void **state)
{
	struct vk_forms f = VK_FORMS_NONE, small = VK_FORMS_NONE;
	enum vk_err e = VK_OK;
	char secret[32];
	size_t i;

	(void)state;
	for (i = 0; e == VK_OK; i++) {
		snprintf(secret, sizeof(secret), "secret/%zu", i);
		e = vk_forms_add(&f, secret, strlen(secret), 0);
	}
	assert_int_equal(e, VK_ELIMIT);
	assert_int_equal(f.n, VK_FORMS_MAX);
	assert_has(&f, "secret/0");
	snprintf(secret, sizeof(secret), "secret/%zu", i - 2);
	assert_has(&f, secret);
	vk_forms_clear(&f);
	small.text.max = 20;
	assert_int_equal(vk_forms_add(&small, "0123456789", 10, 0), VK_ELIMIT);
	assert_int_equal(small.n, 1);
	vk_forms_clear(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_alignments), cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_bytes), cmocka_unit_test(test_parts), cmocka_unit_test(test_json),
		cmocka_unit_test(test_wrapped), cmocka_unit_test(test_pair), cmocka_unit_test(test_long),
		cmocka_unit_test(test_short_and_same), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
