/* SPDX-License-Identifier: ISC */
/*
 * secret.h - memory for secrets.
 *
 * One region per process: between two guard pages, left out of core dumps,
 * locked as far as RLIMIT_MEMLOCK lets it (pages are locked when first
 * touched, so an idle region costs nothing).  Freed pieces are wiped.  A child
 * made with fork() gets a copy and must exec, exit or wipe it.
 */
#ifndef VALETKEY_SECRET_H
#define VALETKEY_SECRET_H

#include <signal.h>

#include "valetkey/base.h"

/**
 * vk_harden():
 * Make this process not dumpable (no core, no ptrace, no /proc/PID/mem for
 * others of our user), set the core limit to 0, open /dev/null on closed
 * standard descriptors (closed again by exec; what is written to standard output then fails), block SIGPIPE, ignore
 * SIGXFSZ.  Called first in main().
 *
 * vk_harden_revert():
 * For a child before exec: put back what exec hands on, the soft core limit and SIGXFSZ.
 *
 * vk_harden_mask(ret):
 * The signal mask as our parent left it.
 */
void vk_harden(void);
void vk_harden_revert(void);
void vk_harden_mask(sigset_t *ret);

/** vk_arena_alloc(n), vk_arena_free(p): malloc and free inside the region; NULL when it is full. */
void *vk_arena_alloc(size_t n) VK_MUST;
void vk_arena_free(void *p);

/** vk_arena_freep(p): For VK_CLEANUP on pointers into the region. */
static inline void
vk_arena_freep(void *p)
{
	vk_arena_free(*(void **)p);
}

/** vk_arena_wipe(): Wipe everything in the region, before an exec or _exit. */
void vk_arena_wipe(void);

/**
 * vk_wipe_on_death():
 * From here on a signal that ends the process wipes the region first, and removes what vk_litter_add() names (io.h).
 * Done by vk_harden().
 */
void vk_wipe_on_death(void);

/**
 * vk_die_with(parent):
 * From here on the end of ${parent} is ours too, as if by SIGTERM: unlike SIGKILL by way of what wipes the region, and
 * also where somebody has stopped us.  SIGTERM and SIGCONT are not blocked any more.  false: it has ended already.
 */
bool vk_die_with(pid_t parent) VK_MUST;

/** vk_death_waits(): Is a signal blocked that will end us? */
bool vk_death_waits(void) VK_MUST;

/**
 * vk_death_hold(), vk_death_let():
 * Between the two, what others send to end us waits: a server has given what is not stored yet.  They do not nest; a
 * let without a hold is fine.
 */
void vk_death_hold(void);
void vk_death_let(void);

/** vk_arena_locked(): Did the lock on the region succeed?  For status and doctor. */
bool vk_arena_locked(void);

/** vk_arena_lock_again(): In a child made by fork(), which has the contents without the lock. */
void vk_arena_lock_again(void);

/** vk_wipe(p, n): Overwrite so that the compiler cannot leave it out. */
void vk_wipe(void *p, size_t n);

/**
 * vk_wipe_stack():
 * Overwrite what functions that have returned left below the caller's frame, as hashes and ciphers do.
 */
void vk_wipe_stack(void);

/** vk_wipe_registers(): What copying left in the vector registers; the two above do it too. */
void vk_wipe_registers(void);

/** vk_mem_eq(a, b, n): Constant-time compare. */
bool vk_mem_eq(const void *a, const void *b, size_t n) VK_MUST;

/* A secret: ${n} bytes at ${p}, in the arena, with a NUL after them that is not counted. */
struct vk_secret {
	char *p; /* NULL: there is none (which is not the same as an empty one) */
	size_t n;
};

/** vk_secret_set(s, bytes, n): Replace the contents by a copy. */
enum vk_err vk_secret_set(struct vk_secret *s, const void *bytes, size_t n) VK_MUST;

/** vk_secret_clear(s): Wipe and free; the secret is then absent. */
void vk_secret_clear(struct vk_secret *s);

/* A text buffer with a ceiling.  With ${secret} its bytes live in the arena. */
struct vk_buf {
	char *p;    /* always NUL-terminated once something was added; else NULL */
	size_t len; /* bytes used, without the NUL */
	size_t cap;
	size_t max; /* VK_ELIMIT beyond this */
	bool secret;
	enum vk_err err; /* first failure; later additions do nothing and return it */
};

/** VK_BUF(max), VK_BUF_SECRET(max): Initialisers.  Memory is taken at the first addition. */
#define VK_BUF(m) { .max = (m), .secret = false }
#define VK_BUF_SECRET(m) { .max = (m), .secret = true }

/**
 * vk_buf_add(b, bytes, n), vk_buf_str(b, s), vk_buf_char(b, c), vk_buf_fmt(b, fmt, ...):
 * Append.  The error sticks in ${b->err}: a run of additions is checked once, at its end.
 */
enum vk_err vk_buf_add(struct vk_buf *b, const void *bytes, size_t n);
enum vk_err vk_buf_str(struct vk_buf *b, const char *s);
enum vk_err vk_buf_char(struct vk_buf *b, char c);
enum vk_err vk_buf_fmt(struct vk_buf *b, const char *fmt, ...) VK_PRINTF(2, 3);

/** vk_buf_quote_sh(b, s): Append ${s} in single quotes, for sh. */
enum vk_err vk_buf_quote_sh(struct vk_buf *b, const char *s);

/** vk_buf_read(b, fd): Append all of ${fd} up to the ceiling; VK_ELIMIT when there is more. */
enum vk_err vk_buf_read(struct vk_buf *b, int fd) VK_MUST;

/** vk_buf_read_some(b, fd, ret_n): Append what one read() of ${fd} gives; 0 at its end. */
enum vk_err vk_buf_read_some(struct vk_buf *b, int fd, size_t *ret_n) VK_MUST;

/** vk_buf_clear(b): Wipe and free; keeps ceiling and home, so that ${b} can be used again. */
void vk_buf_clear(struct vk_buf *b);

#endif
