/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/proto.h"

static enum vk_err
parse(const char *text, struct vk_docker_msg *m)
{
	return vk_docker_parse_store(text, strlen(text), m);
}

static void
refused(const char *text, size_t n, enum vk_err with, const char *reason)
{
	struct vk_docker_msg m = { 0 };

	vk_reason_clear();
	assert_int_equal(vk_docker_parse_store(text, n, &m), with);
	assert_null(m.server);
	assert_null(m.secret.p);
	if (reason)
		assert_string_equal(vk_reason(), reason);
	assert_true(*vk_reason());
	assert_null(strstr(vk_reason(), "hunter2"));
}

static void
missing(const char *text, const char *reason)
{
	refused(text, strlen(text), VK_EPROTO, reason);
}

static void
test_store(void **state)
{
	struct vk_docker_msg m;

	(void)state;
	assert_int_equal(parse("{\"ServerURL\":\"  ghcr.io \",\"Username\":\"\\u003ctoken\\u003e\","
			       "\"Secret\":\"a\\n\\\"\\u00e9\",\"Extra\":[1,{}]}\n", &m), VK_OK);
	assert_string_equal(m.server, "ghcr.io");
	assert_string_equal(m.username, "<token>");
	assert_string_equal(m.secret.p, "a\n\"\xc3\xa9");
	vk_docker_msg_clear(&m);
	assert_int_equal(parse("{\"serverurl\":\"h\",\"USERNAME\":\"u\",\"secret\":\"\"}", &m), VK_OK);
	assert_int_equal(m.secret.n, 0);
	assert_non_null(m.secret.p);
	vk_docker_msg_clear(&m);
}

#define REST "\"Username\":\"u\",\"Secret\":\"hunter2\"}"

static void
test_store_refusals(void **state)
{
	static const char *const bad[] = { "", "null", "[]", "\"x\"", "{", "{}x",
		"{\"ServerURL\":\"h\"," REST " {}",
		"{\"ServerURL\":1," REST,
		"{\"ServerURL\":null," REST,
		"{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":7}",
		"{\"ServerURL\":\"h\",\"ServerURL\":\"h\"," REST,
		"{\"ServerURL\":\"h\",\"serverurl\":\"g\"," REST,
		"{\"ServerURL\":\"h\\u0000\"," REST,
		"{\"ServerURL\":\"h\\ud800\"," REST,
		"{\"ServerURL\":\"h\xff\"," REST,
		"{\"ServerURL\":\"h\xc0\x80\"," REST,
		"{\"ServerURL\":\"a\\nb\"," REST,
		"{\"ServerURL\":\"h\",\"Username\":\"u\\n\",\"Secret\":\"hunter2\"}",
		"{\"ServerURL\":\"h\",\"Username\":\"u\"}",
		"{'ServerURL':'h'}", "{\"ServerURL\":\"h\"," REST "\n{\"ServerURL\":\"g\"," REST };
	static char deep[200000];

	(void)state;
	for (size_t i = 0; i < VK_COUNT(bad); i++)
		refused(bad[i], strlen(bad[i]), VK_EPROTO, NULL);
	refused("{\"ServerURL\":\"h\"\0," REST, 17 + sizeof(REST) - 1, VK_EPROTO, NULL);
	missing("{" REST, "no credentials server URL");
	missing("{\"ServerURL\":\" \"," REST, "no credentials server URL");
	missing("{\"ServerURL\":\"h\",\"Username\":\"\"}", "no credentials username");
	missing("{\"ServerURL\":\"h\"}", "no credentials username");

	memset(deep, '[', sizeof(deep));
	refused(deep, sizeof(deep), VK_ELIMIT, NULL);
	memset(deep, ',', sizeof(deep));
	refused(deep, sizeof(deep), VK_ELIMIT, NULL);
	/* The brackets in a string do not nest. */
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"x\":\"", 6);
	refused(deep, sizeof(deep), VK_EPROTO, NULL);
}

static void
test_server(void **state)
{
	struct vk_docker_msg m;

	(void)state;
	assert_int_equal(vk_docker_parse_server(" ghcr.io\r\n", 10, &m), VK_OK);
	assert_string_equal(m.server, "ghcr.io");
	assert_null(m.username);
	vk_docker_msg_clear(&m);
	assert_int_equal(vk_docker_parse_server("", 0, &m), VK_EPROTO);
	assert_string_equal(vk_reason(), "no credentials server URL");
	assert_int_equal(vk_docker_parse_server(" \n\t", 3, &m), VK_EPROTO);
	assert_string_equal(vk_reason(), "no credentials server URL");
	assert_int_equal(vk_docker_parse_server("a\nb", 3, &m), VK_EPROTO);
	assert_int_equal(vk_docker_parse_server("a\0b", 3, &m), VK_EPROTO);
}

