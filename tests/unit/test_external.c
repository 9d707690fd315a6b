/* SPDX-License-Identifier: ISC */
/* Programs that keep keys: what they are given, and what is believed of what they answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/external.h"
#include "valetkey/secret.h"

/* The bytes 0 to 31. */
#define KEY_BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char libexec[64], file[128], program[128];
static const unsigned char store[VK_STORE_ID_LEN] = { 0x01, 0x23, 0xff }, slot[8] = { 0xab };
static const struct vk_external fake = { "fake-1", store, slot };

static int
make_dir(void **state)
{
	(void)state;
	snprintf(libexec, sizeof(libexec), "/tmp/vk-external-XXXXXX");
	if (!mkdtemp(libexec))
		return -1;
	snprintf(program, sizeof(program), "%s/valetkey-fake-1", libexec);
	snprintf(file, sizeof(file), "%s/seen", libexec);
	return setenv("VALETKEY_LIBEXEC", libexec, 1);
}

static int
drop_dir(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", libexec);
	return system(cmd);
}

/* The program, from now on: a shell script; "$D" is its directory. */
static void
script(const char *text, mode_t mode)
{
	FILE *f = fopen(program, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nD=%s\n%s\n", libexec, text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(program, mode), 0);
}

static char *
seen(void)
{
	static char text[4096];
	FILE *f = fopen(file, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void
expect_get(const char *text, enum vk_err e, const char *reason)
{
	unsigned char key[VK_STORE_KEY_LEN];
	enum vk_err got;

	memset(key, 0xee, sizeof(key));
	script(text, 0755);
	got = vk_external_get(&fake, key);
	if (got != e || (reason && !strstr(vk_reason(), reason)))
		fail_msg("\"%s\": %s (%s)", text, vk_err_text(got), vk_reason());
	assert_int_equal(key[31], e == VK_OK ? 31 : 0xee);
	assert_null(strstr(vk_reason(), "AAEC"));
}

#define KEY "key=" KEY_BASE64

static void
test_requests(void **state)
{
	unsigned char key[VK_STORE_KEY_LEN];

	(void)state;
	script("cat >$D/seen; printf 'ok\\n" KEY "\\n\\n'", 0700);
	assert_int_equal(vk_external_get(&fake, key), VK_OK);
	assert_string_equal(seen(), "valetkey-helper 1\nget-key\nstore=0123ff00000000000000000000000000\n"
				    "slot=ab00000000000000\n\n");
	script("cat >$D/seen; printf 'ok\\n\\n'", 0755);
	assert_int_equal(vk_external_put(&fake, "my \xc3\xa4 label", key), VK_OK);
	assert_string_equal(seen(), "valetkey-helper 1\nput-key\nstore=0123ff00000000000000000000000000\n"
				    "slot=ab00000000000000\nlabel=my \xc3\xa4 label\n" KEY "\n\n");
	assert_int_equal(vk_external_put(&fake, "", key), VK_OK);
	assert_null(strstr(seen(), "label"));
	assert_int_equal(vk_external_put(&fake, "a\nkey=x", key), VK_EUSAGE);
	assert_int_equal(vk_external_remove(&fake), VK_OK);
	assert_string_equal(seen(), "valetkey-helper 1\nremove-key\nstore=0123ff00000000000000000000000000\n"
				    "slot=ab00000000000000\n\n");
}

static void
test_answers(void **state)
{
	static const char *const garbage[] = {
		"", "exit 0", "printf '\\n'", "printf '\\n\\n'", "printf 'ok\\n'", "printf ok",
		"printf 'ok\\n\\n'", "printf 'OK\\n" KEY "\\n\\n'", "printf 'ok \\n" KEY "\\n\\n'",
		"printf 'okay\\n" KEY "\\n\\n'", "printf 'ok\\n" KEY "\\n'", "printf 'ok\\n" KEY "'",
		"printf 'ok\\n" KEY "\\n\\nmore'", "printf 'ok\\n" KEY "\\n\\n\\n'",
		"printf 'ok\\n" KEY "\\n" KEY "\\n\\n'", "printf 'ok\\n" KEY "\\nx=y\\n\\n'",
		"printf 'ok\\nx=y\\n" KEY "\\n\\n'", "printf 'ok\\nKEY=" KEY_BASE64 "\\n\\n'",
		"printf 'ok\\nkey=" KEY_HEX "\\n\\n'", "printf 'ok\\r\\n" KEY "\\r\\n\\r\\n'",
		"printf 'ok\\nkey=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\\n\\n'",
		"printf 'ok\\n" KEY "\\n\\n\\0'", "printf '\\0ok\\n" KEY "\\n\\n'", "printf ' ok\\n" KEY "\\n\\n'",
		"printf 'ok\\n" KEY "\\n\\n'; exit 1", "printf 'ok\\n" KEY "\\n\\n'; kill -9 $$",
		"printf 'error\\n\\n'", "printf 'error \\n\\n'", "printf 'error not-found'",
		"printf 'error not-found\\n'",
		"printf 'error not-founder\\n\\n'", "printf 'error NOT-FOUND\\n\\n'", "printf 'error notfound x\\n\\n'",
		"printf 'error not-found\\n" KEY "\\n\\n'", "printf 'error  locked\\n\\n'",
	};

	(void)state;
	expect_get("printf 'ok\\n" KEY "\\n\\n'", VK_OK, NULL);
	expect_get("exec 2>&1 >&-; true", VK_EBACKEND, "not understood");
	expect_get("echo noise >&2; printf 'ok\\n'; sleep 0.1; printf '" KEY "\\n'; printf '\\n'", VK_OK, NULL);
	for (size_t i = 0; i < VK_COUNT(garbage); i++)
		expect_get(garbage[i], VK_EBACKEND, "not understood");
	expect_get("exit 127", VK_EBACKEND, "cannot be started");
	expect_get("printf 'error not-found\\n\\n'", VK_ENOENT, "keeps no key");
	expect_get("printf 'error not-found nothing here\\n\\n'; exit 1", VK_ENOENT, ": nothing here");
	expect_get("printf 'error locked\\n\\n'", VK_ELOCKED, "unlocked first");
	expect_get("printf 'error denied by \\033[31m whom\\n\\n'", VK_EPOLICY, "by ?[31m whom");
	expect_get("printf 'error unavailable\\n\\n'", VK_EBACKEND, "cannot reach");
	expect_get("printf 'error failed %0300d\\n\\n' 0", VK_EBACKEND, "failed: 0000");
	assert_true(strlen(vk_reason()) < 240);
	/* as much as may be, and a byte more */
	expect_get("printf 'error failed %04081d\\n\\n' 0", VK_EBACKEND, "failed: 0");
	expect_get("printf 'error failed %04082d\\n\\n' 0", VK_EBACKEND, "more than 4096 bytes");
	expect_get("yes", VK_EBACKEND, "more than 4096 bytes");
	script("printf 'ok\\n" KEY "\\n\\n'", 0755);
	assert_int_equal(vk_external_remove(&fake), VK_EBACKEND); /* an answer to another question */
}

/* No descriptor, no terminal, hardly any variable; nothing of ours is left when it was slow. */
/* What the machine may have set to get out, which is passed on. */
static const char *const ways_out[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	"no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE" };

static void
test_surroundings(void **state)
{
	int leak = dup2(STDIN_FILENO, 77); /* not CLOEXEC */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was;
	unsigned char key[VK_STORE_KEY_LEN];
	sigset_t block, before;

	(void)state;
	assert_int_equal(leak, 77);
	for (size_t i = 0; i < VK_COUNT(ways_out); i++)
		unsetenv(ways_out[i]);
	setenv("no_proxy", "corp.example", 1);
	setenv("VALETKEY_KEY", "nothing for others", 1);
	setenv("LD_PRELOAD_X", "1", 1);
	setenv("HOME", "/nonexistent home", 1);
	setenv("XDG_RUNTIME_DIR", "/run/x", 1);
	setenv("PATH", "/tmp", 0);
	sigfillset(&block);
	sigprocmask(SIG_BLOCK, &block, &before);
	sigaction(SIGCHLD, &ignore, &was);
	script("exec 3>$D/seen\n"
	       "{ env | grep -v '^\\(PWD\\|SHLVL\\|_\\|OLDPWD\\)=' | sort; pwd; umask\n"
	       "[ -e /proc/$$/fd/2 ] && ! [ -e /proc/$$/fd/77 ] && echo no descriptor\n"
	       "grep ^SigBlk /proc/self/status\n"
	       "read -r pid name state parent group rest </proc/$$/stat\n"
	       "[ $group = $$ ] && echo own group; [ $# = 0 ] && echo no arguments\n"
	       "true >/dev/tty; } >&3 2>/dev/null; printf 'ok\\n" KEY "\\n\\n'", 0755);
	assert_int_equal(vk_external_get(&fake, key), VK_OK);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(sigaction(SIGCHLD, &was, &ignore), 0);
	assert_true(ignore.sa_handler == SIG_IGN); /* put back */
	unsetenv("VALETKEY_KEY");
	close(leak);
	if (strncmp(seen(), "HOME=/nonexistent home\n", 23) != 0 || strstr(seen(), "VALETKEY") ||
	    strstr(seen(), "LD_PRELOAD") || !strstr(seen(), "\nPATH=/usr/local/bin:/usr/bin:/bin\n") ||
	    !strstr(seen(), "\nXDG_RUNTIME_DIR=/run/x\nno_proxy=corp.example\n/\n0077\nno descriptor\nSigBlk:\t0000000000000000\n"
			    "own group\nno arguments\n"))
		fail_msg("%s", seen());
}

static void
test_not_trusted(void **state)
{
	char link[128], elsewhere[96];

	(void)state;
	unlink(program);
	assert_int_equal(vk_external_remove(&fake), VK_EBACKEND);
	assert_non_null(strstr(vk_reason(), program));
	script("printf 'ok\\n\\n'", 0644);
	assert_int_equal(vk_external_remove(&fake), VK_EBACKEND);
	script("printf 'ok\\n\\n'", 0775);
	assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
	script("printf 'ok\\n\\n'", 0757);
	assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
	script("printf 'ok\\n\\n'", 0555);
	assert_int_equal(vk_external_remove(&fake), VK_OK);
	if (geteuid() == 0) {
		assert_int_equal(chown(program, 12345, 0), 0);
		assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
		assert_int_equal(chown(program, 0, 0), 0);
	}
	assert_int_equal(vk_external_remove(&(struct vk_external){ "x/../fake-1", store, slot }), VK_EUSAGE);
	assert_int_equal(vk_external_remove(&(struct vk_external){ "", store, slot }), VK_EUSAGE);
	/* who can write the directory can put another program there */
	assert_int_equal(chmod(libexec, 0777), 0);
	assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
	assert_non_null(strstr(vk_reason(), "others can write the directory"));
	assert_int_equal(chmod(libexec, 0770), 0);
	assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
	assert_int_equal(chmod(libexec, 0755), 0);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", libexec);
	snprintf(link, sizeof(link), "%s/moved", elsewhere);
	assert_int_equal(mkdir(elsewhere, 0755), 0);
	assert_int_equal(rename(program, link), 0);
	assert_int_equal(symlink(link, program), 0);
	assert_int_equal(vk_external_remove(&fake), VK_OK);
	assert_int_equal(chmod(elsewhere, 0777), 0);
	assert_int_equal(vk_external_remove(&fake), VK_EPOLICY);
	assert_non_null(strstr(vk_reason(), elsewhere));
	setenv("VALETKEY_LIBEXEC", "relative", 1);
	assert_int_equal(vk_external_remove(&fake), VK_EUSAGE);
	setenv("VALETKEY_LIBEXEC", "", 1); /* the built-in place, which has no such program */
	assert_int_equal(vk_external_remove(&fake), VK_EBACKEND);
}

static int64_t
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void
test_hangs(void **state)
{
	int64_t begin = seconds();
	unsigned char key[VK_STORE_KEY_LEN];
	long child;

	(void)state;
	/* it answers, and does not end; what it started goes with it */
	script("sleep 1000 & echo $! >$D/seen; printf 'ok\\n" KEY "\\n\\n'; wait", 0755);
	assert_int_equal(vk_external_get(&fake, key), VK_EBACKEND);
	assert_non_null(strstr(vk_reason(), "within 10 seconds"));
	assert_in_range(seconds() - begin, 9, 15);
	child = strtol(seen(), NULL, 10);
	assert_true(child > 1);
	for (int i = 0; i < 100 && kill((pid_t)child, 0) == 0; i++) {
		struct timespec pause = { 0, 20000000 };
		char state_of[64];
		int fd;

		/* nobody reaps orphans in some containers: dead is enough */
		snprintf(state_of, sizeof(state_of), "/proc/%ld/stat", child);
		if ((fd = open(state_of, O_RDONLY)) >= 0) {
			ssize_t n = read(fd, state_of, sizeof(state_of) - 1);

			close(fd);
			state_of[n > 0 ? n : 0] = '\0';
			if (strstr(state_of, ") Z "))
				return;
		}
		nanosleep(&pause, NULL);
	}
	assert_int_equal(kill((pid_t)child, 0), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
	const struct CMUnitTest tests[] = {
		T(test_requests),
		T(test_answers),
		T(test_surroundings),
		T(test_not_trusted),
		T(test_hangs),
	};
	sigset_t pipes;

	/* As vk_harden() leaves it: a program may end before it was told everything. */
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipes, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
