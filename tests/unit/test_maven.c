/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

#define OURS "<servers>\n<server><id>corp</id><username>ci</username><password>p&#38;&#60;&#39;</password></server>\n"

static struct vk_cred *
add(struct vk_cred_list *l, const char *url, const char *name, const char *user, const char *secret)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	vk_scope_clear(&c->scope);
	assert_int_equal(vk_scope_parse(url, &c->scope, NULL), VK_OK);
	assert_int_equal(vk_cred_set(&c->name, name), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	c->kind = *user ? VK_KIND_BASIC : VK_KIND_BEARER;
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	assert_int_equal(vk_cred_list_add(l, c), VK_OK);
	return c;
}

static void
merged(const char *own, bool keep, const char *expect, const char *expect_dropped)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	add(&l, "https://h.example", "corp", "ci", "p&<'");
	assert_int_equal(vk_maven_merge(own, strlen(own), &l, keep, &out, &dropped), VK_OK);
	assert_string_equal(out.p, expect);
	assert_string_equal(dropped.p ? dropped.p : "", expect_dropped);
}

static void
test_places(void **state)
{
	(void)state;
	merged("", false, "<settings>\n" OURS "</servers></settings>\n", "");
	merged(" \n", true, "<settings>\n" OURS "</servers></settings>\n", "");
	merged("<settings/>\n", false, "<settings>" OURS "</servers></settings>\n\n", "");
	merged("<settings x='/>' />", false, "<settings x='/>' >" OURS "</servers></settings>\n", "");
	merged("<?xml version='1.0'?><settings><a>1</a></settings>", false,
	    "<?xml version='1.0'?><settings><a>1</a>" OURS "</servers></settings>", "");
	merged("<settings>\n<servers/>\n<a/></settings>", true, "<settings>\n" OURS "</servers>\n<a/></settings>", "");
	merged("\xef\xbb\xbf<settings></settings>", true, "\xef\xbb\xbf<settings>" OURS "</servers></settings>", "");
	/* What only looks like the element. */
	merged("<settings><!-- <servers> --><a><servers><server><id>x</id></server></servers></a><![CDATA[<servers>]]></settings>", false,
	    "<settings><!-- <servers> --><a><servers><server><id>x</id></server></servers></a><![CDATA[<servers>]]>" OURS
	    "</servers></settings>", "");
}

static void
test_own(void **state)
{
	static const char own[] = "<settings><servers>\n<!-- s3cret -->"
	    "<server><id> a </id><password>1</password></server>\n"
	    "<server><password>2</password><id>corp</id></server><server/>"
	    "<server><id>b</id><configuration><id>corp</id></configuration></server></servers><c/></settings>";

	(void)state;
	merged(own, false, "<settings>" OURS "</servers><c/></settings>", "a\n(a server without id)\nb\n");
	merged(own, true, "<settings>" OURS "\n<!-- s3cret --><server><id> a </id><password>1</password></server>\n<server/>"
	    "<server><id>b</id><configuration><id>corp</id></configuration></server></servers><c/></settings>", "");
}

static void
test_not_understood(void **state)
{
	static const char *const cases[] = {
		"x", "<settings>", "</settings>", "<settings></setting>", "<settings><a></settings>", "<settings/><settings/>",
		"<settings></settings>x", "<other/>", "<!DOCTYPE settings><settings/>", "<settings><!ENTITY x></settings>",
		"<settings><!-- </settings>", "<settings><![CDATA[</settings>", "<settings a='<'/>", "<settings a=\"x/>",
		"<settings <a/>", "<settings / >", "<settings><servers/><servers/></settings>", "< settings/>",
		"<?xml version='1.0' encoding='UTF-16'?><settings/>", "<?xml encoding='ebcdic'?><settings/>", "<s:settings/>",
	};
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

		assert_int_equal(vk_maven_merge(cases[i], strlen(cases[i]), &l, true, &out, &dropped), VK_EPROTO);
	}
	for (size_t depth = 60; depth < 70; depth++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);
		VK_CLEANUP(vk_buf_clear) struct vk_buf deep = VK_BUF(65536);

		vk_buf_str(&deep, "<settings>");
		for (size_t i = 1; i < depth; i++)
			vk_buf_str(&deep, "<a>");
		for (size_t i = 1; i < depth; i++)
			vk_buf_str(&deep, "</a>");
		vk_buf_str(&deep, "</settings>");
		assert_int_equal(vk_maven_merge(deep.p, deep.len, &l, true, &out, &dropped), depth > 64 ? VK_EPROTO : VK_OK);
	}
}

