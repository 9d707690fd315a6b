/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "proto/import.h"

static const struct vk_import_format *const formats[] = {
	&vk_import_netrc, &vk_import_git, &vk_import_npmrc, &vk_import_docker, &vk_import_pypirc,
};

enum vk_err
vk_import_new(const char *format, const struct vk_import_sink *sink, struct vk_import **ret)
{
	const struct vk_import_format *f = NULL;
	struct vk_import *im;

	for (size_t i = 0; i < VK_COUNT(formats); i++)
		if (strcmp(formats[i]->name, format) == 0)
			f = formats[i];
	if (!f)
		return vk_fail(VK_EUSAGE, "no such format: %s (netrc, git-credentials, npmrc, docker or "
					  "pypirc)", format);
	if (!(im = calloc(1, sizeof(*im))))
		return VK_ENOMEM;
	*im = (struct vk_import){ .format = f, .sink = *sink, .line = 1,
		.text = VK_BUF_SECRET(f->keep) };
	if (f->state_size && !(im->state = calloc(1, f->state_size))) {
		free(im);
		return VK_ENOMEM;
	}
	*ret = im;
	return VK_OK;
}

/* As some editors write it; whoever does not expect it takes it for a part of the first word. */
static bool
begins_with_mark(struct vk_import *im, const char *bytes, size_t n)
{
	static const char mark[] = "\xef\xbb\xbf";

	for (size_t i = 0; i < n && im->mark == im->fed + i && im->mark < 3; i++)
		im->mark += bytes[i] == mark[im->mark];
	return im->mark == 3;
}

enum vk_err
vk_import_feed(struct vk_import *im, const char *bytes, size_t n)
{
	if (n > im->format->max - im->fed)
		return vk_fail(VK_ELIMIT, "it is larger than %llu MiB",
		    (unsigned long long)(im->format->max / (1024 * 1024)));
	if (!im->format->skips_mark && begins_with_mark(im, bytes, n)) {
		vk_hint("the programs that read this format do not take it either; save the file without it");
		return vk_fail(VK_EPROTO, "it begins with a byte order mark");
	}
	im->fed += n;
	if (n == 0)
		return VK_OK;
	return im->format->feed ? im->format->feed(im, bytes, n) : vk_buf_add(&im->text, bytes, n);
}

enum vk_err
vk_import_end(struct vk_import *im)
{
	return im->format->end(im);
}

void
vk_import_freep(struct vk_import **im)
{
	if (!*im)
		return;
	if ((*im)->format->clear)
		(*im)->format->clear(*im);
	vk_buf_clear(&(*im)->text);
	free((*im)->state);
	free(*im);
	*im = NULL;
}

enum vk_err
vk_import_leave(struct vk_import *im, uint64_t line, const char *what, const char *why, bool secret)
{
	const struct vk_import_left l = { line, what ? what : "", why, secret };

	return im->sink.left(&l, im->sink.arg);
}

void
vk_import_entry_clear(struct vk_import_entry *e)
{
	vk_cred_free(e->c);
	*e = (struct vk_import_entry){ 0 };
}

enum vk_err
vk_import_entry_new(struct vk_import_entry *e, uint64_t line, const char *what)
{
	struct vk_cred *c = vk_cred_new();

	if (!c)
		return VK_ENOMEM;
	vk_import_entry_clear(e);
	*e = (struct vk_import_entry){ .c = c, .line = line, .what = what };
	return VK_OK;
}

void
vk_import_bad(struct vk_import_entry *e, const char *why)
{
	if (!e->why)
		e->why = why;
}

enum vk_err
vk_import_user(struct vk_import_entry *e, const char *p, size_t n)
{
	VK_CLEANUP(vk_freep) char *user = NULL;

	if (n > VK_MAX_FIELD)
		vk_import_bad(e, "its user name is too long");
	else if (vk_str_has_control(p, n))
		vk_import_bad(e, "its user name holds a control character");
	if (e->why)
		return VK_OK;
	if (!(user = strndup(p, n)))
		return VK_ENOMEM;
	return vk_cred_set(&e->c->username, user);
}

enum vk_err
vk_import_secret(struct vk_import_entry *e, const char *p, size_t n)
{
	if (n == 0)
		vk_import_bad(e, "its secret is empty");
	else if (n > VK_MAX_SECRET)
		vk_import_bad(e, "its secret is larger than 65536 bytes");
	else if (vk_str_has_control(p, n))
		vk_import_bad(e, "its secret holds a control character");
	return e->why ? VK_OK : vk_secret_set(&e->c->secret, p, n);
}

enum vk_err
vk_import_scope(struct vk_import_entry *e, enum vk_err parsed, struct vk_scope *s)
{
	if (parsed == VK_OK && e->why) {
		vk_scope_clear(s);
		return VK_OK;
	}
	if (parsed == VK_OK) {
		vk_scope_clear(&e->c->scope);
		e->c->scope = *s;
		return VK_OK;
	}
	vk_reason_clear();
	if (parsed == VK_ENOMEM)
		return parsed;
	vk_import_bad(e, "its host, port or path is not one that an entry can have");
	return VK_OK;
}

enum vk_err
vk_import_pair(struct vk_import_entry *e, const char *text, size_t n)
{
	unsigned char *pair;
	const char *colon;
	size_t len;
	enum vk_err err;

	if (n > VK_BASE64_LEN(VK_MAX_SECRET + VK_MAX_FIELD + 1)) {
		vk_import_bad(e, "its secret is larger than 65536 bytes");
		return VK_OK;
	}
	if (!(pair = vk_arena_alloc(VK_BASE64_ROOM(n))))
		return VK_ENOMEM;
	if (vk_base64_decode(text, n, pair, &len) != VK_OK ||
	    !(colon = memchr(pair, ':', len))) {
		vk_import_bad(e, "it is not a user name and a password in base64");
		err = VK_OK;
	} else {
		size_t user = (size_t)(colon - (const char *)pair);

		err = vk_import_user(e, (const char *)pair, user);
		if (err == VK_OK)
			err = vk_import_secret(e, colon + 1, len - user - 1);
	}
	vk_arena_free(pair);
	return err;
}

enum vk_err
vk_import_emit(struct vk_import *im, const struct vk_import_entry *e)
{
	if (e->why)
		return vk_import_leave(im, e->line, e->what, e->why, true);
	return im->sink.cred(e->c, e->line, im->sink.arg);
}

/* ${word}, of small letters, without regard to case; there are as many bytes at ${p}. */
static bool
begins_with(const char *p, const char *word)
{
	for (; *word; p++, word++)
		if ((*p | ((*p >= 'A' && *p <= 'Z') << 5)) != *word)
			return false;
	return true;
}

bool
vk_import_looks_secret(const char *p, size_t n)
{
	static const char *const words[] = { "passw", "_auth", "token", "secret", "account", "apikey", "api_key" };
	const char *scheme = memmem(p, n, "://", 3);

	if (scheme && memchr(scheme, '@', n - (size_t)(scheme - p)))
		return true;
	for (size_t i = 0; i < VK_COUNT(words); i++)
		for (size_t at = 0, len = strlen(words[i]); at + len <= n; at++)
			if (begins_with(p + at, words[i]))
				return true;
	return false;
}
