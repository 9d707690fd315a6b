/* SPDX-License-Identifier: ISC */
/* The filter of a part that starts nothing: what it refuses, and the one call that it lets through. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inject/noexec.h"

extern char **environ;

static char program[] = "/bin/sh";
static char option[] = "-c", seven[] = "exit 7", eight[] = "exit 8";
static char *right[] = { program, option, seven, NULL };
static char *wrong[] = { program, option, eight, NULL };

/* What ${body} exits with, in a process that has the filter. */
static int
status_of(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (vk_noexec(program, right, environ) != VK_OK)
			_exit(99);
		body();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
must_be_refused(long result, int with)
{
	if (result != -1 || errno != with)
		_exit(1);
}

static void
start_right(void)
{
	execve(program, right, environ);
}

static void
start_others(void)
{
	char again[] = "/bin/sh", *none[] = { NULL };
	pid_t pid;

	must_be_refused(execve(again, right, environ), EPERM);
	must_be_refused(execve(program, wrong, environ), EPERM);
	must_be_refused(execve(program, right, none), EPERM);
	must_be_refused(execve(program, right + 1, environ), EPERM);
	must_be_refused(syscall(SYS_execve, (uintptr_t)program ^ (1ULL << 40), right, environ), EPERM);
	must_be_refused(syscall(SYS_execveat, AT_FDCWD, program, right, environ, 0), EPERM);
	/* Even with the pointers in their places. */
	must_be_refused(syscall(SYS_execveat, program, right, environ, NULL, 0), EPERM);
	if (posix_spawn(&pid, program, NULL, NULL, wrong, environ) != EPERM)
		_exit(2);
}

/* A child is the same program, and has the filter. */
static void
fork_and_start(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		must_be_refused(execve(program, wrong, environ), EPERM);
		_exit(5);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
		_exit(1);
}

static void
pass_by(void)
{
	must_be_refused(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
	must_be_refused(symlink("/", "noexec-link"), EPERM);
	must_be_refused(link("/bin/sh", "noexec-link"), EPERM);
	must_be_refused(symlinkat("/", AT_FDCWD, "noexec-link"), EPERM);
	must_be_refused(linkat(AT_FDCWD, "/bin/sh", AT_FDCWD, "noexec-link", 0), EPERM);
#ifdef __x86_64__
	/* x32's execve, and its getpid. */
	must_be_refused(syscall(0x40000000 | 520, program, right, environ), EPERM);
	must_be_refused(syscall(0x40000000 | SYS_getpid), EPERM);
#endif
}

static void
lets_its_own_through(void **state)
{
	(void)state;
	assert_int_equal(status_of(start_right), 7);
}

static void
refuses_other_programs(void **state)
{
	(void)state;
	assert_int_equal(status_of(start_others), 0);
	assert_int_equal(status_of(fork_and_start), 0);
}

static void
refuses_ways_around(void **state)
{
	(void)state;
	assert_int_equal(status_of(pass_by), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_its_own_through),
		cmocka_unit_test(refuses_other_programs),
		cmocka_unit_test(refuses_ways_around),
	};

	/* Valgrind makes the call in our place, with pointers of its own. */
	if (getenv("VK_VALGRIND"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
