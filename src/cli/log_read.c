/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "proto/json.h"
#include "cli/log_read.h"

/* What is at hand of the file; a line is never longer than a half of it. */
struct window {
	char *p;
	size_t len, cap;
};

static bool
is_line(const json_t *j)
{
	return json_is_string(json_object_get(j, "time")) && json_is_string(json_object_get(j, "event")) &&
	    json_is_string(json_object_get(j, "result"));
}

/* Quotes inside a text are escaped, so that these bytes can only be where a line begins. */
static const char *
next_beginning(const char *s, size_t n)
{
	return n > 1 ? memmem(s + 1, n - 1, VK_LOG_BEGIN, sizeof(VK_LOG_BEGIN) - 1) : NULL;
}

static enum vk_err
take_line(struct vk_log_reader *r, const char *s, size_t n)
{
	while (n > 0) {
		VK_CLEANUP(vk_json_freep) json_t *j = NULL;
		enum vk_err e = n < VK_LOG_LINE_MAX ? vk_json_parse(s, n, &j) : VK_ELIMIT;
		const char *next;

		if (e == VK_ENOMEM)
			return e;
		if (e == VK_OK && is_line(j)) {
			r->lines++;
			return r->take(r->arg, s, n, j);
		}
		vk_reason_clear();
		r->damaged++;
		if (!(next = next_beginning(s, n)))
			return VK_OK;
		n -= (size_t)(next - s);
		s = next;
	}
	return VK_OK;
}

/* The lines of ${w} that are whole; all that is left, when the file has ended. */
static enum vk_err
take_lines(struct vk_log_reader *r, struct window *w, bool ended)
{
	const char *s = w->p, *end = w->p + w->len, *lf;
	enum vk_err e = VK_OK;

	while (e == VK_OK && s < end) {
		lf = memchr(s, '\n', (size_t)(end - s));
		/* One that does not end is not kept waiting for. */
		if (!lf && !ended && (s > w->p || w->len < w->cap))
			break;
		e = take_line(r, s, (size_t)((lf ? lf : end) - s));
		s = lf ? lf + 1 : end;
	}
	w->len = (size_t)(end - s);
	memmove(w->p, s, w->len);
	return e;
}

enum vk_err
vk_log_read_all(int fd, struct vk_log_reader *r)
{
	struct window w = { .p = malloc(2 * VK_LOG_LINE_MAX), .cap = 2 * VK_LOG_LINE_MAX };
	enum vk_err e = w.p ? VK_OK : VK_ENOMEM;
	bool ended = false;
	size_t n;

	while (e == VK_OK && !ended) {
		size_t room = w.cap - w.len;

		if ((e = vk_read_upto(fd, w.p + w.len, room, &n)) != VK_OK)
			break;
		ended = n < room;
		w.len += n;
		e = take_lines(r, &w, ended);
	}
	free(w.p);
	return e;
}
