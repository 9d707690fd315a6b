/* SPDX-License-Identifier: ISC */
/* A Dockerfile: lines, directives, continuations, and here-documents; dockerfile_words.c takes instructions apart. */
#include <string.h>

#include "valetkey/secret.h"
#include "dockerfile.h"

/* Where we read: one line at a time. */
struct reader {
	const char *at, *end;
	size_t line;           /* of the current one, from 1 */
	const char *p;         /* the current one, with its line end */
	size_t n;
	bool directives;       /* they may still come */
	unsigned seen;         /* which did */
};

char *
vk_dockerfile_keep(struct vk_dockerfile *d, const char *s, size_t n)
{
	char *p = d->pool_at;

	if (n >= (size_t)(d->pool_end - p))
		return NULL;
	if (n)
		memmove(p, s, n); /* it may be the very place */
	p[n] = '\0';
	d->pool_at = p + n + 1;
	return p;
}

static bool
next(struct reader *r)
{
	const char *nl;

	if (r->at == r->end)
		return false;
	nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
	r->p = r->at;
	r->n = nl ? (size_t)(nl - r->at) + 1 : (size_t)(r->end - r->at);
	r->at += r->n;
	r->line++;
	return true;
}

/* The current line without its end. */
static size_t
bare(const struct reader *r)
{
	size_t n = r->n;

	while (n > 0 && (r->p[n - 1] == '\n' || r->p[n - 1] == '\r'))
		n--;
	return n;
}

static size_t
lead(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && vk_is_blank(s[i]))
		i++;
	return i;
}

