/* SPDX-License-Identifier: ISC */
/*
 * A .npmrc for one run: the credentials first, since a [section] of the user's would swallow what
 * follows it, then what the user had.
 */
#include <string.h>

#include "valetkey/proto.h"

static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "-._~%!$&'()*+,:@/[]";

enum vk_err
vk_npmrc_place(const struct vk_scope *s, char **ret)
{
	VK_CLEANUP(vk_freep) char *hostport = vk_scope_hostport(s);
	char *key = hostport ? vk_asprintf("//%s/%s%s", hostport, s->path, *s->path ? "/" : "") : NULL;

	if (!key)
		return vk_fail(VK_ENOMEM, "out of memory");
	if (strspn(key, url_letters) != strlen(key) || strstr(key, "${")) {
		free(key);
		return vk_fail(VK_EPOLICY, "its host or path holds a character that a .npmrc key cannot");
	}
	*ret = key;
	return VK_OK;
}

/* The part of a credential key before ":name", with one slash at its end; NULL when it has none. */
static char *
key_registry(const char *key)
{
	const char *colon = vk_str_starts(key, "//") ? strrchr(key, ':') : NULL;

	if (!colon)
		return NULL;
	return vk_asprintf("%.*s%s", (int)(colon - key), key, colon[-1] == '/' ? "" : "/");
}

/* Does a credential of ${creds} answer for all of ${registry}, or (${exactly}) for just that? */
static enum vk_err
answered(const char *registry, const struct vk_cred_list *creds, bool exactly, bool *ret)
{
	bool yes = false;

	for (size_t i = 0; !yes && i < creds->n; i++) {
		VK_CLEANUP(vk_freep) char *ours = NULL;
		enum vk_err e = vk_npmrc_place(&creds->v[i]->scope, &ours);

		if (e != VK_OK)
			return e;
		yes = exactly ? strcmp(registry, ours) == 0 : vk_str_starts(registry, ours);
	}
	*ret = yes;
	return VK_OK;
}

static enum vk_err
add_basic(const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_BASE64_LEN(VK_MAX_SECRET + VK_MAX_FIELD + 2));
	enum vk_err e = vk_auth_pair(c, &text);

	return e == VK_OK ? vk_npmrc_quote(text.p, text.len, out) : e;
}

static enum vk_err
add_bearer(const struct vk_cred *c, struct vk_buf *out)
{
	if (!vk_str_ieq(c->authtype, "Bearer") && *c->authtype)
		return vk_fail(VK_EPOLICY, "its authentication scheme is %s, but npm sends Bearer",
		    c->authtype);
	for (size_t i = 0; i < c->secret.n; i++)
		if ((unsigned char)c->secret.p[i] > 0x7e)
			return vk_fail(VK_EPOLICY, "its secret is not ASCII, which npm cannot send in a "
						   "header");
	return vk_npmrc_quote(c->secret.p, c->secret.n, out);
}

static enum vk_err
add_credential_line(const struct vk_cred *c, const char *registry, size_t n, struct vk_buf *out)
{
	enum vk_err e;

	if (c->kind != VK_KIND_BASIC && c->kind != VK_KIND_BEARER)
		return vk_fail(VK_EPOLICY, "it is a header of its own, which npm cannot send");
	vk_buf_add(out, registry, n);
	vk_buf_str(out, c->kind == VK_KIND_BASIC ? ":_auth=" : ":_authToken=");
	e = c->kind == VK_KIND_BASIC ? add_basic(c, out) : add_bearer(c, out);
	vk_buf_char(out, '\n');
	return e != VK_OK ? e : out->err;
}

