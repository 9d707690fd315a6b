/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "valetkey/secret.h"

/* As our parent left them. */
static rlim_t core_limit;
static bool core_known;
static struct sigaction on_sigxfsz;
static sigset_t mask;

void
vk_harden(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit core;
	sigset_t sigpipe;

	/* Failures are ignored: each of these only narrows what others may see. */
	prctl(PR_SET_DUMPABLE, 0);
	/* The hard limit stays: a command started by "run" must be able to raise its own. */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core_limit = core.rlim_cur;
		core_known = true;
		core.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &core);
	}
	/* Else the first file opened would become stdout, and an answer would land in it: in this one none can. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			if (open("/dev/null", (fd == 2 ? O_WRONLY : O_RDONLY) | O_CLOEXEC) < 0)
				_exit(125);
	/* Not ignored: one that somebody sends before "run" has a command to send it to would be lost. */
	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	sigprocmask(SIG_BLOCK, &sigpipe, &mask);
	/* A write beyond the limit fails, and whoever wrote says so. */
	sigaction(SIGXFSZ, &ignore, &on_sigxfsz);
	vk_wipe_on_death();
}

void
vk_harden_revert(void)
{
	struct rlimit core;

	if (core_known && getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = core_limit;
		setrlimit(RLIMIT_CORE, &core);
	}
	sigaction(SIGXFSZ, &on_sigxfsz, NULL);
}

void
vk_harden_mask(sigset_t *ret)
{
	*ret = mask;
}
