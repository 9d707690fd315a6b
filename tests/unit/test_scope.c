/* SPDX-License-Identifier: ISC */
/* The one canonicaliser, and the one rule of what covers what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/cred.h"

static void
test_canonical(void **state)
{
	static const struct {
		const char *url, *scheme, *host;
		unsigned port;
		const char *path, *back;
	} good[] = {
		{ "https://Git.Example", "https", "git.example", 443, "", "https://git.example" },
		{ "HTTPS://git.example:443/", "https", "git.example", 443, "", "https://git.example" },
		{ "http://git.example:443/a/b/", "http", "git.example", 443, "a/b",
		    "http://git.example:443/a/b" },
		{ "https://git.example:0443", "https", "git.example", 443, "", "https://git.example" },
		{ "https://git.example./Org/Repo.git", "https", "git.example.", 443, "Org/Repo.git",
		    "https://git.example./Org/Repo.git" },
		{ "https://[2001:DB8::1]:8443/x", "https", "[2001:db8::1]", 8443, "x",
		    "https://[2001:db8::1]:8443/x" },
		{ "https://[::1]", "https", "[::1]", 443, "", "https://[::1]" },
		{ "foo+bar://h", "foo+bar", "h", 0, "", "foo+bar://h" },
		{ "foo://h:1", "foo", "h", 1, "", "foo://h:1" },
		{ "smtp://mail.example", "smtp", "mail.example", 25, "", "smtp://mail.example" },
		{ "https://m\xc3\xbcnchen.example", "https", "m\xc3\xbcnchen.example", 443, "",
		    "https://m\xc3\xbcnchen.example" },
		{ "https://xn--mnchen-3ya.example", "https", "xn--mnchen-3ya.example", 443, "",
		    "https://xn--mnchen-3ya.example" },
		{ "https://127.1/...", "https", "127.1", 443, "...", "https://127.1/..." },
		{ "https://h/a%20b/%252e", "https", "h", 443, "a%20b/%252e", "https://h/a%20b/%252e" },
		{ "https://h/.git/..x/x..", "https", "h", 443, ".git/..x/x..",
		    "https://h/.git/..x/x.." },
		{ "cert:///home/u/cert.pem", "cert", "", 0, "home/u/cert.pem",
		    "cert:///home/u/cert.pem" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(good); i++) {
		struct vk_scope s = { 0 }, again = { 0 };
		char *back;

		if (vk_scope_parse(good[i].url, &s, NULL) != VK_OK)
			fail_msg("%s: %s", good[i].url, vk_reason());
		assert_string_equal(s.scheme, good[i].scheme);
		assert_string_equal(s.host, good[i].host);
		assert_int_equal(s.port, good[i].port);
		assert_string_equal(s.path, good[i].path);
		assert_non_null(back = vk_scope_url(&s));
		assert_string_equal(back, good[i].back);
		/* canonical: it is its own canonical form */
		assert_int_equal(vk_scope_parse(back, &again, NULL), VK_OK);
		assert_true(vk_scope_same_origin(&s, &again));
		assert_string_equal(s.path, again.path);
		free(back);
		vk_scope_clear(&s);
		vk_scope_clear(&again);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "", "git.example", "https:/git.example", "://git.example",
		"https://", "https:///path", "1https://h", "ht tps://h", "h\xc3\xa9://h", "-a://h",
		"https://h:0", "https://h:65536", "https://h:99999999999999999999", "https://h:",
		"https://h:+1", "https://h: 1", "https://h:1:2", "https://:443", "https://h:44a",
		"https://::1", "https://[::1", "https://[]", "https://[::1]x", "https://[::1]:", "https://[g::1]",
		"https://[::1%25eth0]", "https://[fe80::1%eth0]", "https://a[b]", "https://h ost", "https://h\tost",
		"https://h\nost", "https://h\x7f", "https://h\x01", "https://h%2e", "https://h%41", "https://a,b",
		"https://a;b", "https://a*b", "https://*.example", "https://a\\b", "https://a\"b", "https://a'b",
		"https://a<b", "https://a|b", "https://a^b", "https://a`b", "https://a{b}", "https://a=b",
		"https://a&b", "https://h?q", "https://h#f", "https://h/?q", "https://h/a?q=1", "https://h/a#f",
		"https://h/a/../b", "https://h/..", "https://h/.", "https://h/./a", "https://h/a/.",
		"https://h/a//b", "https://h//a", "https://h/a//", "https://h//", "https://h/%2e%2e/b",
		"https://h/%2E./b", "https://h/a%2fb", "https://h/a%2Fb", "https://h/a%5cb", "https://h/a%5Cb",
		"https://h/a%00", "https://h/a\\b", "https://h/a\nb", "https://h/a\rb", "https://h/a\x1b[2J",
		"https://h/a\x7f/b", "https://u@h", "https://u:p@h", "https://@h", "https://u@v@h" };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		struct vk_scope s = { 0 };

		vk_reason_clear();
		if (vk_scope_parse(bad[i], &s, NULL) != VK_EPROTO)
			fail_msg("%s was accepted", bad[i]);
		assert_true(*vk_reason() != '\0');
		assert_null(s.host);
	}
}

