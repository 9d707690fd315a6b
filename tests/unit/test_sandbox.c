/* SPDX-License-Identifier: ISC */
/* What valetkey-scan gives up, tried in a process that gave it up. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/base.h"

/* Of the program that searches, which has no public header. */
enum vk_err vk_sandbox(const char *const *paths, size_t n) VK_MUST;

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(__SANITIZE_ADDRESS__)
enum { HAS_CALLS = 1 };
#else
enum { HAS_CALLS = 0 };
#endif

static char inside[] = "/tmp/vk-sandbox.XXXXXX", file[sizeof(inside) + 8];

/* What errno ${attempt} ends with, in there; 0: it worked; 255: no sandbox. */
static int
in_there(int (*attempt)(void))
{
	const char *const paths[] = { inside };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (vk_sandbox(paths, 1) != VK_OK)
			_exit(255);
		errno = 0;
		_exit(attempt() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
read_inside(void)
{
	char c[4];
	int fd = open(file, O_RDONLY);

	return fd < 0 || read(fd, c, sizeof(c)) != 4 ? -1 : 0;
}

static int
read_outside(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
write_inside(void)
{
	return open(file, O_WRONLY);
}

static int
create_inside(void)
{
	return openat(AT_FDCWD, file, O_RDONLY | O_CREAT, 0600);
}

static int
remove_inside(void)
{
	return unlink(file);
}

static int
make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
start_process(void)
{
	return (int)fork();
}

static int
execute(void)
{
	char *argv[] = { inside, NULL };

	return execve("/bin/true", argv, argv + 1);
}

static int
kill_parent(void)
{
	return kill(getppid(), 0);
}

static int
signal_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int
run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
trace(void)
{
	return (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static void
what_it_needs_works(void **state)
{
	(void)state;
	assert_int_equal(in_there(read_inside), 0);
}

static void
other_calls_are_refused(void **state)
{
	(void)state;
	if (!HAS_CALLS)
		skip();
	assert_int_equal(in_there(write_inside), EPERM);
	assert_int_equal(in_there(create_inside), EPERM);
	assert_int_equal(in_there(remove_inside), ENOSYS);
	assert_int_equal(in_there(make_socket), ENOSYS);
	assert_int_equal(in_there(start_process), ENOSYS);
	assert_int_equal(in_there(execute), ENOSYS);
	assert_int_equal(in_there(kill_parent), ENOSYS);
	assert_int_equal(in_there(signal_parent), EPERM);
	assert_int_equal(in_there(run_memory), EPERM);
	assert_int_equal(in_there(trace), ENOSYS);
}

static void
other_files_are_refused(void **state)
{
	(void)state;
#ifdef SYS_landlock_create_ruleset
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1) {
		assert_int_equal(in_there(read_outside), EACCES);
		return;
	}
#endif
	skip();
}

static int
make_files(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(inside))
		return -1;
	snprintf(file, sizeof(file), "%s/file", inside);
	if ((fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0 || write(fd, "text", 4) != 4)
		return -1;
	return close(fd);
}

static int
remove_files(void **state)
{
	(void)state;
	return unlink(file) < 0 || rmdir(inside) < 0 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_needs_works),
		cmocka_unit_test(other_calls_are_refused),
		cmocka_unit_test(other_files_are_refused),
	};

	/* Valgrind is in the process, and makes calls of its own. */
	if (getenv("VK_VALGRIND"))
		return 77;
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
