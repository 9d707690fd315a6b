/* SPDX-License-Identifier: ISC */
/* vk_tty_secret() on a real pseudo-terminal, with somebody typing at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "valetkey/unlock.h"

enum { LONG = 6000 }; /* more than the 4095 bytes of a terminal's own line mode */

static int term, result; /* the terminal's other end; what the child got */
static pid_t child;
static char screen[65536];
static size_t screen_len;

/* Exit status 0: a secret, written to ${result}; else the error's number. */
static void
start(bool confirm)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	screen_len = 0;
	child = forkpty(&term, NULL, NULL, NULL);
	assert_true(child >= 0);
	if (child == 0) {
		struct vk_secret s = { 0 };
		enum vk_err e;

		close(p[0]);
		e = vk_tty_secret("Prompt: ", confirm, &s);
		if (e == VK_OK && write(p[1], s.p, s.n) != (ssize_t)s.n)
			_exit(99);
		_exit((int)e);
	}
	close(p[1]);
	result = p[0];
}

/* Read the screen until ${text} has come ${times} times. */
static void
expect(const char *text, int times)
{
	for (;;) {
		struct pollfd p = { .fd = term, .events = POLLIN };
		int n = 0;
		ssize_t r;

		screen[screen_len] = '\0';
		for (const char *s = screen; (s = strstr(s, text)); s += strlen(text))
			n++;
		if (n >= times)
			return;
		assert_int_equal(poll(&p, 1, 10000), 1);
		r = read(term, screen + screen_len, sizeof(screen) - 1 - screen_len);
		assert_true(r > 0);
		screen_len += (size_t)r;
	}
}

static void
type(const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		size_t piece = n > 512 ? 512 : n;

		assert_int_equal(write(term, text, piece), (ssize_t)piece);
		text += piece;
		n -= piece;
		usleep(2000);
	}
}

static bool
echo_is_on(void)
{
	struct termios t;

	assert_int_equal(tcgetattr(term, &t), 0);
	return (t.c_lflag & ECHO) && (t.c_lflag & ICANON);
}

static int
finish(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
done(void)
{
	close(term);
	close(result);
}

static void
got(const char *want)
{
	char text[2 * LONG] = "";
	size_t n = 0;
	ssize_t r;

	assert_int_equal(finish(), 0);
	while ((r = read(result, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	assert_string_equal(text, want);
	done();
}

static void
plain(void **state)
{
	(void)state;
	start(false);
	expect("Prompt: ", 1);
	assert_false(echo_is_on());
	type("hunter2\n");
	expect("\n", 1);
	assert_null(strstr(screen, "hunter"));
	got("hunter2");
}

static void
editing(void **state)
{
	(void)state;
	start(false);
	expect("Prompt: ", 1);
	type("wrong\x15h\xc3\xa4\x7f\x7fhunx\bter2\r");
	got("hunter2");
	start(false);
	expect("Prompt: ", 1);
	type("\x04");
	assert_int_equal(WEXITSTATUS(finish()), VK_EUSAGE);
	done();
	start(false);
	expect("Prompt: ", 1);
	type("a\033[Ab\n");
	assert_int_equal(WEXITSTATUS(finish()), VK_EUSAGE);
	done();
}

static void
long_secret(void **state)
{
	char text[LONG + 2];

	(void)state;
	for (int i = 0; i < LONG; i++)
		text[i] = (char)('a' + i % 26);
	text[LONG] = '\n';
	text[LONG + 1] = '\0';
	start(false);
	expect("Prompt: ", 1);
	type(text);
	text[LONG] = '\0';
	got(text);
}

static void
twice(void **state)
{
	(void)state;
	start(true);
	expect("Prompt: ", 1);
	type("hunter2\n");
	expect("once more: ", 1);
	type("hunter2\n");
	got("hunter2");
	start(true);
	expect("Prompt: ", 1);
	type("hunter2\n");
	expect("once more: ", 1);
	type("hunter3\n");
	assert_int_equal(WEXITSTATUS(finish()), VK_EUSAGE);
	done();
}

/* Killed while it waits: dead of that signal, and the terminal is as it was. */
static void
signals_end_it(void **state)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(sigs); i++) {
		int status;

		start(false);
		expect("Prompt: ", 1);
		type("hun");
		kill(child, sigs[i]);
		status = finish();
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sigs[i]);
		done();
	}
	/* ^C typed */
	start(false);
	expect("Prompt: ", 1);
	type("hun\x03");
	assert_int_equal(WTERMSIG(finish()), SIGINT);
	done();
}

/*
 * A pseudo-terminal of a dead session cannot be asked, so this one has a parent in between that outlives
 * the one who asks, and tells whether echo is on again.
 */
static void
echo_comes_back(void **state)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGQUIT };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(sigs); i++) {
		int status;

		screen_len = 0;
		child = forkpty(&term, NULL, NULL, NULL);
		assert_true(child >= 0);
		if (child == 0) {
			struct vk_secret s = { 0 };
			struct termios t;
			pid_t asker;

			signal(sigs[i], SIG_IGN);
			if ((asker = fork()) == 0) {
				signal(sigs[i], SIG_DFL);
				_exit(vk_tty_secret("Prompt: ", false, &s) != VK_OK);
			}
			waitpid(asker, NULL, 0);
			_exit(tcgetattr(0, &t) < 0 || !(t.c_lflag & ECHO) || !(t.c_lflag & ICANON));
		}
		expect("Prompt: ", 1);
		assert_false(echo_is_on());
		/* To both processes of the group; the one in between ignores it. */
		assert_int_equal(kill(-tcgetpgrp(term), sigs[i]), 0);
		status = finish();
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		close(term);
	}
}

/* ^Z gives the terminal back; after SIGCONT the question is asked again and half a secret is forgotten. */
static void
stop_and_continue(void **state)
{
	int status, p[2];

	(void)state;
	/* A ^Z ends what runs under valgrind in a group of its own; TAP calls a skip() "not ok". */
	if (getenv("VK_VALGRIND"))
		return;
	screen_len = 0;
	assert_int_equal(pipe(p), 0);
	child = forkpty(&term, NULL, NULL, NULL);
	assert_true(child >= 0);
	if (child == 0) {
		/* A group of its own under a session leader: an orphaned one is not stopped by ^Z. */
		struct termios t;
		pid_t asker = fork();

		if (asker == 0) {
			struct vk_secret s = { 0 };

			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(0, getpid());
			signal(SIGTTOU, SIG_DFL);
			if (vk_tty_secret("Prompt: ", false, &s) != VK_OK)
				_exit(1);
			_exit(write(p[1], s.p, s.n) != (ssize_t)s.n);
		}
		waitpid(asker, &status, WUNTRACED);
		if (!WIFSTOPPED(status))
			_exit(3);
		if (tcgetattr(0, &t) < 0 || !(t.c_lflag & ECHO))
			_exit(4);
		kill(asker, SIGCONT);
		waitpid(asker, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 5);
	}
	close(p[1]);
	result = p[0];
	expect("Prompt: ", 1);
	type("half\x1a");
	expect("Prompt: ", 2);
	assert_false(echo_is_on());
	type("hunter2\n");
	got("hunter2");
}

static void
no_terminal(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct vk_secret s = { 0 };

		setsid();
		_exit((int)vk_tty_secret("Prompt: ", false, &s));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), VK_ELOCKED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(editing),
		cmocka_unit_test(long_secret),
		cmocka_unit_test(twice),
		cmocka_unit_test(signals_end_it),
		cmocka_unit_test(echo_comes_back),
		cmocka_unit_test(stop_and_continue),
		cmocka_unit_test(no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
