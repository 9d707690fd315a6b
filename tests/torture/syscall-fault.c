/* SPDX-License-Identifier: ISC */
/*
 * syscall-fault - run a command under ptrace and break one of its system calls.
 *
 *   syscall-fault REPORT SECONDS FROM count             -- COMMAND...
 *   syscall-fault REPORT SECONDS FROM fail NAME N ERRNO -- COMMAND...
 *	the Nth NAME is not made (but close() is) and returns ERRNO
 *   syscall-fault REPORT SECONDS FROM kill N            -- COMMAND...
 *	SIGKILL just before the Nth call of any name
 *
 * Calls are counted over the command and the processes it forks, in the order they are made, from
 * the first call of FROM on ("-": from its start); what they execute is let go and runs undisturbed.
 * Works on static programs, which no library can interpose.  REPORT gets, one per line:
 *   total N · call NAME N · injected NAME|no · status exit N|signal N|timeout · left N
 * "left" counts processes that outlived the command by LINGER_MS; they are killed.
 * Exits 0 whenever there is a report.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <linux/ptrace.h>
#include <time.h>
#include <unistd.h>

#include "syscall-names.h"

enum { MAX_NR = 1024, MAX_PROCS = 256, LINGER_MS = 3000 };

enum what { COUNT, FAIL, KILL };

static struct {
	enum what what;
	long from;     /* counting begins with it; -1: at once */
	long nr;       /* FAIL: which system call */
	unsigned long n;
	int error;
} plan;

/* Processes that we trace.  "denied": between entry and exit of the call that fails. */
static struct {
	pid_t pid;
	bool denied;
} procs[MAX_PROCS];

static unsigned long total, calls[MAX_NR];
static const char *injected; /* name of the call that was broken */
static volatile sig_atomic_t timed_out;
static pid_t main_pid;

static void
die(const char *what)
{
	fprintf(stderr, "syscall-fault: %s: %s\n", what, strerror(errno));
	if (main_pid > 0)
		kill(-main_pid, SIGKILL);
	exit(2);
}

static void
on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
}

static bool *
denied_flag(pid_t pid)
{
	for (size_t i = 0; i < MAX_PROCS; i++)
		if (procs[i].pid == pid)
			return &procs[i].denied;
	for (size_t i = 0; i < MAX_PROCS; i++)
		if (procs[i].pid == 0) {
			procs[i].pid = pid;
			procs[i].denied = false;
			return &procs[i].denied;
		}
	errno = EAGAIN;
	die("too many processes");
	return NULL;
}

static void
forget(pid_t pid)
{
	for (size_t i = 0; i < MAX_PROCS; i++)
		if (procs[i].pid == pid)
			procs[i].pid = 0;
}

/* At entry: make the kernel skip the call. */
static void
skip_call(pid_t pid)
{
#if defined(__x86_64__)
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
#elif defined(__aarch64__)
	int none = -1;
	struct iovec v = { &none, sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v);
#else
#error "skip_call() and set_result() know x86-64 and arm64"
#endif
}

/* At exit: what the program sees. */
static void
set_result(pid_t pid, long value)
{
#if defined(__x86_64__)
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), value);
#elif defined(__aarch64__)
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
	regs.regs[0] = (unsigned long)value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
#endif
}

static void
at_syscall(pid_t pid)
{
	struct ptrace_syscall_info info;
	bool *denied = denied_flag(pid);
	long nr;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return; /* it was killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && *denied) {
		set_result(pid, -(long)plan.error);
		*denied = false;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	nr = (long)info.entry.nr;
	if (plan.from >= 0 && nr != plan.from)
		return;
	plan.from = -1;
	total++;
	if (nr >= 0 && nr < MAX_NR)
		calls[nr]++;
	if (plan.what == KILL && total == plan.n) {
		injected = syscall_name(nr);
		kill(pid, SIGKILL);
	} else if (plan.what == FAIL && nr == plan.nr && calls[nr] == plan.n) {
		injected = syscall_name(nr);
		/* close() lets go of the descriptor also when it fails. */
		if (nr != SYS_close)
			skip_call(pid);
		*denied = true;
	}
}

