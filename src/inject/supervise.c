/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/inject.h"
#include "valetkey/io.h"
#include "supervise.h"

/* Stop as the command did, so that the shell sees its job stopped; returns when we are continued. */
static void
stop_too(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	sigset_t one;

	/* A terminal's stop signals, unlike SIGSTOP, do nothing in an orphaned process group. */
	if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU) {
		raise(SIGSTOP);
		return;
	}
	sigemptyset(&one);
	sigaddset(&one, sig);
	sigaction(sig, &dfl, &old);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(sig, &old, NULL);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t); /* it goes on while the machine sleeps */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Who is stopped hears no clock, and a command could gain time by stopping itself: so the clock continues us. */
static void
continue_at_deadline(const struct vk_supervise *s)
{
	struct sigevent how = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT };
	struct itimerspec when = { .it_value = { .tv_sec = s->end / 1000, .tv_nsec = s->end % 1000 * 1000000 } };
	timer_t timer;

	if (timer_create(CLOCK_BOOTTIME, &how, &timer) == 0)
		(void)timer_settime(timer, TIMER_ABSTIME, &when, NULL);
}

/* In the foreground or not, which a shell decides. */
static void
go_on(struct vk_supervise *s)
{
	vk_pty_take(s->pty);
	kill(-s->command, SIGCONT);
}

/* With a terminal of its own, what ours and others tell us; false: it is for the command as any signal is. */
static bool
heed_terminal(struct vk_supervise *s, const siginfo_t *si)
{
	if (si->si_signo == VK_PTY_SUSPEND && si->si_code <= 0 && si->si_pid == s->pty->input.pid) {
		kill(-s->command, SIGSTOP);
		return true;
	}
	switch (si->si_signo) {
	case SIGWINCH:
		vk_pty_resize(s->pty);
		return true;
	case SIGCONT:
		go_on(s);
		return true;
	case SIGHUP: /* ours is gone, and so is the command's */
		kill(-s->command, SIGHUP);
		return true;
	default:
		return false;
	}
}

/* As process 1 of a container we also inherit strangers. */
static bool
reap(struct vk_supervise *s, int *ret_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0 || (pid < 0 && errno == EINTR)) {
		if (pid == s->command && WIFSTOPPED(status)) {
			if (s->pty)
				vk_pty_give_back(s->pty);
			stop_too(WSTOPSIG(status));
			if (s->pty)
				go_on(s);
		} else if (pid == s->command) {
			*ret_status = status;
			return true;
		}
		for (size_t i = 0; pid > 0 && i < VK_HELPERS_MAX; i++)
			if (s->helpers[i] && *s->helpers[i] == pid && !WIFSTOPPED(status)) {
				*s->helpers[i] = 0;
				if (s->helpers[i] == s->vital)
					kill(s->command, SIGKILL);
			}
	}
	return false;
}

/* Sent to its own process group by the command: it has had it. */
static bool
from_command(const struct vk_supervise *s, const siginfo_t *si)
{
	if (si->si_code > 0)
		return false;
	if (!s->new_pid_ns)
		return si->si_pid == s->command;
	/* The number is the one of the sender's namespace: usually 2, which outside is a thread of the kernel. */
	return si->si_pid == s->inner && getpgid(s->inner) <= 0;
}

static bool
is_for_command(const struct vk_supervise *s, const siginfo_t *si)
{
	if (si->si_pid == getpid() && si->si_code <= 0)
		return false;
	/*
	 * The kernel's come from the terminal and went to the whole group, except what it tells the
	 * leader of a session whose terminal is gone.
	 */
	if (si->si_code > 0)
		return (si->si_signo == SIGHUP || si->si_signo == SIGCONT) && getsid(0) == getpid();
	return !from_command(s, si);
}

/* Until ${end}; 0: for ever. */
static int
wait_for_signal(const sigset_t *set, int64_t end, siginfo_t *ret)
{
	int64_t left = end - now_ms();
	struct timespec t = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };

	if (end == 0)
		return sigwaitinfo(set, ret);
	return left > 0 ? sigtimedwait(set, ret, &t) : -1;
}

int
vk_supervise(struct vk_supervise *s)
{
	sigset_t all;
	siginfo_t si;
	int status;

	s->end = s->deadline > 0 ? now_ms() + (int64_t)s->deadline * 1000 : 0;
	if (s->end > 0)
		continue_at_deadline(s);
	sigfillset(&all);
	while (!reap(s, &status)) {
		if (s->end > 0 && now_ms() >= s->end) {
			s->end = 0;
			s->expire(s->arg);
		}
		if (s->news)
			s->news(s->arg);
		if (wait_for_signal(&all, s->end, &si) < 0)
			continue;
		if (si.si_code == SI_TIMER)
			continue;
		if (s->pty && heed_terminal(s, &si))
			continue;
		if (si.si_signo != SIGCHLD && is_for_command(s, &si))
			kill(s->command, si.si_signo);
	}
	return status;
}

void
vk_terminal_note(struct vk_terminal *t)
{
	t->fd = -1;
	if (!isatty(0) && !isatty(1) && !isatty(2))
		return;
	t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t->fd >= 0 && tcgetpgrp(t->fd) != getpgrp())
		vk_closep(&t->fd);
}

void
vk_terminal_restore(struct vk_terminal *t)
{
	/* SIGTTOU is blocked, so that this is allowed from the background. */
	if (t->fd >= 0 && tcgetpgrp(t->fd) != getpgrp())
		tcsetpgrp(t->fd, getpgrp());
	vk_closep(&t->fd);
}

void
vk_run_die(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, sig);
	sigaction(sig, &dfl, NULL);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}
