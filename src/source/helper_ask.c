/* SPDX-License-Identifier: ISC */
/* Requests and answers as docs/HELPER.md has them. */
#include <errno.h>
#include <string.h>

#include "source/helper_call.h"
#include "source/value.h"

static const struct {
	const char *code;
	enum vk_err e;
	const char *text; /* NULL: what the caller says */
} codes[] = {
	{ "not-found", VK_ENOENT, NULL },
	{ "locked", VK_ELOCKED, "has to be unlocked first" },
	{ "denied", VK_EPOLICY, "refuses" },
	{ "unavailable", VK_EBACKEND, "cannot reach its store" },
	{ "failed", VK_EBACKEND, "failed" },
};

static enum vk_err
not_understood(const struct vk_helper *h)
{
	return vk_fail(VK_EBACKEND, "valetkey-%s answers what is not understood", h->program);
}

/* ${line}: what follows "error ". */
static enum vk_err
refused(const struct vk_helper *h, const char *line, size_t n)
{
	for (size_t i = 0; i < VK_COUNT(codes); i++) {
		size_t len = strlen(codes[i].code);

		if (n < len || strncmp(line, codes[i].code, len) != 0 || (n > len && line[len] != ' '))
			continue;
		n -= n > len ? len + 1 : len;
		return vk_fail(codes[i].e, "valetkey-%s %s%s%.*s", h->program, codes[i].text ? codes[i].text : h->none,
		    n ? ": " : "", (int)(n > 200 ? 200 : n), line + len + 1);
	}
	return not_understood(h);
}

static enum vk_err
take(const struct vk_helper *h, const char *line, size_t n, struct vk_helper_attr *attrs, size_t n_attrs)
{
	for (size_t i = 0; i < n_attrs; i++) {
		size_t len = strlen(attrs[i].name);

		if (n <= len || strncmp(line, attrs[i].name, len) != 0 || line[len] != '=')
			continue;
		if (attrs[i].p)
			return not_understood(h);
		attrs[i].p = line + len + 1;
		attrs[i].n = n - len - 1;
		return VK_OK;
	}
	return not_understood(h);
}

/* An answer is a first line, attributes, and an empty line, which ends it. */
static enum vk_err
parse(const struct vk_helper *h, const struct vk_buf *answer, int status, struct vk_helper_attr *attrs, size_t n_attrs)
{
	const char *p = answer->p ? answer->p : "", *end = p + answer->len, *lf;
	enum vk_err e = VK_OK;

	if (status == 127 && answer->len == 0)
		return vk_fail(VK_EBACKEND, "valetkey-%s cannot be started", h->program);
	if (answer->len < 2 || end[-1] != '\n' || end[-2] != '\n' || memchr(p, '\0', answer->len))
		return not_understood(h);
	end--;
	lf = strchr(p, '\n');
	if (vk_str_starts(p, "error ") && lf + 1 == end)
		return refused(h, p + strlen("error "), (size_t)(lf - p) - strlen("error "));
	if (status != 0 || lf - p != 2 || !vk_str_starts(p, "ok"))
		return not_understood(h);
	for (p = lf + 1; e == VK_OK && p < end; p = lf + 1) {
		lf = strchr(p, '\n');
		e = take(h, p, (size_t)(lf - p), attrs, n_attrs);
	}
	for (size_t i = 0; e == VK_OK && i < n_attrs; i++)
		if (attrs[i].needed && !attrs[i].p)
			e = not_understood(h);
	return e;
}

enum vk_err
vk_helper_put_secret(struct vk_buf *b, const char *name, const void *bytes, size_t n)
{
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(VK_BASE64_LEN(n) + 1);

	if (!text)
		return VK_ENOMEM;
	vk_base64_encode(bytes, n, text);
	vk_buf_fmt(b, "%s=", name);
	vk_buf_str(b, text);
	return vk_buf_char(b, '\n');
}

enum vk_err
vk_helper_ask(const struct vk_helper *h, const struct vk_buf *request, struct vk_buf *answer,
    struct vk_helper_attr *attrs, size_t n_attrs)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf whole = VK_BUF(VK_HELPER_REQUEST_MAX);
	int status = -1;
	enum vk_err e;

	whole.secret = request->secret;
	vk_buf_str(&whole, "valetkey-helper 1\n");
	vk_buf_add(&whole, request->p, request->len);
	vk_buf_char(&whole, '\n');
	if (request->err != VK_OK)
		return request->err;
	e = vk_helper_call(h, &whole, answer, &status);
	return e == VK_OK ? parse(h, answer, status, attrs, n_attrs) : e;
}

enum vk_err
vk_helper_take_secret(const struct vk_helper *h, const struct vk_helper_attr *a, const char *what,
    struct vk_secret *ret)
{
	unsigned char *bytes = vk_arena_alloc(a->n + 1);
	size_t n = 0;
	enum vk_err e = bytes ? vk_base64_decode(a->p, a->n, bytes, &n) : VK_ENOMEM;

	if (e == VK_OK)
		e = vk_source_value("the secret of", what, (const char *)bytes, n, ret);
	else if (e != VK_ENOMEM)
		e = not_understood(h);
	vk_arena_free(bytes);
	return e;
}

enum vk_err
vk_helper_take_number(const struct vk_helper *h, const struct vk_helper_attr *a, int64_t *ret)
{
	char *end;
	long long t;

	*ret = 0;
	if (!a->p)
		return VK_OK;
	errno = 0;
	t = strtoll(a->p, &end, 10);
	if (errno != 0 || end != a->p + a->n || a->n == 0 || t < 0)
		return not_understood(h);
	*ret = t;
	return VK_OK;
}
