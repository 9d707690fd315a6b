/* SPDX-License-Identifier: ISC */
/* What is taken for an entry's payload has no second encoding, and can be stored again. */
#include <string.h>

#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload again = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	unsigned char none = 0;

	if (vk_cred_decode(size ? data : &none, size, &c) != VK_OK)
		return 0;
	if (vk_cred_encode(c, &again) != VK_OK || again.n != size || memcmp(again.p, data, size) != 0)
		abort();
	return 0;
}
