/* SPDX-License-Identifier: ISC */
/*
 * memory.h - look for byte strings in everything that a stopped process can read.
 */
#ifndef VK_HYGIENE_MEMORY_H
#define VK_HYGIENE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PATTERNS_MAX = 1024,
	PATTERN_MAX = 256,
	WINDOW = 8, /* so many bytes in a row are a find: a copy in pieces is still one */
	PLACE_MAX = 64,
};

/* How much was looked through. */
struct effort {
	unsigned long stops, pages, bytes;
};

/* What is said of a region that is left out of dumps: the arena, and memory files of a run. */
struct shelter {
	unsigned long kib, locked_kib;
};

/**
 * patterns_read(file):
 * Lines "NAME HEX".  A NAME ending in "*" is a key: its 32-bit words, each four times over, are looked for as
 * well, which is how vector code holds them.
 */
void patterns_read(const char *file);

/** A find: ${n} bytes of pattern ${name} in ${place}. */
typedef void on_find(const char *place, const char *name, size_t n);

/**
 * memory_search(pid, registers, find, effort, shelter):
 * The pages of ${pid} that are there, but for those of files that it cannot have changed, and its ${registers}.
 * Places: "dontdump", "registers", "environment", "arguments", "stack", "stack (dead)", "heap", "data", or what
 * /proc/PID/maps calls it.
 */
void memory_search(pid_t pid, bool registers, on_find *find, struct effort *effort, struct shelter *shelter);

#endif
