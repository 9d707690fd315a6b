/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "valetkey/secret.h"

void
vk_harden(void)
{
	struct rlimit none = { 0, 0 };

	/* Failures are ignored: each of these only narrows what others may see. */
	prctl(PR_SET_DUMPABLE, 0);
	/* The hard limit stays: a command started by "run" must be able to raise its own. */
	if (getrlimit(RLIMIT_CORE, &none) == 0) {
		none.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &none);
	}
	/* Else the first file opened would become stdout, and an answer would land in it. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0)
				_exit(125);
	signal(SIGPIPE, SIG_IGN);
}
