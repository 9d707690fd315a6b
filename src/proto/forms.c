/* SPDX-License-Identifier: ISC */
/* What of a secret is worth to be looked for, and the list of what is. */
#include <string.h>

#include "valetkey/forms.h"
#include "forms.h"
#include "json.h"

enum { MEMBERS_MAX = 4096, WAY_ROOM = 1u << 20 };

/* Of one call. */
struct maker {
	struct vk_forms *f;
	unsigned owner;
	struct vk_buf scratch;
};

/* ---- the list -------------------------------------------------------------------------------------------------- */

/* Nearly all that differ do so in their last bytes, and the constant-time comparison is slow. */
static bool
is_there(const struct vk_forms *f, const char *p, size_t n)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *q = vk_form_text(f, i);

		if (f->v[i].n == n && vk_mem_eq(q + n - VK_FORM_MIN / 2, p + n - VK_FORM_MIN / 2, VK_FORM_MIN / 2) &&
		    vk_mem_eq(q, p, n))
			return true;
	}
	return false;
}

static enum vk_err
append(struct vk_forms *f, struct vk_form new)
{
	struct vk_form *v = reallocarray(f->v, f->n + 1, sizeof(*v));

	if (!v)
		return VK_ENOMEM;
	f->v = v;
	f->v[f->n++] = new;
	return VK_OK;
}

static enum vk_err
add_form(struct maker *m, const char *p, size_t n, const char *how)
{
	struct vk_forms *f = m->f;
	size_t at = f->text.len;
	enum vk_err e;

	if (n < VK_FORM_MIN || is_there(f, p, n))
		return VK_OK;
	if (f->n == VK_FORMS_MAX)
		return vk_fail(VK_ELIMIT, "the secrets can be written in more than %d ways", VK_FORMS_MAX);
	if ((e = vk_buf_add(&f->text, p, n)) != VK_OK) {
		f->text.err = VK_OK; /* a shorter one may fit */
		return e;
	}
	return append(f, (struct vk_form){ .at = at, .n = n, .owner = m->owner, .how = how });
}

/* ---- the parts ------------------------------------------------------------------------------------------------- */

/* As programs break it into lines, which they begin with its first byte: only the first alignment. */
static enum vk_err
add_wrapped(struct maker *m, const char *base64, size_t n)
{
	static const size_t widths[] = { 76, 64 };
	enum vk_err e = VK_OK;

	for (size_t w = 0; w < VK_COUNT(widths); w++)
		for (size_t at = 0; n > widths[w] && at < n && e == VK_OK; at += widths[w])
			e = add_form(m, base64 + at, n - at < widths[w] ? n - at : widths[w], "base64 in lines");
	return e;
}

