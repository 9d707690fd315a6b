/* SPDX-License-Identifier: ISC */
#include <time.h>

#include "store/internal.h"

int64_t
vk_store_now(void)
{
	return (int64_t)time(NULL);
}