/* ${server} means the scope ${url}, which docker spells ${spelling}. */
static void
means(const char *server, const char *url, const char *spelling)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };
	VK_CLEANUP(vk_freep) char *u = NULL;
	VK_CLEANUP(vk_freep) char *d = NULL;

	assert_int_equal(vk_docker_scope(server, &s), VK_OK);
	u = vk_scope_url(&s);
	d = vk_docker_server(&s);
	assert_string_equal(u, url);
	assert_string_equal(d, spelling);
}

static void
test_scope(void **state)
{
	static const char *const one[] = { "ghcr.io", "GHCR.io", "ghcr.io:443", "ghcr.io/",
		"https://ghcr.io", "HTTPS://ghcr.io/", "https://ghcr.io/v1/", "https://ghcr.io/v2/",
		"https://ghcr.io/v2", "ghcr.io/v2/" };
	static const char *const hub[] = { "https://index.docker.io/v1/", "index.docker.io",
		"https://index.docker.io", "https://index.docker.io/v1", "index.docker.io/v2/" };
	static const char *const bad[] = { "user:pw@ghcr.io", "ghcr.io@evil.com", "ftp://ghcr.io",
		"ghcr.io?x", "ghcr.io#x", "ghcr.io:x", "ghcr.io:", "https://", "/", "ghcr.io/../x",
		"ghcr.io/%2e%2e/x", "a b" };
	struct vk_scope s = { 0 };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(one); i++)
		means(one[i], "https://ghcr.io", "ghcr.io");
	for (size_t i = 0; i < VK_COUNT(hub); i++)
		means(hub[i], "https://index.docker.io/v1", "https://index.docker.io/v1/");
	means("https://index.docker.io/v1/access-token", "https://index.docker.io/v1/access-token",
	    "https://index.docker.io/v1/access-token");
	means("https://index.docker.io/v1/refresh-token", "https://index.docker.io/v1/refresh-token",
	    "https://index.docker.io/v1/refresh-token");
	means("h:5000", "https://h:5000", "h:5000");
	means("http://h:5000/v2/", "http://h:5000", "http://h:5000");
	means("http://h", "http://h", "http://h");
	means("h/org/repo", "https://h/org/repo", "h/org/repo");
	means("[::1]:5000", "https://[::1]:5000", "[::1]:5000");
	for (size_t i = 0; i < VK_COUNT(bad); i++)
		assert_int_equal(vk_docker_scope(bad[i], &s), VK_EPROTO);
}

static bool
serves(const char *entry, const char *asked)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope e = { 0 }, a = { 0 };

	assert_int_equal(vk_scope_parse(entry, &e, NULL), VK_OK);
	assert_int_equal(vk_docker_scope(asked, &a), VK_OK);
	return vk_docker_serves(&e, &a);
}

static void
test_serves(void **state)
{
	static const char hub[] = "https://index.docker.io/v1/";
	static const char access[] = "https://index.docker.io/v1/access-token";

	(void)state;
	assert_true(serves("https://ghcr.io", "ghcr.io/org/repo"));
	assert_false(serves("https://ghcr.io/org", "ghcr.io/organ"));
	assert_false(serves("https://ghcr.io", "http://ghcr.io"));
	assert_true(serves("https://index.docker.io", hub));
	assert_true(serves(hub, "index.docker.io"));
	assert_true(serves(access, access));
	assert_false(serves(hub, access));
	assert_false(serves("https://index.docker.io", access));
	assert_false(serves(access, hub));
	/* Elsewhere such a path is only a path. */
	assert_true(serves("https://h", "https://h/v1/access-token"));
}

static void
test_answer(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(1000);
	struct vk_secret s = { 0 };

	(void)state;
	assert_int_equal(vk_secret_set(&s, "q\"\\\n\x01\xc3\xa9", 7), VK_OK);
	assert_int_equal(vk_docker_answer("h:1", "<token>", &s, &b), VK_OK);
	assert_string_equal(b.p, "{\"ServerURL\":\"h:1\",\"Username\":\"<token>\","
				 "\"Secret\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\"}\n");
	vk_buf_clear(&b);
	assert_int_equal(vk_secret_set(&s, "\xff", 1), VK_OK);
	assert_int_equal(vk_docker_answer("h", "u", &s, &b), VK_EPROTO);
	vk_secret_clear(&s);
}

static void
test_list(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(1000);

	(void)state;
	assert_int_equal(vk_docker_list_end(&b), VK_OK);
	assert_string_equal(b.p, "{}\n");
	vk_buf_clear(&b);
	assert_int_equal(vk_docker_list_add("h", "u\"", &b), VK_OK);
	assert_int_equal(vk_docker_list_add("g:1", "v", &b), VK_OK);
	assert_int_equal(vk_docker_list_end(&b), VK_OK);
	assert_string_equal(b.p, "{\"h\":\"u\\\"\",\"g:1\":\"v\"}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_store_refusals),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_serves),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("docker", tests, NULL, NULL);
}
