/* SPDX-License-Identifier: ISC */
/*
 * base.h - errors, attributes and limits that every floor shares.
 *
 * Functions of floors 0 to 6 never print and never exit.  They return an
 * enum vk_err; where a reader would ask "which one?" or "why?", they also leave
 * one sentence with vk_fail().  The command line prints it once.
 */
#ifndef VALETKEY_BASE_H
#define VALETKEY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define VK_MUST __attribute__((warn_unused_result))
#define VK_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define VK_NORETURN __attribute__((noreturn))
#define VK_CLEANUP(fn) __attribute__((cleanup(fn)))
#define VK_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Take a pointer out of a variable that would otherwise be released. */
#define VK_TAKE(p)                                                                                 \
	__extension__({                                                                            \
		__typeof__(p) vk_taken_ = (p);                                                     \
		(p) = NULL;                                                                        \
		vk_taken_;                                                                         \
	})

/* The closed set of outcomes.  vk_err_exit() gives the documented exit code of each. */
enum vk_err {
	VK_OK = 0,
	VK_ENOENT,   /* there is no such thing: an answer, not a failure                 exit 1 */
	VK_EUSAGE,   /* what the user asked for makes no sense                           exit 2 */
	VK_EPROTO,   /* malformed input from a peer, a file or a variable                exit 2 */
	VK_ELIMIT,   /* input larger than the documented limit                           exit 2 */
	VK_EEXIST,   /* would overwrite something that is there                          exit 2 */
	VK_ELOCKED,  /* the keystore is locked: no key to open it was found              exit 3 */
	VK_EKEY,     /* a key or passphrase was given and is not the right one           exit 3 */
	VK_EPOLICY,  /* refused: config, permissions, rung or matching rules forbid it   exit 4 */
	VK_ETAMPER,  /* damaged or tampered with                                         exit 5 */
	VK_EVERSION, /* a format or feature that this version does not know              exit 5 */
	VK_EBACKEND, /* a source (file, variable, program) failed                        exit 6 */
	VK_ENOMEM,   /* out of memory, or of locked memory                               exit 6 */
	VK_ESYS,     /* a system call failed; the reason names it                        exit 6 */
};

/* Limits on what comes from outside.  Nothing in the program reads without one. */
enum {
	VK_MAX_LINE = 65535,          /* one git credential line, LF included                */
	VK_MAX_INPUT = 1024 * 1024,   /* all of a helper's stdin                             */
	VK_MAX_SECRET = 64 * 1024,    /* one secret                                          */
	VK_MAX_FIELD = 8192,          /* host, path, username, name ... each                 */
	VK_MAX_FILE = 4 * 1024 * 1024, /* a user's config file that is read or merged        */
};

/**
 * vk_fail(code, fmt, ...):
 * Record the sentence ${fmt} as the reason of a failure and return ${code}, so
 * that "return vk_fail(...)" reads well.  The latest reason wins.  No secret may
 * be in it.  Control characters are replaced when it is recorded.
 */
enum vk_err vk_fail(enum vk_err code, const char *fmt, ...) VK_PRINTF(2, 3);

/**
 * vk_fail_errno(fmt, ...):
 * The same for a failed system call: appends ": " and the text of errno, returns
 * VK_ESYS (VK_ENOMEM for ENOMEM).
 */
enum vk_err vk_fail_errno(const char *fmt, ...) VK_PRINTF(1, 2);

/** vk_hint(fmt, ...): Record the next step for the user; printed after the reason. */
void vk_hint(const char *fmt, ...) VK_PRINTF(1, 2);

/** vk_reason(), vk_hint_text(): What was recorded; "" if nothing. */
const char *vk_reason(void);
const char *vk_hint_text(void);

/** vk_reason_clear(): Forget reason and hint, where a failure was handled. */
void vk_reason_clear(void);

/** vk_err_text(e): A plain sentence for ${e}, for when no reason was recorded. */
const char *vk_err_text(enum vk_err e);

/** vk_err_exit(e): The documented exit code of ${e}. */
int vk_err_exit(enum vk_err e);

/* Text helpers (str.c).  All are locale-free. */

/** vk_strdup(s): strdup; NULL when out of memory. */
char *vk_strdup(const char *s) VK_MUST;

/** vk_asprintf(fmt, ...): A new heap string; NULL when out of memory. */
char *vk_asprintf(const char *fmt, ...) VK_PRINTF(1, 2) VK_MUST;

/** vk_str_has_control(s, n): Is any of the ${n} bytes a control byte (< 0x20 or 0x7f)? */
bool vk_str_has_control(const char *s, size_t n) VK_MUST;

/** vk_str_lower(s): ASCII lower case, in place. */
void vk_str_lower(char *s);

/** vk_str_ieq(a, b): Equal without regard to ASCII case? */
bool vk_str_ieq(const char *a, const char *b) VK_MUST;

/** vk_str_starts(s, prefix), vk_str_ends(s, suffix) */
bool vk_str_starts(const char *s, const char *prefix) VK_MUST;
bool vk_str_ends(const char *s, const char *suffix) VK_MUST;

/** vk_str_printable(s, n): Make ${n} bytes fit for a terminal in place: control bytes become '?'. */
void vk_str_printable(char *s, size_t n);

/** vk_str_u64(s, max, ret_value): Whole string is a decimal number <= ${max}? */
enum vk_err vk_str_u64(const char *s, uint64_t max, uint64_t *ret_value) VK_MUST;

/** vk_str_ifind(p, n, what): The first ${what} in ${n} bytes, without regard to the case of ASCII letters; or NULL. */
const char *vk_str_ifind(const char *p, size_t n, const char *what) VK_MUST;

/** vk_stamp(t, out): Seconds since the epoch as "2026-11-28T20:00:00Z" (RFC 3339); false: not in the years 0 to 9999 */
enum { VK_STAMP_TEXT = 24 };
bool vk_stamp(int64_t t, char out[VK_STAMP_TEXT]);

/** vk_now_ms(): Milliseconds of a clock that nobody sets, which stands while the machine sleeps. */
int64_t vk_now_ms(void) VK_MUST;

/** vk_base64_encode(in, n, out): Standard alphabet with padding; ${out} holds VK_BASE64_LEN(n) and a NUL. */
#define VK_BASE64_LEN(n) (((n) + 2) / 3 * 4)
void vk_base64_encode(const unsigned char *in, size_t n, char *out);

/**
 * vk_base64_decode(in, n, out, ret_len):
 * The same alphabet; the padding may be missing, anything else is VK_EPROTO.  ${out} holds
 * VK_BASE64_ROOM(n) bytes, and is wiped by the caller.
 */
#define VK_BASE64_ROOM(n) ((n) / 4 * 3 + 3)
enum vk_err vk_base64_decode(const char *in, size_t n, unsigned char *out, size_t *ret_len) VK_MUST;

/** vk_freep(p): For VK_CLEANUP on heap pointers. */
static inline void
vk_freep(void *p)
{
	free(*(void **)p);
}

#endif
