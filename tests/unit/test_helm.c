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
add(struct vk_cred_list *l, const char *url, const char *name, const char *user, const char *secret)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	vk_scope_clear(&c->scope);
	assert_int_equal(vk_scope_parse(url, &c->scope, NULL), VK_OK);
	assert_int_equal(vk_cred_set(&c->name, name), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	assert_int_equal(vk_cred_list_add(l, c), VK_OK);
	return c;
}

static void
merged(const char *own, bool keep, const char *expect, const char *expect_dropped)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	add(&l, "https://h.example/a", "a", "ci", "p\"\\: #'");
	add(&l, "https://h.example/a/b", "b", "bot", "pb");
	assert_int_equal(vk_helm_merge(own, strlen(own), &l, keep, &out, &dropped), VK_OK);
	assert_string_equal(out.p ? out.p : "", expect);
	assert_string_equal(dropped.p ? dropped.p : "", expect_dropped);
}

#define OURS "\"p\\\"\\\\: #'\""

/* As helm 3.22 wrote it. */
static void
test_written_by_helm(void **state)
{
#define HEAD "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n"
#define REPOSITORY(all, name, password, url, user) "- caFile: /etc/ca.pem\n  certFile: \"\"\n  insecure_skip_tls_verify: false\n  keyFile: \"\"\n  name: " \
	name "\n  pass_credentials_all: " all "\n  password: " password "\n  url: " url "\n  username: " user "\n"
#define OTHER(password, user) REPOSITORY("true", "\"true\"", password, "https://else.example/a?b", user)
	static const char own[] = HEAD REPOSITORY("true", "corp", "\"\"", "https://h.example/a", "\"\"")
	    OTHER("'!x''y'", "-x") REPOSITORY("false", "more", "x y", "https://h.example/a/b/c/", "'@me'");

	(void)state;
	merged(own, false, HEAD REPOSITORY("false", "corp", OURS, "https://h.example/a", "\"ci\"") OTHER("\"\"", "\"\"")
	    REPOSITORY("false", "more", "\"pb\"", "https://h.example/a/b/c/", "\"bot\""), "true\n");
	merged(own, true, HEAD REPOSITORY("false", "corp", OURS, "https://h.example/a", "\"ci\"") OTHER("'!x''y'", "-x")
	    REPOSITORY("false", "more", "\"pb\"", "https://h.example/a/b/c/", "\"bot\""), "");
	merged("apiVersion: v1\nrepositories: []\n", false, "apiVersion: v1\nrepositories: []\n", "");
	merged("", false, "", "");
}

static void
test_written_by_hand(void **state)
{
	(void)state;
	merged("# mine\nrepositories:\n\n  - url: 'https://h.example/a'\n    name: x\n  # and\n  - name: y\n    url: https://e.example\n"
	       "apiVersion: v1", false,
	    "# mine\nrepositories:\n\n  - url: 'https://h.example/a'\n    name: x\n    username: \"ci\"\n    password: " OURS "\n  # and\n"
	    "  - name: y\n    url: https://e.example\napiVersion: v1", "");
	merged("repositories:\n- password:\n  url: \"https://h.example/a\"", false,
	    "repositories:\n- password: " OURS "\n  url: \"https://h.example/a\"\n  username: \"ci\"\n", "");
	merged("repositories:\n- username: me", false, "repositories:\n- username: \"\"", "(a repository without name)\n");
	merged("repositories:\n- name: it''s\n  password: ~\n  username: null\n", false, "repositories:\n- name: it''s\n  password: ~\n  username: null\n", "");
	merged("repositories:\n- name: 'it''s'\n  password: x\n", false, "repositories:\n- name: 'it''s'\n  password: \"\"\n", "it's\n");
}

