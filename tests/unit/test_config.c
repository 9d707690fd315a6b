/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/io.h"
#include "valetkey/config.h"

/* The parser's own switches, where the one that is linked has them. */
extern bool ini_allow_inline_comments __attribute__((weak));
extern bool ini_allow_multiline __attribute__((weak));
extern bool ini_allow_no_value __attribute__((weak));
extern bool ini_use_stack __attribute__((weak));
extern int ini_initial_alloc __attribute__((weak));
extern bool ini_allow_realloc __attribute__((weak));

#define CRED "[a]\nurl = https://h.example\nsecret = env:X\n"

static enum vk_err
parse(const char *text, struct vk_config *c)
{
	vk_reason_clear();
	return vk_config_parse("F", text, strlen(text), c);
}

/* Refused, with ${line} in the reason, and nothing given back. */
static void
refused(const char *text, unsigned line)
{
	VK_CLEANUP(vk_freep) char *at = vk_asprintf("F:%u: ", line);
	struct vk_config c = { .n_sections = 77 };

	if (parse(text, &c) != VK_EPROTO || !vk_str_starts(vk_reason(), at))
		fail_msg("\"%s\": expected %s, got \"%s\"", text, at, vk_reason());
	assert_int_equal(c.n_sections, 77);
}

static void
test_whole(void **state)
{
	struct vk_config c;
	const struct vk_section *s;
	const struct vk_profile *p;

	(void)state;
	assert_int_equal(parse("# comment\n\n; another\n"
			       "[valetkey]\nwhen-locked = miss\nlog-required = yes\nlog = /var/log/vk\n"
			       "[github-packages]\r\nurl=https://NPM.example/\r\nscope = @corp\r\n"
			       "secret = env:NPM_TOKEN\r\n"
			       "[nexus]\nurl\t=\thttps://ci@nexus.corp.example:8443/repository/  \n"
			       "secret = file:/run/secrets/a b;c#d=e\n"
			       "[hdr]\nurl = https://h.example\nheader = Private-Token\n"
			       "secret = keystore:me@gl.example\n"
			       "[alias]\nurl = https://h.example/x\nsecret = keystore:x\n"
			       "[profile ci]\ncredentials = github-packages, nexus ,me@h.example:1/p\n"
			       "with = npm,netrc", &c), VK_OK);
	assert_true(c.locked_is_miss);
	assert_true(c.log_required);
	assert_string_equal(c.log, "/var/log/vk");
	assert_int_equal(c.n_sections, 4);
	s = vk_config_section(&c, "github-packages");
	assert_string_equal(s->scope.host, "npm.example");
	assert_string_equal(s->npm_scope, "@corp");
	assert_string_equal(s->ref.what, "NPM_TOKEN");
	assert_int_equal(s->kind, VK_KIND_BEARER);
	s = vk_config_section(&c, "nexus");
	assert_int_equal(s->scope.port, 8443);
	assert_string_equal(s->scope.path, "repository");
	assert_string_equal(s->username, "ci");
	assert_string_equal(s->ref.what, "/run/secrets/a b;c#d=e");
	assert_int_equal(s->kind, VK_KIND_BASIC);
	assert_int_equal(vk_config_section(&c, "hdr")->kind, VK_KIND_HEADER);
	assert_int_equal(vk_config_section(&c, "alias")->kind, 0);
	p = vk_config_profile(&c, "ci");
	assert_int_equal(p->credentials.n, 3);
	assert_string_equal(p->credentials.v[1], "nexus");
	assert_string_equal(p->credentials.v[2], "me@h.example:1/p");
	assert_int_equal(p->with.n, 2);
	assert_null(vk_config_section(&c, "ci"));
	assert_null(vk_config_profile(&c, "nexus"));
	vk_config_clear(&c);
	assert_int_equal(parse("[tool go]\ngoproxy = https://h.example/x@y,direct\npip-index-url = z\n[tool x]\n", &c), VK_OK);
	assert_int_equal(c.n_tools, 2);
	assert_string_equal(c.tools[0].name, "go");
	assert_int_equal(c.tools[0].vars.n, 2);
	assert_string_equal(c.tools[0].vars.v[0], "GOPROXY=https://h.example/x@y,direct");
	assert_string_equal(c.tools[0].vars.v[1], "PIP_INDEX_URL=z");
	assert_int_equal(c.tools[1].vars.n, 0);
	vk_config_clear(&c);
	assert_int_equal(parse("", &c), VK_OK);
	assert_int_equal(c.n_sections, 0);
	vk_config_clear(&c);
}

