/* SPDX-License-Identifier: ISC */
/*
 * A first-fit allocator inside one locked region.  Blocks lie back to back, each
 * with a header; free neighbours are joined while searching.  Helpers make a few
 * dozen allocations and live for a millisecond, so nothing cleverer pays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/secret.h"

/* Address space only: pages are touched, and then locked, as they are needed. */
#define ARENA_SIZE ((size_t)16 * 1024 * 1024)
#define GUARD ((size_t)65536) /* the largest page size Linux uses for small pages */
#define UNIT ((size_t)16)
#define LOCK_FIRST ((size_t)2 * 1024 * 1024)
#define LOCK_LEAST ((size_t)32 * 1024)

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

struct block {
	size_t size; /* payload bytes, a multiple of UNIT */
	size_t used; /* 0: free */
};

static char *base; /* NULL until first use */
static size_t top; /* bytes of the region that blocks occupy; beyond it nothing was touched */
static size_t locked; /* bytes at the start of the region that are locked */

void
vk_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

bool
vk_mem_eq(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char d = 0;

	for (size_t i = 0; i < n; i++)
		d |= (unsigned char)(x[i] ^ y[i]);
	return d == 0;
}

/*
 * The whole region counts against RLIMIT_MEMLOCK, touched or not (8 MiB by default, 64 KiB before
 * Linux 5.16), so a small start is locked, and the rest if it is ever used.
 */
static void
lock_upto(size_t want)
{
	for (size_t n = want; n >= LOCK_LEAST && n > locked; n /= 8)
		if (syscall(SYS_mlock2, base, n, MLOCK_ONFAULT) == 0)
			locked = n;
}

static bool
arena_start(void)
{
	char *p = mmap(NULL, ARENA_SIZE + 2 * GUARD, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	if (mprotect(p + GUARD, ARENA_SIZE, PROT_READ | PROT_WRITE) < 0) {
		munmap(p, ARENA_SIZE + 2 * GUARD);
		return false;
	}
	madvise(p + GUARD, ARENA_SIZE, MADV_DONTDUMP);
	base = p + GUARD;
	lock_upto(LOCK_FIRST);
	return true;
}

void *
vk_arena_alloc(size_t n)
{
	size_t want = (n + UNIT - 1) / UNIT * UNIT;
	struct block *b;

	if (n > ARENA_SIZE / 2 || (!base && !arena_start()))
		return NULL;
	if (want == 0)
		want = UNIT;
	for (size_t at = 0; at < top; at += sizeof(*b) + b->size) {
		b = (struct block *)(void *)(base + at);
		if (b->used)
			continue;
		/* join what was freed behind it */
		for (size_t next = at + sizeof(*b) + b->size; next < top;) {
			struct block *f = (struct block *)(void *)(base + next);

			if (f->used)
				break;
			b->size += sizeof(*f) + f->size;
			next += sizeof(*f) + f->size;
		}
		if (at + sizeof(*b) + b->size == top) {
			top = at; /* last block: give it back, allocate at the end below */
			break;
		}
		if (b->size < want)
			continue;
		if (b->size >= want + sizeof(*b) + UNIT) {
			struct block *rest = (struct block *)(void *)(base + at + sizeof(*b) + want);

			*rest = (struct block){ .size = b->size - want - sizeof(*b), .used = 0 };
			b->size = want;
		}
		b->used = 1;
		return b + 1;
	}
	if (ARENA_SIZE - top < sizeof(*b) + want)
		return NULL;
	b = (struct block *)(void *)(base + top);
	if (top + sizeof(*b) + want > LOCK_FIRST && locked == LOCK_FIRST)
		lock_upto(ARENA_SIZE);
	*b = (struct block){ .size = want, .used = 1 };
	top += sizeof(*b) + want;
	return b + 1;
}

void
vk_arena_free(void *p)
{
	struct block *b;

	if (!p)
		return;
	b = (struct block *)p - 1;
	if ((char *)p < base + sizeof(*b) || (char *)p >= base + top || b->used != 1)
		abort(); /* a double or foreign free of a secret is never survivable */
	vk_wipe(p, b->size);
	b->used = 0;
}

void
vk_arena_wipe(void)
{
	if (base)
		vk_wipe(base, top);
	top = 0;
}

bool
vk_arena_locked(void)
{
	return (base || arena_start()) && locked > 0 && locked >= top;
}
