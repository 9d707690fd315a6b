/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/progress.h"

enum {
	DRAW_MS = 100,  /* between two drawings ... */
	LINE_MS = 1000, /* ... or lines that stay */
	FIRST_MS = 300, /* what is done by then is not worth a line */
	LEFT_MS = 2000, /* before that, how long it will take is a guess */
	LINE = 100,
};

void
vk_bar_begin(struct vk_bar *b, const char *label, enum vk_bar_unit unit, bool always)
{
	const char *term = getenv("TERM");
	bool redraws = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;

	*b = (struct vk_bar){ .label = label, .unit = unit, .on = redraws || always, .lines = !redraws };
	if (b->on)
		b->started = vk_now_ms();
}

/* "12 s left", "" when that cannot be told yet. */
static void
time_left(const struct vk_bar *b, int64_t t, uint64_t done, uint64_t total, char *out, size_t n)
{
	int64_t gone = t - b->started;
	double left;

	out[0] = '\0';
	if (total == 0 || done == 0 || done > total || gone < LEFT_MS)
		return;
	left = (double)gone / 1000 * ((double)(total - done) / (double)done);
	if (left < 90)
		snprintf(out, n, ", %d s left", (int)left + 1);
	else if (left < 90 * 60)
		snprintf(out, n, ", %d min left", (int)(left / 60) + 1);
	else
		snprintf(out, n, ", more than an hour left");
}

static int
amounts(const struct vk_bar *b, uint64_t done, uint64_t total, char *out, size_t n)
{
	const double mib = 1024 * 1024;

	if (b->unit == VK_BAR_COUNT)
		return total ? snprintf(out, n, "%" PRIu64 " of %" PRIu64, done, total)
			     : snprintf(out, n, "%" PRIu64, done);
	return total ? snprintf(out, n, "%.1f of %.1f MiB", (double)done / mib, (double)total / mib)
		     : snprintf(out, n, "%.1f MiB", (double)done / mib);
}

static void
draw(struct vk_bar *b, int64_t t, uint64_t done, uint64_t total)
{
	char line[LINE + 8], numbers[64], left[40];
	unsigned percent = total ? (unsigned)((double)(done < total ? done : total) / (double)total * 100) : 0;
	int n;

	amounts(b, done, total, numbers, sizeof(numbers));
	time_left(b, t, done, total, left, sizeof(left));
	n = total ? snprintf(line, LINE, "%s%s %3u%%  %s%s", b->lines ? "" : "\r", b->label, percent, numbers,
			left)
		  : snprintf(line, LINE, "%s%s  %s", b->lines ? "" : "\r", b->label, numbers);
	if (n < 0)
		return;
	n = n < LINE ? n : LINE - 1;
	/* What was longer before is blanked. */
	while (!b->lines && (size_t)n < b->width && n < LINE - 1)
		line[n++] = ' ';
	b->width = (size_t)n;
	if (b->lines)
		line[n++] = '\n';
	(void)!vk_write_full(STDERR_FILENO, line, (size_t)n);
}

void
vk_bar_update(struct vk_bar *b, uint64_t done, uint64_t total)
{
	int64_t t;

	if (!b->on)
		return;
	t = vk_now_ms();
	if (t - b->started < FIRST_MS || t - b->drawn < (b->lines ? LINE_MS : DRAW_MS))
		return;
	b->drawn = t;
	draw(b, t, done, total);
}

void
vk_bar_end(struct vk_bar *b)
{
	char line[LINE + 8];

	if (b->on && !b->lines && b->width > 0) {
		memset(line, ' ', sizeof(line));
		line[0] = line[b->width] = '\r';
		(void)!vk_write_full(STDERR_FILENO, line, b->width + 1);
	}
	b->on = false;
}

void
vk_bar_progress(uint64_t done, uint64_t total, void *bar)
{
	vk_bar_update(bar, done, total);
}