static const struct {
	const char *text;
	unsigned line;
} bad[] = {
	/* what is not known */
	{ CRED "password = x\n", 4 },
	{ CRED "Url = https://x.example\n", 4 },
	{ "url = https://h.example\n", 1 },
	{ "[valetkey]\nurl = https://h.example\n", 2 },
	{ "[valetkey]\nwhen-locked = maybe\n", 2 },
	{ "[valetkey]\nlog = log\n", 2 },
	{ "[valetkey]\nlog = ./log\n", 2 },
	{ "[valetkey]\nlog = Journal\n", 2 },
	{ "[valetkey]\nlog = /log\nlog-required = maybe\n", 3 },
	{ "[valetkey]\nlog-required = yes\n", 2 },
	{ CRED "log = /log\n", 4 },
	{ "[profile p]\nurl = https://h.example\n", 2 },
	{ CRED "credentials = a\n", 4 },
	{ CRED "kind = token\n", 4 },
	{ "just words\n", 1 },
	{ "ghp_averysecrettoken\n", 1 },
	{ "= x\n", 1 },
	{ "[a\n", 1 },
	{ "[]\n", 1 },
	{ "[\n", 1 },
	{ "[a b]\n", 1 },
	{ "[https://h.example]\n", 1 },
	{ "[profile]\n", 1 },
	{ "[profile ]\n", 1 },
	{ "[Profile x]\n", 1 },
	{ "[tool]\n", 1 },
	{ "[tool a b]\n", 1 },
	{ "[tool go]\ngoproxy = x\ngoproxy = y\n", 3 },
	{ "[tool go]\n[tool go]\n", 2 },
	{ "[tool go]\nvaletkey-key = x\n", 2 },
	{ "[tool git]\nld-preload = /x.so\n", 2 },
	{ "[tool git]\ngit-trace = 1\npath = /x\n", 3 },
	{ "[tool go]\ngoproxy = https://u:p@h.example\n", 2 },
	{ "[tool go]\nGOPROXY = x\n", 2 },
	{ "[profile a b]\n", 1 },
	/* twice */
	{ CRED CRED, 4 },
	{ CRED "url = https://h.example\n", 4 },
	{ CRED "[profile p]\ncredentials = a\n[profile p]\ncredentials = a\n", 6 },
	{ "[valetkey]\n[valetkey]\n", 2 },
	{ CRED "[profile p]\ncredentials = a, a\n", 5 },
	{ "[a]\nurl = https://u@h.example\nusername = u\nsecret = env:X\n", 3 },
	{ "[a]\nusername = u\nurl = https://u@h.example\nsecret = env:X\n", 3 },
	/* missing */
	{ "[a]\n", 1 },
	{ "\n\n[a]\nurl = https://h.example\n[b]\n", 3 },
	{ "[a]\nsecret = env:X\n", 1 },
	{ "[a]\nurl =\nsecret = env:X\n", 2 },
	{ "[a]\nurl\nsecret = env:X\n", 2 },
	{ "[profile p]\nwith = npm\n", 1 },
	{ "[profile p]\ncredentials = \n", 2 },
	{ "[profile p]\ncredentials = a,,b\n", 2 },
	{ "[profile p]\ncredentials = a,\n", 2 },
	{ "[profile p]\ncredentials = ,a\n", 2 },
	{ "[profile p]\ncredentials = a b\n", 2 },
	{ "[profile p]\ncredentials = a\nwith = ../npm\n", 3 },
	{ "[a]\nurl = https://h.example\nsecret = env:X\nkind = basic\n", 1 },
	{ "[a]\nurl = https://h.example\nsecret = env:X\nkind = header\n", 1 },
	{ "[a]\nurl = https://h.example\nsecret = env:X\nusername = u\nheader = X-T\n", 1 },
	/* what the parser library would take for something else */
	{ CRED "username = ci ; the robot\n", 4 },
	{ CRED "username = ci # the robot\n", 4 },
	{ CRED "username = ci\t;x\n", 4 },
	{ CRED "username = ;x\n", 4 },
	{ CRED "username = \"ci\"\n", 4 },
	{ CRED "username = 'ci'\n", 4 },
	{ "[a]\nurl = https://h.example\n  /path\nsecret = env:X\n", 3 },
	{ CRED "  username = ci\n", 4 },
	{ " [a]\n", 1 },
	{ "[a] ; comment\n", 1 },
	{ "[a]b\n", 1 },
	{ "[a]]\n", 1 },
	{ "[a;b]\n", 1 },
	{ "[a ;b]\n", 1 },
	{ "[a]\nurl : https://h.example\n", 2 },
	{ "[a]\nurl: https://h.example/?x=y\n", 2 },
	{ "[a]\nurl https://h.example/?x=y\n", 2 },
	{ "\xef\xbb\xbf[a]\n", 1 },
	/* values */
	{ "[a]\nurl = h.example\nsecret = env:X\n", 2 },
	{ "[a]\nurl = https://u:pw@h.example\nsecret = env:X\n", 2 },
	{ "[a]\nurl = https://h.example/../x\nsecret = env:X\n", 2 },
	{ "[a]\nurl = https://h.example\nsecret = ghp_averysecrettoken\n", 3 },
	{ "[a]\nurl = https://h.example\nsecret = env:A B\n", 3 },
	{ CRED "scope = corp\n", 4 },
	{ CRED "scope = @\n", 4 },
	{ CRED "scope = @a/b\n", 4 },
	{ CRED "kind = header\nheader = X-T: x\n", 5 },
	/* control characters */
	{ CRED "username = c\ri\n", 4 },
	{ CRED "username = ci\r\r\n", 4 },
	{ CRED "username = c\033[2Ji\n", 4 },
	{ CRED "username = c\ti\n", 4 },
	{ CRED "username = ci\r", 4 },
	{ "[a\r]\n", 1 },
	{ "[a]\r\r\n", 1 },
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		refused(bad[i].text, bad[i].line);
		/* Whatever is wrong, what might be a secret is not repeated. */
		assert_null(strstr(vk_reason(), "ghp_"));
		assert_null(strstr(vk_reason(), "pw"));
	}
}

