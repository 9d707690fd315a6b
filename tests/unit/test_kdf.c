/* SPDX-License-Identifier: ISC */
/* What a passphrase may cost: from a machine's memory and speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/crypto.h"

static char root[] = "/tmp/vk-kdf-XXXXXX";

static int
make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/vk-kdf-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int
drop_root(void **state)
{
	char cmd[64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	return system(cmd);
}

static void
put(const char *name, const char *text)
{
	char cmd[256];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "mkdir -p \"$(dirname '%s%s')\"", root, name);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s%s", root, name);
	assert_non_null(f = fopen(cmd, "w"));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
expect_room(uint64_t free_kib, uint64_t most_kib)
{
	struct vk_kdf_room room;

	vk_kdf_room(root, &room);
	assert_int_equal(room.free_kib, free_kib);
	assert_int_equal(room.most_kib, most_kib);
}

#define MEMINFO                                                                                    \
	"MemTotal:        8000000 kB\nMemFree:          500000 kB\nMemAvailable:    4000000 kB\n"  \
	"SwapTotal:          7000 kB\nSwapFree:           5000 kB\n"

static void
test_room_v2(void **state)
{
	(void)state;
	expect_room(UINT64_MAX, UINT64_MAX); /* no proc, no sys */
	put("/proc/meminfo", MEMINFO);
	expect_room(4000000, UINT64_MAX);
	put("/proc/self/cgroup", "0::/user.slice/a.scope\n");
	expect_room(4000000, UINT64_MAX);
	put("/sys/fs/cgroup/user.slice/a.scope/memory.max", "max\n");
	expect_room(4000000, UINT64_MAX);
	/* of the groups above as well, and of the one that a container sees as its root */
	put("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n");
	expect_room(1048576, 1048576 + 5000);
	put("/sys/fs/cgroup/user.slice/a.scope/memory.max", "134217728\n");
	expect_room(131072, 131072 + 5000);
	put("/sys/fs/cgroup/memory.max", "67108864");
	expect_room(65536, 65536 + 5000);
	put("/proc/self/cgroup", "0::/\n");
	expect_room(65536, 65536 + 5000);
}

static void
test_room_v1(void **state)
{
	(void)state;
	put("/proc/self/cgroup", "12:cpu,cpuacct:/x\n5:hugetlb,memory:/docker/0123\n0::/y\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	expect_room(UINT64_C(9223372036854771712) / 1024, UINT64_C(9223372036854771712) / 1024);
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"); /* of a container: its own */
	expect_room(524288, 524288);
	put("/sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "268435456\n");
	expect_room(262144, 262144);
	put("/proc/self/cgroup", "12:memoryless:/docker/0123\n\nnonsense\n1:\n");
	expect_room(UINT64_MAX, UINT64_MAX);
}

static void
expect_cost(uint64_t free_kib, uint64_t ns_per_mib, unsigned passes, unsigned kib)
{
	struct vk_kdf_room room = { free_kib, free_kib };
	unsigned p = 0, k = 0;

	vk_kdf_choose(&room, ns_per_mib, &p, &k);
	assert_int_equal(k, kib);
	assert_int_equal(p, passes);
}

static void
test_choose(void **state)
{
	const uint64_t gib = 1024 * 1024, ms = 1000000;

	(void)state;
	expect_cost(UINT64_MAX, ms / 2, 4, 262144); /* 128 ms a pass */
	expect_cost(gib, ms / 2, 4, 262144);
	expect_cost(gib, ms * 10, 3, 262144); /* slow: never fewer than three */
	expect_cost(gib, 1, 16, 262144);
	expect_cost(gib, 0, 16, 262144);
	expect_cost(gib - 1, ms / 2, 8, 131072);
	expect_cost(gib / 4, ms, 8, 65536);
	expect_cost(gib / 4, ms * 10, 2, 65536);
	expect_cost(gib / 8, ms, 16, 32768);
	expect_cost(gib / 16, ms, 16, 19456);
	expect_cost(0, ms * 100, 2, 19456);
}

/* On this machine: within the limits, and near the time that is meant. */
static void
test_calibrate(void **state)
{
	unsigned passes = 0, kib = 0;

	(void)state;
	assert_int_equal(vk_kdf_calibrate(&passes, &kib), VK_OK);
	assert_in_range(kib, VK_KDF_KIB_LEAST, 262144);
	assert_in_range(passes, VK_KDF_PASSES_LEAST, VK_KDF_PASSES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_room_v2, make_root, drop_root),
		cmocka_unit_test_setup_teardown(test_room_v1, make_root, drop_root),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_calibrate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
