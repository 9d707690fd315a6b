/* SPDX-License-Identifier: ISC */
/* Text buffers keep their ceiling, their first error and their NUL, whatever is thrown at them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "valetkey/secret.h"

static void
test_ceiling(void **state)
{
	(void)state;
	for (int secret = 0; secret < 2; secret++)
		for (size_t max = 0; max < 600; max += max < 4 ? 1 : 37) {
			struct vk_buf b = { .max = max, .secret = secret };

			for (size_t i = 0; i < max; i++)
				assert_int_equal(vk_buf_char(&b, (char)('a' + i % 26)), VK_OK);
			assert_int_equal(b.len, max);
			assert_int_equal(vk_buf_add(&b, "", 0), VK_OK);
			assert_int_equal(vk_buf_char(&b, 'x'), VK_ELIMIT);
			assert_int_equal(b.len, max);
			/* the error sticks, also for what would fit */
			assert_int_equal(vk_buf_add(&b, "", 0), VK_ELIMIT);
			assert_int_equal(vk_buf_fmt(&b, "%s", ""), VK_ELIMIT);
			for (size_t i = 0; i < max; i++)
				assert_int_equal(b.p[i], 'a' + i % 26);
			if (b.p)
				assert_int_equal(b.p[max], '\0');
			vk_buf_clear(&b);
			assert_null(b.p);
			assert_int_equal(vk_buf_add(&b, "", 0), VK_OK);
			vk_buf_clear(&b);
		}
}

static void
test_huge(void **state)
{
	struct vk_buf b = VK_BUF(SIZE_MAX), c = VK_BUF_SECRET(SIZE_MAX);

	(void)state;
	assert_int_equal(vk_buf_str(&c, "x"), VK_OK);
	assert_int_equal(vk_buf_add(&c, NULL, (size_t)64 * 1024 * 1024), VK_ENOMEM);
	assert_string_equal(c.p, "x");
	vk_buf_clear(&c);
	assert_int_equal(vk_buf_str(&b, "x"), VK_OK);
	assert_int_equal(vk_buf_str(&b, ""), VK_OK);
	vk_buf_clear(&b);
}

static void
test_format(void **state)
{
	struct vk_buf b = VK_BUF(1000);
	char wide[900];

	(void)state;
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(vk_buf_fmt(&b, "%d-%s", 42, "x"), VK_OK);
	assert_int_equal(vk_buf_fmt(&b, "%s", wide), VK_OK);
	assert_int_equal(b.len, 4 + sizeof(wide) - 1);
	assert_memory_equal(b.p, "42-xwww", 7);
	assert_int_equal(vk_buf_fmt(&b, "%s", wide), VK_ELIMIT);
	assert_int_equal(strlen(b.p), b.len);
	vk_buf_clear(&b);
}

/* A pipe that holds ${n} bytes. */
static int
pipe_with(size_t n)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(write(fd[1], &"0123456789"[i % 10], 1), 1);
	close(fd[1]);
	return fd[0];
}

static void
test_read(void **state)
{
	static const size_t sizes[] = { 0, 1, 239, 240, 241, 479, 480, 1000 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(sizes); i++)
		for (size_t max = sizes[i] > 2 ? sizes[i] - 2 : 0; max <= sizes[i] + 2; max++) {
			struct vk_buf b = VK_BUF_SECRET(max);
			int fd = pipe_with(sizes[i]);
			enum vk_err e = vk_buf_read(&b, fd);

			assert_int_equal(e, max < sizes[i] ? VK_ELIMIT : VK_OK);
			assert_int_equal(b.len, max < sizes[i] ? max : sizes[i]);
			/* nothing is read after a failure */
			if (e != VK_OK)
				assert_int_equal(vk_buf_read(&b, -1), VK_ELIMIT);
			close(fd);
			vk_buf_clear(&b);
		}
	struct vk_buf b = VK_BUF(10);

	assert_int_equal(vk_buf_read(&b, -1), VK_ESYS);
	vk_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
