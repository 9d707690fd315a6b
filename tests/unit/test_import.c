/* SPDX-License-Identifier: ISC */
/* The formats that are read as they come: netrc and git-credentials. */
#include "import_util.h"

static void
test_formats(void **state)
{
	struct vk_import *im = NULL;
	const struct vk_import_sink sink = { write_cred, write_left, NULL };

	(void)state;
	assert_int_equal(vk_import_new("passwords", &sink, &im), VK_EUSAGE);
	assert_non_null(strstr(vk_reason(), "git-credentials"));
	assert_null(im);
	vk_import_freep(&im);
}

static void
test_netrc(void **state)
{
	(void)state;
	reads("netrc", "", "");
	reads("netrc", "machine a.example login u password p\n", "1 https://a.example 'u' 'p'\n");
	reads("netrc",
	    "# mine\n\nmachine A.example\r\n\tpassword p\r\n\tlogin u\nmachine b.example:8443 user v passwd q",
	    "3 https://a.example 'u' 'p'\n6 https://b.example:8443 'v' 'q'\n");
	/* Words that look like others, and a comment only where a word of the format would be. */
	reads("netrc", "machine machine login login password #p # password x\nmachine h login password password login",
	    "1 - : it looks like a credential, in a comment\n1 https://machine 'login' '#p'\n"
	    "2 https://h 'password' 'login'\n");
	reads("netrc", "machine h password p\nmachine h:443 login u password p\n",
	    "1 https://h '' 'p'\n2 https://h 'u' 'p'\n");
	/* the same machine twice is for the reader's caller to see */
	reads("netrc", "machine h login a password 1 machine h login a password 2",
	    "1 https://h 'a' '1'\n1 https://h 'a' '2'\n");
}

static void
test_netrc_quotes(void **state)
{
	(void)state;
	reads("netrc", "machine \"h\" login \"a b\" password \"p\\\"q\\\\r\"\n", "1 https://h 'a b' 'p\"q\\r'\n");
	reads("netrc", "machine h login a\\b password p\\\"q\n", "1 https://h 'a\\b' 'p\\\"q'\n");
	reads("netrc", "machine h login u password \"p\nmachine i login u password q\n",
	    "1 - h: a quote in it does not end\n2 https://i 'u' 'q'\n");
	reads("netrc", "machine h login u password \"p\\nq\"\n", "1 - h: a word of it holds a control character\n");
	reads("netrc", "machine h login u password \"\"\n", "1 - h: its secret is empty\n");
	reads("netrc", "machine h login u password \"p", "1 - h: it is cut short\n");
	reads("netrc", "machine h login u password \"p\\", "1 - h: it is cut short\n");
}

static void
test_netrc_left(void **state)
{
	(void)state;
	reads("netrc", "machine h login u\nmachine i login u password p",
	    "1 - h: it has no password (no secret)\n2 https://i 'u' 'p'\n");
	reads("netrc", "default login u password p\nmachine i login u password p\ndefault login u",
	    "1 - default: it answers for every host, which no entry does\n2 https://i 'u' 'p'\n"
	    "3 - default: it answers for every host, which no entry does (no secret)\n");
	reads("netrc", "machine h login u password p account c\n",
	    "1 https://h 'u' 'p'\n1 - h: its account is left out: nothing asks for one\n");
	reads("netrc",
	    "machine h login u password p\nmacdef init\nmachine x login y password z\n\r\n"
	    "machine i login u password q",
	    "1 https://h 'u' 'p'\n2 - macdef: macros are commands for ftp\n5 https://i 'u' 'q'\n");
	reads("netrc", "macdef m\n\nmachine i login u password q",
	    "1 - macdef: macros are commands for ftp\n3 https://i 'u' 'q'\n");
	reads("netrc", "machine h login u login v password p", "1 - h: it has two logins\n");
	reads("netrc", "machine h login u password p password q", "1 - h: it has two passwords\n");
	reads("netrc", "machine h port smtp login u password p machine i login u password q",
	    "1 - h: a port, protocol or path in words of their own is for few readers; write host:port\n"
	    "1 https://i 'u' 'q'\n");
	reads("netrc", "machine h/path login u password p\nmachine h@x login u password p",
	    "1 - h/path: its host, port or path is not one that an entry can have\n"
	    "2 - h@x: its host, port or path is not one that an entry can have\n");
	for (const char *const *p = (const char *const[]){ "machine h login", "machine h login u password",
		 "machine h login u password p account", NULL }; *p; p++)
		reads("netrc", *p, "1 - h: it is cut short\n");
	reads("netrc", "machine", "1 - : it is cut short\n");
}

