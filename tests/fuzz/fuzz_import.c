/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a file to import; the first says which kind.  What comes out does not depend on how the
 * file is cut, is fit to be stored, and of a .npmrc the rest holds none of it.
 */
#include <inttypes.h>
#include <string.h>

#include "valetkey/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const formats[] = { "netrc", "git-credentials", "npmrc", "docker", "pypirc" };

struct result {
	struct vk_buf text; /* what came out */
	unsigned creds, secrets_left;
	enum vk_err e;
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static enum vk_err
cred(const struct vk_cred *c, uint64_t line, void *arg)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	VK_CLEANUP(vk_scope_clear) struct vk_scope again = { 0 };
	struct result *r = arg;

	check(url && vk_scope_parse(url, &again, NULL) == VK_OK);
	check(vk_scope_same_origin(&again, &c->scope) && strcmp(again.path, c->scope.path) == 0);
	check(c->secret.n > 0 && c->secret.n <= VK_MAX_SECRET && strlen(c->username) <= VK_MAX_FIELD);
	check(!vk_str_has_control(c->secret.p, c->secret.n));
	check(!vk_str_has_control(c->username, strlen(c->username)));
	check(c->kind == VK_KIND_BASIC || (c->kind == VK_KIND_BEARER && strcmp(c->authtype, "Bearer") == 0));
	r->creds++;
	return vk_buf_fmt(&r->text, "%" PRIu64 " %s %s %s %s\n", line, url, c->username, c->secret.p,
	    c->npm_scope);
}

static enum vk_err
left(const struct vk_import_left *l, void *arg)
{
	struct result *r = arg;

	check(*l->why != '\0');
	r->secrets_left += l->secret;
	return vk_buf_fmt(&r->text, "%" PRIu64 " %s: %s\n", l->line, l->what, l->why);
}

static void
read_all(const char *format, const char *text, size_t n, size_t step, struct result *r)
{
	VK_CLEANUP(vk_import_freep) struct vk_import *im = NULL;
	const struct vk_import_sink sink = { cred, left, r };

	*r = (struct result){ .text = VK_BUF(64 * VK_MAX_FILE) };
	check(vk_import_new(format, &sink, &im) == VK_OK);
	for (size_t at = 0; r->e == VK_OK && at < n; at += step)
		r->e = vk_import_feed(im, text + at, n - at < step ? n - at : step);
	if (r->e == VK_OK)
		r->e = vk_import_end(im);
}

static void
check_rest(const char *text, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf rest = VK_BUF_SECRET(VK_MAX_FILE);
	struct result r;

	check(vk_import_npmrc_rest(text, n, &rest) == VK_OK && rest.len <= n);
	read_all("npmrc", rest.p ? rest.p : "", rest.len, 4096, &r);
	check(r.e == VK_OK && r.creds == 0);
	vk_buf_clear(&r.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *format, *text = (const char *)data + 1;
	struct result a, b;

	if (size == 0)
		return 0;
	format = formats[data[0] % VK_COUNT(formats)];
	read_all(format, text, size - 1, 4096, &a);
	read_all(format, text, size - 1, 1 + data[0] / VK_COUNT(formats) % 5, &b);
	check(a.e == b.e && a.creds == b.creds && a.text.len == b.text.len);
	check(a.text.len == 0 || memcmp(a.text.p, b.text.p, a.text.len) == 0);
	/* Only then is a file overwritten and replaced by its rest. */
	if (strcmp(format, "npmrc") == 0 && a.e == VK_OK && a.secrets_left == 0)
		check_rest(text, size - 1);
	vk_buf_clear(&a.text);
	vk_buf_clear(&b.text);
	return 0;
}
