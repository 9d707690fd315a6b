/* SPDX-License-Identifier: ISC */
/*
 * Whatever is in a .npmrc: lines lie within it and in order, what a run makes of it has no other
 * credential, and a secret that can be quoted reads back unchanged.
 */
#include <string.h>

#include "valetkey/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static struct vk_cred *
credential(struct vk_cred_list *l)
{
	struct vk_cred *c = vk_cred_new();

	check(c != NULL);
	vk_scope_clear(&c->scope);
	check(vk_scope_parse("https://h.example/r", &c->scope, NULL) == VK_OK);
	c->kind = VK_KIND_BEARER;
	check(vk_secret_set(&c->secret, "token", 5) == VK_OK);
	check(vk_cred_list_add(l, c) == VK_OK);
	return c;
}

static void
lines(const char *text, size_t n)
{
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	size_t before = 0;

	if (vk_npmrc_parse(text, n, &f) != VK_OK)
		return;
	for (size_t i = 0; i < f.n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf v = VK_BUF_SECRET(VK_MAX_FILE);

		check(f.v[i].start >= before && f.v[i].end > f.v[i].start && f.v[i].end <= n);
		check(f.v[i].value >= f.v[i].start && f.v[i].value + f.v[i].value_len <= f.v[i].end);
		before = f.v[i].end;
		(void)!vk_npmrc_value(text, &f.v[i], &v);
	}
}

static void
merge(const char *text, size_t n, const struct vk_cred_list *l)
{
	const struct vk_npmrc_style style = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE), names = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	size_t creds = 0;

	if (vk_npmrc_merge(text, n, l, &style, &out, &names) != VK_OK)
		return;
	check(vk_npmrc_parse(out.p, out.len, &f) == VK_OK);
	for (size_t i = 0; i < f.n; i++)
		creds += vk_npmrc_cred_key(f.v[i].key);
	check(creds == 1 && strcmp(f.v[0].key, "//h.example/r/:_authToken") == 0);
}

static bool
always(const char *name, void *arg)
{
	(void)arg;
	return *name != '\0';
}

static void
without(const char *text, size_t n, const struct vk_cred_list *l)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE), names = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf again = VK_BUF_SECRET(VK_MAX_FILE), none = VK_BUF(VK_MAX_FILE);

	if (vk_npmrc_without_vars(text, n, l, always, NULL, &out, &names) != VK_OK)
		return;
	check(out.len <= n && (names.len > 0 || out.len == n));
	check(vk_npmrc_without_vars(out.p ? out.p : "", out.len, l, always, NULL, &again, &none) == VK_OK);
	check(none.len == 0);
}

/* npm's expansion of a text in which nothing is to be expanded: the escapes go. */
static void
unescape(const char *s, struct vk_buf *out)
{
	for (size_t slashes = 0; *s; s++) {
		const char *end = s[0] == '$' && s[1] == '{' ? s + 2 + strcspn(s + 2, "${}") : s;

		if (end > s + 2 && *end == '}' && slashes % 2 == 1) {
			out->len -= (slashes + 1) / 2;
			out->p[out->len] = '\0';
		}
		slashes = *s == '\\' ? slashes + 1 : 0;
		vk_buf_char(out, *s);
	}
}

static void
quote(const char *text, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf line = VK_BUF_SECRET(VK_MAX_FILE), value = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf back = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_npmrc_clear) struct vk_npmrc f = { 0 };
	struct vk_secret s = { 0 };
	const char *at, *name;
	size_t len;

	if (n == 0 || n > 4096)
		return;
	check(vk_secret_set(&s, text, n) == VK_OK);
	vk_buf_str(&line, "k=");
	if (vk_npmrc_quote(s.p, s.n, &line) == VK_OK) {
		check(vk_npmrc_parse(line.p, line.len, &f) == VK_OK && f.n == 1);
		check(vk_npmrc_value(line.p, &f.v[0], &value) == VK_OK);
		at = value.p;
		check(!vk_npmrc_next_var(&at, &name, &len));
		unescape(value.p, &back);
		check(back.len == n && vk_mem_eq(back.p, text, n));
	}
	vk_secret_clear(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	const char *text = (const char *)data;

	credential(&l);
	if (size > 0) {
		lines(text, size);
		merge(text, size, &l);
		without(text, size, &l);
	}
	quote(text, size);
	return 0;
}
