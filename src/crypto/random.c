/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/random.h>

#include "crypto/crypto.h"

enum vk_err
vk_random(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t r = getrandom(at, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vk_fail_errno("the kernel gives no random bytes");
		at += r;
		n -= (size_t)r;
	}
	return VK_OK;
}
