/* SPDX-License-Identifier: ISC */
/* Text helpers, and how failures are recorded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "valetkey/base.h"

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, value;
		bool ok;
	} t[] = {
		{ "0", 0, 0, true }, { "1", 0, 0, false }, { "5", 5, 5, true }, { "6", 5, 0, false },
		{ "9", 5, 0, false }, { "10", 5, 0, false }, { "65535", 65535, 65535, true },
		{ "65536", 65535, 0, false }, { "007", 7, 7, true }, { "", 9, 0, false },
		{ "-1", UINT64_MAX, 0, false }, { "+1", 9, 0, false }, { " 1", 9, 0, false },
		{ "1 ", 9, 0, false }, { "0x1", 99, 0, false }, { "1e3", 9999, 0, false },
		{ "\xb9", 9, 0, false }, { "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "184467440737095516150", UINT64_MAX, 0, false },
		{ "99999999999999999999999", UINT64_MAX, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(t); i++) {
		uint64_t v = 4242;
		enum vk_err e = vk_str_u64(t[i].text, t[i].max, &v);

		if ((e == VK_OK) != t[i].ok || v != (t[i].ok ? t[i].value : 4242))
			fail_msg("\"%s\" up to %llu", t[i].text, (unsigned long long)t[i].max);
	}
	/* all small numbers against all small ceilings */
	for (unsigned max = 0; max < 130; max++)
		for (unsigned n = 0; n < 130; n++) {
			char text[8];
			uint64_t v = 0;

			snprintf(text, sizeof(text), "%u", n);
			assert_int_equal(vk_str_u64(text, max, &v) == VK_OK, n <= max);
			assert_true(n > max || v == n);
		}
}

static void
test_printable(void **state)
{
	static const char *const t[][2] = {
		{ "plain", "plain" }, { "a\x1b[2Jb\r\nc\x07\x7f", "a?[2Jb??c??" },
		{ "M\xc3\xbcnchen \xe2\x82\xac", "M\xc3\xbcnchen \xe2\x82\xac" },
		{ "\xc2\x9b" "31m", "??31m" },  /* CSI as UTF-8 */
		{ "a\x9b" "31m", "a?31m" },     /* CSI as one byte */
		{ "\x9b\x9b", "??" }, { "\xc2\xa0", "\xc2\xa0" }, { "\xc2", "\xc2" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(t); i++) {
		char s[64];

		snprintf(s, sizeof(s), "%s", t[i][0]);
		vk_str_printable(s, strlen(s));
		assert_string_equal(s, t[i][1]);
	}
	/* no control byte survives any neighbour */
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			char s[2] = { (char)a, (char)b };

			vk_str_printable(s, 2);
			assert_false(vk_str_has_control(s, 2));
		}
}

/* Against the C library, on each day of 10,000 years, a second later every day. */
static void
test_stamp(void **state)
{
	const int64_t first = -62167219200, last = 253402300799, bad[] = { first - 1, last + 1, INT64_MIN, INT64_MAX };
	char out[VK_STAMP_TEXT], want[64];

	(void)state;
	for (int64_t t = first; t <= last; t += 86401) {
		time_t seconds = t;
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_true(vk_stamp(t, out));
		if (strcmp(out, want) != 0)
			fail_msg("%lld: %s, not %s", (long long)t, out, want);
	}
	assert_true(vk_stamp(last, out));
	assert_string_equal(out, "9999-12-31T23:59:59Z");
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		assert_false(vk_stamp(bad[i], out));
		assert_string_equal(out, "");
	}
}

