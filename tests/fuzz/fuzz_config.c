/* SPDX-License-Identifier: ISC */
/*
 * Whatever text a config is: it is refused with file and line, or every value in it stands in the text as it was
 * taken, is canonical, and nothing was cut.
 */
#include <string.h>

#include "valetkey/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Does ${value} end a line of the text, blanks aside?  A cut value does not. */
static void
stands_in(const char *text, size_t n, const char *value)
{
	size_t len = strlen(value);

	for (const char *p = text; len > 0;) {
		const char *at = memmem(p, n - (size_t)(p - text), value, len), *end;

		check(at != NULL);
		for (end = at + len; end < text + n && strchr(" \t\r", *end) && *end; end++)
			;
		if (end == text + n || *end == '\n')
			return;
		p = at + 1;
	}
}

static void
check_section(const struct vk_section *s, const char *text, size_t n)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&s->scope);
	struct vk_scope again;

	check(url && vk_scope_parse(url, &again, NULL) == VK_OK);
	check(vk_scope_same_origin(&again, &s->scope) && strcmp(again.path, s->scope.path) == 0);
	vk_scope_clear(&again);
	stands_in(text, n, s->secret);
	stands_in(text, n, s->npm_scope);
	stands_in(text, n, s->header);
	check(s->ref.kind != 0 && s->ref.what > s->secret && *s->ref.what);
	check((s->kind == VK_KIND_HEADER) == (*s->header != '\0'));
	check(s->kind != 0 || s->ref.kind == VK_SOURCE_KEYSTORE);
	check(!vk_str_has_control(s->username, strlen(s->username)));
	check(*s->name && strlen(s->name) <= 40);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct vk_config c;
	enum vk_err e;

	vk_reason_clear();
	e = vk_config_parse("F", text, size, &c);
	if (e != VK_OK) {
		check(e == VK_EPROTO && vk_str_starts(vk_reason(), "F:"));
		return 0;
	}
	for (size_t i = 0; i < c.n_sections; i++) {
		check_section(&c.sections[i], text, size);
		check(vk_config_section(&c, c.sections[i].name) == &c.sections[i]);
	}
	for (size_t i = 0; i < c.n_profiles; i++) {
		check(c.profiles[i].credentials.n > 0);
		check(vk_config_profile(&c, c.profiles[i].name) == &c.profiles[i]);
		stands_in(text, size, c.profiles[i].credentials.v[c.profiles[i].credentials.n - 1]);
	}
	vk_config_clear(&c);
	return 0;
}