/* What was switched off is not in the keystore, and would go with the file. */
static void
test_netrc_comments(void **state)
{
	(void)state;
	reads("netrc", "machine a login u password p\n# machine b login u Password only-here\n",
	    "2 - : it looks like a credential, in a comment\n1 https://a 'u' 'p'\n");
	reads("netrc", "machine a login u password p # passwd x\n#\n\t#the account\n# of a colleague",
	    "1 - : it looks like a credential, in a comment\n"
	    "3 - : it looks like a credential, in a comment\n1 https://a 'u' 'p'\n");
	reads("netrc", "#https://u:p@h", "1 - : it looks like a credential, in a comment\n");
	reads("netrc", "# mine: see https://h/ and me@h\n# pass", "1 - : it looks like a credential, in a comment\n");
	reads("netrc", "# see https://h/\n# pass word\nmachine a login u password p", "3 https://a 'u' 'p'\n");
}

static void
test_mark(void **state)
{
	static const char *const files[][2] = {
		{ "netrc", "machine a login u password p\n" }, { "git-credentials", "https://u:p@a\n" },
		{ "pypirc", "[pypi]\nusername=u\npassword=p\n" }, { "docker", "{\"auths\": {\"a\": {\"auth\": \"dTpw\"}}}" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(files); i++)
		for (size_t step = 1; step < 9; step++) {
			VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE), text = VK_BUF(VK_MAX_FILE);

			vk_buf_fmt(&text, "\xef\xbb\xbf%s", files[i][1]);
			assert_int_equal(read_in_steps(files[i][0], text.p, text.len, step, &out), VK_EPROTO);
			assert_non_null(strstr(vk_reason(), "byte order mark"));
			assert_null(out.p);
			vk_buf_clear(&text);
		}
	/* Not one: two bytes of it, and one that is not at the start. */
	reads("netrc", "\xef\xbb machine a login u password p",
	    "1 - : words that belong to no machine were skipped\n1 https://a 'u' 'p'\n");
	reads("netrc", "machine a login u password \xef\xbb\xbf", "1 https://a 'u' '\xef\xbb\xbf'\n");
	/* npm's trim() takes it for a blank, wherever it is. */
	reads("npmrc", "\xef\xbb\xbf//a/:_authToken=t\n\xef\xbb\xbf//b/:_authToken\xc2\xa0=\xe2\x80\x8au\xef\xbb\xbf\n",
	    "1 https://a Bearer'' 't'\n2 https://b Bearer'' 'u'\n");
	reads("npmrc", "\xef\xbb\xbf#//a/:_authToken=t\n", "1 - : it looks like a credential, in a comment\n");
}

static void
test_netrc_strangers(void **state)
{
	(void)state;
	/* A password with a blank, as somebody once thought it could be written. */
	reads("netrc", "machine h login u password my old secret\nmachine i login u password q\n",
	    "1 - h: a word here means nothing in a netrc and was skipped; part of a password with a blank?\n"
	    "1 https://h 'u' 'my'\n2 https://i 'u' 'q'\n");
	reads("netrc", "Machine h login u password p\nmachine i login u password q\n",
	    "1 - : words that belong to no machine were skipped\n2 https://i 'u' 'q'\n");
	reads_n("netrc", "machine h\0 login u password p\nmachine i login u\x1b[2J password p", 60,
	    "1 - : a word of it holds a control character\n2 - i: a word of it holds a control character\n");
}

static void
test_netrc_limits(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_FILE), expect = VK_BUF(VK_MAX_FILE);

	(void)state;
	vk_buf_str(&text, "machine h login u password ");
	vk_buf_str(&expect, "1 https://h 'u' '");
	for (size_t i = 0; i < VK_MAX_SECRET; i++) {
		vk_buf_char(&text, 'x');
		vk_buf_char(&expect, 'x');
	}
	vk_buf_str(&expect, "'\n");
	reads("netrc", text.p, expect.p);
	vk_buf_str(&text, "x\nmachine i login u password q\n");
	reads("netrc", text.p, "1 - h: a word of it is too long\n2 https://i 'u' 'q'\n");
	vk_buf_clear(&text);
	vk_buf_str(&text, "machine h login ");
	for (size_t i = 0; i <= VK_MAX_FIELD; i++)
		vk_buf_char(&text, 'u');
	vk_buf_str(&text, " password p");
	reads("netrc", text.p, "1 - h: its user name is too long\n");
}

static void
test_git(void **state)
{
	(void)state;
	reads("git-credentials", "", "");
	reads("git-credentials",
	    "https://u:p@h.example\n\nhttps://a%40b:p%2f%3a%25@H.example%3a8443/team%20a/x.git\n"
	    "http://u:p@h.example:80/\n"
	    "https://:t0ken@h\nsmtp://u:p@mail\ncert://:pass@/home/u/key.pem",
	    "1 https://h.example 'u' 'p'\n3 https://h.example:8443/team a/x.git 'a@b' 'p/:%'\n"
	    "4 http://h.example 'u' 'p'\n5 https://h '' 't0ken'\n6 smtp://mail 'u' 'p'\n"
	    "7 cert:///home/u/key.pem '' 'pass'\n");
	reads("git-credentials", "https://u:p:q@h\n", "1 https://h 'u' 'p:q'\n");
}

