/* SPDX-License-Identifier: ISC */
/*
 * The credentials of a .npmrc: those that npm would send, once per "//host/path/".  What names a
 * variable holds no secret, and stays where it is.
 */
#include <string.h>

#include "proto/import.h"
#include "valetkey/proto.h"

enum name { TOKEN = 0, AUTH, USERNAME, PASSWORD, NAMES };

static const char *const names[NAMES] = { "_authToken", "_auth", "username", "_password" };

/* What the file has for one registry. */
struct group {
	const char *key; /* a key of it, borrowed */
	size_t n;        /* how much of that is "//host[:port]/path" */
	const struct vk_npmrc_line *lines[NAMES];
	uint64_t at[NAMES];
};

struct file {
	const char *text;
	size_t n;
	struct vk_npmrc lines;
	struct group *v;
	size_t groups;
	struct vk_import *im; /* NULL: nobody is told what is left */
};

static void
file_clear(struct file *f)
{
	vk_npmrc_clear(&f->lines);
	free(f->v);
}

static enum vk_err
leave(const struct file *f, uint64_t line, const char *key, const char *why, bool secret)
{
	return f->im ? vk_import_leave(f->im, line, key, why, secret) : VK_OK;
}

/* The value as npm would have it, if it names no variable. */
static enum vk_err
value_of(const struct file *f, const struct vk_npmrc_line *l, struct vk_buf *out)
{
	enum vk_err e = vk_npmrc_value(f->text, l, out);

	if (e == VK_OK && out->p && strlen(out->p) == out->len) {
		vk_npmrc_unprotect(out->p);
		out->len = strlen(out->p);
	}
	return e;
}

/* Is ${value} nothing but one "${VAR}"? */
static bool
is_variable(const char *value)
{
	const char *end = value + strlen(value), *at = value, *name;
	size_t n;

	return vk_npmrc_next_var(&at, &name, &n) && at == end && name == value + 2;
}

/* Why a credential line cannot be taken; NULL: it can. */
static const char *
objection(const struct file *f, const struct vk_npmrc_line *l, const char *name, bool *ret_secret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	const char *at = l->key, *what;
	size_t n;

	*ret_secret = true;
	if (vk_npmrc_value(f->text, l, &value) != VK_OK) {
		vk_reason_clear();
		return "its value is too long";
	}
	*ret_secret = value.len > 0;
	if (!value.p || value.len == 0)
		return "it is empty";
	if (!vk_str_starts(l->key, "//"))
		return "it names no registry, and npm reads it no more";
	if (vk_npmrc_next_var(&at, &what, &n))
		return "a variable is in its registry";
	at = value.p;
	if (vk_npmrc_next_var(&at, &what, &n)) {
		*ret_secret = !is_variable(value.p);
		return "it names a variable, which holds the secret";
	}
	for (size_t i = 0; i < NAMES; i++)
		if (strcmp(name, names[i]) == 0)
			return NULL;
	/* What only names a file stays in the settings. */
	*ret_secret = !vk_str_ends(name, "file") && strcmp(name, "tokenHelper") != 0;
	return *ret_secret ? "it is a credential of a kind that no entry can be"
			   : "it names a file or a program";
}

static enum vk_err
new_group(struct file *f, const char *key, size_t n, struct group **ret)
{
	struct group *v;

	for (size_t i = 0; i < f->groups; i++)
		if (f->v[i].n == n && memcmp(f->v[i].key, key, n) == 0) {
			*ret = &f->v[i];
			return VK_OK;
		}
	if (f->groups >= VK_IMPORT_MAX_KEYS)
		return vk_fail(VK_ELIMIT, "it has credentials for more than %d registries",
		    VK_IMPORT_MAX_KEYS);
	if (!(v = reallocarray(f->v, f->groups + 1, sizeof(*v))))
		return VK_ENOMEM;
	f->v = v;
	f->v[f->groups] = (struct group){ .key = key, .n = n };
	*ret = &f->v[f->groups++];
	return VK_OK;
}

