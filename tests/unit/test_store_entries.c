/* SPDX-License-Identifier: ISC */
/* What a keystore can hold: every field, every size up to the limits, and nothing beyond. */
#include "store_util.h"

static void
test_all_fields(void **state)
{
	struct vk_cred *c = cred("smtp://mail.example/x", "u", "n", "s"), *got = NULL;
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_cred_set(&c->npm_scope, "@corp"));
	assert_ok(vk_cred_set(&c->header, "X-Key"));
	assert_ok(vk_cred_set(&c->authtype, "Bearer"));
	assert_ok(vk_secret_set(&c->secret, "a\0b\nc", 5));
	assert_ok(vk_secret_set(&c->refresh, "", 0));
	c->kind = VK_KIND_HEADER;
	c->expires = -5;
	c->created = 77;
	c->refused = INT64_MAX;
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	assert_ok(find(st, "smtp://mail.example/x", NULL, &got));
	assert_string_equal(got->name, "n");
	assert_string_equal(got->scope.scheme, "smtp");
	assert_int_equal(got->scope.port, 25);
	assert_string_equal(got->scope.path, "x");
	assert_string_equal(got->npm_scope, "@corp");
	assert_string_equal(got->header, "X-Key");
	assert_string_equal(got->authtype, "Bearer");
	assert_int_equal(got->kind, VK_KIND_HEADER);
	assert_int_equal(got->secret.n, 5);
	assert_memory_equal(got->secret.p, "a\0b\nc", 6);
	assert_non_null(got->refresh.p);
	assert_int_equal(got->refresh.n, 0);
	assert_true(got->expires == -5 && got->created == 77 && got->refused == INT64_MAX);
	assert_int_equal(got->flags, VK_CRED_PINNED | VK_CRED_DEFAULT);
	vk_cred_free(got);
	vk_cred_free(c);
	vk_store_close(st);
}

/* docs/FORMAT.md, "Records": fields 128 to 134, before others that nobody knows yet. */
static void
test_grant(void **state)
{
	static const char bytes[] = "\x80\2\0\0is\x82\2\0\0to\x83\1\0\0c\x84\3\0\0s\0t\x85\3\0\0a b\x86\x8\0\0\1\2\0\0\0\0\0\0\x87\1\0\0?";
	struct vk_cred *c = cred("https://x.example", "u", "n", "s"), *got = NULL;
	struct vk_grant g, read;
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_false(vk_grant_has(c));
	assert_int_equal(vk_grant_read(c, &read), VK_ENOENT);
	assert_ok(vk_grant_init(&g));
	assert_ok(vk_cred_set(&g.issuer, "is"));
	assert_ok(vk_cred_set(&g.token_url, "to"));
	assert_ok(vk_cred_set(&g.client_id, "c"));
	assert_ok(vk_cred_set(&g.scope, "a b"));
	assert_ok(vk_secret_set(&g.client_secret, "s\0t", 3));
	g.renewed = 0x201;
	/* A later field alone is no login; it stays, and what was there of ours goes. */
	assert_ok(vk_secret_set(&c->extra, bytes + sizeof(bytes) - 6, 5));
	assert_false(vk_grant_has(c));
	assert_ok(vk_grant_write(&g, c));
	assert_ok(vk_grant_write(&g, c));
	assert_int_equal(c->extra.n, sizeof(bytes) - 1);
	assert_memory_equal(c->extra.p, bytes, sizeof(bytes) - 1);
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	assert_ok(find(st, "https://x.example", NULL, &got));
	assert_true(vk_grant_has(got));
	assert_ok(vk_grant_read(got, &read));
	assert_string_equal(read.issuer, "is");
	assert_string_equal(read.device_url, "");
	assert_string_equal(read.token_url, "to");
	assert_string_equal(read.client_id, "c");
	assert_string_equal(read.scope, "a b");
	assert_int_equal(read.client_secret.n, 3);
	assert_int_equal(read.renewed, 0x201);
	assert_memory_equal(read.client_secret.p, "s\0t", 3);
	vk_grant_clear(&read);
	assert_ok(vk_grant_forget(got));
	assert_int_equal(got->extra.n, 5);
	assert_memory_equal(got->extra.p, bytes + sizeof(bytes) - 6, 5);
	/* A new secret ends it; the same with a refresh token does not. */
	vk_secret_clear(&c->extra);
	assert_ok(vk_secret_set(&c->refresh, "r", 1));
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	vk_cred_free(got);
	assert_ok(find(st, "https://x.example", NULL, &got));
	assert_true(vk_grant_has(got));
	vk_secret_clear(&c->refresh);
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	vk_cred_free(got);
	assert_ok(find(st, "https://x.example", NULL, &got));
	assert_int_equal(got->extra.n, 5);
	/* One that is no text is found when it is needed. */
	assert_ok(vk_secret_set(&got->extra, "\x82\2\0\0t\0", 6));
	assert_int_equal(vk_grant_read(got, &read), VK_ETAMPER);
	vk_grant_clear(&g);
	vk_cred_free(got);
	vk_cred_free(c);
	vk_store_close(st);
}

