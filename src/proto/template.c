/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"

static const char begin[] = "${valetkey:";

/* One "${valetkey:NAME.FIELD|FORM}". */
struct reference {
	const char *name, *form;
	size_t name_n, form_n;
	bool username;
};

/* ---- forms ----------------------------------------------------------------------------------------------------- */

/* What would end a line or confuse a terminal has no place in a file of settings. */
static enum vk_err
as_it_is(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	(void)c;
	if (vk_str_has_control(p, n))
		return vk_fail(VK_EPOLICY, "it holds a control character: use a form such as |json or |base64");
	return vk_buf_add(out, p, n);
}

/* Without the quotes: they are the template's. */
static enum vk_err
json(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(6 * VK_MAX_SECRET + 3);
	enum vk_err e = vk_json_add_string(&text, p, n);

	(void)c;
	return e == VK_OK ? vk_buf_add(out, text.p + 1, text.len - 2) : e;
}

/* XML 1.0 section 2.2 has no control characters, not even escaped. */
static enum vk_err
xml(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	(void)c;
	if (vk_str_has_control(p, n))
		return vk_fail(VK_EPOLICY, "it holds a control character, which XML cannot say");
	for (size_t i = 0; i < n; i++)
		switch (p[i]) {
		case '&': vk_buf_str(out, "&amp;"); break;
		case '<': vk_buf_str(out, "&lt;"); break;
		case '>': vk_buf_str(out, "&gt;"); break;
		case '"': vk_buf_str(out, "&quot;"); break;
		case '\'': vk_buf_str(out, "&apos;"); break;
		default: vk_buf_char(out, p[i]);
		}
	return out->err;
}

static enum vk_err
percent(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	(void)c;
	return vk_auth_percent(p, n, out);
}

static enum vk_err
base64(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(VK_BASE64_LEN(n) + 1);

	(void)c;
	if (!text)
		return VK_ENOMEM;
	vk_base64_encode((const unsigned char *)p, n, text);
	return vk_buf_str(out, text);
}

static enum vk_err
basic(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	(void)p;
	(void)n;
	return vk_auth_pair(c, out);
}

/* Within single quotes, which are the template's. */
static enum vk_err
shell(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out)
{
	(void)c;
	if (memchr(p, '\0', n))
		return vk_fail(VK_EPOLICY, "it holds a NUL, which no shell can say");
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\'')
			vk_buf_str(out, "'\\''");
		else
			vk_buf_char(out, p[i]);
	return out->err;
}

static const struct form {
	const char *name;
	enum vk_err (*write)(const struct vk_cred *c, const char *p, size_t n, struct vk_buf *out);
} forms[] = {
	{ "", as_it_is }, { "json", json }, { "xml", xml }, { "percent", percent }, { "base64", base64 },
	{ "basic", basic }, { "sh", shell },
};

/* ---- references ------------------------------------------------------------------------------------------------ */

static enum vk_err
parse(const char *p, size_t n, struct reference *ret)
{
	static const char field[] = ".username";
	const char *bar = memchr(p, '|', n);
	size_t len = bar ? (size_t)(bar - p) : n;
	bool user = len > strlen(field) && memcmp(p + len - strlen(field), field, strlen(field)) == 0;

	*ret = (struct reference){ .name = p, .name_n = len - (user ? strlen(field) : 0), .username = user,
		.form = bar ? bar + 1 : "", .form_n = bar ? n - len - 1 : 0 };
	if (ret->name_n == 0 || vk_str_has_control(p, n))
		return vk_fail(VK_EPROTO, "a reference is ${valetkey:NAME}, with .username or |FORM behind NAME");
	return VK_OK;
}

static bool
is(const char *name, const char *p, size_t n)
{
	return strlen(name) == n && memcmp(name, p, n) == 0;
}

static enum vk_err
expand_one(const struct reference *r, const struct vk_cred_list *creds, struct vk_buf *out)
{
	const struct form *form = NULL;
	const struct vk_cred *c = NULL;
	enum vk_err e;

	for (size_t i = 0; i < VK_COUNT(forms); i++)
		if (is(forms[i].name, r->form, r->form_n))
			form = &forms[i];
	if (!form) {
		vk_hint("known are json, xml, percent, base64, basic and sh");
		return vk_fail(VK_EPROTO, "there is no form %.*s", (int)r->form_n, r->form);
	}
	for (size_t i = 0; i < creds->n && !c; i++)
		if (is(creds->v[i]->name, r->name, r->name_n))
			c = creds->v[i];
	if (!c) {
		vk_hint("valetkey add --name %.*s URL, or name it with --credential or in the profile", (int)r->name_n,
		    r->name);
		return vk_fail(VK_ENOENT, "this run has no credential %.*s", (int)r->name_n, r->name);
	}
	e = r->username ? form->write(c, c->username, strlen(c->username), out) :
	    form->write(c, c->secret.p, c->secret.n, out);
	return e == VK_EPOLICY ? vk_fail(e, "%s: %s", c->name, vk_reason()) : e;
}

enum vk_err
vk_template_expand(const char *text, size_t n, const struct vk_cred_list *creds, struct vk_buf *out)
{
	const char *end = text + n;

	for (const char *p = text; p < end;) {
		const char *at = memmem(p, (size_t)(end - p), begin, strlen(begin)), *close;
		struct reference r;
		enum vk_err e;

		if (!at)
			return vk_buf_add(out, p, (size_t)(end - p));
		vk_buf_add(out, p, (size_t)(at - p));
		at += strlen(begin);
		if (!(close = memchr(at, '}', (size_t)(end - at))))
			return vk_fail(VK_EPROTO, "a reference has no closing brace");
		if ((e = parse(at, (size_t)(close - at), &r)) != VK_OK || (e = expand_one(&r, creds, out)) != VK_OK)
			return e;
		p = close + 1;
	}
	return out->err;
}
