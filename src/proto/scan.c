/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/scan.h"

static const char magic[] = "VKSCAN1\n";

/* What is left to be read; ${bad} sticks. */
struct reader {
	const char *p;
	size_t n;
	bool bad;
};

static void
put(struct vk_buf *b, const void *p, size_t n)
{
	vk_buf_add(b, p, n);
}

static void
put_u32(struct vk_buf *b, size_t v)
{
	uint32_t u = (uint32_t)v;

	put(b, &u, sizeof(u));
}

static void
put_u64(struct vk_buf *b, uint64_t v)
{
	put(b, &v, sizeof(v));
}

static void
put_string(struct vk_buf *b, const char *s, size_t n)
{
	put_u32(b, n);
	put(b, s, n);
	put(b, "", 1);
}

static const char *
take(struct reader *r, size_t n)
{
	const char *p = r->p;

	if (r->bad || n > r->n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

/* ${ret} is as it was when there is not so much. */
static void
take_into(struct reader *r, void *ret, size_t n)
{
	const char *p = take(r, n);

	if (p)
		memcpy(ret, p, n);
}

static uint32_t
take_u32(struct reader *r)
{
	uint32_t v = 0;

	take_into(r, &v, sizeof(v));
	return v;
}

static uint64_t
take_u64(struct reader *r)
{
	uint64_t v = 0;

	take_into(r, &v, sizeof(v));
	return v;
}

/* Of text there is no NUL but the one at its end. */
static const char *
take_string(struct reader *r, size_t max, bool text, size_t *ret_n)
{
	size_t n = take_u32(r);
	const char *p = n <= max ? take(r, n + 1) : NULL;

	if (!p || p[n] != '\0' || (text && strlen(p) != n)) {
		r->bad = true;
		n = 0;
		p = "";
	}
	if (ret_n)
		*ret_n = n;
	return p;
}

enum vk_err
vk_scan_ask_put(struct vk_buf *out, const struct vk_forms *forms, const char *const *paths, size_t n_paths,
    unsigned flags)
{
	put(out, magic, sizeof(magic) - 1);
	put_u32(out, flags);
	put_u32(out, forms->n);
	for (size_t i = 0; i < forms->n; i++) {
		put_u32(out, forms->v[i].owner);
		put_string(out, vk_form_text(forms, i), forms->v[i].n);
	}
	put_u32(out, n_paths);
	for (size_t i = 0; i < n_paths; i++)
		put_string(out, paths[i], strlen(paths[i]));
	return out->err;
}

static enum vk_err
ask_forms(struct reader *r, struct vk_scan_ask *a)
{
	size_t n = take_u32(r);

	if (r->bad || n > VK_FORMS_MAX)
		return VK_EPROTO;
	if (n > 0 && !(a->forms = calloc(n, sizeof(*a->forms))))
		return VK_ENOMEM;
	for (a->n_forms = 0; a->n_forms < n && !r->bad; a->n_forms++) {
		struct vk_scan_form *f = &a->forms[a->n_forms];

		f->owner = take_u32(r);
		f->p = take_string(r, VK_SCAN_ASK_MAX, false, &f->n);
		r->bad |= f->n < VK_FORM_MIN;
	}
	return r->bad ? VK_EPROTO : VK_OK;
}

static enum vk_err
ask_paths(struct reader *r, struct vk_scan_ask *a)
{
	size_t n = take_u32(r);

	if (r->bad || n > VK_SCAN_PATHS_MAX)
		return VK_EPROTO;
	if (n > 0 && !(a->paths = calloc(n, sizeof(*a->paths))))
		return VK_ENOMEM;
	for (a->n_paths = 0; a->n_paths < n && !r->bad; a->n_paths++)
		a->paths[a->n_paths] = take_string(r, VK_SCAN_ASK_MAX, true, NULL);
	return r->bad ? VK_EPROTO : VK_OK;
}

enum vk_err
vk_scan_ask_parse(const char *text, size_t n, struct vk_scan_ask *ret)
{
	struct reader r = { text, n, false };
	const char *begin = take(&r, sizeof(magic) - 1);
	struct vk_scan_ask a = { 0 };
	enum vk_err e = begin && memcmp(begin, magic, sizeof(magic) - 1) == 0 ? VK_OK : VK_EPROTO;

	a.flags = take_u32(&r);
	if (e == VK_OK)
		e = ask_forms(&r, &a);
	if (e == VK_OK)
		e = ask_paths(&r, &a);
	if (e == VK_OK && r.n > 0)
		e = VK_EPROTO;
	if (e != VK_OK) {
		vk_scan_ask_clear(&a);
		return e == VK_EPROTO ? vk_fail(e, "what valetkey asks is malformed") : e;
	}
	*ret = a;
	return VK_OK;
}

void
vk_scan_ask_clear(struct vk_scan_ask *a)
{
	free(a->forms);
	free(a->paths);
	*a = (struct vk_scan_ask){ 0 };
}

static size_t
cut(const char *s)
{
	return s ? strnlen(s, VK_SCAN_STEP_MAX) : 0;
}

enum vk_err
vk_scan_answer_put(struct vk_buf *out, const struct vk_scan_answer *a)
{
	const unsigned small[] = { a->kind, a->flags, a->form, a->index, a->of };
	const uint64_t large[] = { a->offset, a->files, a->members };
	size_t at = out->len;
	uint32_t n;

	put_u32(out, 0);
	for (size_t i = 0; i < VK_COUNT(small); i++)
		put_u32(out, small[i]);
	for (size_t i = 0; i < VK_COUNT(large); i++)
		put_u64(out, large[i]);
	put_string(out, a->text, cut(a->text));
	put_string(out, a->digest, cut(a->digest));
	put_u32(out, a->n_steps);
	for (size_t i = 0; i < a->n_steps; i++)
		put_string(out, a->steps[i], cut(a->steps[i]));
	if (out->err != VK_OK)
		return out->err;
	n = (uint32_t)(out->len - at - sizeof(n));
	memcpy(out->p + at, &n, sizeof(n));
	return VK_OK;
}

enum vk_err
vk_scan_answer_parse(const char *text, size_t n, struct vk_scan_answer *ret, size_t *ret_used)
{
	struct reader r = { text, n, false };
	struct vk_scan_answer a = { 0 };
	uint32_t rest, kind;

	if (n < sizeof(rest))
		return VK_ENOENT;
	if ((rest = take_u32(&r)) > VK_SCAN_ANSWER_MAX)
		return vk_fail(VK_EPROTO, "an answer is too long");
	if (rest > r.n)
		return VK_ENOENT;
	r.n = rest;
	kind = take_u32(&r);
	a.flags = take_u32(&r);
	a.form = take_u32(&r);
	a.index = take_u32(&r);
	a.of = take_u32(&r);
	a.offset = take_u64(&r);
	a.files = take_u64(&r);
	a.members = take_u64(&r);
	a.text = take_string(&r, VK_SCAN_STEP_MAX, true, NULL);
	a.digest = take_string(&r, VK_SCAN_STEP_MAX, true, NULL);
	a.n_steps = take_u32(&r);
	if (r.bad || kind < VK_SCAN_FOUND || kind > VK_SCAN_END || a.n_steps > VK_SCAN_STEPS_MAX)
		return vk_fail(VK_EPROTO, "an answer is malformed");
	a.kind = kind;
	for (size_t i = 0; i < a.n_steps; i++)
		a.steps[i] = take_string(&r, VK_SCAN_STEP_MAX, true, NULL);
	if (r.bad || r.n > 0)
		return vk_fail(VK_EPROTO, "an answer is malformed");
	*ret = a;
	*ret_used = sizeof(rest) + rest;
	return VK_OK;
}
