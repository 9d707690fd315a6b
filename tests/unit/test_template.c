/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static void
add(struct vk_cred_list *l, const char *name, const char *user, const char *secret, size_t n)
{
	struct vk_cred *c = vk_cred_new();

	assert_non_null(c);
	assert_int_equal(vk_cred_set(&c->name, name), VK_OK);
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	assert_int_equal(vk_secret_set(&c->secret, secret, n), VK_OK);
	assert_int_equal(vk_cred_list_add(l, c), VK_OK);
}

static const struct {
	const char *text, *expect;
} good[] = {
	{ "", "" },
	{ "no reference $ {valetkey:a} ${other}", "no reference $ {valetkey:a} ${other}" },
	{ "a=${valetkey:a}\n", "a=p\"<&>'%$`\\\n" },
	{ "${valetkey:a.username}:${valetkey:a|percent}@", "me@corp:p%22%3C%26%3E%27%25%24%60%5C@" },
	{ "\"${valetkey:a|json}\"", "\"p\\\"<&>'%$`\\\\\"" },
	{ "<p>${valetkey:a|xml}</p>", "<p>p&quot;&lt;&amp;&gt;&apos;%$`\\</p>" },
	{ "'${valetkey:a|sh}'", "'p\"<&>'\\''%$`\\'" },
	{ "${valetkey:b|base64}", "eAp5" },
	{ "${valetkey:b|basic}", "OngKeQ==" },
	{ "${valetkey:b|json}", "x\\ny" },
	{ "${valetkey:dots.and.username|xml}", "u&amp;" },
	{ "${valetkey:b|percent}${valetkey:b|percent}", "x%0Ayx%0Ay" },
};

static const struct {
	const char *text;
	enum vk_err e;
} bad[] = {
	{ "${valetkey:}", VK_EPROTO },
	{ "${valetkey:|json}", VK_EPROTO },
	{ "${valetkey:.username}", VK_ENOENT },
	{ "${valetkey:a", VK_EPROTO },
	{ "${valetkey:a|yaml}", VK_EPROTO },
	{ "${valetkey:a|json|xml}", VK_EPROTO },
	{ "${valetkey:a\n}", VK_EPROTO },
	{ "${valetkey:A}", VK_ENOENT },
	{ "${valetkey:a.secret}", VK_ENOENT },
	{ "${valetkey:b}", VK_EPOLICY },
	{ "${valetkey:b|xml}", VK_EPOLICY },
	{ "${valetkey:nul|sh}", VK_EPOLICY },
};

static void
test_all(void **state)
{
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list l = { 0 };

	(void)state;
	add(&l, "a", "me@corp", "p\"<&>'%$`\\", 10);
	add(&l, "b", "", "x\ny", 3);
	add(&l, "nul", "", "x\0y", 3);
	add(&l, "dots.and", "u&", "s", 1);
	for (size_t i = 0; i < VK_COUNT(good); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(4096);

		assert_int_equal(vk_template_expand(good[i].text, strlen(good[i].text), &l, &out), VK_OK);
		assert_string_equal(out.p ? out.p : "", good[i].expect);
	}
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(4096);

		assert_int_equal(vk_template_expand(bad[i].text, strlen(bad[i].text), &l, &out), bad[i].e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