static void
test_account_in_url(void **state)
{
#define AT(url) "repositories:\n- name: x\n  url: " url "\n  username: \"\"\n"
	static const char *const cases[][2] = {
		{ "https://me:PW@b.example/y", "https://b.example/y" }, { "https://me@b.example:8443", "https://b.example:8443" },
		{ "'https://me:P''W@b.example/y@z'", "'https://b.example/y@z'" }, { "\"https://:PW@b.example?q=@\"", "\"https://b.example?q=@\"" },
		{ "https://a:b@c:PW@b.example/", "https://b.example/" }, { "HTTPS://me:PW@h.example/a", "HTTPS://h.example/a" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF(4096), expect = VK_BUF(4096);

		vk_buf_fmt(&own, AT("%s"), cases[i][0]);
		vk_buf_fmt(&expect, AT("%s"), cases[i][1]);
		merged(own.p, false, expect.p, "x\n");
		merged(own.p, true, own.p, "");
	}
	merged(AT("https://b.example/y@z"), false, AT("https://b.example/y@z"), "");
}

/* Whose URL is not one of an entry, has nothing of it. */
static void
test_places(void **state)
{
	static const struct {
		const char *url;
		bool serves;
	} cases[] = {
		{ "https://h.example/a", true }, { "https://H.example:443/a/", true }, { "'https://h.example/a/x'", true },
		{ "http://h.example/a", false }, { "https://h.example", false }, { "https://h.example/ab", false },
		{ "https://h.example:8443/a", false }, { "https://x.h.example/a", false }, { "https://h.example/x/../a", false },
		{ "oci://h.example/a", false }, { "https://me@h.example/a", false }, { "https://me:p@h.example/a", false },
		{ "https://h.example/a?x=y", false }, { "", false }, { "null", false }, { "h.example/a", false },
	};
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	bool serves = true;

	(void)state;
	add(&l, "https://h.example/a", "a", "ci", "p");
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF(4096), out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

		vk_buf_fmt(&own, "repositories:\n- name: x\n  url: %s\n", cases[i].url);
		assert_int_equal(vk_helm_serves(own.p, own.len, l.v[0], &serves), VK_OK);
		assert_int_equal(serves, cases[i].serves);
		assert_int_equal(vk_helm_merge(own.p, own.len, &l, false, &out, &dropped), VK_OK);
		assert_int_equal(strstr(out.p, "password: \"p\"") != NULL, cases[i].serves);
	}
	assert_int_equal(vk_helm_serves("", 0, l.v[0], &serves), VK_OK);
	assert_false(serves);
}

static void
test_not_understood(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "{}\n", "line 1 " }, { "---\nrepositories: []\n", "line 1 " }, { "repositories: [x]\n", "line 1 " },
		{ "apiVersion: []\n", "line 1 " }, { "repositories: x\n", "line 1 " }, { "Repositories:\n", "line 1 " },
		{ "\xef\xbb\xbfrepositories:\n", "line 1 " }, { "repositories:\r\n", "line 1 " }, { "repositories:\n-\n", "line 2 " },
		{ "repositories:\n- x\n", "line 2 " }, { "repositories:\n-  name: x\n", "line 2 " }, { "repositories:\n- {name: x}\n", "line 2 " },
		{ "apiVersion: v1\n\n# x\napiVersion: v1\n", "line 4 " }, { "repositories: []\n- name: x\n", "line 2 " },
		{ "generated:\n- name: x\n", "line 2 " }, { "repositories:\nname: x\n", "line 2 " },
		{ "repositories:\n- name: x\n  name: y\n", "line 3 " }, { "repositories:\n- name: x\n  URL: https://e.example\n", "line 3 " },
		{ "repositories:\n- name: x\n  \"url\": https://e.example\n", "line 3 " }, { "repositories:\n- name: x\n  other: y\n", "line 3 " },
		{ "repositories:\n- name: x\n   url: y\n", "line 3 " }, { "repositories:\n- name: x\n url: y\n", "line 3 " },
		{ "repositories:\n- name: x\n - name: y\n", "line 3 " }, { "repositories:\n- name: x\n  url:y\n", "line 3 " },
		{ "repositories:\n- name: x\n  url: https://h.example\n    /a\n", "line 4 " },
		{ "repositories:\n- password: |-\n    x\n", "line 2 " }, { "repositories:\n- password: >\n", "line 2 " },
		{ "repositories:\n- password: \"x\n    y\"\n", "line 2 " }, { "repositories:\n- password: \"x\\\"\n", "line 2 " },
		{ "repositories:\n- password: \"\n", "line 2 " }, { "repositories:\n- password: 'x''\n", "line 2 " },
		{ "repositories:\n- password: \"x\" # y\n", "line 2 " }, { "repositories:\n- password: x # y\n", "line 2 " },
		{ "repositories:\n- password: a: b\n", "line 2 " }, { "repositories:\n- password: a:\n", "line 2 " },
		{ "repositories:\n- password: &a x\n", "line 2 " }, { "repositories:\n- password: *a\n", "line 2 " },
		{ "repositories:\n- password: !!str x\n", "line 2 " }, { "repositories:\n- password: - x\n", "line 2 " },
		{ "repositories:\n- password: []\n", "line 2 " }, { "repositories:\n- password: x\ty\n", "line 2 " },
		{ "repositories:\n- password: x\xff\n", "line 2 " }, { "# \xe2\x80\xa8name\n", "line 1 " }, { "# \xc2\x85name\n", "line 1 " },
		{ "repositories:\n- pass_credentials_all: yes\n", "line 2 " }, { "repositories:\n- insecure_skip_tls_verify: \"true\"\n", "line 2 " },
		{ "repositories:\n- url: \"https:\\/\\/h.example\"\n", "line 2 " }, { "repositories:\n- name: \"\\x41\"\n", "line 2 " },
		{ "<<: x\n", "line 1 " },
	};
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

	(void)state;
	add(&l, "https://h.example", "a", "ci", "p");
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);
		bool serves = false;

		assert_int_equal(vk_helm_serves(cases[i].text, strlen(cases[i].text), l.v[0], &serves), VK_EPROTO);
		assert_memory_equal(vk_reason(), cases[i].line, strlen(cases[i].line));
		assert_non_null(strstr(vk_hint_text(), "\"helm repo add --force-update NAME URL\""));
		assert_int_equal(vk_helm_merge(cases[i].text, strlen(cases[i].text), &l, true, &out, &dropped), VK_EPROTO);
		/* A line may be a part of a password. */
		assert_null(strstr(vk_reason(), "x\""));
	}
}