static void
test_lengths(void **state)
{
	struct vk_scope s = { 0 };
	char *host = malloc(VK_MAX_FIELD + 2);

	(void)state;
	memset(host, 'a', VK_MAX_FIELD + 1);
	host[VK_MAX_FIELD + 1] = '\0';
	assert_int_equal(vk_scope_make("https", host, NULL, &s), VK_EPROTO);
	assert_int_equal(vk_scope_make("https", "h", host, &s), VK_EPROTO);
	host[VK_MAX_FIELD] = '\0';
	assert_int_equal(vk_scope_make("https", host, host, &s), VK_OK);
	vk_scope_clear(&s);
	host[33] = '\0';
	assert_int_equal(vk_scope_make(host, "h", NULL, &s), VK_EPROTO);
	free(host);
}

static void
test_user_names(void **state)
{
	static const char *const good[][2] = { { "https://ann@h/x", "ann" }, { "https://h/x", NULL },
		{ "https://h/x@y", NULL }, { "https://x-access-token@h", "x-access-token" } };
	static const char *const bad[] = { "https://ann:secret@h", "https://ann:@h", "https://:secret@h",
		"https://@h", "https://a@b@h", "https://a%40b@h", "https://a\nb@h" };
	struct vk_scope s = { 0 };
	char *user = (char *)(uintptr_t)1;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(good); i++) {
		assert_int_equal(vk_scope_parse(good[i][0], &s, &user), VK_OK);
		assert_string_equal(s.host, "h");
		assert_true(good[i][1] ? strcmp(user, good[i][1]) == 0 : user == NULL);
		free(user);
		vk_scope_clear(&s);
	}
	user = (char *)(uintptr_t)1;
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		if (vk_scope_parse(bad[i], &s, &user) != VK_EPROTO)
			fail_msg("%s was accepted", bad[i]);
		assert_true(user == (char *)(uintptr_t)1); /* untouched on failure */
		assert_null(strstr(vk_reason(), "secret"));
	}
}

static void
test_covers(void **state)
{
	static const struct {
		const char *entry, *asked;
		bool yes;
	} t[] = {
		{ "", "", true }, { "", "a", true }, { "", ".git", true }, { "a", "", false },
		{ "team-a", "team-a", true }, { "team-a", "team-a/x.git", true },
		{ "team-a", "team-ab", false }, { "team-a", "team-", false }, { "team-a", "Team-a", false },
		{ "org/repo", "org/repo.git", true }, { "org/repo", "org/repo.git/info/lfs", true },
		{ "org/repo", "org/repo.gitx", false }, { "org/repo", "org/repo.git.git", false },
		{ "org/repo", "org/repo.gi", false }, { "org/repo.git", "org/repo", false },
		{ "org/repo.git", "org/repo.git/info", true }, { "org/repo", "org/repository", false },
		{ "a", "a.git/b", true }, { "a/b", "a.git/b", false }, { "a", "b/a", false },
		{ "a/b/c", "a/b", false },
	};
	struct vk_scope a = { 0 }, b = { 0 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(t); i++)
		if (vk_path_covers(t[i].entry, t[i].asked) != t[i].yes)
			fail_msg("\"%s\" and \"%s\"", t[i].entry, t[i].asked);
	assert_int_equal(vk_scope_parse("https://h/a", &a, NULL), VK_OK);
	static const char *const others[] = { "http://h/a", "https://h:444/a", "https://x.h/a",
		"https://h./a", "https://hh/a", "https://h/b" };
	for (size_t i = 0; i < VK_COUNT(others); i++) {
		assert_int_equal(vk_scope_parse(others[i], &b, NULL), VK_OK);
		assert_false(vk_scope_covers(&a, &b));
		vk_scope_clear(&b);
	}
	vk_scope_clear(&a);
}

static void
test_of_url(void **state)
{
	static const struct {
		const char *url, *back; /* NULL: refused */
	} urls[] = {
		{ "https://h/a/b?c=/d%2f..#e", "https://h/a/b" },
		{ "https://u@h?x", "https://h" },
		{ "https://h/api/v4/group%2Fproject/x", "https://h/api/v4" },
		{ "https://h/@corp%2fpkg", "https://h" },
		{ "https://h/a%20b", "https://h/a%20b" },
		{ "https://h/a%2f..%2fb", NULL },
		{ "https://h/a%2Fb/../c", NULL },
		{ "https://h/a%2fb/%2E%2e", NULL },
		{ "https://h/a%2f%5c", NULL },
		{ "https://h/x/../a%2fb", NULL },
		{ "https://h/a b", NULL },
		{ "https://h\\@other/", NULL },
		{ "https://h/a?b\n", NULL },
		{ "https://u:p@h/a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(urls); i++) {
		VK_CLEANUP(vk_freep) char *user = NULL;
		VK_CLEANUP(vk_freep) char *back = NULL;
		struct vk_scope s = { 0 };
		enum vk_err e = vk_scope_of_url(urls[i].url, &s, &user);

		if (!urls[i].back) {
			assert_int_equal(e, VK_EPROTO);
			continue;
		}
		assert_int_equal(e, VK_OK);
		assert_non_null(back = vk_scope_url(&s));
		assert_string_equal(back, urls[i].back);
		vk_scope_clear(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_user_names),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_of_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
