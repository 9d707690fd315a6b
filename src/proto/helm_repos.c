/* SPDX-License-Identifier: ISC */
/* Whose account is for which of helm's repositories, and the file that says so. */
#include <string.h>

#include "valetkey/proto.h"
#include "helm_file.h"
#include "json_text.h"

/* ---- whose it is -------------------------------------------------------------------------------------------- */

static const char *
called(const struct vk_cred *c)
{
	return *c->name ? c->name : c->scope.host;
}

static enum vk_err
refuse(const struct vk_helm_file *f, const struct vk_helm_repository *r, const struct vk_cred *c, const char *why)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(VK_MAX_FIELD);

	if (vk_helm_resolve(f->text, r->values[VK_HELM_NAME], &name) != VK_OK)
		return name.err;
	vk_hint("choose others with --credential");
	return vk_fail(VK_EPOLICY, "helm's repository %s cannot have %s: %s", name.p, called(c), why);
}

/* VK_ENOENT: its URL is none that an entry could be for. */
static enum vk_err
place_of(const struct vk_helm_file *f, const struct vk_helm_repository *r, struct vk_scope *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF_SECRET(VK_MAX_FILE);

	if (vk_helm_resolve(f->text, r->values[VK_HELM_URL], &url) != VK_OK)
		return url.err;
	if (vk_scope_parse(url.p, ret, NULL) == VK_OK)
		return VK_OK;
	vk_reason_clear();
	return VK_ENOENT;
}

/* The one of ${creds} that is for it, or NULL. */
static enum vk_err
choose(const struct vk_helm_file *f, const struct vk_helm_repository *r, const struct vk_cred_list *creds,
    const struct vk_cred **ret)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope place = { 0 };
	const struct vk_cred *best = NULL, *rival = NULL;
	enum vk_err e = place_of(f, r, &place);

	for (size_t i = 0; e == VK_OK && i < creds->n; i++) {
		const struct vk_cred *c = creds->v[i];

		if (!vk_scope_covers(&c->scope, &place))
			continue;
		if (!best || strlen(c->scope.path) > strlen(best->scope.path)) {
			best = c;
			rival = NULL;
		} else if (strlen(c->scope.path) == strlen(best->scope.path)) {
			rival = c;
		}
	}
	if (rival)
		return refuse(f, r, best, "the run has another account for it");
	if (best && vk_helm_is(f->text, r->values[VK_HELM_UNVERIFIED], "true"))
		return refuse(f, r, best, "it is used without verifying who answers (insecure_skip_tls_verify)");
	*ret = best;
	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_helm_serves(const char *own, size_t n, const struct vk_cred *c, bool *ret)
{
	VK_CLEANUP(vk_helm_file_clear) struct vk_helm_file f = { 0 };
	bool yes = false;
	enum vk_err e = vk_helm_file_read(own, n, &f);

	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		VK_CLEANUP(vk_scope_clear) struct vk_scope place = { 0 };

		if ((e = place_of(&f, &f.v[i], &place)) == VK_OK)
			yes |= vk_scope_covers(&c->scope, &place);
		else if (e == VK_ENOENT)
			e = VK_OK;
	}
	if (e == VK_OK)
		*ret = yes;
	return e;
}

/* ---- what is written ---------------------------------------------------------------------------------------- */

static enum vk_err
check(const struct vk_helm_file *f, const struct vk_helm_repository *r, const struct vk_cred *c)
{
	if (!*c->username || c->secret.n == 0)
		return refuse(f, r, c, "helm presents nothing where the user name or the secret is empty");
	if (strchr(c->username, ':'))
		return refuse(f, r, c, "its user name holds a colon, which basic authentication cannot express");
	if (!vk_utf8_valid(c->username, strlen(c->username)) || !vk_utf8_valid(c->secret.p, c->secret.n))
		return refuse(f, r, c, "YAML cannot hold what is not UTF-8");
	return VK_OK;
}

/* Between double quotes, where nothing beyond ASCII is left that could be a line's end. */
static enum vk_err
add_string(const char *s, size_t n, struct vk_buf *out)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;

	vk_buf_char(out, '"');
	while (p < end) {
		unsigned c = vk_utf8_next(&p);

		if (c < ' ' || c > '~')
			vk_buf_fmt(out, "\\U%08x", c);
		else if (c == '"' || c == '\\')
			vk_buf_fmt(out, "\\%c", (int)c);
		else
			vk_buf_char(out, (char)c);
	}
	return vk_buf_char(out, '"');
}

