/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static enum vk_err
parse(const char *text, struct vk_git_msg *m)
{
	return vk_git_parse(text, strlen(text), m);
}

static void
refused(const char *text, size_t n, enum vk_err with)
{
	struct vk_git_msg m = { .caps = 77 };

	vk_reason_clear();
	assert_int_equal(vk_git_parse(text, n, &m), with);
	assert_int_equal(m.caps, 77);
	assert_true(*vk_reason());
}

static void
test_whole(void **state)
{
	struct vk_git_msg m;

	(void)state;
	assert_int_equal(parse("capability[]=authtype\ncapability[]=state\nprotocol=https\n"
			       "host=h:8443\npath=a/b\nusername=u=v\npassword=p w\n"
			       "authtype=Bearer\ncredential=tok\noauth_refresh_token=r\n"
			       "password_expiry_utc=9999999999\nephemeral=yes\n"
			       "wwwauth[]=Basic realm=\"x\"\nstate[]=other:1\nstate[]=valetkey:2\n"
			       "unknown=1\nwith blank=2\nunknown=3\n\nprotocol=http\n", &m), VK_OK);
	assert_int_equal(m.caps, VK_GIT_CAP_AUTHTYPE | VK_GIT_CAP_STATE);
	assert_string_equal(m.protocol, "https");
	assert_string_equal(m.host, "h:8443");
	assert_string_equal(m.path, "a/b");
	assert_string_equal(m.username, "u=v");
	assert_string_equal(m.password.p, "p w");
	assert_string_equal(m.authtype, "Bearer");
	assert_string_equal(m.credential.p, "tok");
	assert_string_equal(m.refresh.p, "r");
	assert_string_equal(m.state, "valetkey:2");
	assert_true(m.has_expiry && m.ephemeral);
	assert_int_equal(m.expiry, 9999999999);
	vk_git_msg_clear(&m);
	assert_null(m.protocol);
}

static void
test_lines(void **state)
{
	struct vk_git_msg m;
	static char big[VK_MAX_LINE + 2];

	(void)state;
	assert_int_equal(parse("", &m), VK_OK);
	assert_null(m.protocol);
	assert_int_equal(parse("host=h\r\nusername=\n\r\nhost=g\n", &m), VK_OK);
	assert_string_equal(m.host, "h");
	assert_string_equal(m.username, "");
	vk_git_msg_clear(&m);

	refused("host=h", 6, VK_EPROTO);
	refused("host=h\r", 7, VK_EPROTO);
	refused("host=h\r\r\n", 9, VK_EPROTO);
	refused("host=a\rb\n", 9, VK_EPROTO);
	refused("host=a\0b\n", 9, VK_EPROTO);
	refused("x\0=a\n", 5, VK_EPROTO);
	refused("host\n", 5, VK_EPROTO);
	refused("=h\n", 3, VK_EPROTO);
	refused(" \n", 2, VK_EPROTO);

	memset(big, 'x', sizeof(big));
	memcpy(big, "password=", 9);
	big[VK_MAX_LINE - 1] = '\n';
	assert_int_equal(vk_git_parse(big, VK_MAX_LINE, &m), VK_OK);
	assert_int_equal(m.password.n, VK_MAX_LINE - 10);
	vk_git_msg_clear(&m);
	big[VK_MAX_LINE - 1] = 'x';
	big[VK_MAX_LINE] = '\n';
	refused(big, VK_MAX_LINE + 1, VK_ELIMIT);
	memcpy(big, "username=", 9);
	big[9 + VK_MAX_FIELD] = '\n';
	assert_int_equal(vk_git_parse(big, 10 + VK_MAX_FIELD, &m), VK_OK);
	vk_git_msg_clear(&m);
	big[9 + VK_MAX_FIELD] = 'x';
	big[10 + VK_MAX_FIELD] = '\n';
	refused(big, 11 + VK_MAX_FIELD, VK_ELIMIT);
}

static void
test_repeats(void **state)
{
	static const char *const single[] = { "protocol", "host", "path", "username", "password",
		"authtype", "credential", "oauth_refresh_token" };
	struct vk_git_msg m;
	char text[128];

	(void)state;
	for (size_t i = 0; i < VK_COUNT(single); i++) {
		snprintf(text, sizeof(text), "%s=a\n%s=b\n", single[i], single[i]);
		refused(text, strlen(text), VK_EPROTO);
		snprintf(text, sizeof(text), "%s=a\n%s=aa\n", single[i], single[i]);
		refused(text, strlen(text), VK_EPROTO);
		snprintf(text, sizeof(text), "%s=a\n%s=a\n", single[i], single[i]);
		assert_int_equal(parse(text, &m), VK_OK);
		vk_git_msg_clear(&m);
	}
	refused("password_expiry_utc=1\npassword_expiry_utc=2\n", 44, VK_EPROTO);
	refused("ephemeral=1\nephemeral=0\n", 24, VK_EPROTO);
	assert_int_equal(parse("capability[]=authtype\ncapability[]=\ncapability[]=x\n"
			       "state[]=valetkey:1\nstate[]=\n", &m), VK_OK);
	assert_int_equal(m.caps, 0);
	assert_null(m.state);
}