static void
test_nul(void **state)
{
	static const char in[][48] = {
		"[a]\nurl = https://h.example\0/x\nsecret = env:X\n",
		"[a\0]\nurl = https://h.example/\nsecret = env:X\n",
		"# note\0\n[a]\nurl = https://h/\nsecret = env:X\n",
	};
	struct vk_config c;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(in); i++) {
		assert_int_equal(vk_config_parse("F", in[i], 45, &c), VK_EPROTO);
		assert_non_null(strstr(vk_reason(), "NUL"));
	}
}

/* At every length a line is taken whole or refused; nothing is ever cut. */
static void
no_cut(size_t longest, size_t *ret_taken)
{
	size_t taken = 0;

	for (size_t n = 1; n < longest; n++) {
		VK_CLEANUP(vk_freep) char *text = NULL;
		VK_CLEANUP(vk_freep) char *path = malloc(n + 1);
		struct vk_config c;

		memset(path, 'p', n);
		path[n] = '\0';
		text = vk_asprintf("[a]\nurl = https://h.example/%s\nsecret = env:X\n", path);
		if (parse(text, &c) != VK_OK) {
			assert_true(vk_str_starts(vk_reason(), "F:"));
			assert_non_null(strstr(vk_reason(), "longer than"));
			continue;
		}
		assert_string_equal(c.sections[0].scope.path, path);
		assert_true(taken == n - 1); /* no gaps */
		taken = n;
		vk_config_clear(&c);
	}
	*ret_taken = taken;
}

static void
test_long(void **state)
{
	size_t taken;

	(void)state;
	no_cut(1000, &taken);
	assert_in_range(taken, 150, 998);
	for (size_t n = 1; n < 120; n++) {
		VK_CLEANUP(vk_freep) char *text = NULL;
		char name[121];
		struct vk_config c;

		memset(name, 'n', n);
		name[n] = '\0';
		text = vk_asprintf("[%s]\nurl = https://h.example\nsecret = env:X\n", name);
		if (n <= 40) {
			assert_int_equal(parse(text, &c), VK_OK);
			assert_non_null(vk_config_section(&c, name));
			vk_config_clear(&c);
		} else {
			refused(text, 1);
		}
		free(text);
		text = vk_asprintf("[profile %s]\ncredentials = x\n", name);
		assert_int_equal(parse(text, &c), n <= 40 ? VK_OK : VK_EPROTO);
		if (n <= 40)
			vk_config_clear(&c);
	}
}

