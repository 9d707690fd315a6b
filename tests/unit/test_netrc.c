/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static struct vk_cred *
add(struct vk_cred_list *l, const char *url, const char *user, const char *secret)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	vk_scope_clear(&c->scope);
	assert_int_equal(vk_scope_parse(url, &c->scope, NULL), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	c->kind = VK_KIND_BASIC;
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	assert_int_equal(vk_cred_list_add(l, c), VK_OK);
	return c;
}

static void
merged(const char *own, const struct vk_cred_list *l, bool keep, const char *expect,
    const char *expect_dropped)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	assert_int_equal(vk_netrc_merge(own, strlen(own), l, keep, &out, &dropped), VK_OK);
	assert_string_equal(out.p ? out.p : "", expect);
	assert_string_equal(dropped.p ? dropped.p : "", expect_dropped);
}

static void
test_lines(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

	(void)state;
	add(&l, "https://a.example", "u", "p'$`|<>(){}#");
	add(&l, "https://b.example", "me@b", "q");
	merged("", &l, false, "machine a.example login u password p'$`|<>(){}#\n"
			      "machine b.example login me@b password q\n", "");
}

static void
test_own(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	const char own[] = "# mine\nmachine x.example login a\n  password machine\n"
			   "machine h.example login old password old\n"
			   "macdef m\nmachine no.example login n password n\n\n"
			   "machine \"y.example\" login \"b c\" password \"d \\\" machine e\"\n"
			   "default login anonymous password z";

	(void)state;
	add(&l, "https://h.example", "u", "p");
	merged(own, &l, false, "machine h.example login u password p\n",
	    "x.example\n\"y.example\"\ndefault\n");
	merged(own, &l, true, "machine h.example login u password p\n"
			      "machine x.example login a\n  password machine\n"
			      "machine \"y.example\" login \"b c\" password \"d \\\" machine e\"\n"
			      "default login anonymous password z\n", "");
	/* Broken files end, they do not run away. */
	merged("machine", &l, false, "machine h.example login u password p\n", "default\n");
	merged("macdef", &l, true, "machine h.example login u password p\n", "");
	merged("machine a login", &l, false, "machine h.example login u password p\n", "a\n");
}

static void
refuses(const struct vk_cred_list *l, const char *word)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	vk_reason_clear();
	assert_int_equal(vk_netrc_merge("", 0, l, false, &out, &dropped), VK_EPOLICY);
	assert_non_null(strstr(vk_reason(), word));
	assert_null(strstr(vk_reason(), "S3CR3T"));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *url, *user, *secret, *word;
	} cases[] = {
		{ "http://h", "u", "S3CR3T", "https" },      { "https://h:8443", "u", "S3CR3T", "port" },
		{ "https://h/path", "u", "S3CR3T", "path" }, { "https://h", "", "S3CR3T", "user" },
		{ "https://h", "a b", "S3CR3T", "user" },    { "https://h", "u", "S3CR3T x", "secret" },
		{ "https://h", "u", "#S3CR3T", "secret" },   { "https://h", "u", "S3CR3T\"", "secret" },
		{ "https://h", "u", "S3CR3T\\", "secret" },  { "https://h", "u", "S3CR3T\xc3\xa9", "secret" },
		{ "https://default", "u", "S3CR3T", "host" }, { "https://[::1]", "u", "S3CR3T", "host" },
		{ "https://h", "u", "S3CR3T\t", "secret" },  { "https://h", "u", "", "secret" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

		add(&l, cases[i].url, cases[i].user, cases[i].secret);
		refuses(&l, cases[i].word);
	}
}

static void
test_pairs(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list two = { 0 }, bearer = { 0 };

	(void)state;
	add(&two, "https://h", "u", "p");
	add(&two, "https://h", "v", "p");
	refuses(&two, "same host");
	add(&bearer, "https://h", "u", "p")->kind = VK_KIND_BEARER;
	refuses(&bearer, "password");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_own),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