static enum vk_err
check_npm_scope(const char *s)
{
	if (s[0] != '@' || !s[1] ||
	    strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789-._~") != strlen(s + 1))
		return vk_fail(VK_EPOLICY, "its npm scope is not one that npm has");
	return VK_OK;
}

static enum vk_err
add_credential(const struct vk_cred *c, const struct vk_npmrc_style *style, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *registry = NULL;
	VK_CLEANUP(vk_freep) char *url = NULL;
	enum vk_err e = vk_npmrc_place(&c->scope, &registry);

	if (e == VK_OK && *c->npm_scope && (e = check_npm_scope(c->npm_scope)) == VK_OK) {
		if (!(url = vk_scope_url(&c->scope)))
			return vk_fail(VK_ENOMEM, "out of memory");
		vk_buf_fmt(out, "%s:registry=%s/\n", c->npm_scope, url);
	}
	if (e == VK_OK)
		e = add_credential_line(c, registry, strlen(registry), out);
	if (e == VK_OK && style->both_keys)
		e = add_credential_line(c, registry, strlen(registry) - 1, out);
	return e;
}

/* What npm could not tell apart must not be in one file. */
static enum vk_err
check_pair(const struct vk_cred *a, const struct vk_cred *b)
{
	VK_CLEANUP(vk_freep) char *ra = NULL;
	VK_CLEANUP(vk_freep) char *rb = NULL;
	enum vk_err e;

	if (*a->npm_scope && strcmp(a->npm_scope, b->npm_scope) == 0)
		return vk_fail(VK_EPOLICY, "%s and %s both want to be the registry of %s",
		    a->name, b->name, a->npm_scope);
	if ((e = vk_npmrc_place(&a->scope, &ra)) != VK_OK || (e = vk_npmrc_place(&b->scope, &rb)) != VK_OK)
		return e;
	if (strcmp(ra, rb) == 0)
		return vk_fail(VK_EPOLICY, "%s and %s are both for the registry %s, and npm takes one",
		    a->name, b->name, ra);
	return VK_OK;
}

static enum vk_err
add_credentials(const struct vk_cred_list *creds, const struct vk_npmrc_style *style,
    struct vk_buf *out)
{
	for (size_t i = 0; i < creds->n; i++) {
		enum vk_err e = add_credential(creds->v[i], style, out);

		if (e == VK_EPOLICY)
			e = vk_fail(e, "npm cannot be given %s: %s", creds->v[i]->name, vk_reason());
		for (size_t k = 0; e == VK_OK && k < i; k++)
			e = check_pair(creds->v[k], creds->v[i]);
		if (e == VK_EPOLICY)
			vk_hint("choose with --credential");
		if (e != VK_OK)
			return e;
	}
	return VK_OK;
}

static bool
sets_scope_of(const char *key, const struct vk_cred_list *creds)
{
	size_t n = strcspn(key, ":");

	for (size_t i = 0; i < creds->n; i++)
		if (*creds->v[i]->npm_scope && strlen(creds->v[i]->npm_scope) == n &&
		    strncmp(key, creds->v[i]->npm_scope, n) == 0 && strcmp(key + n, ":registry") == 0)
			return true;
	return false;
}

/* Stays the user's line? */
static enum vk_err
keep_line(const struct vk_npmrc_line *l, const struct vk_cred_list *creds,
    const struct vk_npmrc_style *style, struct vk_buf *dropped, bool *ret)
{
	VK_CLEANUP(vk_freep) char *registry = key_registry(l->key);
	bool ours = false;
	enum vk_err e;

	if (!vk_npmrc_cred_key(l->key)) {
		bool names_registry = strcmp(l->key, "registry") == 0 || vk_str_ends(l->key, ":registry");

		*ret = !sets_scope_of(l->key, creds) && (names_registry || !style->registries);
		return VK_OK;
	}
	if (registry && (e = answered(registry, creds, style->keep_own, &ours)) != VK_OK)
		return e;
	*ret = style->keep_own && !ours && !style->registries;
	if (!*ret && !ours) {
		vk_buf_str(dropped, l->key);
		vk_buf_char(dropped, '\n');
	}
	return dropped->err;
}

enum vk_err
vk_npmrc_merge(const char *own, size_t n, const struct vk_cred_list *creds,
    const struct vk_npmrc_style *style, struct vk_buf *out, struct vk_buf *dropped)
{
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	enum vk_err e = add_credentials(creds, style, out);
	size_t done = 0;

	if (e == VK_OK)
		e = vk_npmrc_parse(own, n, &f);
	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		bool keep = false;

		if ((e = keep_line(&f.v[i], creds, style, dropped, &keep)) != VK_OK)
			break;
		if (!style->registries)
			vk_buf_add(out, own + done, f.v[i].start - done);
		if (keep)
			vk_buf_add(out, own + f.v[i].start, f.v[i].end - f.v[i].start);
		done = f.v[i].end;
	}
	if (e == VK_OK && !style->registries)
		vk_buf_add(out, own + done, n - done);
	return e != VK_OK ? e : out->err;
}

/* Names a variable of ${value} that the command will not have; goes to ${vars}. */
static bool
find_gone(const char *value, vk_npmrc_gone *gone, void *arg, struct vk_buf *vars)
{
	const char *at = value, *name;
	bool found = false;
	size_t n;

	while (vk_npmrc_next_var(&at, &name, &n)) {
		VK_CLEANUP(vk_freep) char *copy = vk_asprintf("%.*s", (int)n, name);

		if (!copy)
			vars->err = VK_ENOMEM;
		else if (gone(copy, arg)) {
			vk_buf_str(vars, copy);
			vk_buf_char(vars, '\n');
			found = true;
		}
	}
	return found;
}

enum vk_err
vk_npmrc_without_vars(const char *text, size_t n, const struct vk_cred_list *creds,
    vk_npmrc_gone *gone, void *arg, struct vk_buf *out, struct vk_buf *vars)
{
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	enum vk_err e = vk_npmrc_parse(text, n, &f);
	size_t done = 0;

	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_FILE);
		VK_CLEANUP(vk_freep) char *registry = key_registry(f.v[i].key);
		bool ours = false;

		if (!registry || !vk_npmrc_cred_key(f.v[i].key))
			continue;
		if ((e = answered(registry, creds, false, &ours)) != VK_OK || !ours)
			continue;
		if ((e = vk_npmrc_value(text, &f.v[i], &value)) != VK_OK)
			break;
		if (!find_gone(value.p ? value.p : "", gone, arg, vars))
			continue;
		vk_buf_add(out, text + done, f.v[i].start - done);
		done = f.v[i].end;
	}
	if (e == VK_OK)
		vk_buf_add(out, text + done, n - done);
	return e != VK_OK ? e : out->err != VK_OK ? out->err : vars->err;
}
