/* SPDX-License-Identifier: ISC */
/* The request "fetch" of docs/HELPER.md. */
#include <string.h>

#include "cli/fetch.h"
#include "cli/progress.h"
#include "crypto/crypto.h"
#include "source/helper_call.h"
#include "valetkey/proto.h"

enum { GRACE_MS = 10 * 1000 }; /* the helper's own limit is to be met first: it knows why */

static const struct {
	enum vk_fetch_field field;
	const char *attr;
} passed_on[] = {
	{ VK_FETCH_RETRIES, "retries" },
	{ VK_FETCH_TIMEOUT, "timeout" },
	{ VK_FETCH_CONNECT_TIMEOUT, "connect-timeout" },
	{ VK_FETCH_MAX_SIZE, "max-size" },
	{ VK_FETCH_MAX_REDIRS, "redirects" },
	{ VK_FETCH_PROXY, "proxy" },
	{ VK_FETCH_ACCEPT, "accept" },
	{ VK_FETCH_DOWNGRADE, "downgrade" },
	{ VK_FETCH_TLS_REQUIRED, "tls-required" },
	{ VK_FETCH_CA, "ca" },
	{ VK_FETCH_CERT, "certificate" },
	{ VK_FETCH_KEY, "key" },
};

static enum vk_err
put_login(struct vk_buf *b, const struct vk_cred *c)
{
	enum vk_err e = VK_OK;

	if (c->kind != VK_KIND_BASIC)
		return vk_fail(VK_EPOLICY, "ftp knows user and password alone, and the credential is of another kind");
	if (vk_str_has_control(c->username, strlen(c->username)) || vk_str_has_control(c->secret.p, c->secret.n))
		return vk_fail(VK_EPOLICY, "the credential holds control characters, which ftp cannot express");
	if (*c->username)
		e = vk_helper_put_secret(b, "user", c->username, strlen(c->username));
	return e == VK_OK ? vk_helper_put_secret(b, "password", c->secret.p, c->secret.n) : e;
}

static enum vk_err
put_header(struct vk_buf *b, const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf line = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	enum vk_err e;

	vk_buf_fmt(&line, "%s: ", vk_auth_field(c));
	if ((e = vk_auth_value(c, &line)) == VK_EPOLICY)
		return vk_fail(e, "the credential cannot be presented: %s", vk_reason());
	if (e == VK_OK && (e = line.err) == VK_OK)
		e = vk_helper_put_secret(b, "header", line.p, line.len);
	return e;
}

static enum vk_err
put_credential(struct vk_buf *b, const struct vk_fetch *f, const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *scope = vk_scope_url(&c->scope);
	bool ftp = vk_str_starts(f->scope.scheme, "ftp");
	enum vk_err e;

	if (!scope)
		return VK_ENOMEM;
	vk_buf_fmt(b, "scope=%s\nlabel=the credential %s\n", scope, *c->name ? c->name : scope);
	e = ftp ? put_login(b, c) : put_header(b, c);
	return e == VK_OK ? b->err : e;
}

static enum vk_err
put_request(struct vk_buf *b, const struct vk_fetch *f, const struct vk_cred *c, const struct vk_fetch_target *t)
{
	char record[VK_SHA256_HEX + 1];
	enum vk_err e = VK_OK;

	vk_buf_fmt(b, "fetch\nurl=%s\n", f->url);
	for (size_t i = 0; i < VK_COUNT(passed_on); i++)
		if (f->values[passed_on[i].field])
			vk_buf_fmt(b, "%s=%s\n", passed_on[i].attr, f->values[passed_on[i].field]);
	if (f->values[VK_FETCH_SHA256])
		vk_buf_str(b, "checked=yes\n");
	if (t->record >= 0) {
		/* The URL may hold what should not lie in a file. */
		vk_sha256_text(f->url, record);
		vk_buf_fmt(b, "record=%s\n", record);
	}
	if (c)
		e = put_credential(b, f, c);
	return e == VK_OK ? b->err : e;
}

static bool
take_number(const struct vk_helper_attr *a, uint64_t *ret)
{
	char text[24];

	if (a->n >= sizeof(text))
		return false;
	memcpy(text, a->p, a->n);
	text[a->n] = '\0';
	return vk_str_u64(text, UINT64_MAX, ret) == VK_OK;
}

static enum vk_err
take(const struct vk_helper_attr *a, struct vk_fetch_result *ret)
{
	struct vk_fetch_result r = { .length_known = a[4].n == 5 && strncmp(a[4].p, "known", 5) == 0 };

	if (!take_number(&a[0], &r.bytes) || !take_number(&a[1], &r.resumed) || !take_number(&a[2], &r.tries) ||
	    a[3].n >= sizeof(r.origin) || vk_str_has_control(a[3].p, a[3].n))
		return vk_fail(VK_EBACKEND, "valetkey-http answers what is not understood");
	memcpy(r.origin, a[3].p, a[3].n);
	*ret = r;
	return VK_OK;
}

enum vk_err
vk_fetch_call(const struct vk_fetch *f, const struct vk_cred *c, const struct vk_fetch_target *t,
    struct vk_fetch_result *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF(VK_HELPER_ANSWER_MAX);
	const int fds[] = { t->r.fd, t->record };
	struct vk_bar bar = { .on = false };
	char path[VK_HELPER_PATH];
	struct vk_helper h = {
		.program = "http", .none = "finds nothing", .fds = fds, .n_fds = t->record >= 0 ? 2 : 1,
		.progress = vk_bar_progress, .arg = &bar,
	};
	struct vk_helper_attr attrs[] = {
		{ .name = "bytes", .needed = true },
		{ .name = "resumed", .needed = true },
		{ .name = "tries", .needed = true },
		{ .name = "origin", .needed = true },
		{ .name = "length", .needed = true },
	};
	uint64_t seconds = 0;
	enum vk_err e = vk_str_u64(f->values[VK_FETCH_TIMEOUT], INT32_MAX / 2000, &seconds);

	h.deadline_ms = (int)seconds * 1000 + GRACE_MS;
	if (e == VK_OK)
		e = put_request(&b, f, c, t);
	if (e == VK_OK && (e = vk_helper_program(h.program, path)) == VK_EBACKEND)
		vk_hint("it is built where libcurl is installed (meson option \"http\")");
	if (e != VK_OK)
		return e;
	if (!f->values[VK_FETCH_QUIET])
		vk_bar_begin(&bar, "fetching", VK_BAR_BYTES, false);
	e = vk_helper_ask(&h, &b, &answer, attrs, VK_COUNT(attrs));
	vk_bar_end(&bar);
	return e == VK_OK ? take(attrs, ret) : e;
}
