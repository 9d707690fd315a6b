/* SPDX-License-Identifier: ISC */
/* Any bytes as a keystore, with checksums that fit: nothing opens them, and nothing is "not found". */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_SLOTS = 52, HEADER_SLOTS_HASH = 64, HEADER_SUM = 480 };

/* Without this nearly every input would end at the first check. */
static void
fix_sums(unsigned char *p, size_t n)
{
	for (size_t at = 0; at + VK_HEADER_LEN <= n && at <= VK_PAGE; at += VK_PAGE) {
		unsigned char *h = p + at;
		uint64_t first = (uint64_t)vk_get32(h + HEADER_SLOTS) * VK_PAGE;
		uint64_t len = (uint64_t)vk_get32(h + HEADER_SLOTS + 4) * VK_PAGE;

		if (vk_all_zero(h, VK_HEADER_LEN))
			continue;
		if (first < n && len <= n - first)
			vk_digest(p + first, (size_t)len, h + HEADER_SLOTS_HASH);
		vk_digest(h, HEADER_SUM, h + HEADER_SUM);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char key[VK_STORE_KEY_LEN];
	VK_CLEANUP(vk_closep) int fd = memfd_create("store", MFD_CLOEXEC);
	VK_CLEANUP(vk_freep) unsigned char *p = malloc(size + 1);
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_slot_info slots[VK_SLOTS_MAX];
	char path[32];
	size_t n;

	if (fd < 0 || !p || fchmod(fd, 0600) < 0)
		abort();
	if (size)
		memcpy(p, data, size);
	fix_sums(p, size);
	if (vk_write_full(fd, p, size) != VK_OK)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	switch (vk_store_open(path, &st)) {
	case VK_OK:
		break;
	case VK_ETAMPER:
	case VK_EVERSION:
		return 0;
	default:
		abort();
	}
	(void)!vk_store_slots(st, slots, VK_COUNT(slots), &n);
	if (vk_store_unlock_session(st, key) != VK_EKEY)
		abort();
	switch (vk_store_unlock_raw(st, key)) {
	case VK_EKEY:
	case VK_ETAMPER:
		return 0;
	default:
		abort();
	}
}
