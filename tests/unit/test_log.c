/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/log.h"
#include "valetkey/policy.h"

static const struct vk_log_who who = {
	.program = "/usr/bin/git", .ppid = 12, .pid = 13, .uid = 1000, .ms = INT64_C(1895918400007),
};
#define WHO "\"program\":\"/usr/bin/git\",\"ppid\":12,\"pid\":13,\"uid\":1000"

static char scheme[] = "https";

static void
line_is(const struct vk_log_who *w, const struct vk_log_entry *e, const char *expected)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);

	assert_int_equal(vk_log_line(w, e, &b), VK_OK);
	assert_string_equal(b.p, expected);
}

static void
test_whole(void **state)
{
	char host[] = "git.example", path[] = "team/x";
	struct vk_scope asked = { .scheme = scheme, .host = host, .port = 8443, .path = path };
	struct vk_log_entry e = { .event = VK_LOG_ANSWER, .via = "git", .asked = &asked, .credential = "main" };
	struct vk_log_who w = who;

	(void)state;
	line_is(&who, &e, VK_LOG_BEGIN "2030-01-29T12:00:00.007Z\",\"event\":\"answer\",\"via\":\"git\"," WHO
	    ",\"scheme\":\"https\",\"host\":\"git.example\",\"port\":8443,\"path\":\"team/x\","
	    "\"credential\":\"main\",\"result\":\"ok\"}\n");
	w.profile = "ci";
	w.program = NULL;
	e = (struct vk_log_entry){ .event = VK_LOG_INJECT, .via = "run", .username = "bob", .rung = "R1",
		.way = "env", .to = "TOKEN", .command = "/usr/bin/npm" };
	line_is(&w, &e, VK_LOG_BEGIN "2030-01-29T12:00:00.007Z\",\"event\":\"inject\",\"via\":\"run\","
	    "\"ppid\":12,\"pid\":13,\"uid\":1000,\"username\":\"bob\",\"profile\":\"ci\",\"rung\":\"R1\","
	    "\"way\":\"env\",\"to\":\"TOKEN\",\"command\":\"/usr/bin/npm\",\"result\":\"ok\"}\n");
}

static void
test_end_and_results(void **state)
{
	static const char *const words[] = { "ok", "none", "usage", "malformed", "limit", "exists", "locked", "key",
		"policy", "damaged", "version", "source", "memory", "system" };
	int status = 3;
	unsigned unserved = 2;
	struct vk_log_entry e = { .event = VK_LOG_END, .via = "run", .status = &status, .unserved = &unserved };

	(void)state;
	line_is(&who, &e, VK_LOG_BEGIN "2030-01-29T12:00:00.007Z\",\"event\":\"end\",\"via\":\"run\"," WHO
	    ",\"status\":3,\"unserved\":2,\"result\":\"ok\"}\n");
	for (int i = VK_OK; i <= VK_ESYS; i++) {
		VK_CLEANUP(vk_freep) char *end = vk_asprintf(",\"result\":\"%s\"}\n", words[i]);
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);

		e.result = (enum vk_err)i;
		assert_int_equal(vk_log_line(&who, &e, &b), VK_OK);
		assert_true(vk_str_ends(b.p, end));
	}
}

/* Whatever stands in a text, the line stays one line of JSON in which no terminal finds a command. */
static void
test_hostile(void **state)
{
	char host[] = "a\"b\\c\nd\x1b[31me\x7f\xc2\x9b" "f\xff\xed\xa0\x80", path[] = "p?token=s3cret#x";
	struct vk_scope asked = { .scheme = scheme, .host = host, .path = path };
	struct vk_log_entry e = { .event = VK_LOG_REFUSE, .via = "git", .asked = &asked, .result = VK_EPROTO };
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);

	(void)state;
	assert_int_equal(vk_log_line(&who, &e, &b), VK_OK);
	assert_non_null(strstr(b.p, "\"host\":\"a\\\"b\\\\c\\u000ad\\u001b[31me\\u007f\\u009bf\xef\xbf\xbd\xef\xbf\xbd"
				    "\xef\xbf\xbd\xef\xbf\xbd\",\"path\":\"p\",\"result\":\"malformed\"}\n"));
	assert_null(strstr(b.p, "s3cret"));
	assert_false(vk_str_has_control(b.p, b.len - 1));
}

