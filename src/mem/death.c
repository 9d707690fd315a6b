/* SPDX-License-Identifier: ISC */
/*
 * Wiping, and taking away files that are not whole, before a signal ends us.  Only signals whose action is the
 * default one are caught, so that what our parent ignores stays ignored and what somebody else catches stays caught;
 * exec makes them default again.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"

/* Those that people, shells, timers, limits and our own mistakes send.  Of SIGKILL nobody can say anything. */
static const int fatal[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGABRT, SIGSEGV,
	SIGBUS, SIGFPE, SIGILL,
};
enum { OF_OTHERS = 7 }; /* the first of them: the rest does not wait */

/* The handler's: the kernel saves the registers there, which may hold a piece of what was just copied. */
static char stack[32 * 1024];

static void
on_fatal(int sig, siginfo_t *info, void *context)
{
	char *saved = context;
	sigset_t none;

	(void)info;
	vk_arena_wipe();
	vk_litter_remove();
	/* We do not return to what is above this frame. */
	if (saved > stack && saved < stack + sizeof(stack))
		vk_wipe(saved, (size_t)(stack + sizeof(stack) - saved));
	vk_wipe_stack();
	/* The kernel has put the default action back. */
	raise(sig);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
use_stack(void)
{
	stack_t ours = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	if (sigaltstack(&ours, &old) == 0 && !(old.ss_flags & SS_DISABLE))
		sigaltstack(&old, NULL); /* somebody has one */
}

void
vk_wipe_on_death(void)
{
	struct sigaction ours = {
		.sa_sigaction = on_fatal, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK)
	}, old;
	sigset_t all, mask;

	sigfillset(&ours.sa_mask);
	/* Blocked, so that one that is ignored does not come between the two calls. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &mask) < 0)
		return;
	use_stack();
	for (size_t i = 0; i < VK_COUNT(fatal); i++)
		if (sigaction(fatal[i], &ours, &old) == 0 &&
		    ((old.sa_flags & SA_SIGINFO) || old.sa_handler != SIG_DFL))
			sigaction(fatal[i], &old, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static struct {
	pid_t us, parent;
} family;

static void
on_waking(int sig)
{
	(void)sig;
	if (getpid() == family.us && getppid() != family.parent)
		raise(SIGTERM);
}

/* SIGCONT is the one signal, but for SIGKILL, that reaches who is stopped. */
bool
vk_die_with(pid_t parent)
{
	const struct sigaction waking = { .sa_handler = on_waking, .sa_flags = SA_RESTART };
	sigset_t ends;

	family.us = getpid();
	family.parent = parent;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGCONT);
	return sigaction(SIGCONT, &waking, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &ends, NULL) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGCONT) == 0 && getppid() == parent;
}

bool
vk_death_waits(void)
{
	struct sigaction now;
	sigset_t waiting;

	if (sigpending(&waiting) < 0)
		return false;
	for (size_t i = 0; i < VK_COUNT(fatal); i++)
		if (sigismember(&waiting, fatal[i]) && sigaction(fatal[i], NULL, &now) == 0 &&
		    ((now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_IGN))
			return true;
	return false;
}

static struct {
	bool on;
	sigset_t mask; /* from before */
} hold;

void
vk_death_hold(void)
{
	sigset_t theirs;

	sigemptyset(&theirs);
	for (size_t i = 0; i < OF_OTHERS; i++)
		sigaddset(&theirs, fatal[i]);
	if (!hold.on && sigprocmask(SIG_BLOCK, &theirs, &hold.mask) == 0)
		hold.on = true;
}

void
vk_death_let(void)
{
	if (hold.on)
		sigprocmask(SIG_SETMASK, &hold.mask, NULL);
	hold.on = false;
}
