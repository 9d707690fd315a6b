/* SPDX-License-Identifier: ISC */
/* import_util.h - what a file was read as, written down as lines of text. */
#ifndef VK_TEST_IMPORT_UTIL_H
#define VK_TEST_IMPORT_UTIL_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/import.h"

static inline enum vk_err
write_cred(const struct vk_cred *c, uint64_t line, void *out)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);

	assert_non_null(url);
	assert_true(c->secret.n > 0 && !vk_str_has_control(c->secret.p, c->secret.n));
	assert_false(vk_str_has_control(c->username, strlen(c->username)));
	return vk_buf_fmt(out, "%" PRIu64 " %s %s'%s' '%s'%s%s\n", line, url,
	    c->kind == VK_KIND_BEARER ? c->authtype : "", c->username, c->secret.p,
	    *c->npm_scope ? " " : "", c->npm_scope);
}

static inline enum vk_err
write_left(const struct vk_import_left *l, void *out)
{
	return vk_buf_fmt(out, "%" PRIu64 " - %s: %s%s\n", l->line, l->what, l->why,
	    l->secret ? "" : " (no secret)");
}

/* ${step} bytes at a time; what came out, also when it ended with an error. */
static inline enum vk_err
read_in_steps(const char *format, const char *text, size_t n, size_t step, struct vk_buf *out)
{
	VK_CLEANUP(vk_import_freep) struct vk_import *im = NULL;
	const struct vk_import_sink sink = { write_cred, write_left, out };
	enum vk_err e = vk_import_new(format, &sink, &im);

	for (size_t at = 0; e == VK_OK && at < n; at += step)
		e = vk_import_feed(im, text + at, n - at < step ? n - at : step);
	return e == VK_OK ? vk_import_end(im) : e;
}

/* The file ${text} is read as ${expect}, however it is cut. */
static inline void
reads_n(const char *format, const char *text, size_t n, const char *expect)
{
	static const size_t steps[] = { 1, 2, 7, 4096 };

	for (size_t i = 0; i < VK_COUNT(steps); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE);

		assert_int_equal(read_in_steps(format, text, n, steps[i], &out), VK_OK);
		assert_string_equal(out.p ? out.p : "", expect);
	}
}

static inline void
reads(const char *format, const char *text, const char *expect)
{
	reads_n(format, text, strlen(text), expect);
}

#endif