static void
test_bounded(void **state)
{
	static char host[20000], path[20000], command[20000];
	struct vk_scope asked = { .scheme = scheme, .host = host, .port = 65535, .path = path };
	struct vk_log_entry e = { .event = VK_LOG_INJECT, .via = command, .asked = &asked, .credential = command,
		.username = command, .rung = command, .way = command, .to = command, .command = command };
	struct vk_log_who w = { .program = command, .profile = command, .ppid = 4194303, .pid = 4194303, .uid = 4294967294 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf d = VK_BUF(VK_LOG_LINE_MAX);

	(void)state;
	/* six bytes for one in JSON */
	memset(host, 1, sizeof(host) - 1);
	memset(path, 1, sizeof(path) - 1);
	memset(command, 1, sizeof(command) - 1);
	assert_int_equal(vk_log_line(&w, &e, &b), VK_OK);
	assert_true(b.len < VK_LOG_LINE_MAX);
	assert_int_equal(vk_log_datagram(&w, &e, &d), VK_OK);
	/* Cut between characters. */
	for (size_t i = 0; i + 1 < sizeof(host); i++)
		host[i] = i % 2 ? '\xa9' : '\xc3';
	memmove(host + 1, host, sizeof(host) - 2);
	host[0] = 'x';
	vk_buf_clear(&b);
	assert_int_equal(vk_log_line(&who, &e, &b), VK_OK);
	assert_non_null(strstr(b.p, "\xc3\xa9...\",\"port\""));
	assert_null(strstr(b.p, "\xef\xbf\xbd"));
}

static void
named(const char *name, const char *user, const char *secret, const char *credential, const char *username)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	struct vk_log_entry e = { .via = "git" };

	assert_non_null(c);
	assert_int_equal(vk_cred_set(&c->name, name), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	vk_log_cred(&e, c);
	assert_string_equal(e.credential ? e.credential : "-", credential);
	assert_string_equal(e.username ? e.username : "-", username);
}

static void
test_names(void **state)
{
	(void)state;
	named("work", "bob", "s", "work", "-");
	named("", "bob", "s", "-", "bob");
	named("", "", "s", "-", "-");
	/* a token in the place of a user name */
	named("", "ab12cd", "x-oauth-basic", "-", "-");
	named("", "ab12cd", "", "-", "-");
	named("", "ab12cd", "ab12cd", "-", "-");
	named("", "ghp_0123456789abcdef", "s", "-", "-");
	named("glpat-xyz@git.example", "glpat-xyz", "s", "-", "-");
	named("git.example", "glpat-xyz", "s", "git.example", "-");
}

static void
test_datagram(void **state)
{
	char host[] = "git.example\nPRIORITY=0", path[] = "a\xff" "b\xc2\x9b" "c\xc3\xa9";
	struct vk_scope asked = { .scheme = scheme, .host = host, .port = 443, .path = path };
	struct vk_log_entry e = { .event = VK_LOG_REFUSE, .via = "git", .asked = &asked, .result = VK_ELOCKED };
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);

	(void)state;
	assert_int_equal(vk_log_datagram(&who, &e, &b), VK_OK);
	assert_string_equal(b.p, "MESSAGE=refuse via git for git.example?PRIORITY=0, to /usr/bin/git (12): locked\n"
				 "PRIORITY=4\nSYSLOG_IDENTIFIER=valetkey\nVALETKEY_EVENT=refuse\nVALETKEY_VIA=git\n"
				 "VALETKEY_PROGRAM=/usr/bin/git\nVALETKEY_PPID=12\nVALETKEY_PID=13\nVALETKEY_UID=1000\n"
				 "VALETKEY_SCHEME=https\nVALETKEY_HOST=git.example?PRIORITY=0\nVALETKEY_PORT=443\n"
				 "VALETKEY_PATH=a?b??c??\nVALETKEY_RESULT=locked\n");
}

static void
test_events(void **state)
{
	static const char *const names[] = { "answer", "inject", "export", "refuse", "store", "erase", "end" };
	enum vk_log_event event;

	(void)state;
	for (int i = VK_LOG_ANSWER; i <= VK_LOG_END; i++) {
		assert_int_equal(vk_log_event_parse(names[i], &event), VK_OK);
		assert_int_equal(event, i);
	}
	assert_int_equal(vk_log_event_parse("answers", &event), VK_EUSAGE);
}

static unsigned warnings;

static void
warn(const char *text)
{
	assert_non_null(strstr(text, "this is not logged: "));
	warnings++;
}

/* What cannot be logged: given with one warning, or, where the log is required, not given. */
static void
test_policy(void **state)
{
	char to[] = "/nonexistent/log";
	struct vk_log l = { .to = to };
	struct vk_log_entry give = { .event = VK_LOG_ANSWER, .via = "git" };
	struct vk_log_entry change = { .event = VK_LOG_STORE, .via = "git" };
	struct vk_log_entry no = { .event = VK_LOG_REFUSE, .via = "git", .result = VK_ELOCKED };

	(void)state;
	assert_int_equal(vk_log_write(&l, &give, 1, warn), VK_OK);
	assert_int_equal(vk_log_write(&l, &give, 1, warn), VK_OK);
	assert_int_equal(warnings, 1);
	assert_string_equal(vk_reason(), "");
	l.required = true;
	assert_int_equal(vk_log_write(&l, &change, 1, warn), VK_OK);
	assert_int_equal(vk_log_write(&l, &give, 1, warn), VK_EPOLICY);
	assert_non_null(strstr(vk_reason(), "/nonexistent/log"));
	(void)vk_fail(VK_ELOCKED, "the reason");
	vk_hint("the hint");
	vk_log_refusal(&l, NULL, &no, warn);
	assert_string_equal(vk_reason(), "the reason");
	assert_string_equal(vk_hint_text(), "the hint");
	l.to = NULL;
	assert_int_equal(vk_log_write(&l, &give, 1, warn), VK_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_end_and_results), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bounded), cmocka_unit_test(test_names), cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_events), cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
