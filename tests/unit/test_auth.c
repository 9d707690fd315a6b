/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static enum vk_err
value(enum vk_kind kind, const char *user, const char *authtype, const char *secret, char ret[256])
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(1024);
	enum vk_err e;

	assert_non_null(c);
	c->kind = kind;
	assert_int_equal(vk_cred_set(&c->username, user), VK_OK);
	assert_int_equal(vk_cred_set(&c->authtype, authtype), VK_OK);
	assert_int_equal(vk_cred_set(&c->header, "X-Api-Key"), VK_OK);
	assert_int_equal(vk_secret_set(&c->secret, secret, strlen(secret)), VK_OK);
	assert_string_equal(vk_auth_field(c), kind == VK_KIND_HEADER ? "X-Api-Key" : "Authorization");
	if ((e = vk_auth_value(c, &out)) == VK_OK)
		strcpy(ret, out.p); /* short ones only */
	return e;
}

static void
test_values(void **state)
{
	char v[256];

	(void)state;
	assert_int_equal(value(VK_KIND_BASIC, "u", "", "p:w", v), VK_OK);
	assert_string_equal(v, "Basic dTpwOnc=");
	assert_int_equal(value(VK_KIND_BASIC, "", "", "p", v), VK_OK);
	assert_string_equal(v, "Basic OnA=");
	/* In base64 anything can be said. */
	assert_int_equal(value(VK_KIND_BASIC, "u", "", "\r\n", v), VK_OK);
	assert_string_equal(v, "Basic dToNCg==");
	assert_int_equal(value(VK_KIND_BEARER, "", "", "t0ken", v), VK_OK);
	assert_string_equal(v, "Bearer t0ken");
	assert_int_equal(value(VK_KIND_BEARER, "", "token", "t", v), VK_OK);
	assert_string_equal(v, "token t");
	assert_int_equal(value(VK_KIND_HEADER, "", "", "a b", v), VK_OK);
	assert_string_equal(v, "a b");
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "", "a\r", "a\nX: y", " a", "a ", "a\001b", "\177" };
	char v[256];

	(void)state;
	assert_int_equal(value(VK_KIND_BASIC, "u:v", "", "p", v), VK_EPOLICY);
	for (size_t i = 0; i < VK_COUNT(bad); i++) {
		assert_int_equal(value(VK_KIND_BEARER, "", "", bad[i], v), VK_EPOLICY);
		assert_int_equal(value(VK_KIND_HEADER, "", "", bad[i], v), VK_EPOLICY);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