static enum vk_err
add_part(struct maker *m, const char *p, size_t n)
{
	size_t n_ways;
	const struct vk_way_to_write *ways = vk_ways(&n_ways);
	enum vk_err e = VK_OK;

	if (n < VK_FORM_MIN)
		return VK_OK;
	for (size_t i = 0; i < n_ways && e == VK_OK; i++) {
		if (n > VK_FORM_LONG && !ways[i].usual)
			continue;
		m->scratch.len = 0;
		ways[i].put(&m->scratch, (const unsigned char *)p, n, ways[i].variant);
		if ((e = m->scratch.err) == VK_OK)
			e = add_form(m, m->scratch.p, m->scratch.len, ways[i].how);
		if (e == VK_OK && strcmp(ways[i].how, "base64") == 0 && ways[i].variant == 0)
			e = add_wrapped(m, m->scratch.p, m->scratch.len);
	}
	return e;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
trim(const char **p, size_t *n)
{
	for (; *n > 0 && is_blank(**p); ++*p)
		--*n;
	while (*n > 0 && is_blank((*p)[*n - 1]))
		--*n;
}

/* "-----BEGIN PRIVATE KEY-----" is no secret, and in many a log. */
static bool
is_armour(const char *p, size_t n)
{
	return n > 10 && memcmp(p, "-----", 5) == 0 && memcmp(p + n - 5, "-----", 5) == 0;
}

static enum vk_err
add_lines(struct maker *m, const char *p, size_t n)
{
	enum vk_err e = VK_OK;

	for (const char *end = p + n, *next; p < end && e == VK_OK; p = next) {
		const char *line = p, *lf = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((lf ? lf : end) - p);

		next = lf ? lf + 1 : end;
		trim(&line, &len);
		if (!is_armour(line, len))
			e = add_part(m, line, len);
	}
	return e;
}

/* The whole of it, what remains without blanks at its ends, and its lines. */
static enum vk_err
add_text(struct maker *m, const char *p, size_t n)
{
	enum vk_err e = add_part(m, p, n);

	trim(&p, &n);
	if (e == VK_OK)
		e = add_part(m, p, n);
	if (e == VK_OK && n > 0 && memchr(p, '\n', n))
		e = add_lines(m, p, n);
	return e;
}

/* Its depth is bounded by the parser. */
static enum vk_err
add_leaves(struct maker *m, const json_t *j)
{
	enum vk_err e = VK_OK;
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(j))
		return add_text(m, json_string_value(j), json_string_length(j));
	if (json_is_array(j)) {
		json_array_foreach(j, i, value)
			if (e == VK_OK)
				e = add_leaves(m, value);
	} else if (json_is_object(j)) {
		json_object_foreach((json_t *)(uintptr_t)j, key, value)
			if (e == VK_OK)
				e = add_leaves(m, value);
	}
	return e;
}

static enum vk_err
add_json(struct maker *m, const char *p, size_t n)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	enum vk_err e;

	if (n == 0 || (*p != '{' && *p != '['))
		return VK_OK;
	e = vk_json_parse_large(p, n, MEMBERS_MAX, &j);
	if (e == VK_OK)
		return add_leaves(m, j);
	/* It only looked like JSON: it has no other parts. */
	vk_reason_clear();
	return e == VK_ENOMEM ? e : VK_OK;
}

enum vk_err
vk_forms_add(struct vk_forms *f, const char *secret, size_t n, unsigned owner)
{
	struct maker m = { .f = f, .owner = owner, .scratch = VK_BUF_SECRET(WAY_ROOM) };
	const char *p = secret;
	size_t len = n;
	enum vk_err e;

	trim(&p, &len);
	if (len < VK_FORM_MIN)
		return VK_ENOENT;
	e = add_text(&m, secret, n);
	if (e == VK_OK)
		e = add_json(&m, p, len);
	vk_buf_clear(&m.scratch);
	return e;
}

enum vk_err
vk_forms_pair(struct vk_forms *f, const char *user, const char *secret, size_t n, unsigned owner)
{
	struct maker m = { .f = f, .owner = owner, .scratch = VK_BUF_SECRET(WAY_ROOM) };
	struct vk_buf pair = VK_BUF_SECRET(VK_MAX_FIELD + 1 + VK_MAX_SECRET);
	enum vk_err e = VK_ENOENT;

	vk_buf_str(&pair, user);
	vk_buf_char(&pair, ':');
	if (vk_buf_add(&pair, secret, n) != VK_OK)
		e = pair.err;
	else if (n > 0 && pair.len >= VK_FORM_MIN)
		e = add_part(&m, pair.p, pair.len);
	vk_buf_clear(&m.scratch);
	vk_buf_clear(&pair);
	return e;
}

const char *
vk_form_text(const struct vk_forms *f, size_t i)
{
	return f->text.p + f->v[i].at;
}

void
vk_forms_clear(struct vk_forms *f)
{
	free(f->v);
	vk_buf_clear(&f->text);
	f->v = NULL;
	f->n = 0;
	vk_wipe_registers();
}
