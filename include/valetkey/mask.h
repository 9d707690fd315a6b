/* SPDX-License-Identifier: ISC */
/*
 * mask.h - hide every form of some secrets in a stream of bytes.
 *
 * One automaton (Aho and Corasick, "Efficient string matching", CACM 18(6), 1975) looks for all forms at once.  Each
 * run of bytes that belong to a form, or to several that overlap or touch, becomes VK_MASK_TEXT.  Bytes are bytes:
 * nothing is decoded, and lines mean nothing.
 *
 * What is held back at the end of a piece is exactly what may be the beginning of a form: no byte more, so that a
 * prompt appears at once, and none less, however long the rest takes to come.
 */
#ifndef VALETKEY_MASK_H
#define VALETKEY_MASK_H

#include "valetkey/forms.h"

#define VK_MASK_TEXT "***"

/* The forms, ready to be looked for.  Read only: streams share it.  Lies in the arena. */
struct vk_mask;

/** vk_mask_make(f, ret): VK_ELIMIT when the forms are too long in sum; with no form, nothing is ever found. */
enum vk_err vk_mask_make(const struct vk_forms *f, struct vk_mask **ret) VK_MUST;

/** vk_mask_free(m): Wipe and free. */
void vk_mask_free(struct vk_mask *m);

/**
 * vk_mask_rescue(m, ret):
 * For a process that needs nothing else any more: a copy in pages of its own, locked where that is allowed and in no
 * core; then everything in the arena is wiped.
 *
 * vk_mask_forget(m): Wipe such a copy.
 */
enum vk_err vk_mask_rescue(const struct vk_mask *m, struct vk_mask **ret) VK_MUST;
void vk_mask_forget(struct vk_mask *m);

/**
 * vk_mask_share(m, ret, ret_fd):
 * A copy for another process, which makes one of its own from ${ret_fd}, a file in memory, by vk_mask_load().  ${ret}
 * is for vk_mask_forget() alone: afterwards nobody can load it.
 */
enum vk_err vk_mask_share(const struct vk_mask *m, struct vk_mask **ret, int *ret_fd) VK_MUST;
enum vk_err vk_mask_load(int fd, struct vk_mask **ret) VK_MUST;

/** vk_mask_longest(m): The length of the longest form.  Less than that is held back. */
size_t vk_mask_longest(const struct vk_mask *m) VK_MUST;

/* A found form, or several in one. */
struct vk_mask_span {
	size_t at, end;
};

/* Where we are in one stream. */
struct vk_mask_stream {
	const struct vk_mask *mask;
	uint32_t state;
	size_t held;
	bool hidden;               /* the last byte before those held was hidden */
	struct vk_mask_span *span; /* heap: what was found in the held bytes */
	size_t n_spans, max_spans;
};

/** vk_mask_begin(m, ret): At the start of a stream.  ${m} must stay until vk_mask_end(). */
enum vk_err vk_mask_begin(const struct vk_mask *m, struct vk_mask_stream *ret) VK_MUST;

/**
 * vk_mask_feed(s, buf, n, last, ret_ready):
 * Of the ${n} bytes at ${buf} the first ${s->held} are those that the last call held back, and the others are new.
 * Afterwards the first ${ret_ready} bytes at ${buf} are ready to be written, and the last ${s->held} of the ${n} must
 * be the first of the next call.  With ${last} the stream ends and nothing is held.
 */
void vk_mask_feed(struct vk_mask_stream *s, char *buf, size_t n, bool last, size_t *ret_ready);

/**
 * vk_mask_extend(s, m):
 * From here on with ${m}, which was made from the forms that the present one was made from, in their order, and more
 * after them.
 */
enum vk_err vk_mask_extend(struct vk_mask_stream *s, const struct vk_mask *m) VK_MUST;

/** vk_mask_end(s): Free what the stream has; twice is fine. */
void vk_mask_end(struct vk_mask_stream *s);

#endif
