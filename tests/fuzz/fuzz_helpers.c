/* SPDX-License-Identifier: ISC */
/*
 * What clients send and what is in the user's files, for the small protocols; the first byte chooses one.  A refusal
 * never repeats the secret, and what is put together holds it in the one place where it belongs.
 */
#include <string.h>

#include "valetkey/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "s3\"c<r>e't";

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
bazel(const char *text, size_t n, const struct vk_cred *c)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);

	if (vk_bazel_parse(text, n, &s) != VK_OK)
		return;
	check(strcmp(s.scheme, "https") == 0 || strcmp(s.scheme, "http") == 0);
	check(vk_bazel_answer(c, &out) == VK_OK);
}

static void
nuget(const char *text, size_t n, const struct vk_cred *c)
{
	VK_CLEANUP(vk_nuget_msg_clear) struct vk_nuget_msg m = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);

	if (vk_nuget_parse(text, n, &m) != VK_OK)
		return;
	check(m.id && m.name && (!m.is_request || m.method != VK_NUGET_CREDENTIALS || m.uri));
	check((n % 2 ? vk_nuget_answer(&m, c, &out) : vk_nuget_respond(&m, NULL, &out)) == VK_OK);
	/* One line, whatever the id was. */
	check(memchr(out.p, '\n', out.len) == out.p + out.len - 1);
}

static void
cargo(const char *text, size_t n, const struct vk_cred *c)
{
	VK_CLEANUP(vk_cargo_msg_clear) struct vk_cargo_msg m = { 0 };
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);

	if (vk_cargo_parse(text, n, &m) != VK_OK || vk_cargo_scope(&m, &s) != VK_OK)
		return;
	/* An entry for all of a host is for the index at its root, and no other. */
	check(!vk_cargo_serves(c, &m, &s) || !*s.path);
	check(vk_cargo_answer(c, &m, &out) == VK_OK && memchr(out.p, '\n', out.len) == out.p + out.len - 1);
}

static void
auths(const char *text, size_t n, const struct vk_cred_list *l)
{
	for (int keep = 0; keep < 2; keep++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE), again = VK_BUF_SECRET(VK_MAX_FILE),
								     dropped = VK_BUF(VK_MAX_FILE);

		if (vk_auths_merge(text, n, l, "valetkey", keep, &out, &dropped) != VK_OK)
			continue;
		/* What it made is such a file, and stays as it is. */
		check(strstr(out.p, "\"h.example\": \"valetkey\"") != NULL);
		check(vk_auths_merge(out.p, out.len, l, "valetkey", keep, &again, &dropped) == VK_OK);
		check(again.len == out.len && memcmp(again.p, out.p, out.len) == 0);
	}
}

static void
template(const char *text, size_t n, const struct vk_cred_list *l)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);

	if (vk_template_expand(text, n, l, &out) != VK_OK)
		return;
	if (!memmem(text, n, "${valetkey:", 11))
		check(out.len == n && (n == 0 || memcmp(out.p, text, n) == 0));
}

/* Settings of Python's tools: what is read in them is a part of them, and reading goes on. */
static void
python(const char *text, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE);
	bool elsewhere = false;
	size_t at = vk_pipconf_global(text, n);

	check(at <= n && (at == 0 || at == n || text[at - 1] == '\n'));
	(void)!vk_pipconf_get(text, n, "index-url", &out, &elsewhere);
	check(!out.p || strchr(out.p, '\n') || memmem(text, n, out.p, strlen(out.p)));
	for (size_t before = at = 0;; before = at) {
		VK_CLEANUP(vk_freep) char *name = NULL;
		VK_CLEANUP(vk_freep) char *url = NULL;

		if (!vk_toml_source(text, n, "t.s", &at, &name, &url))
			break;
		check(at > before && at <= n && memmem(text, n, name, strlen(name)) && memmem(text, n, url, strlen(url)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };
	const char *text = (const char *)data + 1;
	struct vk_cred *c = vk_cred_new();

	check(c != NULL);
	vk_scope_clear(&c->scope);
	check(vk_scope_parse("https://h.example", &c->scope, NULL) == VK_OK);
	check(vk_cred_set(&c->username, "u") == VK_OK && vk_cred_set(&c->name, "c") == VK_OK);
	check(vk_secret_set(&c->secret, secret, strlen(secret)) == VK_OK && vk_cred_list_add(&l, c) == VK_OK);
	if (size > 0)
		switch (data[0]) {
		case 'b': bazel(text, size - 1, c); break;
		case 'n': nuget(text, size - 1, c); break;
		case 'c': cargo(text, size - 1, c); break;
		case 'a': auths(text, size - 1, &l); break;
		case 'p': python(text, size - 1); break;
		case 't': template(text, size - 1, &l); break;
		}
	check(!strstr(vk_reason(), secret) || memmem(data, size, secret, strlen(secret)));
	vk_reason_clear();
	return 0;
}