/* One stop of one process.  Returns false when the process is no longer traced. */
static bool
at_stop(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	static bool started;

	if (sig == (SIGTRAP | 0x80)) {
		if (started)
			at_syscall(pid);
		return ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0;
	}
	if (event == PTRACE_EVENT_EXEC) {
		if (pid == main_pid && !started) {
			started = true;
			return ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0;
		}
		ptrace(PTRACE_DETACH, pid, 0, 0);
		forget(pid);
		return false;
	}
	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) /* a real stop, as by ^Z */
		return ptrace(PTRACE_LISTEN, pid, 0, 0) == 0;
	return ptrace(PTRACE_SYSCALL, pid, 0, event ? 0 : sig) == 0;
}

static void
start(char **argv)
{
	int go[2];
	char c;

	if (pipe(go) < 0)
		die("pipe");
	main_pid = fork();
	if (main_pid < 0)
		die("fork");
	if (main_pid == 0) {
		close(go[1]);
		setsid();
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		close(go[0]);
		execv(argv[0], argv);
		_exit(2);
	}
	close(go[0]);
	if (ptrace(PTRACE_SEIZE, main_pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		die("PTRACE_SEIZE");
	denied_flag(main_pid);
	if (write(go[1], "g", 1) != 1)
		die("write");
	close(go[1]);
}

/* Trace until the command has ended; its wait status. */
static int
follow(void)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (timed_out) {
			kill(-main_pid, SIGKILL);
			kill(main_pid, SIGKILL);
			return 0;
		}
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("waitpid");
		if (WIFSTOPPED(status)) {
			at_stop(pid, status);
			continue;
		}
		forget(pid);
		if (pid == main_pid)
			return status;
	}
}

/* Whoever outlives the command becomes our child, since we are a subreaper. */
static unsigned
leftovers(void)
{
	struct timespec pause = { 0, 5000000L };
	unsigned left = 0;
	int status;
	pid_t pid;

	for (int waited = 0; waited < LINGER_MS; waited += 5) {
		while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
			if (WIFSTOPPED(status))
				at_stop(pid, status);
			else
				forget(pid);
		if (pid < 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	/* Only a parent's list of children tells who they are; each kill can hand us more. */
	for (;;) {
		char path[64], *end;
		FILE *f;
		long child;

		snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
		if (!(f = fopen(path, "re")))
			die(path);
		end = fgets(path, sizeof(path), f);
		fclose(f);
		child = end ? strtol(path, NULL, 10) : 0;
		if (child <= 0)
			return left;
		kill((pid_t)child, SIGKILL);
		while (waitpid((pid_t)child, &status, __WALL) >= 0 && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, (pid_t)child, 0, 0);
		left++;
	}
}

static void
report(const char *path, int status, unsigned left)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die(path);
	fprintf(f, "total %lu\n", total);
	for (long nr = 0; nr < MAX_NR; nr++)
		if (calls[nr])
			fprintf(f, "call %s %lu\n", syscall_name(nr), calls[nr]);
	fprintf(f, "injected %s\n", injected ? injected : "no");
	if (timed_out)
		fprintf(f, "status timeout\n");
	else if (WIFSIGNALED(status))
		fprintf(f, "status signal %d\n", WTERMSIG(status));
	else
		fprintf(f, "status exit %d\n", WEXITSTATUS(status));
	fprintf(f, "left %u\n", left);
	if (fclose(f) != 0)
		die(path);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int at = 5, status;

	plan.from = argc > 3 && strcmp(argv[3], "-") != 0 ? syscall_number(argv[3]) : -1;
	if (argc >= 7 && strcmp(argv[4], "kill") == 0) {
		plan.what = KILL;
		plan.n = strtoul(argv[5], NULL, 10);
		at = 6;
	} else if (argc >= 9 && strcmp(argv[4], "fail") == 0) {
		plan.what = FAIL;
		plan.nr = syscall_number(argv[5]);
		plan.n = strtoul(argv[6], NULL, 10);
		plan.error = error_number(argv[7]);
		at = 8;
	}
	if (argc < at + 2 || strcmp(argv[at], "--") != 0 || plan.nr < 0 || plan.error < 0) {
		fprintf(stderr,
		    "usage: syscall-fault REPORT SECONDS FROM count|fail NAME N ERRNO|kill N -- COMMAND...\n");
		return 2;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("PR_SET_CHILD_SUBREAPER");
	start(argv + at + 1);
	sigaction(SIGALRM, &sa, NULL); /* no SA_RESTART: waitpid() must return */
	alarm((unsigned)strtoul(argv[2], NULL, 10));
	status = follow();
	alarm(0);
	report(argv[1], status, leftovers());
	return 0;
}
