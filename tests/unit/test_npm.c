/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static struct vk_npmrc
parse(const char *text)
{
	struct vk_npmrc f = { 0 };

	assert_int_equal(vk_npmrc_parse(text, strlen(text), &f), VK_OK);
	return f;
}

/* One line gives this key and this value. */
static void
one(const char *text, const char *key, const char *value)
{
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = parse(text);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(4096);

	assert_int_equal(f.n, 1);
	assert_string_equal(f.v[0].key, key);
	assert_int_equal(vk_npmrc_value(text, &f.v[0], &b), VK_OK);
	assert_string_equal(b.p ? b.p : "", value);
}

/* What ini's decode() of npm 9 to 11 gives for the same text; compared with it when this was written. */
static void
test_values(void **state)
{
	(void)state;
	one("a=b", "a", "b");
	one(" a =  b c \t", "a", "b c");
	one("a=b=c", "a", "b=c");
	one("a", "a", "");
	one("a=", "a", "");
	one("a=b#c", "a", "b");
	one("a=b ;c", "a", "b");
	one("a=b\\;c\\#d\\\\e\\f", "a", "b;c#d\\e\\f");
	one("a=b\\", "a", "b\\");
	one("a=\"b;c\\\"d\\u0041\"", "a", "b;c\"dA");
	one("a=\"not json\\x\"", "a", "\"not json\\x\"");
	one("a='b;c'", "a", "b;c");
	one("a='\"b\"'", "a", "b");
	one("a=\"", "a", "\"");
	one("\"k\"=v", "k", "v");
	one("//h:1/:_authToken=x", "//h:1/:_authToken", "x");
	one("[not a section=x", "[not a section", "x");
}

static void
test_lines(void **state)
{
	const char text[] = "; c\n# c\n\r\n  \n[s]\na=1\r\nb=2\rc=3\n=x\nd=4";
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = parse(text);

	(void)state;
	assert_int_equal(f.n, 4);
	assert_string_equal(f.v[0].key, "a");
	assert_int_equal(f.v[0].end - f.v[0].start, 5); /* CR LF is one end */
	assert_int_equal(f.v[1].end - f.v[1].start, 4);
	assert_int_equal(f.v[3].end, strlen(text));
}

static void
test_cred_keys(void **state)
{
	static const char *const yes[] = {
		"_auth", "_authToken", "_AUTHTOKEN", "_password", "username", "//h/:_authToken", "//h:_auth",
		"//h:8080/a/:_password", "//h/:username", "//h/:keyfile", "//h/:tokenHelper", "key", "otp",
	};
	static const char *const no[] = {
		"registry", "@corp:registry", "//h/:always-auth", "//h/:email", "always-auth", "save-exact",
		"//h/", "_authority",
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(yes); i++)
		assert_true(vk_npmrc_cred_key(yes[i]));
	for (size_t i = 0; i < VK_COUNT(no); i++)
		assert_false(vk_npmrc_cred_key(no[i]));
}

static void
test_variables(void **state)
{
	const char *at = "a${B}\\${C}\\\\${D}${}${E?}$${F}${G{H}}", *name;
	char found[32] = "";
	size_t n;

	(void)state;
	while (vk_npmrc_next_var(&at, &name, &n))
		strncat(found, name, n);
	assert_string_equal(found, "BDEF");
}

static void
quoted(const char *value, const char *expect)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(4096);

	assert_int_equal(vk_npmrc_quote(value, strlen(value), &b), VK_OK);
	assert_string_equal(b.p, expect);
}

static void
test_quote(void **state)
{
	static const char *const refused[] = {
		" a", "a ", "true", "null", "undefined", "a\nb", "\033", "x${a?b}y", "${?}", "${a??}",
	};

	(void)state;
	quoted("npm_Az09-._~+/=@", "npm_Az09-._~+/=@");
	quoted("a;b#c", "\"a;b#c\"");
	quoted("a\"b\\c", "\"a\\\"b\\\\c\"");
	quoted("'a'", "\"'a'\"");
	quoted("${A}", "\"\\\\${A}\"");
	quoted("\\${A}", "\"\\\\\\\\\\\\${A}\"");
	quoted("${A?}", "\"\\\\${A?}\"");
	quoted("${}$A${a{", "\"${}$A${a{\"");
	for (size_t i = 0; i < VK_COUNT(refused); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(4096);

		assert_int_equal(vk_npmrc_quote(refused[i], strlen(refused[i]), &b), VK_EPOLICY);
		assert_int_equal(b.len, 0);
	}
}

/* A list of one or two credentials that the tests fill. */
static struct vk_cred *
add(struct vk_cred_list *l, const char *url, const char *user, const char *secret)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	vk_scope_clear(&c->scope);
	assert_int_equal(vk_scope_parse(url, &c->scope, NULL), VK_OK);
	assert_int_equal(vk_cred_set(&c->name, url), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user ? user : ""), VK_OK);
	c->kind = user ? VK_KIND_BASIC : VK_KIND_BEARER;
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	assert_int_equal(vk_cred_list_add(l, c), VK_OK);
	return c;
}

static void
merged(const char *own, const struct vk_cred_list *l, struct vk_npmrc_style style, const char *expect,
    const char *expect_dropped)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);

	assert_int_equal(vk_npmrc_merge(own, strlen(own), l, &style, &out, &dropped), VK_OK);
	assert_string_equal(out.p ? out.p : "", expect);
	assert_string_equal(dropped.p ? dropped.p : "", expect_dropped);
}

