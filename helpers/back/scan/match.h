/* SPDX-License-Identifier: ISC */
/*
 * match.h - finding many texts at once: the window of Wu and Manber, "A fast algorithm for multi-pattern searching"
 * (1994), with blocks of four bytes.  The window is as long as the shortest text, and most blocks of what is searched
 * are in no text, so that nearly its length is skipped at each step; tokens are long.
 */
#ifndef VK_SCAN_MATCH_H
#define VK_SCAN_MATCH_H

#include "valetkey/scan.h"

struct vk_candidate;

/* Everything in the arena; the texts are borrowed. */
struct vk_matcher {
	const struct vk_scan_form *forms;
	size_t n;
	size_t longest;
	size_t window;
	unsigned shift_bits;
	uint8_t *skip;                /* by hash of a block: how far to go on; 0: look */
	uint16_t *first;              /* by hash: 1 + the first candidate whose window ends with the block; 0: none */
	struct vk_candidate *candidates;
};

/** vk_matcher_init(m, forms, n): ${n} is up to VK_FORMS_MAX. */
enum vk_err vk_matcher_init(struct vk_matcher *m, const struct vk_scan_form *forms, size_t n) VK_MUST;
void vk_matcher_clear(struct vk_matcher *m);

/**
 * vk_match(m, p, n, known, found, arg):
 * Call ${found} with each text in ${p} that ends behind its first ${known} bytes, in no particular order.
 */
void vk_match(const struct vk_matcher *m, const char *p, size_t n, size_t known,
    void (*found)(size_t at, size_t form, void *arg), void *arg);

#endif
