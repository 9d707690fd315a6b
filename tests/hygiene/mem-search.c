/* SPDX-License-Identifier: ISC */
/*
 * mem-search - run a command under ptrace and look for secrets in its memory at every system call.
 *
 *   mem-search REPORT PATTERNS SECONDS [ends] [uid ID] [signal N SIG] -- COMMAND...
 *	PATTERNS: see memory.h.  ends: search only when a process ends.  uid: run the command as that user and group.  signal: send SIG at the Nth stop of the
 *	command itself.  When standard input is a terminal it becomes the command's controlling one.
 *
 * Every process that the command forks is searched as well, at entry to and return from each system call, and when
 * it dies of whatever; what they execute is let go.  REPORT gets, one per line, fields separated by tabs:
 *   stops N, pages N, bytes N         what was searched
 *   total N                           stops of the command itself
 *   shelter ROLE KIB LOCKED-KIB       the most that was left out of dumps
 *   dumpable ROLE STOPS FIRST LAST    seen by who owns /proc/PID, so only with a uid that is not root's
 *   find ROLE WHEN PLACE PATTERN LONGEST STOPS FIRST LAST
 *   status exit N|signal N|timeout
 * ROLE is "main", "child" or the name that a child gives itself.  WHEN is "call", or an end: "exit" (exit_group),
 * "exec" (execve), "death" (the kernel takes the process down).  FIRST and LAST name stops, such as 12:openat.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/ptrace.h>
#include <unistd.h>

#include "memory.h"
#include "../torture/syscall-names.h"

enum { FINDS_MAX = 4096, ROLES_MAX = 16, NAME = 48 };

static struct find {
	char role[NAME], when[8], place[PLACE_MAX], pattern[NAME], first[NAME], last[NAME];
	size_t longest;
	unsigned long stops, seen_at;
} finds[FINDS_MAX];
static size_t n_finds;

static struct {
	char role[NAME];
	struct shelter most;
	unsigned long dumpable; /* stops */
	char first[NAME], last[NAME];
} roles[ROLES_MAX];
static size_t n_roles;

static struct effort effort;
static unsigned long total; /* stops of the command itself */
static pid_t main_pid;
static uid_t as_uid;
static bool ends_only;
static volatile sig_atomic_t timed_out;

static struct {
	unsigned long at; /* 0: none */
	int number;
} send;

/* The stop that is being searched. */
static struct {
	char role[NAME], when[8], call[NAME];
} stop;