static void
test_git_left(void **state)
{
	static const struct {
		const char *line, *what, *why;
	} cases[] = {
		{ "S3CR3T", "", "it is not a URL" },
		{ "# https S3CR3T", "", "it is not a URL" },
		{ "https://h/S3CR3T", "", "it has no user name and password" },
		{ "https://S3CR3T@h", "", "it has no user name and password" },
		{ "https://u:S3CR/3T@h", "", "it has no user name and password" },
		{ "https://u:S3@CR3T@h", "", "it has two at signs before its path" },
		{ "https://u:S3CR3T#x@h", "", "it has a query or a fragment" },
		{ "https://u:S3CR3T@h?x", "", "it has a query or a fragment" },
		{ "https://u:S3CR3T%zz@h", "h", "a percent sign in it begins no escape" },
		{ "https://u:S3CR3T%4@h", "h", "a percent sign in it begins no escape" },
		{ "https://u:S3CR3T%0a@h", "h", "it holds an encoded control character" },
		{ "https://u%00:S3CR3T@h", "h", "it holds an encoded control character" },
		{ "https://u:S3CR3T@h%0d", "", "it holds an encoded control character" },
		{ "https://u:S3CR3T@h/a%0d", "h", "it holds an encoded control character" },
		{ "https://u:S3CR3T@h\r", "", "it holds a control character or ends in CR LF" },
		{ "https://u:S3CR3T\x1b[2J@h", "", "it holds a control character or ends in CR LF" },
		{ "https://u:@h", "h", "its secret is empty" },
		{ "https://u:S3CR3T@", "", "its host, port or path is not one that an entry can have" },
		{ "https://u:S3CR3T@h/a/%2e%2e/b", "h", "its host, port or path is not one that an entry can have" },
		{ "https://u:S3CR3T@h:x", "h:x", "its host, port or path is not one that an entry can have" },
		{ "://u:S3CR3T@h", "h", "its host, port or path is not one that an entry can have" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_freep) char *text = vk_asprintf("%s\nhttps://u:p@h\n", cases[i].line);
		VK_CLEANUP(vk_freep) char *expect =
		    vk_asprintf("1 - %s: %s\n2 https://h 'u' 'p'\n", cases[i].what, cases[i].why);

		reads("git-credentials", text, expect);
	}
	reads_n("git-credentials", "https://u:p\0q@h\nhttps://u:p@h\n", 30,
	    "1 - : it holds a control character or ends in CR LF\n2 https://h 'u' 'p'\n");
}

static void
test_git_limits(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_FILE), expect = VK_BUF(VK_MAX_FILE);

	(void)state;
	vk_buf_str(&text, "https://u:");
	vk_buf_str(&expect, "1 https://h 'u' '");
	for (size_t i = 0; i < VK_MAX_SECRET; i++) {
		vk_buf_str(&text, "%41");
		vk_buf_char(&expect, 'A');
	}
	vk_buf_str(&text, "@h\n");
	vk_buf_str(&expect, "'\n2 - : it is too long\n3 https://h 'u' 'p'\n");
	for (size_t i = 0; i <= 4 * VK_MAX_SECRET; i++)
		vk_buf_char(&text, 'x');
	vk_buf_str(&text, "\nhttps://u:p@h");
	reads("git-credentials", text.p, expect.p);
}

/* What the sink returns ends the reading. */
static enum vk_err
refuse(const struct vk_cred *c, uint64_t line, void *arg)
{
	(void)c;
	(void)line;
	++*(int *)arg;
	return VK_ENOMEM;
}

static void
test_sink(void **state)
{
	static const char *const texts[][2] = {
		{ "netrc", "machine h login u password p machine i login u password p machine j" },
		{ "git-credentials", "https://u:p@h\nhttps://u:p@i\n" },
		{ "npmrc", "//h/:_authToken=a\n//i/:_authToken=b\n" },
		{ "docker", "{\"auths\": {\"h\": {\"auth\": \"dTpw\"}, \"i\": {\"auth\": \"dTpw\"}}}" },
		{ "pypirc", "[a]\nrepository=https://h\nusername=u\npassword=p\n[pypi]\nusername=u\npassword=p\n" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(texts); i++) {
		VK_CLEANUP(vk_import_freep) struct vk_import *im = NULL;
		int n = 0;
		const struct vk_import_sink sink = { refuse, write_left, &n };
		enum vk_err e;

		assert_int_equal(vk_import_new(texts[i][0], &sink, &im), VK_OK);
		if ((e = vk_import_feed(im, texts[i][1], strlen(texts[i][1]))) == VK_OK)
			e = vk_import_end(im);
		assert_int_equal(e, VK_ENOMEM);
		assert_int_equal(n, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_netrc),
		cmocka_unit_test(test_netrc_quotes),
		cmocka_unit_test(test_netrc_left),
		cmocka_unit_test(test_netrc_comments),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_netrc_strangers),
		cmocka_unit_test(test_netrc_limits),
		cmocka_unit_test(test_git),
		cmocka_unit_test(test_git_left),
		cmocka_unit_test(test_git_limits),
		cmocka_unit_test(test_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