static void
test_words(void **state)
{
	char s[] = "A-z\xc4[";

	(void)state;
	vk_str_lower(s);
	assert_string_equal(s, "a-z\xc4[");
	assert_true(vk_str_ieq("AbC", "aBc") && vk_str_ieq("", "") && !vk_str_ieq("ab", "abc") &&
	    !vk_str_ieq("abc", "ab") && !vk_str_ieq("@", "`") && !vk_str_ieq("[", "{"));
	assert_true(vk_str_starts("abc", "ab") && vk_str_starts("a", "") && !vk_str_starts("a", "ab"));
	assert_true(vk_str_ends("abc", "bc") && vk_str_ends("a", "") && !vk_str_ends("c", "bc"));
	assert_true(vk_str_has_control("a\0b", 3) && vk_str_has_control("\x7f", 1) &&
	    !vk_str_has_control("a b\xc3\xbc", 5) && !vk_str_has_control("", 0));
}

static void
test_base64(void **state)
{
	static const char *const t[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xff\xfe", "///+" } };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(t); i++) {
		char out[16];

		vk_base64_encode((const unsigned char *)t[i][0], strlen(t[i][0]), out);
		assert_string_equal(out, t[i][1]);
		assert_int_equal(strlen(out), VK_BASE64_LEN(strlen(t[i][0])));
	}
}

static void
test_base64_decode(void **state)
{
	static const char *const t[][2] = { { "", "" }, { "Zg==", "f" }, { "Zg", "f" }, { "Zm8=", "fo" },
		{ "Zm8", "fo" }, { "Zm9v", "foo" }, { "Zm9vYmE=", "fooba" }, { "///+", "\xff\xff\xfe" },
		{ "Zh==", "f" } };
	static const char *const bad[] = { "Z", "Zm9vY", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zm9v====", "Zg==Zg==",
		"Z g=", "Zm8=\n", "Zm-_", "=", "====" };
	unsigned char out[VK_BASE64_ROOM(16)];
	size_t n = 99;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(t); i++) {
		assert_int_equal(vk_base64_decode(t[i][0], strlen(t[i][0]), out, &n), VK_OK);
		assert_int_equal(n, strlen(t[i][1]));
		assert_memory_equal(out, t[i][1], n);
	}
	n = 99;
	for (size_t i = 0; i < VK_COUNT(bad); i++)
		assert_int_equal(vk_base64_decode(bad[i], strlen(bad[i]), out, &n), VK_EPROTO);
	assert_int_equal(vk_base64_decode("Zm\0v", 4, out, &n), VK_EPROTO);
	assert_int_equal(n, 99);
}

static void
test_reasons(void **state)
{
	char big[3000];

	(void)state;
	vk_reason_clear();
	assert_string_equal(vk_reason(), "");
	assert_int_equal(vk_fail(VK_EPOLICY, "no: %s", "a\x1b[1m"), VK_EPOLICY);
	assert_string_equal(vk_reason(), "no: a?[1m");
	assert_int_equal(vk_fail(VK_EPROTO, "because %s", vk_reason()), VK_EPROTO);
	assert_string_equal(vk_reason(), "because no: a?[1m");
	errno = ENOENT;
	assert_int_equal(vk_fail_errno("open %s", "x"), VK_ESYS);
	assert_string_equal(vk_reason(), "open x: No such file or directory");
	errno = ENOMEM;
	assert_int_equal(vk_fail_errno("m"), VK_ENOMEM);
	vk_hint("try\n%d", 1);
	assert_string_equal(vk_hint_text(), "try?1");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	vk_fail(VK_EPROTO, "%s", big);
	assert_true(strlen(vk_reason()) < 1100);
	vk_reason_clear();
	assert_string_equal(vk_hint_text(), "");
	for (int e = VK_OK; e <= VK_ESYS; e++)
		assert_true(*vk_err_text((enum vk_err)e) && vk_err_exit((enum vk_err)e) <= 6);
	assert_int_equal(vk_err_exit(VK_ENOENT), 1);
	assert_int_equal(vk_err_exit(VK_EEXIST), 2);
	assert_int_equal(vk_err_exit(VK_EKEY), 3);
	assert_int_equal(vk_err_exit(VK_EPOLICY), 4);
	assert_int_equal(vk_err_exit(VK_EVERSION), 5);
	assert_int_equal(vk_err_exit(VK_ESYS), 6);
	assert_int_equal(vk_err_exit((enum vk_err)99), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_decode),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
