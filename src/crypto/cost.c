/* SPDX-License-Identifier: ISC */
/* What turning a passphrase into a key may cost on this machine. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "valetkey/io.h"

enum {
	KIB_WANTED = 256 * 1024,
	PASSES_WANTED = 3, /* of that; with less memory the time decides */
	SHARE = 4,         /* take no more than one part in this many of what is free */
	TARGET_MS = 500,
};

/* The start of a small file of the kernel's, as text; false when there is none. */
static bool
slurp(const char *root, const char *name, char *ret, size_t size)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	char path[1024];
	size_t n;

	if (snprintf(path, sizeof(path), "%s%s", root, name) >= (int)sizeof(path))
		return false;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 ||
	    vk_read_upto(fd, ret, size - 1, &n) != VK_OK)
		return false;
	ret[n] = '\0';
	return true;
}

/* The number behind ${label} at the start of a line of /proc/meminfo. */
static uint64_t
meminfo(const char *text, const char *label, uint64_t otherwise)
{
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (vk_str_starts(at, label))
			return strtoull(at + strlen(label), NULL, 10);
	}
	return otherwise;
}

/* The least limit of the group ${group} below ${base} and of those above it. */
static void
limit_of(const char *root, const char *base, const char *file, const char *group, uint64_t *kib)
{
	char dir[512], name[700], text[64];

	if (snprintf(dir, sizeof(dir), "%s", group) >= (int)sizeof(dir))
		return;
	for (char *end = dir + strlen(dir);; *end = '\0') {
		uint64_t n;

		snprintf(name, sizeof(name), "%s%s/%s", base, dir, file);
		/* "max" stands for none. */
		if (slurp(root, name, text, sizeof(text)) && *text >= '0' && *text <= '9' &&
		    (n = strtoull(text, NULL, 10) / 1024) < *kib)
			*kib = n;
		if (!(end = strrchr(dir, '/')))
			return;
	}
}

static bool
names_memory(const char *controllers)
{
	for (const char *at = controllers; *at; at += *at == ',') {
		size_t n = strcspn(at, ",");

		if (n == strlen("memory") && strncmp(at, "memory", n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* Lines are "ID:CONTROLLERS:GROUP"; version 2 is "0::GROUP".  A machine may have both. */
static uint64_t
cgroup_limit(const char *root)
{
	uint64_t kib = UINT64_MAX;
	char text[4096], *next;

	if (!slurp(root, "/proc/self/cgroup", text, sizeof(text)))
		return kib;
	for (char *line = text; line; line = next) {
		char *colon, *group;

		if ((next = strchr(line, '\n')))
			*next++ = '\0';
		if (!(colon = strchr(line, ':')) || !(group = strchr(colon + 1, ':')))
			continue;
		*group++ = '\0';
		if (colon[1] == '\0')
			limit_of(root, "/sys/fs/cgroup", "memory.max", group, &kib);
		else if (names_memory(colon + 1))
			limit_of(root, "/sys/fs/cgroup/memory", "memory.limit_in_bytes", group, &kib);
	}
	return kib;
}

void
vk_kdf_room(const char *root, struct vk_kdf_room *ret)
{
	uint64_t limit = cgroup_limit(root), swap = 0;
	char text[4096];

	*ret = (struct vk_kdf_room){ .free_kib = limit, .most_kib = limit };
	if (slurp(root, "/proc/meminfo", text, sizeof(text))) {
		uint64_t available = meminfo(text, "MemAvailable:", UINT64_MAX);

		if (available < ret->free_kib)
			ret->free_kib = available;
		swap = meminfo(text, "SwapFree:", 0);
	}
	/* A group over its limit is swapped out before it is killed. */
	if (limit < UINT64_MAX - swap)
		ret->most_kib = limit + swap;
}

void
vk_kdf_choose(const struct vk_kdf_room *room, uint64_t ns_per_mib, unsigned *ret_passes,
    unsigned *ret_kib)
{
	unsigned kib = KIB_WANTED, least = PASSES_WANTED;
	uint64_t pass, passes;

	while (kib > VK_KDF_KIB_LEAST && room->free_kib / SHARE < kib) {
		kib = kib / 2 < VK_KDF_KIB_LEAST ? VK_KDF_KIB_LEAST : kib / 2;
		least = VK_KDF_PASSES_LEAST;
	}
	pass = ns_per_mib * (kib / 1024);
	passes = pass ? ((uint64_t)TARGET_MS * 1000000 + pass / 2) / pass : VK_KDF_PASSES_MAX;
	*ret_passes = passes < least ? least : passes > VK_KDF_PASSES_MAX ? VK_KDF_PASSES_MAX
									 : (unsigned)passes;
	*ret_kib = kib;
}