static void
test_values(void **state)
{
	static const char *const expiry[] = { "", "-5", "abc", "1 ", "18446744073709551616",
		"9223372036854775808", "99999999999999999999999999", "0x10" };
	struct vk_git_msg m;
	char text[400];

	(void)state;
	for (size_t i = 0; i < VK_COUNT(expiry); i++) {
		snprintf(text, sizeof(text), "password_expiry_utc=%s\n", expiry[i]);
		refused(text, strlen(text), VK_EPROTO);
	}
	assert_int_equal(parse("password_expiry_utc=9223372036854775807\n", &m), VK_OK);
	assert_true(m.expiry == INT64_MAX);
	refused("ephemeral=maybe\n", 16, VK_EPROTO);
	refused("ephemeral=true-ish\n", 19, VK_EPROTO);
	assert_int_equal(parse("ephemeral=TRUE\n", &m), VK_OK);
	assert_true(m.ephemeral);
	assert_int_equal(parse("ephemeral=off\n", &m), VK_OK);
	assert_false(m.ephemeral);
	refused("authtype=Bearer x\n", 18, VK_EPROTO);
	refused("authtype=B:\n", 12, VK_EPROTO);

	/* A state of ours that is absurdly long is not one that we made. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "state[]=valetkey:", 17);
	text[sizeof(text) - 1] = '\n';
	assert_int_equal(vk_git_parse(text, sizeof(text), &m), VK_OK);
	assert_null(m.state);
}

static void
test_reason_holds_no_value(void **state)
{
	struct vk_git_msg m;

	(void)state;
	assert_int_equal(parse("password=hunter2\npassword=other\n", &m), VK_EPROTO);
	assert_null(strstr(vk_reason(), "hunter2"));
	assert_int_equal(parse("hunter2\n", &m), VK_EPROTO);
	assert_null(strstr(vk_reason(), "hunter2"));
}

static void
test_block(void **state)
{
	(void)state;
	assert_int_equal(vk_git_block(NULL, 0), 0);
	assert_int_equal(vk_git_block("\n", 1), 1);
	assert_int_equal(vk_git_block("a=b\n", 4), 0);
	assert_int_equal(vk_git_block("a=b\n\nc=d\n", 9), 5);
	assert_int_equal(vk_git_block("a=b\r\n\r\nc", 8), 7);
	assert_int_equal(vk_git_block("a=b\n \n", 6), 0);
	assert_int_equal(vk_git_block("\r\r\n", 3), 0);
}

/* Answer from the description ${entry} to one that says ${asked}. */
static enum vk_err
reply(const char *entry, const char *asked, const char *state, bool ephemeral, struct vk_buf *out)
{
	VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg e = { 0 }, a = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

	vk_buf_clear(out);
	assert_int_equal(parse(entry, &e), VK_OK);
	assert_int_equal(parse(asked, &a), VK_OK);
	assert_int_equal(vk_git_cred(&e, &c), VK_OK);
	return vk_git_answer(c, &a, state, ephemeral, out);
}

#define PLACE "protocol=HTTPS\nhost=H:443\n"

static void
test_answer(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(100000);
	static const char bearer[] = PLACE "authtype=Bearer\ncredential=tok\n";

	(void)state;
	assert_int_equal(reply(PLACE "username=u\npassword=p\n", PLACE, "valetkey:1", true, &b), VK_OK);
	assert_string_equal(b.p, "username=u\npassword=p\n");
	assert_int_equal(reply(PLACE "username=\npassword=\n", PLACE, NULL, false, &b), VK_OK);
	assert_string_equal(b.p, "username=\npassword=\n");
	assert_int_equal(reply(PLACE "username=u\npassword=p\npassword_expiry_utc=12\n"
				     "oauth_refresh_token=r\n",
			     "capability[]=state\ncapability[]=authtype\n", "valetkey:1", true, &b), VK_OK);
	assert_string_equal(b.p, "capability[]=authtype\ncapability[]=state\nusername=u\npassword=p\n"
				 "ephemeral=1\npassword_expiry_utc=12\noauth_refresh_token=r\n"
				 "state[]=valetkey:1\n");
	assert_int_equal(reply(bearer, PLACE, NULL, false, &b), VK_ENOENT);
	assert_int_equal(b.len, 0);
	assert_int_equal(reply(bearer, "capability[]=authtype\n", NULL, false, &b), VK_OK);
	assert_string_equal(b.p, "capability[]=authtype\nauthtype=Bearer\ncredential=tok\n");
}

static void
test_answer_refuses_line_ends(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(1000);
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	static const struct {
		const char *p;
		size_t n;
	} bad[] = { { "a\nhost=evil", 11 }, { "a\r", 2 }, { "a\0b", 3 } };
	struct vk_git_msg m = { 0 };

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		assert_int_equal(vk_secret_set(&c->secret, bad[i].p, bad[i].n), VK_OK);
		assert_int_equal(vk_git_answer(c, &m, NULL, false, &b), VK_EPROTO);
		vk_buf_clear(&b);
	}
	assert_int_equal(vk_secret_set(&c->secret, "ok", 2), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, "u\nhost=evil"), VK_OK);
	assert_int_equal(vk_git_answer(c, &m, NULL, false, &b), VK_EPROTO);
	assert_int_equal(vk_cred_set(&c->username, "u\033[31m"), VK_OK);
	vk_buf_clear(&b);
	assert_int_equal(vk_git_answer(c, &m, NULL, false, &b), VK_OK);
	c->kind = VK_KIND_HEADER;
	assert_int_equal(vk_git_answer(c, &m, NULL, false, &b), VK_ENOENT);
}