static void
test_kinds(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);
	struct vk_cred *c;

	(void)state;
	add(&l, "https://h.example", "bearer", "", "t0ken");
	c = add(&l, "https://i.example", "header", "", "k\"ey");
	c->kind = VK_KIND_HEADER;
	assert_int_equal(vk_cred_set(&c->header, "Job-Token"), VK_OK);
	assert_int_equal(vk_maven_merge("", 0, &l, false, &out, &dropped), VK_OK);
	assert_non_null(strstr(out.p, "<server><id>bearer</id><configuration><httpHeaders><property><name>Authorization</name>"
	    "<value>Bearer t0ken</value></property></httpHeaders></configuration></server>"));
	assert_non_null(strstr(out.p, "<name>Job-Token</name><value>k&#34;ey</value>"));
}

static void
test_secrets(void **state)
{
	static const struct {
		const char *secret;
		bool fits;
	} cases[] = {
		{ "a b", true }, { "$x{}", true }, { "{", true }, { "}{", true }, { "{}x", true }, { "{x\\}", true }, { "]]>", true },
		{ "", false }, { " a", false }, { "a ", false }, { "${x}", false }, { "a${", false }, { "{x}", false }, { "{}}", false },
		{ "a{\\}b}", false }, { "a\tb", false }, { "\x7f", false }, { "\xc3\xa4", false },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

		add(&l, "https://h.example", "corp", "ci", cases[i].secret);
		assert_int_equal(vk_maven_merge("", 0, &l, false, &out, &dropped), cases[i].fits ? VK_OK : VK_EPOLICY);
	}
}

static void
test_projects(void **state)
{
	static const struct {
		const char *pom;
		enum vk_err e;
	} cases[] = {
		{ "<p><repository><id>corp</id><url>https://h.example/m/</url></repository></p>", VK_OK },
		{ "<p><repository><url> https://h.example/m/x </url><id> corp </id></repository></p>", VK_OK },
		{ "<p><repository><id>corp</id><url>https://h.example</url></repository></p>", VK_EPOLICY },
		{ "<p><pluginRepository><url>http://h.example/m</url><id>corp</id></pluginRepository></p>", VK_EPOLICY },
		{ "<p><snapshotRepository><id>corp</id><url>scp://h.example/m</url></snapshotRepository></p>", VK_EPOLICY },
		{ "<p><repository><id>corp</id><url>https://h.example/m/../x</url></repository></p>", VK_EPOLICY },
		{ "<p><repository><id>corp</id><releases/><url>https://e.example</url></repository>", VK_EPOLICY },
		{ "<p><repository><id>corp</id><url>${base}/m</url></repository></p>", VK_OK },
		{ "<p><repository><id>else</id><url>https://e.example</url></repository></p>", VK_OK },
		{ "<p><repository><id>corp</id></repository><repository><url>https://e.example</url></repository></p>", VK_OK },
		{ "<p><server><id>corp</id><url>https://e.example</url></server></p>", VK_OK },
		{ "<p><repository><id>corp</id>", VK_OK }, { "", VK_OK }, { "x", VK_OK },
	};
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

	(void)state;
	add(&l, "https://h.example/m", "corp", "ci", "p");
	for (size_t i = 0; i < VK_COUNT(cases); i++)
		assert_int_equal(vk_maven_check(cases[i].pom, strlen(cases[i].pom), &l), cases[i].e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_own), cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_secrets), cmocka_unit_test(test_projects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