static enum vk_err
add_value(const struct vk_cred *c, size_t key, struct vk_buf *out)
{
	if (key == VK_HELM_PASS_ALL)
		return vk_buf_str(out, "false");
	if (!c)
		return vk_buf_str(out, "\"\"");
	return key == VK_HELM_USERNAME ? add_string(c->username, strlen(c->username), out) :
	    add_string(c->secret.p, c->secret.n, out);
}

static bool
has_value(const struct vk_helm_file *f, const struct vk_helm_repository *r, size_t key)
{
	struct vk_helm_span v = r->values[key];

	return !vk_helm_is_null(f->text, v) && !vk_helm_is(f->text, v, "\"\"") && !vk_helm_is(f->text, v, "''");
}

/* The account that the URL holds itself, up to the last '@' before its path (Go's net/url); ${end} 0: it has none. */
static struct vk_helm_span
own_account(const struct vk_helm_file *f, const struct vk_helm_repository *r)
{
	struct vk_helm_span v = r->values[VK_HELM_URL], none = { 0, 0 };
	const char *p = v.end ? memmem(f->text + v.at, v.end - v.at, "://", 3) : NULL, *end = f->text + v.end, *host;

	if (!p)
		return none;
	for (host = p += 3; host < end && !strchr("/?#", *host); host++)
		;
	while (host > p && host[-1] != '@')
		host--;
	return host > p ? (struct vk_helm_span){ (size_t)(p - f->text), (size_t)(host - f->text) } : none;
}

/* Its lines, from ${*at} on, with the account of ${c}; NULL: with none. */
static enum vk_err
add_lines(const struct vk_helm_file *f, const struct vk_helm_repository *r, const struct vk_cred *c, size_t *at,
    struct vk_buf *out)
{
	enum vk_err e = c ? check(f, r, c) : VK_OK;

	for (size_t i = 0; e == VK_OK && i < r->n; i++) {
		struct vk_helm_span account = own_account(f, r);
		size_t key = r->order[i];

		if (key == VK_HELM_URL && !c && account.end) {
			e = vk_buf_add(out, f->text + *at, account.at - *at);
			*at = account.end;
			continue;
		}
		if (key != VK_HELM_USERNAME && key != VK_HELM_PASSWORD && (key != VK_HELM_PASS_ALL || !c))
			continue;
		vk_buf_add(out, f->text + *at, r->values[key].at - *at);
		if (f->text[r->values[key].at - 1] == ':')
			vk_buf_char(out, ' ');
		e = add_value(c, key, out);
		*at = r->values[key].end;
	}
	if (e != VK_OK || !c)
		return e;
	vk_buf_add(out, f->text + *at, r->end - *at);
	*at = r->end;
	for (size_t key = VK_HELM_USERNAME; e == VK_OK && key <= VK_HELM_PASSWORD; key++) {
		if (r->values[key].end)
			continue;
		vk_buf_fmt(out, "%s%*s%s: ", out->p && out->p[out->len - 1] == '\n' ? "" : "\n", (int)f->indent + 2, "",
		    vk_helm_keys[key]);
		e = add_value(c, key, out);
		vk_buf_char(out, '\n');
	}
	return e;
}

static enum vk_err
drop(const struct vk_helm_file *f, const struct vk_helm_repository *r, struct vk_buf *dropped)
{
	if (r->values[VK_HELM_NAME].end == 0)
		return vk_buf_str(dropped, "(a repository without name)\n");
	if (vk_helm_resolve(f->text, r->values[VK_HELM_NAME], dropped) != VK_OK)
		return dropped->err;
	return vk_buf_char(dropped, '\n');
}

enum vk_err
vk_helm_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own, struct vk_buf *out,
    struct vk_buf *dropped)
{
	VK_CLEANUP(vk_helm_file_clear) struct vk_helm_file f = { 0 };
	size_t at = 0;
	enum vk_err e = vk_helm_file_read(own, n, &f);

	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		const struct vk_helm_repository *r = &f.v[i];
		const struct vk_cred *c = NULL;
		bool has = has_value(&f, r, VK_HELM_USERNAME) || has_value(&f, r, VK_HELM_PASSWORD) ||
		    own_account(&f, r).end;

		if ((e = choose(&f, r, creds, &c)) != VK_OK || (!c && (!has || keep_own)))
			continue;
		if (!c)
			e = drop(&f, r, dropped);
		if (e == VK_OK)
			e = add_lines(&f, r, c, &at, out);
	}
	if (e == VK_OK)
		e = vk_buf_add(out, own + at, n - at);
	return e;
}