/* The same promise when the library was built otherwise. */
static void
test_other_builds(void **state)
{
	static const char value[] = "[a]\nurl = https://h.example\nsecret = file:/a;b\n";
	struct vk_config c;
	size_t taken;

	(void)state;
	if (!&ini_use_stack || !&ini_initial_alloc || !&ini_allow_inline_comments ||
	    !&ini_allow_multiline || !&ini_allow_no_value || !&ini_allow_realloc)
		skip();
	ini_use_stack = false;
	for (int size = 40; size <= 400; size += 60) {
		ini_initial_alloc = size;
		for (int grow = 0; grow < 2; grow++) {
			ini_allow_realloc = grow;
			no_cut(450, &taken);
			assert_true(taken < (size_t)size);
		}
	}
	ini_use_stack = true;
	for (int i = 0; i < 8; i++) {
		ini_allow_inline_comments = i & 1;
		ini_allow_multiline = i & 2;
		ini_allow_no_value = i & 4;
		test_refused(state);
		assert_int_equal(parse(value, &c), VK_OK);
		assert_string_equal(c.sections[0].ref.what, "/a;b");
		vk_config_clear(&c);
	}
}

static char dir[] = "/tmp/vk-test-config-XXXXXX";

static void
test_trust(void **state)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/c.ini", dir);
	VK_CLEANUP(vk_freep) char *sub = vk_asprintf("%s/sub", dir);
	VK_CLEANUP(vk_freep) char *link = vk_asprintf("%s/sub/link", dir);
	struct vk_config c;
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	assert_true(fputs(CRED, f) >= 0 && fclose(f) == 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(symlink(path, link), 0);
	for (mode_t mode = 0600; mode <= 0666; mode++) {
		bool others = mode & 022;
		enum vk_err e;

		chmod(path, mode);
		e = vk_config_read(path, &c);
		assert_int_equal(e, others ? VK_EPOLICY : VK_OK);
		if (e == VK_OK)
			vk_config_clear(&c);
		assert_int_equal(e = vk_config_read(link, &c), others ? VK_EPOLICY : VK_OK);
		if (e == VK_OK)
			vk_config_clear(&c);
	}
	chmod(path, 0600);
	/* the directory the file is in, and the one the link is in */
	chmod(dir, 0777);
	assert_int_equal(vk_config_read(path, &c), VK_EPOLICY);
	assert_int_equal(vk_config_read(link, &c), VK_EPOLICY);
	chmod(dir, 01777);
	assert_int_equal(vk_config_read(path, &c), VK_OK);
	vk_config_clear(&c);
	chmod(dir, 0700);
	chmod(sub, 0770);
	assert_int_equal(vk_config_read(link, &c), VK_EPOLICY);
	chmod(sub, 0700);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_int_equal(vk_config_read(path, &c), VK_EPOLICY);
		assert_int_equal(vk_config_read(link, &c), VK_EPOLICY);
	}
	assert_int_equal(vk_config_read(dir, &c), VK_EPOLICY);
	assert_int_equal(vk_config_read("/dev/zero", &c), VK_EPOLICY);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(vk_config_read(path, &c), VK_EPOLICY);
	unlink(path);
	assert_int_equal(vk_config_read(path, &c), VK_EUSAGE);
	unlink(link);
	rmdir(sub);
}

static void
test_place(void **state)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/valetkey/config.ini", dir);
	VK_CLEANUP(vk_freep) char *sub = vk_asprintf("%s/valetkey", dir);
	struct vk_config c;
	FILE *f;

	(void)state;
	unsetenv("VALETKEY_CONFIG");
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_int_equal(vk_config_read(NULL, &c), VK_OK);
	assert_int_equal(c.n_sections, 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_non_null(f = fopen(path, "w"));
	assert_true(fputs(CRED, f) >= 0 && fclose(f) == 0);
	chmod(path, 0600);
	assert_int_equal(vk_config_read(NULL, &c), VK_OK);
	assert_int_equal(c.n_sections, 1);
	vk_config_clear(&c);
	setenv("VALETKEY_CONFIG", "/nonexistent/c.ini", 1);
	assert_int_equal(vk_config_read(NULL, &c), VK_EUSAGE);
	setenv("VALETKEY_CONFIG", "c.ini", 1);
	assert_int_equal(vk_config_read(NULL, &c), VK_EUSAGE);
	setenv("VALETKEY_CONFIG", "", 1);
	assert_int_equal(vk_config_read(NULL, &c), VK_OK);
	assert_int_equal(c.n_sections, 1);
	vk_config_clear(&c);
	unsetenv("VALETKEY_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	vk_reason_clear();
	assert_int_equal(vk_config_read(NULL, &c), VK_OK);
	assert_int_equal(c.n_sections, 0);
	assert_string_equal(vk_reason(), "");
	unlink(path);
	rmdir(sub);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_other_builds),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