/* Sort a credential line into the group of its registry. */
static enum vk_err
sort_line(struct file *f, const struct vk_npmrc_line *l, uint64_t line)
{
	const char *colon = vk_str_starts(l->key, "//") ? strrchr(l->key, ':') : NULL;
	const char *name = colon ? colon + 1 : l->key, *why;
	size_t n = colon ? (size_t)(colon - l->key) : 0, i = 0;
	struct group *g = NULL;
	bool secret;
	enum vk_err e;

	if ((why = objection(f, l, name, &secret)))
		return leave(f, line, l->key, why, secret && strcmp(name, names[USERNAME]) != 0);
	while (n > 2 && l->key[n - 1] == '/')
		n--;
	while (strcmp(name, names[i]) != 0)
		i++;
	if ((e = new_group(f, l->key, n, &g)) != VK_OK)
		return e;
	/* npm's ini keeps the last. */
	if (g->lines[i] && (e = leave(f, g->at[i], l->key, "it is given again below", true)) != VK_OK)
		return e;
	g->lines[i] = l;
	g->at[i] = line;
	return VK_OK;
}

/* Between two settings: comments, which may once have been credentials. */
static enum vk_err
scan_comments(const struct file *f, size_t at, size_t end, uint64_t line)
{
	enum vk_err e = VK_OK;

	for (size_t next; e == VK_OK && at < end; at = next, line++) {
		const char *p = f->text + at, *lf = memchr(p, '\n', end - at);
		size_t n = lf ? (size_t)(lf - p) : end - at;

		next = at + n + 1;
		if (memchr(p, '=', n) && (memmem(p, n, "_auth", 5) || memmem(p, n, "_password", 9)))
			e = leave(f, line, "", VK_IMPORT_COMMENT, true);
	}
	return e;
}

