/* SPDX-License-Identifier: ISC */
#include <time.h>

#include "valetkey/base.h"

int64_t
vk_now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
