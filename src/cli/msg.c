/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/cmd.h"

bool
vk_use_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* One write, so that lines of parallel helpers do not mix. */
static void
say(const char *label, const char *colour, const char *text)
{
	char line[2200];
	bool c = vk_use_colour(STDERR_FILENO);
	int n = snprintf(line, sizeof(line), "valetkey: %s%s%s%s\n",
	    c ? colour : "", label,
	    c && *colour ? "\033[0m" : "", text);

	if (n >= (int)sizeof(line)) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (n > 0)
		(void)!vk_write_full(STDERR_FILENO, line, (size_t)n);
}

int
vk_msg_fail(enum vk_err e)
{
	say("error: ", "\033[1;31m", *vk_reason() ? vk_reason() : vk_err_text(e));
	if (*vk_hint_text())
		say("hint: ", "\033[1m", vk_hint_text());
	return vk_err_exit(e);
}

static void VK_PRINTF(3, 0)
vsay(const char *label, const char *colour, const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	vk_str_printable(text, strlen(text));
	say(label, colour, text);
}

int
vk_msg_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("error: ", "\033[1;31m", fmt, ap);
	va_end(ap);
	return 2;
}

void
vk_msg_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("warning: ", "\033[1;33m", fmt, ap);
	va_end(ap);
}

void
vk_msg_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("", "", fmt, ap);
	va_end(ap);
}

int
vk_stdout_text(const char *text, size_t n)
{
	if (vk_write_full(STDOUT_FILENO, text, n) != VK_OK)
		return vk_msg_fail(VK_ESYS);
	return 0;
}

int
vk_stdout_report(const struct vk_buf *b)
{
	enum vk_err e = b->err;

	if (e == VK_OK)
		e = vk_write_full(STDOUT_FILENO, b->p, b->len);
	if (e == VK_OK)
		return 0;
	return vk_msg_fail(vk_fail(e, "what was asked for is done, but not reported: %s",
	    *vk_reason() ? vk_reason() : vk_err_text(e)));
}
