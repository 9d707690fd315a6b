/* SPDX-License-Identifier: ISC */
/*
 * Wiping before a signal ends us.  Only signals whose action is the default one are caught, so that what our
 * parent ignores stays ignored and what somebody else catches stays caught; exec makes them default again.
 */
#include <signal.h>
#include <string.h>

#include "valetkey/secret.h"

/* Those that people, shells, timers, limits and our own mistakes send.  Of SIGKILL nobody can say anything. */
static const int fatal[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGABRT, SIGSEGV,
	SIGBUS, SIGFPE, SIGILL,
};

/* The kernel has put the default action back by now; it comes as soon as we return. */
static void
on_fatal(int sig)
{
	vk_arena_wipe();
	raise(sig);
}

void
vk_wipe_on_death(void)
{
	struct sigaction ours = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND }, old;
	sigset_t all, mask;

	sigfillset(&ours.sa_mask);
	/* Blocked, so that one that is ignored does not come between the two calls. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &mask) < 0)
		return;
	for (size_t i = 0; i < VK_COUNT(fatal); i++)
		if (sigaction(fatal[i], &ours, &old) == 0 &&
		    ((old.sa_flags & SA_SIGINFO) || old.sa_handler != SIG_DFL))
			sigaction(fatal[i], &old, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}
