/* SPDX-License-Identifier: ISC */
/*
 * The .pypirc of twine and its kin, in the dialect of Python's RawConfigParser: "key = value" or
 * "key: value", a value goes on in lines that are indented deeper, comments have lines of their own.
 */
#include <string.h>

#include "proto/import.h"

/* What the format itself means by two names, where they give no repository. */
static const struct {
	const char *section, *repository;
} defaults[] = {
	{ "pypi", "https://upload.pypi.org/legacy/" },
	{ "testpypi", "https://test.pypi.org/legacy/" },
};

/* The part of the text that a line, a word or a value is. */
struct span {
	const char *p;
	size_t n;
};

enum key { REPOSITORY = 0, USERNAME, PASSWORD, KEYS };

static const char *const keys[KEYS] = { "repository", "username", "password" };

struct section {
	char *name; /* NULL: before the first */
	uint64_t line;
	struct span values[KEYS];
	const char *why;
	size_t indent; /* of the latest option */
	int latest;    /* enum key, or KEYS for another one */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct span
trim(struct span s)
{
	for (; s.n > 0 && is_blank(s.p[0]); s.n--)
		s.p++;
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Without regard to case, and without a copy of what may be no key but a secret. */
static bool
is_key(struct span s, const char *key)
{
	size_t i = 0;

	while (i < s.n && key[i] && (s.p[i] | ((s.p[i] >= 'A' && s.p[i] <= 'Z') << 5)) == key[i])
		i++;
	return i == s.n && key[i] == '\0';
}

static const char *
default_repository(const char *section)
{
	for (size_t i = 0; i < VK_COUNT(defaults); i++)
		if (strcmp(defaults[i].section, section) == 0)
			return defaults[i].repository;
	return NULL;
}

static enum vk_err
set_repository(const struct section *s, struct vk_import_entry *e)
{
	const struct span *v = &s->values[REPOSITORY];
	const char *usual = default_repository(s->name);
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF_SECRET(VK_MAX_FIELD); /* it may hold a password */
	struct vk_scope scope = { 0 };

	if (v->n == 0 && !usual)
		vk_import_bad(e, "it has no repository");
	if (v->n > VK_MAX_FIELD)
		vk_import_bad(e, "its repository is too long");
	if (e->why)
		return VK_OK;
	if (v->n)
		vk_buf_add(&url, v->p, v->n);
	else
		vk_buf_str(&url, usual);
	if (url.err != VK_OK)
		return url.err;
	return vk_import_scope(e, vk_scope_parse(url.p, &scope, NULL), &scope);
}

static enum vk_err
emit(struct vk_import *im, const struct section *s)
{
	VK_CLEANUP(vk_import_entry_clear) struct vk_import_entry entry = { 0 };
	const struct span *user = &s->values[USERNAME], *secret = &s->values[PASSWORD];
	enum vk_err e;

	if ((e = vk_import_entry_new(&entry, s->line, s->name)) != VK_OK)
		return e;
	if (s->why)
		vk_import_bad(&entry, s->why);
	else if (strcmp(s->name, "DEFAULT") == 0 || strcmp(s->name, "server-login") == 0)
		vk_import_bad(&entry, "it is for other sections");
	if ((e = set_repository(s, &entry)) != VK_OK)
		return e;
	/* A token of the index itself needs no name: it has this one. */
	if (user->n == 0 && default_repository(s->name) && secret->n > 5 &&
	    memcmp(secret->p, "pypi-", 5) == 0)
		e = vk_import_user(&entry, "__token__", strlen("__token__"));
	else if (user->n == 0)
		vk_import_bad(&entry, "it has no username");
	else
		e = vk_import_user(&entry, user->p, user->n);
	if (e == VK_OK)
		e = vk_import_secret(&entry, secret->p, secret->n);
	return e == VK_OK ? vk_import_emit(im, &entry) : e;
}

static enum vk_err
finish(struct vk_import *im, struct section *s)
{
	enum vk_err e = VK_OK;

	if (s->name && (s->values[PASSWORD].n > 0 || s->why))
		e = emit(im, s);
	else if (s->name && (s->values[USERNAME].n > 0 || s->values[REPOSITORY].n > 0))
		e = vk_import_leave(im, s->line, s->name, "it has no password", false);
	free(s->name);
	*s = (struct section){ .latest = KEYS };
	return e;
}

/* A setting, or a further line of one, that no entry is made of. */
static enum vk_err
other(struct vk_import *im, const struct section *s, struct span line)
{
	if (!vk_import_looks_secret(line.p, line.n))
		return VK_OK;
	return vk_import_leave(im, im->line, s->name, "a setting of it that is not taken looks like a credential",
	    true);
}

/* "key = value", whichever of '=' and ':' comes first. */
static enum vk_err
option(struct vk_import *im, struct section *s, struct span line, size_t indent)
{
	size_t n = 0;
	struct span key, value;

	while (n < line.n && line.p[n] != '=' && line.p[n] != ':')
		n++;
	if (n == line.n || n == 0)
		return vk_import_leave(im, im->line, s->name, "it is neither a section nor a setting", true);
	if (!s->name)
		return vk_import_leave(im, im->line, "", "it is before the first section", true);
	key = trim((struct span){ line.p, n });
	value = trim((struct span){ line.p + n + 1, line.n - n - 1 });
	s->indent = indent;
	s->latest = KEYS;
	for (int i = 0; i < KEYS; i++) {
		if (!is_key(key, keys[i]))
			continue;
		if (s->values[i].p)
			s->why = "it has a setting twice";
		s->values[i] = value;
		s->latest = i;
	}
	return s->latest < KEYS ? VK_OK : other(im, s, line);
}

static enum vk_err
line(struct vk_import *im, struct section *s, struct span raw)
{
	struct span l = trim(raw);
	size_t indent = (size_t)(l.p - raw.p);
	const char *close;
	enum vk_err e;

	if (l.n > 0 && (l.p[0] == '#' || l.p[0] == ';') && vk_import_looks_secret(l.p, l.n))
		return vk_import_leave(im, im->line, "", VK_IMPORT_COMMENT, true);
	if (l.n == 0 || l.p[0] == '#' || l.p[0] == ';')
		return VK_OK;
	if (s->name && indent > s->indent && s->latest >= 0) {
		if (s->latest < KEYS)
			s->why = "a setting of it has more than one line";
		return s->latest < KEYS ? VK_OK : other(im, s, l);
	}
	if (l.p[0] != '[' || !(close = memchr(l.p, ']', l.n)) || close == l.p + 1)
		return option(im, s, l, indent);
	if ((e = finish(im, s)) != VK_OK)
		return e;
	s->line = im->line;
	s->latest = -1;
	return (s->name = strndup(l.p + 1, (size_t)(close - l.p) - 1)) ? VK_OK : VK_ENOMEM;
}

static void
section_clear(struct section *s)
{
	free(s->name);
}

static enum vk_err
end(struct vk_import *im)
{
	VK_CLEANUP(section_clear) struct section s = { .latest = -1 };
	const char *p = im->text.p ? im->text.p : "";
	enum vk_err e = VK_OK;

	for (size_t left = im->text.len, n; e == VK_OK && left > 0; left -= n, p += n, im->line++) {
		const char *lf = memchr(p, '\n', left);

		n = lf ? (size_t)(lf - p) : left;
		e = line(im, &s, (struct span){ p, n });
		n += lf != NULL;
	}
	return e == VK_OK ? finish(im, &s) : e;
}

const struct vk_import_format vk_import_pypirc = {
	.name = "pypirc",
	.max = VK_IMPORT_MAX_WHOLE,
	.keep = VK_IMPORT_MAX_WHOLE,
	.end = end,
};