static void
die(const char *what)
{
	fprintf(stderr, "mem-search: %s: %s\n", what, strerror(errno));
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

static void
note(const char *place, const char *pattern, size_t n)
{
	struct find *f = finds;

	for (; f < finds + n_finds; f++)
		if (strcmp(f->role, stop.role) == 0 && strcmp(f->when, stop.when) == 0 &&
		    strcmp(f->place, place) == 0 && strcmp(f->pattern, pattern) == 0)
			break;
	if (f == finds + n_finds) {
		if (n_finds == FINDS_MAX) {
			errno = ENOSPC;
			die("too many finds");
		}
		n_finds++;
		memcpy(f->role, stop.role, sizeof(f->role));
		memcpy(f->when, stop.when, sizeof(f->when));
		memcpy(f->first, stop.call, sizeof(f->first));
		snprintf(f->place, sizeof(f->place), "%s", place);
		snprintf(f->pattern, sizeof(f->pattern), "%s", pattern);
	}
	memcpy(f->last, stop.call, sizeof(f->last));
	if (n > f->longest)
		f->longest = n;
	if (f->seen_at != effort.stops + 1)
		f->stops++;
	f->seen_at = effort.stops + 1;
}

static bool
is_dumpable(pid_t pid)
{
	char path[64];
	struct stat st;

	/* Of a process that is not, root owns what /proc has to say. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return as_uid != 0 && stat(path, &st) == 0 && st.st_uid == as_uid;
}

static void
note_role(pid_t pid, const struct shelter *s)
{
	size_t i = 0;

	while (i < n_roles && strcmp(roles[i].role, stop.role) != 0)
		i++;
	if (i == ROLES_MAX)
		return;
	if (i == n_roles)
		memcpy(roles[n_roles++].role, stop.role, sizeof(stop.role));
	if (s->kib > roles[i].most.kib)
		roles[i].most.kib = s->kib;
	if (s->locked_kib > roles[i].most.locked_kib)
		roles[i].most.locked_kib = s->locked_kib;
	if (is_dumpable(pid)) {
		if (roles[i].dumpable++ == 0)
			memcpy(roles[i].first, stop.call, sizeof(stop.call));
		memcpy(roles[i].last, stop.call, sizeof(stop.call));
	}
}

/* Children tell themselves apart by the names they set. */
static void
set_role(pid_t pid)
{
	static char main_name[NAME];
	char path[64], name[NAME] = "?";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if ((f = fopen(path, "re"))) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	if (pid == main_pid) {
		memcpy(main_name, name, sizeof(name));
		snprintf(name, sizeof(name), "main");
	} else if (strcmp(name, main_name) == 0) {
		snprintf(name, sizeof(name), "child");
	}
	memcpy(stop.role, name, sizeof(stop.role));
}

static void
search(pid_t pid, const char *when, const char *call)
{
	struct shelter shelter;

	set_role(pid);
	snprintf(stop.when, sizeof(stop.when), "%s", when);
	snprintf(stop.call, sizeof(stop.call), "%lu:%.30s", effort.stops + 1, call);
	memory_search(pid, true, note, &effort, &shelter);
	note_role(pid, &shelter);
}

static void
at_syscall(pid_t pid)
{
	static const char *call[1 << 16]; /* by PID: the return does not say whose it is */
	struct ptrace_syscall_info info;
	const char *when = "call";

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return; /* it was killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		long nr = (long)info.entry.nr;

		call[pid & 0xffff] = syscall_name(nr);
		if (nr == SYS_exit_group || nr == SYS_exit)
			when = "exit";
		else if (nr == SYS_execve)
			when = "exec";
	}
	if (!ends_only || strcmp(when, "call") != 0)
		search(pid, when, call[pid & 0xffff] ? call[pid & 0xffff] : "?");
	if (pid == main_pid && ++total == send.at)
		kill(pid, send.number);
}

/* One stop of one process. */
static void
at_stop(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	static bool started;

	if (sig == (SIGTRAP | 0x80)) {
		if (started)
			at_syscall(pid);
	} else if (event == PTRACE_EVENT_EXEC) {
		if (pid != main_pid || started) {
			ptrace(PTRACE_DETACH, pid, 0, 0);
			return;
		}
		started = true;
		set_role(pid); /* children are called after it until they name themselves */
	} else if (event == PTRACE_EVENT_EXIT) {
		if (started)
			search(pid, "death", "?");
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, 0, 0); /* a real stop, as by ^Z */
		return;
	}
	ptrace(PTRACE_SYSCALL, pid, 0, event || sig == (SIGTRAP | 0x80) ? 0 : sig);
}

static void
become(void)
{
	if (isatty(STDIN_FILENO))
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	if (as_uid != 0 && (setgroups(0, NULL) < 0 || setresgid(as_uid, as_uid, as_uid) < 0 ||
	    setresuid(as_uid, as_uid, as_uid) < 0))
		_exit(2);
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
		become();
		execv(argv[0], argv);
		_exit(2);
	}
	close(go[0]);
	if (ptrace(PTRACE_SEIZE, main_pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
	    PTRACE_O_EXITKILL) < 0)
		die("PTRACE_SEIZE");
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
		if (WIFSTOPPED(status))
			at_stop(pid, status);
		else if (pid == main_pid)
			return status;
	}
}

static void
report(const char *path, int status)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die(path);
	fprintf(f, "stops\t%lu\npages\t%lu\nbytes\t%lu\ntotal\t%lu\n", effort.stops, effort.pages,
	    effort.bytes, total);
	for (size_t i = 0; i < n_roles; i++) {
		fprintf(f, "shelter\t%s\t%lu\t%lu\n", roles[i].role, roles[i].most.kib, roles[i].most.locked_kib);
		if (roles[i].dumpable)
			fprintf(f, "dumpable\t%s\t%lu\t%s\t%s\n", roles[i].role, roles[i].dumpable, roles[i].first,
			    roles[i].last);
	}
	for (const struct find *d = finds; d < finds + n_finds; d++)
		fprintf(f, "find\t%s\t%s\t%s\t%s\t%zu\t%lu\t%s\t%s\n", d->role, d->when, d->place, d->pattern,
		    d->longest, d->stops, d->first, d->last);
	if (timed_out)
		fprintf(f, "status\ttimeout\n");
	else
		fprintf(f, "status\t%s\t%d\n", WIFSIGNALED(status) ? "signal" : "exit",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (fclose(f) != 0)
		die(path);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int at = 4, status;

	if (argc > at + 1 && strcmp(argv[at], "ends") == 0) {
		ends_only = true;
		at++;
	}
	if (argc > at + 2 && strcmp(argv[at], "uid") == 0) {
		as_uid = (uid_t)strtoul(argv[at + 1], NULL, 10);
		at += 2;
	}
	if (argc > at + 3 && strcmp(argv[at], "signal") == 0) {
		send.at = strtoul(argv[at + 1], NULL, 10);
		send.number = (int)strtol(argv[at + 2], NULL, 10);
		at += 3;
	}
	if (argc < at + 2 || strcmp(argv[at], "--") != 0) {
		fprintf(stderr, "usage: mem-search REPORT PATTERNS SECONDS [ends] [uid ID] [signal N SIG] -- COMMAND...\n");
		return 2;
	}
	patterns_read(argv[2]);
	start(argv + at + 1);
	sigaction(SIGALRM, &sa, NULL); /* no SA_RESTART: waitpid() must return */
	alarm((unsigned)strtoul(argv[3], NULL, 10));
	status = follow();
	alarm(0);
	report(argv[1], status);
	return 0;
}