static uint64_t
count_lines(const char *p, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

static enum vk_err
load(struct file *f)
{
	uint64_t line = 1;
	size_t done = 0;
	enum vk_err e = vk_npmrc_parse(f->text, f->n, &f->lines);

	for (size_t i = 0; e == VK_OK && i < f->lines.n; i++) {
		const struct vk_npmrc_line *l = &f->lines.v[i];

		if ((e = scan_comments(f, done, l->start, line)) != VK_OK)
			return e;
		line += count_lines(f->text + done, l->start - done);
		if (vk_npmrc_cred_key(l->key))
			e = sort_line(f, l, line);
		line += count_lines(f->text + l->start, l->end - l->start);
		done = l->end;
	}
	return e == VK_OK ? scan_comments(f, done, f->n, line) : e;
}

static bool
is_npm_scope(const char *s)
{
	return s[0] == '@' && s[1] &&
	    s[1 + strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789-._~")] == '\0';
}

/* Scheme, host, path and npm scope of ${g}. */
static enum vk_err
describe(const struct file *f, const struct group *g, struct vk_import_entry *entry)
{
	VK_CLEANUP(vk_freep) char *npm_scope = NULL;
	VK_CLEANUP(vk_freep) char *url = NULL;
	struct vk_scope scope = { 0 };
	bool clear = false;
	enum vk_err e = vk_npmrc_registry(f->text, &f->lines, g->key + 2, g->n - 2, &clear, &npm_scope);

	if (e != VK_OK)
		return e;
	if (!(url = vk_asprintf("%s:%.*s", clear ? "http" : "https", (int)g->n, g->key)))
		return VK_ENOMEM;
	e = vk_import_scope(entry, vk_scope_parse(url, &scope, NULL), &scope);
	if (e == VK_OK && npm_scope && is_npm_scope(npm_scope))
		e = vk_cred_set(&entry->c->npm_scope, npm_scope);
	return e;
}

static enum vk_err
add_password(const struct file *f, const struct group *g, const struct vk_buf *password,
    struct vk_import_entry *entry)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf user = VK_BUF(2 * VK_MAX_SECRET);
	unsigned char *plain;
	size_t n;
	enum vk_err e;

	if (!g->lines[USERNAME]) {
		vk_import_bad(entry, "it has no username beside it");
		return VK_OK;
	}
	if ((e = value_of(f, g->lines[USERNAME], &user)) != VK_OK)
		return e;
	if (!(plain = vk_arena_alloc(VK_BASE64_ROOM(password->len))))
		return VK_ENOMEM;
	if (vk_base64_decode(password->p, password->len, plain, &n) != VK_OK)
		vk_import_bad(entry, "it is not base64");
	else if ((e = vk_import_user(entry, user.p, user.len)) == VK_OK)
		e = vk_import_secret(entry, (const char *)plain, n);
	vk_arena_free(plain);
	return e;
}

static enum vk_err
emit(const struct file *f, const struct group *g, enum name name)
{
	VK_CLEANUP(vk_import_entry_clear) struct vk_import_entry entry = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	enum vk_err e;

	if ((e = vk_import_entry_new(&entry, g->at[name], g->lines[name]->key)) != VK_OK ||
	    (e = describe(f, g, &entry)) != VK_OK ||
	    (e = value_of(f, g->lines[name], &value)) != VK_OK)
		return e;
	if (name == AUTH) {
		e = vk_import_pair(&entry, value.p, value.len);
	} else if (name == PASSWORD) {
		e = add_password(f, g, &value, &entry);
	} else {
		entry.c->kind = VK_KIND_BEARER;
		e = vk_import_secret(&entry, value.p, value.len);
		if (e == VK_OK)
			e = vk_cred_set(&entry.c->authtype, "Bearer");
	}
	return e == VK_OK ? vk_import_emit(f->im, &entry) : e;
}

static enum vk_err
end(struct vk_import *im)
{
	VK_CLEANUP(file_clear) struct file f = { .text = im->text.p ? im->text.p : "",
		.n = im->text.len, .im = im };
	enum vk_err e = load(&f);

	for (size_t i = 0; e == VK_OK && i < f.groups; i++) {
		const struct group *g = &f.v[i];

		/* In npm's order: the first of them becomes the registry's default account. */
		for (enum name n = TOKEN; e == VK_OK && n < NAMES; n++)
			if (g->lines[n] && n != USERNAME)
				e = emit(&f, g, n);
		if (e == VK_OK && g->lines[USERNAME] && !g->lines[PASSWORD])
			e = vk_import_leave(im, g->at[USERNAME], g->lines[USERNAME]->key,
			    "it has no _password beside it", false);
	}
	return e;
}

/* Was ${l} taken? */
static bool
is_taken(const struct file *f, const struct vk_npmrc_line *l)
{
	for (size_t i = 0; i < f->groups; i++)
		for (size_t k = 0; k < NAMES; k++)
			if (f->v[i].lines[k] == l)
				return k == TOKEN || k == AUTH ||
				    (f->v[i].lines[USERNAME] && f->v[i].lines[PASSWORD]);
	return false;
}

enum vk_err
vk_import_npmrc_rest(const char *text, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(file_clear) struct file f = { .text = text, .n = n };
	enum vk_err e = load(&f);
	size_t done = 0;

	for (size_t i = 0; e == VK_OK && i < f.lines.n; i++) {
		const struct vk_npmrc_line *l = &f.lines.v[i];

		if (!vk_npmrc_cred_key(l->key) || !is_taken(&f, l))
			continue;
		vk_buf_add(out, text + done, l->start - done);
		done = l->end;
	}
	if (e == VK_OK)
		e = vk_buf_add(out, text + done, n - done);
	return e;
}

const struct vk_import_format vk_import_npmrc = {
	.name = "npmrc",
	.max = VK_IMPORT_MAX_WHOLE,
	.keep = VK_IMPORT_MAX_WHOLE,
	.skips_mark = true,
	.end = end,
};
