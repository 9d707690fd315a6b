/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"

/* poll() tells which of many numbers are open in one call; /proc may be missing or another's. */
void
vk_fds_drop(int first, bool inherited_only)
{
	enum { BATCH = 512, BATCHES = 128 };
	struct pollfd p[BATCH];

#ifdef SYS_close_range
	if (!inherited_only && syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#endif
	for (int b = 0, open_ones = 1; b < BATCHES && open_ones > 0; b++) {
		int base = first + b * BATCH;

		open_ones = 0;
		for (int i = 0; i < BATCH; i++)
			p[i] = (struct pollfd){ .fd = base + i };
		if (poll(p, BATCH, 0) < 0) /* more numbers than RLIMIT_NOFILE allows at once */
			for (int i = 0; i < BATCH; i++)
				p[i].revents = 0;
		for (int i = 0; i < BATCH; i++) {
			int flags = p[i].revents & POLLNVAL ? -1 : fcntl(base + i, F_GETFD);

			open_ones += flags >= 0;
			if (flags >= 0 && !(inherited_only && (flags & FD_CLOEXEC)))
				close(base + i);
		}
	}
}
