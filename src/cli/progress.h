/* SPDX-License-Identifier: ISC */
/*
 * progress.h - how far a long piece of work is, in one line on stderr that goes away at the end.
 * Nothing is shown where stderr is not a terminal, or one that is dumb, unless it is asked for: then in
 * lines that stay.  There is no colour in it.
 */
#ifndef VK_CLI_PROGRESS_H
#define VK_CLI_PROGRESS_H

#include "valetkey/base.h"

enum vk_bar_unit {
	VK_BAR_COUNT = 0, /* plain numbers */
	VK_BAR_BYTES,     /* shown in MiB */
};

struct vk_bar {
	const char *label; /* "reading"; borrowed */
	enum vk_bar_unit unit;
	bool on, lines;    /* shown at all; in lines that stay */
	int64_t started, drawn; /* milliseconds */
	size_t width;      /* of what is on the screen */
};

/**
 * vk_bar_begin(b, label, unit, always):
 * Begin a piece of work; nothing is drawn yet, so that short ones show nothing.  ${always}: also where
 * stderr is no terminal.
 */
void vk_bar_begin(struct vk_bar *b, const char *label, enum vk_bar_unit unit, bool always);

/**
 * vk_bar_update(b, done, total):
 * ${total} 0: not known.  Cheap; draws ten times in a second at most, lines once.
 */
void vk_bar_update(struct vk_bar *b, uint64_t done, uint64_t total);

/** vk_bar_end(b): The line goes away, so that messages stand alone.  The bar can be begun again. */
void vk_bar_end(struct vk_bar *b);

/** vk_bar_progress(done, total, bar): vk_bar_update() as a callback of struct vk_progress. */
void vk_bar_progress(uint64_t done, uint64_t total, void *bar);

#endif
