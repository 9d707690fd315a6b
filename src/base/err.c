/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/base.h"

/* The program is single-threaded by design, so one reason per process is enough. */
static char reason[1024];
static char hint[1024];

enum vk_err
vk_fail(enum vk_err code, const char *fmt, ...)
{
	char text[sizeof(reason)];
	va_list ap;

	/* Through a second buffer: a caller may wrap the previous reason in a new one. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Its text alone: what lies behind it was somebody else's stack. */
	memcpy(reason, text, strlen(text) + 1);
	vk_str_printable(reason, strlen(reason));
	return code;
}

enum vk_err
vk_fail_errno(const char *fmt, ...)
{
	int err = errno;
	char text[sizeof(reason) - 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return vk_fail(err == ENOMEM ? VK_ENOMEM : VK_ESYS, "%s: %s", text, strerror(err));
}

void
vk_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	vk_str_printable(hint, strlen(hint));
}

const char *
vk_reason(void)
{
	return reason;
}

const char *
vk_hint_text(void)
{
	return hint;
}

void
vk_reason_clear(void)
{
	reason[0] = hint[0] = '\0';
}

/* Indexed by enum vk_err, in its order. */
static const struct {
	const char *text;
	int exit;
} outcomes[] = {
	{ "done", 0 },
	{ "not found", 1 },
	{ "bad usage", 2 },
	{ "malformed input", 2 },
	{ "input is too large", 2 },
	{ "already exists", 2 },
	{ "the keystore is locked", 3 },
	{ "this key does not open the keystore", 3 },
	{ "refused by policy", 4 },
	{ "the keystore is damaged", 5 },
	{ "unknown format version", 5 },
	{ "a source of secrets failed", 6 },
	{ "out of memory", 6 },
	{ "a system call failed", 6 },
};

const char *
vk_err_text(enum vk_err e)
{
	return (size_t)e < VK_COUNT(outcomes) ? outcomes[e].text : "unknown error";
}

int
vk_err_exit(enum vk_err e)
{
	return (size_t)e < VK_COUNT(outcomes) ? outcomes[e].exit : 6;
}
