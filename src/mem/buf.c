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
vk_buf_quote_sh(struct vk_buf *b, const char *s)
{
	vk_buf_char(b, '\'');
	for (; *s; s++)
		if (*s == '\'')
			vk_buf_str(b, "'\\''");
		else
			vk_buf_char(b, *s);
	return vk_buf_char(b, '\'');
}

static ssize_t
read_once(int fd, void *p, size_t n)
{
	ssize_t r;

	while ((r = read(fd, p, n)) < 0 && errno == EINTR)
		;
	return r;
}

enum vk_err
vk_buf_read_some(struct vk_buf *b, int fd, size_t *ret_n)
{
	size_t room;
	ssize_t r;
	char one;

	/* Room for one byte more than allowed tells "exactly full" from "too much". */
	if (b->err == VK_OK && b->len == b->max) {
		if ((r = read_once(fd, &one, 1)) > 0)
			b->err = vk_fail(VK_ELIMIT, "more than %zu bytes", b->max);
		vk_wipe(&one, 1);
	} else if (reserve(b, 1) == VK_OK) {
		room = b->cap - 1 - b->len;
		if (room > b->max - b->len)
			room = b->max - b->len;
		if ((r = read_once(fd, b->p + b->len, room)) > 0)
			b->len += (size_t)r;
		b->p[b->len] = '\0';
	} else {
		return b->err;
	}
	if (r < 0)
		b->err = vk_fail_errno("cannot read");
	else if (b->err == VK_OK)
		*ret_n = (size_t)r;
	return b->err;
}

enum vk_err
vk_buf_read(struct vk_buf *b, int fd)
{
	size_t n = 1;
	enum vk_err e = b->err;

	while (e == VK_OK && n > 0)
		e = vk_buf_read_some(b, fd, &n);
	return e;
}

void
vk_buf_clear(struct vk_buf *b)
{
	give_back(b, b->p, b->cap);
	*b = (struct vk_buf){ .max = b->max, .secret = b->secret };
}
