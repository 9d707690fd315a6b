/* SPDX-License-Identifier: ISC */
/*
 * A first-fit allocator inside one locked region.  Blocks lie back to back, each
 * with a header; the free ones are listed, and joined with free neighbours while
 * searching.  Helpers make a few dozen allocations and live for a millisecond, so nothing
 * cleverer pays; but a list of 100,000 secrets must not cost a walk over all of them for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/secret.h"

/* Address space only: pages are touched, and then locked, as they are needed. */
#define ARENA_SIZE ((size_t)64 * 1024 * 1024)
#define GUARD ((size_t)65536) /* the largest page size Linux uses for small pages */
#define UNIT ((size_t)16)
#define LOCK_FIRST ((size_t)2 * 1024 * 1024)
#define STACK ((size_t)2048) /* more than any hash or cipher takes */
#define LOCK_LEAST ((size_t)32 * 1024)

/* What a caller of ours need not keep is zero when we return: vector code leaves keys there. */
#if defined(__has_attribute)
#if __has_attribute(zero_call_used_regs)
#define ZERO_REGISTERS __attribute__((zero_call_used_regs("all")))
#endif
#endif
#ifndef ZERO_REGISTERS
#define ZERO_REGISTERS
#endif

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

/* What says that a header is one: unlikely in a secret, where a wrong pointer would look for it. */
enum { FREE = 0x66726565, USED = 0x75736564 };

#define NONE UINT32_MAX

struct block {
	uint32_t size; /* payload bytes, a multiple of UNIT */
	uint32_t used; /* FREE or USED */
	uint32_t next, prev; /* in the list of free ones: places in the region, or NONE */
};

static char *base; /* NULL until first use */
static size_t top; /* bytes of the region that blocks occupy */
static size_t peak; /* the most they ever did: beyond it nothing was touched */
static uint32_t holes = NONE; /* the list of free blocks */
static size_t locked; /* bytes at the start of the region that are locked */

void
vk_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

ZERO_REGISTERS __attribute__((noinline)) void
vk_wipe_stack(void)
{
	char below[STACK];

	explicit_bzero(below, sizeof(below));
	vk_wipe_registers();
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

void
vk_arena_lock_again(void)
{
	size_t had = locked;

	locked = 0;
	if (base)
		lock_upto(had);
}

static struct block *
block_at(size_t at)
{
	return (struct block *)(void *)(base + at);
}

static size_t
place_of(const struct block *b)
{
	return (size_t)((const char *)b - base);
}

static size_t
end_of(const struct block *b)
{
	return place_of(b) + sizeof(*b) + b->size;
}

static void
link_hole(struct block *b)
{
	b->used = FREE;
	b->prev = NONE;
	b->next = holes;
	if (holes != NONE)
		block_at(holes)->prev = (uint32_t)place_of(b);
	holes = (uint32_t)place_of(b);
}

static void
unlink_hole(struct block *b)
{
	if (b->next != NONE)
		block_at(b->next)->prev = b->prev;
	if (b->prev != NONE)
		block_at(b->prev)->next = b->next;
	else
		holes = b->next;
}

/* A free block of ${want} bytes, out of the list and cut to size; NULL when there is none. */
static struct block *
reuse(size_t want)
{
	for (uint32_t at = holes; at != NONE;) {
		struct block *b = block_at(at);

		while (end_of(b) < top && block_at(end_of(b))->used == FREE) {
			struct block *behind = block_at(end_of(b));

			unlink_hole(behind);
			b->size += (uint32_t)sizeof(*b) + behind->size;
		}
		at = b->next;
		if (end_of(b) == top) {
			/* the last block: back to the rest */
			unlink_hole(b);
			top = place_of(b);
			continue;
		}
		if (b->size < want)
			continue;
		unlink_hole(b);
		if (b->size >= want + sizeof(*b) + UNIT) {
			struct block *rest = block_at(place_of(b) + sizeof(*b) + want);

			rest->size = b->size - (uint32_t)(want + sizeof(*b));
			b->size = (uint32_t)want;
			link_hole(rest);
		}
		return b;
	}
	return NULL;
}

void *
vk_arena_alloc(size_t n)
{
	size_t want = n == 0 ? UNIT : (n + UNIT - 1) / UNIT * UNIT;
	struct block *b;

	if (n > ARENA_SIZE / 2 || (!base && !arena_start()))
		return NULL;
	if (!(b = reuse(want))) {
		if (ARENA_SIZE - top < sizeof(*b) + want)
			return NULL;
		if (top + sizeof(*b) + want > LOCK_FIRST && locked == LOCK_FIRST)
			lock_upto(ARENA_SIZE);
		b = block_at(top);
		b->size = (uint32_t)want;
		top += sizeof(*b) + want;
		peak = top > peak ? top : peak;
	}
	b->used = USED;
	return b + 1;
}

void
vk_arena_free(void *p)
{
	struct block *b;

	if (!p)
		return;
	b = (struct block *)p - 1;
	if ((char *)p < base + sizeof(*b) || (char *)p >= base + top || b->used != USED)
		abort(); /* a double or foreign free of a secret is never survivable */
	vk_wipe(p, b->size);
	link_hole(b);
}

ZERO_REGISTERS void
vk_arena_wipe(void)
{
	if (base)
		vk_wipe(base, top);
	vk_wipe_registers();
	top = 0;
	holes = NONE;
}

bool
vk_arena_locked(void)
{
	return (base || arena_start()) && locked > 0 && locked >= peak;
}
