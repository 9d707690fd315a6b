/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/secret.h"

static void
give_back(const struct vk_buf *b, char *p, size_t n)
{
	if (!p)
		return;
	if (b->secret) {
		vk_arena_free(p);
	} else {
		/* Plain buffers are wiped as well: what becomes secret is not always known early. */
		vk_wipe(p, n);
		free(p);
	}
}

/* Make room for ${n} more bytes and a NUL. */
static enum vk_err
reserve(struct vk_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 240;
	char *p;

	if (b->err != VK_OK)
		return b->err;
	if (n > b->max || b->len > b->max - n)
		return b->err = vk_fail(VK_ELIMIT, "more than %zu bytes", b->max);
	if (b->p && b->len + n < b->cap)
		return VK_OK;
	while (cap <= b->len + n)
		cap *= 2;
	if (!(p = b->secret ? vk_arena_alloc(cap) : malloc(cap)))
		return b->err = VK_ENOMEM;
	if (b->p)
		memcpy(p, b->p, b->len);
	p[b->len] = '\0';
	give_back(b, b->p, b->cap);
	b->p = p;
	b->cap = cap;
	return VK_OK;
}

enum vk_err
vk_buf_add(struct vk_buf *b, const void *bytes, size_t n)
{
	enum vk_err e = reserve(b, n);

	if (e != VK_OK)
		return e;
	if (n)
		memcpy(b->p + b->len, bytes, n);
	b->len += n;
	b->p[b->len] = '\0';
	return VK_OK;
}

enum vk_err
vk_buf_str(struct vk_buf *b, const char *s)
{
	return vk_buf_add(b, s, strlen(s));
}

enum vk_err
vk_buf_char(struct vk_buf *b, char c)
{
	return vk_buf_add(b, &c, 1);
}

enum vk_err
vk_buf_fmt(struct vk_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	enum vk_err e;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	e = n < 0 ? (b->err = VK_EUSAGE) : reserve(b, (size_t)n);
	if (e == VK_OK) {
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return e;
}

enum vk_err
vk_buf_read(struct vk_buf *b, int fd)
{
	while (b->err == VK_OK) {
		size_t room;
		ssize_t r;
		enum vk_err e;

		/* Room for one byte more than allowed tells "exactly full" from "too much". */
		if (b->len == b->max) {
			char one;

			while ((r = read(fd, &one, 1)) < 0 && errno == EINTR)
				;
			vk_wipe(&one, 1);
			if (r == 0)
				return VK_OK;
			return b->err = r < 0 ? vk_fail_errno("cannot read")
					      : vk_fail(VK_ELIMIT, "more than %zu bytes", b->max);
		}
		if ((e = reserve(b, 1)) != VK_OK)
			return e;
		room = b->cap - 1 - b->len;
		if (room > b->max - b->len)
			room = b->max - b->len;
		r = read(fd, b->p + b->len, room);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return b->err = vk_fail_errno("cannot read");
		if (r == 0)
			return VK_OK;
		b->len += (size_t)r;
		b->p[b->len] = '\0';
	}
	return b->err;
}

void
vk_buf_clear(struct vk_buf *b)
{
	give_back(b, b->p, b->cap);
	*b = (struct vk_buf){ .max = b->max, .secret = b->secret };
}
