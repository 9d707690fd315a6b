/* SPDX-License-Identifier: ISC */
/* mask_naive.h - masking said in the plainest way: what is covered by any form, and what could still become one. */
#ifndef MASK_NAIVE_H
#define MASK_NAIVE_H

#include <string.h>

#include "valetkey/mask.h"

static inline bool
naive_is_at(const struct vk_forms *f, size_t i, const char *p, size_t n)
{
	return f->v[i].n <= n && memcmp(p, vk_form_text(f, i), f->v[i].n) == 0;
}

/* ${out} holds ${n} bytes; returns how many are used. */
static inline size_t
naive_mask(const struct vk_forms *f, const char *p, size_t n, char *out)
{
	unsigned char *hide = calloc(n + 1, 1);
	size_t len = 0;

	for (size_t at = 0; at < n; at++)
		for (size_t i = 0; i < f->n; i++)
			if (naive_is_at(f, i, p + at, n - at))
				memset(hide + at, 1, f->v[i].n);
	for (size_t at = 0; at < n; at++) {
		if (!hide[at])
			out[len++] = p[at];
		else if (at == 0 || !hide[at - 1])
			for (const char *s = VK_MASK_TEXT; *s; s++)
				out[len++] = *s;
	}
	free(hide);
	return len;
}

/* How many bytes at the end of ${n} may begin a form and are in none: what must be held back, and no more. */
static inline size_t
naive_held(const struct vk_forms *f, const char *p, size_t n)
{
	size_t begin = n, covered = 0;

	for (size_t at = 0; at < n; at++)
		for (size_t i = 0; i < f->n; i++) {
			if (at + f->v[i].n > n && begin == n && memcmp(p + at, vk_form_text(f, i), n - at) == 0)
				begin = at;
			/* what begins before that is decided, and so is what touches it */
			if (naive_is_at(f, i, p + at, n - at) && at + f->v[i].n > covered && (at <= begin || at <= covered))
				covered = at + f->v[i].n;
		}
	return begin < covered ? n - covered : n - begin;
}

#endif
