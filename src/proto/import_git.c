/* SPDX-License-Identifier: ISC */
/*
 * What git-credential-store(1) keeps: a URL per line, everything but the scheme and the slashes of the
 * path percent-encoded, the colon before a port as well.
 */
#include <string.h>

#include "proto/import.h"

enum { LINE_MAX_LEN = 4 * VK_MAX_SECRET }; /* a secret with every byte encoded, and the rest */

struct state {
	bool too_long; /* the line, of which nothing more is kept */
};

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
	    : c >= 'A' && c <= 'F' ? c - 'A' + 10
				   : -1;
}

/* Decode ${n} bytes at ${p} in place; the new length, or SIZE_MAX for an escape that is none. */
static size_t
decode(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '%') {
			p[out++] = p[i];
			continue;
		}
		if (i + 2 >= n || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
			return SIZE_MAX;
		p[out++] = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
		i += 2;
	}
	return out;
}

/* Decode a part and end it with a NUL, for which there is room: what followed it was a separator. */
static size_t
part(struct vk_import_entry *e, char *p, size_t n, const char *why)
{
	size_t len = decode(p, n);

	if (len == SIZE_MAX) {
		vk_import_bad(e, why);
		len = 0;
	} else if (vk_str_has_control(p, len)) {
		vk_import_bad(e, "it holds an encoded control character");
		len = 0;
	}
	p[len] = '\0';
	return len;
}

/* "user:password@host/path" behind the scheme; ${n} bytes with a NUL behind them. */
static enum vk_err
parts(struct vk_import_entry *e, const char *scheme, char *p, size_t n)
{
	static const char malformed[] = "a percent sign in it begins no escape";
	size_t len = strcspn(p, "/?#");
	char *at = memchr(p, '@', len), *colon = memchr(p, ':', at ? (size_t)(at - p) : 0);
	struct vk_scope scope = { 0 };
	size_t user, secret;
	enum vk_err err;

	if (len < n && p[len] != '/') {
		vk_import_bad(e, "it has a query or a fragment");
		return VK_OK;
	}
	if (!at || !colon) {
		vk_import_bad(e, "it has no user name and password");
		return VK_OK;
	}
	if (memchr(at + 1, '@', (size_t)(p + len - at) - 1)) {
		vk_import_bad(e, "it has two at signs before its path");
		return VK_OK;
	}
	e->what = at + 1;
	/* From the end, since each part is ended in the place of what separates it from the next. */
	if (len < n)
		part(e, p + len + 1, n - len - 1, malformed);
	part(e, at + 1, (size_t)(p + len - at) - 1, malformed);
	secret = part(e, colon + 1, (size_t)(at - colon) - 1, malformed);
	user = part(e, p, (size_t)(colon - p), malformed);
	err = vk_scope_make(scheme, at + 1, len < n ? p + len + 1 : NULL, &scope);
	err = vk_import_scope(e, err, &scope);
	if (err == VK_OK)
		err = vk_import_user(e, p, user);
	return err == VK_OK ? vk_import_secret(e, colon + 1, secret) : err;
}

static enum vk_err
line(struct vk_import *im, char *p, size_t n)
{
	VK_CLEANUP(vk_import_entry_clear) struct vk_import_entry e = { 0 };
	char *sep = memmem(p, n, "://", 3);
	enum vk_err err = vk_import_entry_new(&e, im->line, "");

	if (err != VK_OK)
		return err;
	if (vk_str_has_control(p, n)) {
		vk_import_bad(&e, "it holds a control character or ends in CR LF");
	} else if (!sep) {
		vk_import_bad(&e, "it is not a URL");
	} else {
		*sep = '\0';
		err = parts(&e, p, sep + 3, n - (size_t)(sep - p) - 3);
	}
	return err == VK_OK ? vk_import_emit(im, &e) : err;
}

static enum vk_err
finish(struct vk_import *im)
{
	struct state *s = im->state;
	enum vk_err err = VK_OK;

	if (s->too_long)
		err = vk_import_leave(im, im->line, "", "it is too long", true);
	else if (im->text.len > 0)
		err = line(im, im->text.p, im->text.len);
	if (im->text.len > 0)
		vk_wipe(im->text.p, im->text.len);
	im->text.len = 0;
	s->too_long = false;
	return err;
}

static enum vk_err
feed(struct vk_import *im, const char *p, size_t n)
{
	struct state *s = im->state;
	enum vk_err err = VK_OK;

	for (size_t len; err == VK_OK && n > 0; p += len, n -= len) {
		const char *lf = memchr(p, '\n', n);

		len = lf ? (size_t)(lf - p) : n;
		if (len > im->text.max - im->text.len)
			s->too_long = true;
		else if (len > 0 && !s->too_long)
			err = vk_buf_add(&im->text, p, len);
		if (err == VK_OK && lf) {
			err = finish(im);
			im->line++;
			len++;
		}
	}
	return err;
}

const struct vk_import_format vk_import_git = {
	.name = "git-credentials",
	.max = VK_IMPORT_MAX,
	.keep = LINE_MAX_LEN,
	.state_size = sizeof(struct state),
	.feed = feed,
	.end = finish,
};