static void
test_cred(void **state)
{
	static const char *const none[] = { "", "protocol=https\nusername=u\npassword=p\n",
		"host=h\nusername=u\npassword=p\n", PLACE, PLACE "username=u\n", PLACE "password=p\n",
		PLACE "authtype=Bearer\nusername=u\n", PLACE "credential=x\n" };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_git_msg m;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(none); i++) {
		assert_int_equal(parse(none[i], &m), VK_OK);
		assert_int_equal(vk_git_cred(&m, &c), VK_ENOENT);
		vk_git_msg_clear(&m);
	}
	assert_int_equal(parse(PLACE "path=a/b.git\nusername=u\npassword=\npassword_expiry_utc=5\n", &m), VK_OK);
	assert_int_equal(vk_git_cred(&m, &c), VK_OK);
	assert_string_equal(c->scope.scheme, "https");
	assert_string_equal(c->scope.host, "h");
	assert_int_equal(c->scope.port, 443);
	assert_string_equal(c->scope.path, "a/b.git");
	assert_int_equal(c->kind, VK_KIND_BASIC);
	assert_int_equal(c->expires, 5);
	assert_non_null(c->secret.p);
	assert_int_equal(c->secret.n, 0);
	vk_git_msg_clear(&m);
}

/* The state of a description, asked at ${place}. */
static void
state_of(const char *place, const char *entry, struct vk_buf *out)
{
	VK_CLEANUP(vk_git_msg_clear) struct vk_git_msg m = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };

	vk_buf_clear(out);
	assert_int_equal(vk_scope_parse(place, &s, NULL), VK_OK);
	assert_int_equal(parse(entry, &m), VK_OK);
	assert_int_equal(vk_git_cred(&m, &c), VK_OK);
	assert_int_equal(vk_git_state(&s, c, out), VK_OK);
}

static void
test_state(void **state)
{
	static const char base[] = PLACE "username=u\npassword=p\n";
	static const char *const others[] = { PLACE "username=u\npassword=q\n",
		PLACE "username=up\npassword=\n", PLACE "username=v\npassword=p\n",
		PLACE "username=u\npassword=p\npassword_expiry_utc=9\n",
		PLACE "username=u\npassword=p\noauth_refresh_token=r\n",
		PLACE "username=u\nauthtype=Bearer\ncredential=p\n" };
	VK_CLEANUP(vk_buf_clear) struct vk_buf a = VK_BUF(256), b = VK_BUF(256);

	(void)state;
	state_of("https://h", base, &a);
	assert_true(vk_str_starts(a.p, "valetkey:1:"));
	assert_null(strchr(a.p, '\n'));
	state_of("https://h", base, &b);
	assert_string_equal(a.p, b.p);
	for (size_t i = 0; i < VK_COUNT(others); i++) {
		state_of("https://h", others[i], &b);
		assert_string_not_equal(a.p, b.p);
	}
	state_of("https://h/x", base, &b);
	assert_string_not_equal(a.p, b.p);
	state_of("http://h", base, &b);
	assert_string_not_equal(a.p, b.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_reason_holds_no_value),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_refuses_line_ends),
		cmocka_unit_test(test_cred),
		cmocka_unit_test(test_state),
	};

	return cmocka_run_group_tests_name("git", tests, NULL, NULL);
}