static bool
is_comment(const char *s, size_t n)
{
	size_t i = lead(s, n);

	return i < n && s[i] == '#';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "# escape=`", as long as nothing else was there. */
static enum vk_err
directive(struct reader *r, const char *s, size_t n, char *escape)
{
	static const char *const known[] = { "syntax", "escape", "check" };
	size_t i = 0, len = 0;

	if (!r->directives)
		return VK_OK;
	r->directives = false;
	if (n == 0 || *s != '#')
		return VK_OK;
	i = 1 + lead(s + 1, n - 1);
	while (i + len < n && is_word(s[i + len]))
		len++;
	for (size_t k = 0; k < VK_COUNT(known); k++) {
		VK_CLEANUP(vk_freep) char *name = strndup(s + i, len);
		size_t v = i + len + lead(s + i + len, n - i - len), end = n;

		if (!name)
			return VK_ENOMEM;
		if (!vk_str_ieq(name, known[k]) || v >= n || s[v] != '=')
			continue;
		v += 1 + lead(s + v + 1, n - v - 1);
		while (end > v && vk_is_blank(s[end - 1]))
			end--;
		if (end == v)
			return VK_OK;
		if (r->seen >> k & 1)
			return vk_fail(VK_EPROTO, "line %zu: a second %s directive", r->line, known[k]);
		r->seen |= 1u << k;
		r->directives = true;
		if (k == 1 && (end - v != 1 || (s[v] != '\\' && s[v] != '`')))
			return vk_fail(VK_EPROTO, "line %zu: the escape character is neither \\ nor `", r->line);
		if (k == 1)
			*escape = s[v];
	}
	return VK_OK;
}

/* Does the line go on in the next one?  Takes the escape character and the blanks behind it away. */
static bool
continues(const char *s, size_t *n, char escape)
{
	size_t len = *n;

	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	if (len == 0 || s[len - 1] != escape || (len > 1 && s[len - 2] == escape))
		return false;
	*n = len - 1;
	return true;
}

static bool
add_piece(struct vk_instruction *in, size_t at, size_t line)
{
	struct vk_dockerfile_piece *v;

	/* Doubled when full: the number is a power of two then. */
	if ((in->n_pieces & (in->n_pieces - 1)) == 0) {
		if (!(v = reallocarray(in->pieces, in->n_pieces ? in->n_pieces * 2 : 1, sizeof(*v))))
			return false;
		in->pieces = v;
	}
	in->pieces[in->n_pieces++] = (struct vk_dockerfile_piece){ at, line };
	return true;
}

/* Append to the joined line, which is the last text of the pool. */
static bool
join(struct vk_dockerfile *d, const char *s, size_t n)
{
	if (n >= (size_t)(d->pool_end - d->pool_at))
		return false;
	memcpy(d->pool_at, s, n);
	d->pool_at += n;
	return true;
}

/* One instruction, continuations joined; ${in->joined} stays NULL for an empty line or a comment. */
static enum vk_err
read_joined(struct vk_dockerfile *d, struct reader *r, struct vk_instruction *in)
{
	size_t n = bare(r), skip = lead(r->p, n);
	const char *s = r->p + skip;
	char *start = d->pool_at;
	bool more;
	enum vk_err e;

	n -= skip;
	if ((e = directive(r, s, n, &d->escape)) != VK_OK)
		return e;
	if (n == 0 || *s == '#')
		return VK_OK;
	more = continues(s, &n, d->escape);
	if (!join(d, s, n) || !add_piece(in, 0, r->line))
		return VK_ENOMEM;
	in->line = r->line;
	while (more && next(r)) {
		n = bare(r);
		r->directives = false;
		if (is_comment(r->p, n) || lead(r->p, n) == n)
			continue;
		more = continues(r->p, &n, d->escape);
		if (!add_piece(in, (size_t)(d->pool_at - start), r->line) || !join(d, r->p, n))
			return VK_ENOMEM;
	}
	*d->pool_at++ = '\0';
	in->joined = start;
	in->end_line = r->line;
	return VK_OK;
}

static enum vk_err
read_doc(struct vk_dockerfile *d, struct reader *r, const struct vk_instruction *in, struct vk_heredoc *doc)
{
	size_t want = strlen(doc->name);
	const char *start = r->at;

	doc->line = r->line + 1;
	while (next(r)) {
		size_t n = bare(r), tabs = 0;

		while (doc->chomp && tabs < n && r->p[tabs] == '\t')
			tabs++;
		if (n - tabs != want || memcmp(r->p + tabs, doc->name, want) != 0)
			continue;
		doc->text = vk_dockerfile_keep(d, start, (size_t)(r->p - start));
		return doc->text ? VK_OK : VK_ENOMEM;
	}
	return vk_fail(VK_EPROTO, "line %zu: a here-document that does not end", in->line);
}

static enum vk_err
read_instruction(struct vk_dockerfile *d, struct reader *r, struct vk_instruction *in)
{
	enum vk_err e = read_joined(d, r, in);

	if (e != VK_OK || !in->joined)
		return e;
	if ((e = vk_dockerfile_split(d, in)) == VK_OK)
		e = vk_dockerfile_docs(d, in);
	for (size_t i = 0; e == VK_OK && i < in->n_docs; i++)
		e = read_doc(d, r, in, &in->docs[i]);
	in->end_line = r->line;
	return e;
}

static void
clear_instruction(struct vk_instruction *in)
{
	free(in->flags);
	free(in->words);
	free(in->docs);
	free(in->pieces);
}

static struct vk_instruction *
append(struct vk_dockerfile *d)
{
	struct vk_instruction *v = d->v;

	if ((d->n & (d->n - 1)) == 0 && !(v = reallocarray(d->v, d->n ? d->n * 2 : 1, sizeof(*v))))
		return NULL;
	d->v = v;
	v[d->n] = (struct vk_instruction){ 0 };
	return &v[d->n++];
}

static enum vk_err
parse(struct vk_dockerfile *d, struct reader *r)
{
	while (next(r)) {
		struct vk_instruction *in;
		enum vk_err e;

		if (d->n >= VK_MAX_INSTRUCTIONS)
			return vk_fail(VK_ELIMIT, "more than %d instructions", VK_MAX_INSTRUCTIONS);
		if (!(in = append(d)))
			return VK_ENOMEM;
		if ((e = read_instruction(d, r, in)) != VK_OK)
			return e;
		if (!in->joined || !*in->name) {
			clear_instruction(in);
			d->n--;
		}
	}
	return d->n > 0 ? VK_OK : vk_fail(VK_EPROTO, "line %zu: there are no instructions", r->line ? r->line : 1);
}

enum vk_err
vk_dockerfile_parse(const char *text, size_t n, struct vk_dockerfile *ret)
{
	struct reader r = { .at = text, .end = text + n, .directives = true };
	struct vk_dockerfile d = { .escape = '\\' };
	/* A byte is at most in the joined line, a flag or a word, and a here-document, each with a NUL. */
	size_t room = 6 * n + 256;
	enum vk_err e;

	if (n > VK_MAX_DOCKERFILE)
		return vk_fail(VK_ELIMIT, "more than %d bytes", VK_MAX_DOCKERFILE);
	if (n && memchr(text, '\0', n))
		return vk_fail(VK_EPROTO, "line 1: not a text");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	if (!(d.pool = d.pool_at = vk_arena_alloc(room)))
		return VK_ENOMEM;
	d.pool_end = d.pool + room;
	if ((e = parse(&d, &r)) != VK_OK) {
		vk_dockerfile_clear(&d);
		return e;
	}
	*ret = d;
	return VK_OK;
}

void
vk_dockerfile_clear(struct vk_dockerfile *d)
{
	for (size_t i = 0; i < d->n; i++)
		clear_instruction(&d->v[i]);
	free(d->v);
	vk_arena_free(d->pool);
	*d = (struct vk_dockerfile){ 0 };
}

size_t
vk_dockerfile_line(const struct vk_instruction *in, const char *p)
{
	size_t line = in->line;

	for (size_t i = 0; i < in->n_docs; i++) {
		const struct vk_heredoc *doc = &in->docs[i];

		if (p < doc->text || p > doc->text + strlen(doc->text))
			continue;
		line = doc->line;
		for (const char *s = doc->text; s < p; s++)
			line += *s == '\n';
		return line;
	}
	for (size_t i = 0; i < in->n_pieces && p <= in->joined + strlen(in->joined); i++)
		if (p >= in->joined + in->pieces[i].at)
			line = in->pieces[i].line;
	return line;
}