static void
test_refused(void **state)
{
	static const char own[] = "repositories:\n- name: corp\n  url: https://h.example/a\n  insecure_skip_tls_verify: %s\n";
	static const struct {
		const char *url, *user, *secret, *unverified;
		enum vk_err e;
	} cases[] = {
		{ "https://h.example", "ci", "p", "false", VK_OK }, { "https://h.example", "ci", "p", "", VK_OK },
		{ "https://h.example", "ci", "p", "true", VK_EPOLICY }, { "https://e.example", "ci", "p", "true", VK_OK },
		{ "https://h.example", "", "p", "false", VK_EPOLICY }, { "https://h.example", "ci", "", "false", VK_EPOLICY },
		{ "https://h.example", "c:i", "p", "false", VK_EPOLICY }, { "https://h.example", "ci", "\xff", "false", VK_EPOLICY },
		{ "https://h.example", "\xff", "p", "false", VK_EPOLICY },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
		VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(4096), out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

		vk_buf_fmt(&text, own, cases[i].unverified);
		add(&l, cases[i].url, "a", cases[i].user, cases[i].secret);
		assert_int_equal(vk_helm_merge(text.p, text.len, &l, false, &out, &dropped), cases[i].e);
		if (cases[i].e != VK_OK)
			assert_non_null(strstr(vk_reason(), "corp"));
	}
}

static void
test_two_accounts(void **state)
{
	static const char own[] = "repositories:\n- name: corp\n  url: https://h.example/a/b\n";
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	(void)state;
	add(&l, "https://h.example/a", "one", "ci", "p1");
	add(&l, "https://h.example/a", "two", "bot", "p2");
	assert_int_equal(vk_helm_merge(own, strlen(own), &l, false, &out, &dropped), VK_EPOLICY);
	/* Which of them it would be does not matter where a third is for more of the URL. */
	add(&l, "https://h.example/a/b", "three", "me", "p3");
	add(&l, "https://h.example", "four", "he", "p4");
	vk_buf_clear(&out);
	assert_int_equal(vk_helm_merge(own, strlen(own), &l, false, &out, &dropped), VK_OK);
	assert_non_null(strstr(out.p, "username: \"me\"\n  password: \"p3\"\n"));
}

static void
test_secrets(void **state)
{
	static const struct {
		const char *secret, *written;
	} cases[] = {
		{ "true", "\"true\"" }, { "\t\n\x7f", "\"\\U00000009\\U0000000a\\U0000007f\"" }, { "\xc3\xa4", "\"\\U000000e4\"" },
		{ "\xe2\x80\xa8", "\"\\U00002028\"" }, { "\xf0\x9f\x98\x80", "\"\\U0001f600\"" }, { " %{~} ", "\" %{~} \"" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		static const char own[] = "repositories:\n- url: https://h.example\n  username: x\n  password: x";
		VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

		add(&l, "https://h.example", "corp", "ci", cases[i].secret);
		assert_int_equal(vk_helm_merge(own, strlen(own), &l, false, &out, &dropped), VK_OK);
		assert_string_equal(strstr(out.p, "password: ") + strlen("password: "), cases[i].written);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_by_helm), cmocka_unit_test(test_written_by_hand), cmocka_unit_test(test_account_in_url),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_not_understood), cmocka_unit_test(test_refused), cmocka_unit_test(test_two_accounts),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
