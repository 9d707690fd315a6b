/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static const struct {
	const char *text, *value; /* of extra-index-url; NULL: there is none */
	bool elsewhere;
	size_t global; /* where [global] begins, behind its header */
} confs[] = {
	{ "", NULL, false, 0 },
	{ "[global]", NULL, false, 8 },
	{ "[global]\nextra-index-url = a", "a", false, 9 },
	{ "[global]\r\nExtra_Index-URL:a b \r\n", "a b", false, 10 },
	{ "# x\n;[global]\n[global] ; y\n extra-index-url=\n  a\n\n  # c\n\t\tb\nx = 1\n", "\na\nb", false, 27 },
	{ "[global]\nextra-index-url = a\n[global2]\n[install]\nextra-index-url = b\n", "a", true, 9 },
	{ "[global]]\nextra-index-url = a\n", NULL, true, 0 },
	{ "[x]\ny = 1\n  [global]\n  extra-index-url = a\n[global]\n", NULL, false, 52 },
	{ "[x]\n  [global]\nextra-index-url = a\n", "a", false, 15 },
	{ "[global]\nextra-index-url\nextra-index-urls = a\nindex-url = b\n", NULL, false, 9 },
	{ "extra-index-url = a\n[global]\nextra-index-url = b\nextra-index-url = c\n", "c", true, 29 },
};

static void
test_pipconf(void **state)
{
	(void)state;
	for (size_t i = 0; i < VK_COUNT(confs); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
		size_t n = strlen(confs[i].text);
		bool elsewhere = false;

		assert_int_equal(vk_pipconf_get(confs[i].text, n, "extra-index-url", &b, &elsewhere), VK_OK);
		if (confs[i].value)
			assert_string_equal(b.p, confs[i].value);
		else
			assert_null(b.p);
		assert_int_equal(elsewhere, confs[i].elsewhere);
		assert_int_equal(vk_pipconf_global(confs[i].text, n), confs[i].global);
	}
}

static const struct {
	const char *text, *all; /* "name=url " ... */
} sources[] = {
	{ "", "" },
	{ "[[t.s]]\nname = \"a\"\nurl = \"u\"", "a=u " },
	{ "[[t.s]]\r\n\turl='u'\r\n\tname='a' # b\r\n[t]\n", "a=u " },
	{ "[[t.s]]\nname = \"a\"\n[[t.s]]\nname = \"b\"\nurl = \"v\"\n[[t.s]]\nurl = \"w\"\n[x]\nname = \"c\"\n", "b=v " },
	{ "[[t.s]]\nname = \"a\"\nurl = \"u\"\n[[t.s]]\nurl = \"v\"\nname = \"b\"\n", "a=u b=v " },
	{ "[t.s]\nname = \"a\"\nurl = \"u\"\n[[t.ss]]\nname = \"a\"\nurl = \"u\"\n", "" },
	{ "[[t.s]]\nname = \"a\\u0062\"\nurl = \"u\"\nnamed = \"x\"\n", "" },
	{ "[[t.s]]\nname = a\nurl = \"u\nname =", "" },
};

static void
test_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < VK_COUNT(sources); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);
		size_t at = 0;
		char *name, *url;

		vk_buf_str(&b, "");
		while (vk_toml_source(sources[i].text, strlen(sources[i].text), "t.s", &at, &name, &url)) {
			vk_buf_fmt(&b, "%s=%s ", name, url);
			free(name);
			free(url);
		}
		assert_string_equal(b.p, sources[i].all);
	}
}

/* Which of the four forms may be said: lines with and without the user name, JSON with and without. */
static const struct {
	const char *user, *secret;
	enum vk_kind kind;
	bool lines, json;
} creds[] = {
	{ "u", "p", VK_KIND_BASIC, true, true },
	{ "", "p\"\\'%", VK_KIND_BASIC, true, true },
	{ "u:v", "p", VK_KIND_BASIC, false, false },
	{ "u", "p", VK_KIND_BEARER, false, false },
	{ "u", "", VK_KIND_BASIC, false, true },
	{ "u", "a\nb", VK_KIND_BASIC, false, true },
	{ "u", " p", VK_KIND_BASIC, false, true },
	{ "u ", "p", VK_KIND_BASIC, false, true },
	{ "u", "p\xc3\xb6", VK_KIND_BASIC, true, false },
	{ "u", "p\xff", VK_KIND_BASIC, false, false },
};

static void
test_keyring(void **state)
{
	(void)state;
	for (size_t i = 0; i < VK_COUNT(creds); i++) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();

		assert_non_null(c);
		c->kind = creds[i].kind;
		assert_int_equal(vk_cred_set(&c->username, creds[i].user), VK_OK);
		assert_int_equal(vk_secret_set(&c->secret, creds[i].secret, strlen(creds[i].secret)), VK_OK);
		for (unsigned form = 0; form < 4; form++) {
			VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(4096);
			bool json = form & 1, may = json ? creds[i].json : creds[i].lines;

			assert_int_equal(vk_keyring_answer(c, form & 2, json, &b), may ? VK_OK : VK_EPOLICY);
			if (!may)
				assert_null(b.p);
			else if (i == 0)
				assert_string_equal(b.p, form == 0 ? "p\n" : form == 1 ? "{\"password\": \"p\"}\n" :
				    form == 2 ? "u\np\n" : "{\"username\": \"u\", \"password\": \"p\"}\n");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipconf),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