static void
test_merge(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	const struct vk_npmrc_style plain = { 0 }, keep = { .keep_own = true },
				    both = { .both_keys = true }, few = { .registries = true };

	(void)state;
	assert_int_equal(vk_cred_set(&add(&l, "https://npm.example/r", NULL, "tok")->npm_scope, "@c"),
	    VK_OK);
	merged("", &l, plain, "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n", "");
	merged("", &l, both, "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n"
			     "//npm.example/r:_authToken=tok\n", "");
	/* The user's settings and comments stay, also without a last line end; other tokens go. */
	merged("; mine\nsave-exact=true\n//x/:_authToken=a\n_auth=b\nregistry=https://npm.example/r/", &l,
	    plain, "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n"
		   "; mine\nsave-exact=true\nregistry=https://npm.example/r/", "//x/:_authToken\n_auth\n");
	/* What the run answers itself is replaced, not left out, wherever it is spelled. */
	merged("//npm.example/r/:_authToken=old\n//npm.example/r:_authToken=old\n"
	       "//npm.example/r/deep/:_authToken=old\n@c:registry=https://evil/\n", &l, plain,
	    "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n", "");
	/* Kept ones stay, except for exactly the same registry; a neighbour's name is no match. */
	merged("//x/:_authToken=a\n//npm.example/r/:_auth=old\n//npm.example/r2/:_authToken=b\n", &l, keep,
	    "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n"
	    "//x/:_authToken=a\n//npm.example/r2/:_authToken=b\n", "");
	merged("prefix=/home/u\n@o:registry=https://o/\n//x/:_authToken=a\nregistry=https://q/\n", &l, few,
	    "@c:registry=https://npm.example/r/\n//npm.example/r/:_authToken=tok\n"
	    "@o:registry=https://o/\nregistry=https://q/\n", "//x/:_authToken\n");
}

static void
test_kinds(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	const struct vk_npmrc_style plain = { 0 };

	(void)state;
	add(&l, "https://h:8443/", "u", "p:\xff w");
	add(&l, "http://127.0.0.1:4873", NULL, "a;b");
	merged("", &l, plain, "//h:8443/:_auth=dTpwOv8gdw==\n//127.0.0.1:4873/:_authToken=\"a;b\"\n", "");
}

/* What cannot be said must not be said wrong. */
static void
refuses(const struct vk_cred_list *l)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(65536), dropped = VK_BUF(4096);
	const struct vk_npmrc_style plain = { 0 };

	vk_reason_clear();
	assert_int_equal(vk_npmrc_merge("", 0, l, &plain, &out, &dropped), VK_EPOLICY);
	assert_true(*vk_reason());
	assert_null(strstr(vk_reason(), "S3CR3T"));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *url, *user, *secret;
	} cases[] = {
		{ "https://h", "u:v", "S3CR3T" }, { "https://h", NULL, "S3CR3T " },
		{ "https://h", NULL, "S3CR3T\xc3\xa9" }, { "https://h/a;b", NULL, "S3CR3T" },
		{ "https://h/a=b", NULL, "S3CR3T" }, { "https://h/${HOME}", NULL, "S3CR3T" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

		add(&l, cases[i].url, cases[i].user, cases[i].secret);
		refuses(&l);
	}
}

static void
test_pairs(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list same = { 0 }, schemes = { 0 }, scopes = { 0 },
								      odd = { 0 };

	(void)state;
	add(&same, "https://h/a", "u", "p");
	add(&same, "https://h/a", "v", "p");
	refuses(&same);
	/* npm's keys have no scheme. */
	add(&schemes, "https://h/a", "u", "p");
	add(&schemes, "http://h/a", "u", "p");
	refuses(&schemes);
	assert_int_equal(vk_cred_set(&add(&scopes, "https://h/a", NULL, "p")->npm_scope, "@s"), VK_OK);
	assert_int_equal(vk_cred_set(&add(&scopes, "https://h/b", NULL, "p")->npm_scope, "@s"), VK_OK);
	refuses(&scopes);
	add(&odd, "https://h", NULL, "p")->kind = VK_KIND_HEADER;
	refuses(&odd);
}

static bool
is_gone(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "GONE") == 0 || strcmp(name, "ALSO") == 0;
}

static void
test_without_vars(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(4096), vars = VK_BUF(4096);
	const char text[] = "a=${GONE}\n//h/:_authToken=${HERE}\n//h/deep/:_authToken=${GONE}\n"
			    "//h:_auth=\"x${ALSO}\"\n//other/:_authToken=${GONE}\n//h/:email=${GONE}\n"
			    "//h/:_password=\\${GONE}";

	(void)state;
	add(&l, "https://h", NULL, "tok");
	assert_int_equal(vk_npmrc_without_vars(text, strlen(text), &l, is_gone, NULL, &out, &vars), VK_OK);
	assert_string_equal(out.p, "a=${GONE}\n//h/:_authToken=${HERE}\n//other/:_authToken=${GONE}\n"
				   "//h/:email=${GONE}\n//h/:_password=\\${GONE}");
	assert_string_equal(vars.p, "GONE\nALSO\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cred_keys), cmocka_unit_test(test_variables),
		cmocka_unit_test(test_quote), cmocka_unit_test(test_merge), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_without_vars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