/* git keeps the passphrase of a client certificate by the name of its file. */
static void
test_without_host(void **state)
{
	struct vk_cred *c = cred("https://x.example", "", "", "passphrase"), *got = NULL;
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, NULL };
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_scope_make("cert", "", "/home/u/cert.pem", &s));
	vk_scope_clear(&c->scope);
	assert_ok(vk_scope_copy(&s, &c->scope));
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	assert_ok(vk_store_find(st, &q, &got));
	assert_string_equal(got->secret.p, "passphrase");
	vk_cred_free(got);
	assert_ok(vk_cred_set(&c->scope.scheme, ""));
	assert_int_equal(vk_store_commit(st, decide_change, &(struct change){ .put = c }), VK_EUSAGE);
	vk_cred_free(c);
	vk_scope_clear(&s);
	vk_store_close(st);
}

static char *
text_of(size_t n, char byte)
{
	char *s = malloc(n + 1);

	assert_non_null(s);
	memset(s, byte, n);
	s[n] = '\0';
	return s;
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 800, 900, 960, 1000, 1023, 1024, 1025, 4000, 4055, 4056,
		4057, 8192, 65535, 65536 };
	struct vk_store *st;
	struct vk_cred *c;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	for (size_t i = 0; i < VK_COUNT(sizes); i++) {
		char url[64], *s = text_of(sizes[i], (char)('a' + (int)i));

		snprintf(url, sizeof(url), "https://h%zu.example", i);
		assert_ok(put(st, url, "u", "", s));
		/* all the others are copied along */
		for (size_t j = 0; j <= i; j++) {
			snprintf(url, sizeof(url), "https://h%zu.example", j);
			c = NULL;
			assert_ok(find(st, url, NULL, &c));
			assert_int_equal(c->secret.n, sizes[j]);
			assert_true(sizes[j] == 0 || c->secret.p[sizes[j] - 1] == (char)('a' + (int)j));
			vk_cred_free(c);
		}
		free(s);
	}
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_limits(void **state)
{
	struct vk_store *st;
	struct vk_cred *c = cred("https://big.example", "", "", ""), *got = NULL;
	char *field = text_of(VK_MAX_FIELD, 'f'), *longer = text_of(VK_MAX_FIELD + 1, 'f');
	char *secret = text_of(VK_MAX_SECRET, 's');
	struct change ch = { .put = c };

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_cred_set(&c->name, field));
	assert_ok(vk_cred_set(&c->username, field));
	assert_ok(vk_cred_set(&c->npm_scope, field));
	assert_ok(vk_cred_set(&c->header, field));
	assert_ok(vk_cred_set(&c->authtype, field));
	assert_ok(vk_cred_set(&c->scope.host, field));
	assert_ok(vk_cred_set(&c->scope.path, field));
	assert_ok(vk_secret_set(&c->secret, secret, VK_MAX_SECRET));
	assert_ok(vk_secret_set(&c->refresh, secret, VK_MAX_SECRET));
	assert_ok(vk_store_commit(st, decide_change, &ch));
	assert_ok(vk_store_find_name(st, field, &got));
	assert_int_equal(got->refresh.n, VK_MAX_SECRET);
	assert_string_equal(got->scope.path, field);
	vk_cred_free(got);
	assert_ok(vk_store_verify(st, NULL));
	assert_ok(vk_cred_set(&c->username, longer));
	assert_int_equal(vk_store_commit(st, decide_change, &ch), VK_ELIMIT);
	assert_ok(vk_cred_set(&c->username, ""));
	assert_ok(vk_cred_set(&c->name, ""));
	assert_ok(vk_cred_set(&c->scope.path, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"));
	assert_int_equal(vk_store_commit(st, decide_change, &ch), VK_ELIMIT);
	assert_ok(vk_cred_set(&c->scope.path, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"));
	assert_ok(vk_cred_set(&c->scope.host, "big.example"));
	assert_ok(vk_secret_set(&c->secret, "deep", 4));
	assert_ok(vk_store_commit(st, decide_change, &ch));
	expect(st, "https://big.example/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", NULL, "deep");
	expect(st, "https://big.example/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", NULL, NULL);
	vk_cred_free(c);
	free(field);
	free(longer);
	free(secret);
	vk_store_close(st);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_all_fields),
		T(test_grant),
		T(test_without_host),
		T(test_sizes),
		T(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
