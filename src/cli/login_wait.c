/* SPDX-License-Identifier: ISC */
/* RFC 8628, 3.5 */
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/login.h"
#include "valetkey/secret.h"

enum {
	SLOWER_S = 5,
	PAUSE_MAX_S = 300,
	MISSES_MAX = 5, /* in a row */
};

static int64_t
now_s(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec;
}

static int64_t
bounded(int64_t seconds)
{
	return seconds < 1 ? 1 : seconds > PAUSE_MAX_S ? PAUSE_MAX_S : seconds;
}

static void
pause_for(int64_t seconds)
{
	for (unsigned left = (unsigned)seconds; left > 0; left = sleep(left))
		;
}

enum vk_err
vk_login_wait(const struct vk_grant *g, const struct vk_device *d, struct vk_tokens *ret)
{
	int64_t end = now_s() + d->seconds, pause = bounded(d->interval);
	unsigned misses = 0;

	do {
		enum vk_oauth_wait wait = VK_OAUTH_PENDING;
		enum vk_err e;

		pause_for(pause);
		vk_death_hold();
		if ((e = vk_oauth_ask(g, d, &wait, ret)) == VK_OK && wait == VK_OAUTH_DONE)
			return VK_OK;
		vk_death_let();
		if (e != VK_OK)
			return e;
		if (wait == VK_OAUTH_SLOW_DOWN)
			pause = bounded(pause + SLOWER_S);
		misses = wait == VK_OAUTH_UNREACHABLE ? misses + 1 : 0;
		if (misses == MISSES_MAX)
			return vk_fail(VK_EBACKEND, "%s cannot be reached any more", g->issuer);
		if (misses > 0) {
			vk_msg_note("%s cannot be reached just now, trying again", g->issuer);
			pause = bounded(2 * pause);
		}
	} while (now_s() < end);
	return vk_fail(VK_EBACKEND, "nobody has entered the code in time");
}
