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
#include "valetkey/source.h"

static char dir[] = "/tmp/vk-test-source-XXXXXX";

static void
test_ref(void **state)
{
	static const struct {
		const char *text;
		enum vk_source_kind kind;
		const char *what;
	} good[] = {
		{ "keystore:github", VK_SOURCE_KEYSTORE, "github" },
		{ "keystore:me@git.example:8443/team", VK_SOURCE_KEYSTORE, "me@git.example:8443/team" },
		{ "env:NPM_TOKEN", VK_SOURCE_ENV, "NPM_TOKEN" },
		{ "env:_x9", VK_SOURCE_ENV, "_x9" },
		{ "file:/run/secrets/a b", VK_SOURCE_FILE, "/run/secrets/a b" },
		{ "vault:secret/a b#c", VK_SOURCE_REMOTE, "secret/a b#c" },
		{ "vault@corp:secret/x@y:z#c", VK_SOURCE_REMOTE, "secret/x@y:z#c" },
		{ "helper@notes:x", VK_SOURCE_REMOTE, "x" },
		{ "aws-sm@build:arn:aws:x:y#f", VK_SOURCE_REMOTE, "arn:aws:x:y#f" },
	};
	static const char *const bad[] = {
		"", "github", "keystore", "keystore:", "env:", "file:", "Keystore:x", "ENV:X", " env:X",
		"env:9X", "env:A-B", "env:A=B", "env:A B", "env:$X", "file:secret", "file:~/x",
		"file:./x", "vault:", "vault@:a/b#c", "helper:a", "exec:/bin/true", "env", "keystore:a\nb", "file:/a\033b",
		"ghp_averysecrettoken", "env:\xc3\xa4",
	};
	struct vk_ref r;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(good); i++) {
		assert_int_equal(vk_ref_parse(good[i].text, &r), VK_OK);
		assert_int_equal(r.kind, good[i].kind);
		assert_string_equal(r.what, good[i].what);
	}
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		r = (struct vk_ref){ .kind = 77 };
		vk_reason_clear();
		assert_int_equal(vk_ref_parse(bad[i], &r), VK_EUSAGE);
		assert_int_equal(r.kind, 77);
		assert_true(*vk_reason());
	}
	/* Somebody who pastes the secret itself must not find it in a log. */
	assert_int_equal(vk_ref_parse("ghp_averysecrettoken", &r), VK_EUSAGE);
	assert_null(strstr(vk_reason(), "ghp_"));
	assert_non_null(strstr(vk_reason(), "env:NAME"));
}

/* The rules are the same for every source: ${text} gives ${want}, or ${e} where that is NULL. */
static const struct {
	const char *text;
	size_t n;
	const char *want;
	enum vk_err e;
} values[] = {
	{ "s3cr3t", 6, "s3cr3t", VK_OK },
	{ "s3cr3t\n", 7, "s3cr3t", VK_OK },
	{ "s3cr3t\r\n", 8, "s3cr3t", VK_OK },
	{ " s3 cr3t ", 9, " s3 cr3t ", VK_OK },
	{ "\t\n", 2, "\t", VK_OK },
	{ "\xff\x80", 2, "\xff\x80", VK_OK },
	{ "s3cr3t\n\n", 8, NULL, VK_EBACKEND },
	{ "s3cr3t\r", 7, NULL, VK_EBACKEND },
	{ "s3cr3t\n\r\n", 9, NULL, VK_EBACKEND },
	{ "s3\ncr3t", 7, NULL, VK_EBACKEND },
	{ "s3\rcr3t", 7, NULL, VK_EBACKEND },
	{ "", 0, NULL, VK_EBACKEND },
	{ "\n", 1, NULL, VK_EBACKEND },
	{ "\r\n", 2, NULL, VK_EBACKEND },
};

static void
check(enum vk_err e, struct vk_secret *s, size_t i)
{
	assert_int_equal(e, values[i].e);
	if (values[i].want) {
		assert_int_equal(s->n, strlen(values[i].want));
		assert_string_equal(s->p, values[i].want);
		vk_secret_clear(s);
	} else {
		assert_null(s->p);
		assert_null(strstr(vk_reason(), "cr3t")); /* no random name has that */
	}
}

static void
test_env(void **state)
{
	struct vk_secret s = { 0 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(values); i++) {
		assert_int_equal(setenv("VK_TEST", values[i].text, 1), 0);
		check(vk_source_env("VK_TEST", &s), &s, i);
		if (!values[i].want)
			assert_non_null(strstr(vk_reason(), "VK_TEST"));
	}
	unsetenv("VK_TEST");
	assert_int_equal(vk_source_env("VK_TEST", &s), VK_EBACKEND);
	assert_non_null(strstr(vk_reason(), "not set"));
}

static void
put(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
test_file(void **state)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/secret", dir);
	VK_CLEANUP(vk_freep) char *other = vk_asprintf("%s/other", dir);
	struct vk_secret s = { 0 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(values); i++) {
		put(path, values[i].text, values[i].n);
		check(vk_source_file(path, &s), &s, i);
	}
	put(path, "a\0b", 3);
	assert_int_equal(vk_source_file(path, &s), VK_EBACKEND);
	put(path, "s3cr3t", 6);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(vk_source_file(other, &s), VK_OK);
	vk_secret_clear(&s);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(vk_source_file(other, &s), VK_EBACKEND);
	assert_non_null(strstr(vk_reason(), other));
	assert_int_equal(unlink(other), 0);
	assert_int_equal(vk_source_file(dir, &s), VK_EBACKEND);
	/* neither of these may hang */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(vk_source_file(path, &s), VK_EBACKEND);
	assert_int_equal(vk_source_file("/dev/zero", &s), VK_EBACKEND);
	assert_null(s.p);
}

static void
test_size(void **state)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/big", dir);
	VK_CLEANUP(vk_freep) char *big = malloc(VK_MAX_SECRET + 10);
	struct vk_secret s = { 0 };

	(void)state;
	memset(big, 'x', VK_MAX_SECRET + 10);
	memcpy(big + VK_MAX_SECRET, "\r\n", 2);
	put(path, big, VK_MAX_SECRET + 2);
	assert_int_equal(vk_source_file(path, &s), VK_OK);
	assert_int_equal(s.n, VK_MAX_SECRET);
	vk_secret_clear(&s);
	memcpy(big + VK_MAX_SECRET, "xx", 2);
	for (size_t n = VK_MAX_SECRET + 1; n <= VK_MAX_SECRET + 5; n++) {
		put(path, big, n);
		assert_int_equal(vk_source_file(path, &s), VK_ELIMIT);
	}
	big[VK_MAX_SECRET + 1] = '\0';
	setenv("VK_TEST", big, 1);
	assert_int_equal(vk_source_env("VK_TEST", &s), VK_ELIMIT);
	assert_null(s.p);
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
	static const char *const names[] = { "secret", "other", "big" };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(names); i++) {
		VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, names[i]);

		unlink(path);
	}
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ref),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
