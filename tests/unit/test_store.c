/* SPDX-License-Identifier: ISC */
/* The keystore as its users see it. */
#include "store_util.h"

static void
test_empty(void **state)
{
	struct vk_store *st = NULL;
	struct vk_slot_info slots[4];
	struct stat s;
	size_t n;
	uint64_t count;

	(void)state;
	assert_int_equal(vk_store_open(store_file, &st), VK_ENOENT);
	create_raw(store_file);
	assert_int_equal(stat(store_file, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	assert_int_equal(s.st_nlink, 1);
	st = open_raw(store_file);
	assert_ok(vk_store_slots(st, slots, 4, &n));
	assert_int_equal(n, 1);
	assert_int_equal(slots[0].type, VK_SLOT_RAW);
	assert_ok(vk_store_count(st, &count));
	assert_int_equal(count, 0);
	expect(st, "https://a.example", NULL, NULL);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_create_refuses(void **state)
{
	struct vk_secret key = { 0 };
	struct vk_slot_new slot = { .type = VK_SLOT_RAW, .secret = &key };
	FILE *f;

	(void)state;
	assert_ok(vk_secret_set(&key, raw_key, sizeof(raw_key)));
	f = fopen(store_file, "w");
	fputs("precious", f);
	fclose(f);
	assert_int_equal(vk_store_create(store_file, &slot, 1), VK_EEXIST);
	unlink(store_file);
	assert_int_equal(symlink("/nonexistent/x", store_file), 0);
	assert_int_equal(vk_store_create(store_file, &slot, 1), VK_EEXIST);
	unlink(store_file);
	assert_int_equal(vk_store_create(store_file, &slot, 0), VK_EUSAGE);
	key.n = 31;
	assert_int_equal(vk_store_create(store_file, &slot, 1), VK_EUSAGE);
	key.n = 32;
	slot = (struct vk_slot_new){ .type = VK_SLOT_PASSPHRASE, .cost = { 1, 19456 }, .secret = &key };
	assert_int_equal(vk_store_create(store_file, &slot, 1), VK_EUSAGE); /* no such cost */
	assert_int_equal(access(store_file, F_OK), -1);
	vk_secret_clear(&key);
}

static void
test_keys(void **state)
{
	struct vk_secret pass = { 0 }, key = { 0 };
	struct vk_slot_new slots[2] = { { .type = VK_SLOT_PASSPHRASE, .cost = { 2, 19456 }, .secret = &pass },
		{ .type = VK_SLOT_RAW, .secret = &key } };
	unsigned char session[VK_STORE_KEY_LEN], wrong[VK_STORE_KEY_LEN] = { 1 };
	struct vk_store *st = NULL;
	struct vk_cred *c = NULL;

	(void)state;
	assert_ok(vk_secret_set(&pass, "correct horse", 13));
	assert_ok(vk_secret_set(&key, raw_key, sizeof(raw_key)));
	assert_ok(vk_store_create(store_file, slots, 2));
	assert_ok(vk_store_open(store_file, &st));
	assert_int_equal(find(st, "https://a.example", NULL, &c), VK_ELOCKED);
	assert_int_equal(vk_store_session_key(st, session), VK_ELOCKED);
	assert_int_equal(put(st, "https://a.example", "u", "", "s"), VK_ELOCKED);
	assert_int_equal(vk_store_unlock_raw(st, wrong), VK_EKEY);
	assert_int_equal(vk_store_unlock_session(st, wrong), VK_EKEY);
	assert_ok(vk_store_unlock_raw(st, raw_key));
	assert_ok(vk_store_session_key(st, session));
	assert_ok(put(st, "https://a.example", "u", "", "s"));
	vk_store_close(st);

	assert_ok(vk_store_open(store_file, &st));
	assert_ok(vk_store_unlock_session(st, session));
	expect(st, "https://a.example", NULL, "s");
	/* a session can write; slots survive it */
	assert_ok(put(st, "https://b.example", "u", "", "t"));
	vk_store_close(st);

	assert_ok(vk_store_open(store_file, &st));
	assert_ok(vk_store_unlock_passphrase(st, &pass));
	expect(st, "https://b.example", "u", "t");
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
	assert_ok(vk_store_open(store_file, &st));
	assert_ok(vk_secret_set(&pass, "wrong horse", 11));
	assert_int_equal(vk_store_unlock_passphrase(st, &pass), VK_EKEY);
	vk_store_close(st);
	vk_secret_clear(&pass);
	vk_secret_clear(&key);
}

static void
test_accounts_and_paths(void **state)
{
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(put(st, "https://git.example", "ann", "", "host-ann"));
	assert_ok(put(st, "https://git.example", "bob", "", "host-bob"));
	assert_ok(put(st, "https://git.example/team-a", "ci", "", "team-a"));
	assert_ok(put(st, "https://git.example/team-a/lib", "ci", "", "lib"));
	assert_ok(put(st, "https://git.example:8443", "ann", "", "other-port"));
	assert_ok(put(st, "http://git.example", "ann", "", "plain"));

	expect(st, "https://git.example", NULL, "host-ann"); /* the first one is the default */
	expect(st, "https://git.example", "bob", "host-bob");
	expect(st, "https://git.example", "eve", NULL);
	expect(st, "https://git.example/team-a", NULL, "team-a");
	expect(st, "https://git.example/team-a/x.git", NULL, "team-a");
	expect(st, "https://git.example/team-ab", NULL, "host-ann");
	expect(st, "https://git.example/team-a/lib.git", NULL, "lib");
	expect(st, "https://git.example/team-a/lib.git/info/lfs", NULL, "lib");
	expect(st, "https://git.example/team-a/lib.gitx", NULL, "team-a");
	expect(st, "https://git.example/team-a/library", NULL, "team-a");
	expect(st, "https://git.example/team-a/x", "bob", "host-bob");
	expect(st, "https://git.example:8443/team-a", NULL, "other-port");
	expect(st, "http://git.example/team-a", NULL, "plain");
	expect(st, "https://git.example:444", NULL, NULL);
	expect(st, "https://sub.git.example", NULL, NULL);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_default(void **state)
{
	struct change ch = { .default_url = "https://h.example", .user = "c" };
	struct vk_cred *c = NULL;
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	for (int i = 0; i < 4; i++) {
		char user[2] = { (char)('a' + i), '\0' };

		c = cred("https://h.example", user, "", user);
		c->created = 1000 - i; /* the last put is the oldest */
		assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
		vk_cred_free(c);
	}
	expect(st, "https://h.example", NULL, "a");
	assert_ok(vk_store_commit(st, decide_change, &ch));
	expect(st, "https://h.example", NULL, "c");
	assert_ok(find(st, "https://h.example", "c", &c));
	assert_true(c->flags & VK_CRED_DEFAULT);
	vk_cred_free(c);
	assert_ok(find(st, "https://h.example", "a", &c));
	assert_false(c->flags & VK_CRED_DEFAULT);
	/* putting an account with the flag makes it the default, without it changes nothing */
	c->flags |= VK_CRED_DEFAULT;
	assert_ok(vk_store_commit(st, decide_change, &(struct change){ .put = c }));
	vk_cred_free(c);
	expect(st, "https://h.example", NULL, "a");
	assert_ok(put(st, "https://h.example", "b", "", "b2"));
	expect(st, "https://h.example", NULL, "a");
	/* the default goes: the oldest account takes over */
	assert_ok(take(st, "https://h.example", "a"));
	expect(st, "https://h.example", NULL, "d");
	assert_ok(take(st, "https://h.example", "b"));
	expect(st, "https://h.example", NULL, "d");
	assert_ok(take(st, "https://h.example", "d"));
	assert_ok(take(st, "https://h.example", "c"));
	expect(st, "https://h.example", NULL, NULL);
	assert_int_equal(take(st, "https://h.example", "c"), VK_ENOENT);
	ch.user = "z";
	assert_int_equal(vk_store_commit(st, decide_change, &ch), VK_ENOENT);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_names(void **state)
{
	struct vk_cred *c = NULL;
	struct vk_store *st;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(put(st, "https://a.example", "u", "one", "s1"));
	assert_ok(put(st, "https://b.example", "u", "two", "s2"));
	assert_ok(vk_store_find_name(st, "one", &c));
	assert_string_equal(c->secret.p, "s1");
	assert_true(c->flags & VK_CRED_DEFAULT);
	assert_true(c->flags & VK_CRED_PINNED);
	vk_cred_free(c);
	assert_int_equal(put(st, "https://c.example", "u", "one", "s3"), VK_EEXIST);
	assert_int_equal(vk_store_find_name(st, "three", &c), VK_ENOENT);
	assert_int_equal(vk_store_find_name(st, "", &c), VK_ENOENT);
	/* renaming frees the old name */
	assert_ok(put(st, "https://a.example", "u", "uno", "s1"));
	assert_int_equal(vk_store_find_name(st, "one", &c), VK_ENOENT);
	assert_ok(put(st, "https://c.example", "u", "one", "s3"));
	assert_ok(take(st, "https://c.example", "u"));
	assert_int_equal(vk_store_find_name(st, "one", &c), VK_ENOENT);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_no_write_without_change(void **state)
{
	struct vk_store *st;
	struct vk_cred *c;
	struct stat a, b;
	uint64_t gen;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(put(st, "https://a.example", "u", "n", "s"));
	gen = vk_store_generation(st);
	assert_int_equal(stat(store_file, &a), 0);
	assert_ok(put(st, "https://a.example", "u", "n", "s")); /* created 0: keeps the old time */
	assert_int_equal(stat(store_file, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(vk_store_generation(st), gen);
	assert_ok(put(st, "https://a.example", "u", "n", "S"));
	assert_int_equal(vk_store_generation(st), gen + 1);
	c = NULL;
	assert_ok(find(st, "https://a.example", NULL, &c));
	assert_true(c->created > 1000000);
	vk_cred_free(c);
	vk_store_close(st);
}

/* Put and take back in one transaction, in several orders. */
static enum vk_err
decide_back_and_forth(struct vk_store *st, void *arg)
{
	struct vk_cred *c = cred("https://x.example", "u", "x", "s");
	struct vk_cred *d = cred("https://y.example", "u", "x", "s");

	(void)arg;
	assert_ok(vk_store_stage_put(st, c));
	assert_int_equal(vk_store_stage_put(st, d), VK_EEXIST); /* the name is staged already */
	assert_ok(vk_store_stage_remove(st, &c->scope, "u"));
	assert_int_equal(vk_store_stage_remove(st, &c->scope, "u"), VK_ENOENT);
	assert_ok(vk_store_stage_put(st, d));
	assert_ok(vk_store_stage_remove(st, &d->scope, "u"));
	vk_cred_free(c);
	vk_cred_free(d);
	return VK_OK;
}

static enum vk_err
decide_not(struct vk_store *st, void *arg)
{
	struct vk_cred *c = cred("https://x.example", "u", "x", "s");

	assert_ok(vk_store_stage_put(st, c));
	assert_int_equal(vk_store_commit(st, decide_not, arg), VK_EUSAGE);
	vk_cred_free(c);
	return vk_fail(VK_EPOLICY, "no");
}

static void
test_transactions(void **state)
{
	struct vk_store *st;
	struct vk_cred *c;
	uint64_t gen;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	gen = vk_store_generation(st);
	assert_ok(vk_store_commit(st, decide_back_and_forth, NULL));
	assert_int_equal(vk_store_generation(st), gen);
	assert_int_equal(vk_store_commit(st, decide_not, NULL), VK_EPOLICY);
	assert_int_equal(vk_store_generation(st), gen);
	c = cred("https://x.example", "u", "x", "s");
	assert_int_equal(vk_store_stage_put(st, c), VK_EUSAGE);
	assert_int_equal(vk_store_stage_remove(st, &c->scope, "u"), VK_EUSAGE);
	assert_int_equal(vk_store_stage_default(st, &c->scope, "u"), VK_EUSAGE);
	vk_cred_free(c);
	expect(st, "https://x.example", NULL, NULL);
	vk_store_close(st);
}

struct many {
	unsigned from, to;
	bool remove;
};

static enum vk_err
decide_many(struct vk_store *st, void *arg)
{
	const struct many *m = arg;

	for (unsigned i = m->from; i < m->to; i++) {
		char url[64], user[16], name[16], secret[16];
		struct vk_cred *c;

		/* 10 accounts on each host, every third on a path, every fifth with a name */
		snprintf(url, sizeof(url), "https://h%u.example%s", i / 10, i % 3 ? "" : "/p/q");
		snprintf(user, sizeof(user), "u%u", i);
		snprintf(name, sizeof(name), "n%u", i);
		snprintf(secret, sizeof(secret), "s%u", i);
		c = cred(url, user, i % 5 ? "" : name, secret);
		c->created = 1000 + i;
		if (m->remove)
			assert_ok(vk_store_stage_remove(st, &c->scope, user));
		else
			assert_ok(vk_store_stage_put(st, c));
		vk_cred_free(c);
	}
	return VK_OK;
}

static enum vk_err
count_visit(const struct vk_cred *c, void *arg)
{
	unsigned *n = arg;

	assert_true(c->secret.n > 1);
	n[0]++;
	n[1] += (c->flags & VK_CRED_DEFAULT) != 0;
	return VK_OK;
}

static enum vk_err
stop_visit(const struct vk_cred *c, void *arg)
{
	(void)c;
	return ++*(unsigned *)arg == 3 ? VK_EPOLICY : VK_OK;
}

static void
test_many(void **state)
{
	struct many m = { 0, 3000, false };
	struct vk_scope origin = { 0 };
	unsigned n[2] = { 0, 0 };
	struct vk_store *st;
	uint64_t count;
	struct vk_cred *c = NULL;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(vk_store_commit(st, decide_many, &m));
	m = (struct many){ 3000, 9000, false }; /* merged into what is there */
	assert_ok(vk_store_commit(st, decide_many, &m));
	assert_ok(vk_store_verify(st, NULL));
	assert_ok(vk_store_count(st, &count));
	assert_int_equal(count, 9000);
	for (unsigned i = 0; i < 9000; i += 7) {
		char url[64], user[16], secret[16];

		snprintf(url, sizeof(url), "https://h%u.example/p/q/r", i / 10);
		snprintf(user, sizeof(user), "u%u", i);
		snprintf(secret, sizeof(secret), "s%u", i);
		expect(st, url, user, secret);
		expect(st, url, "nobody", NULL);
	}
	assert_ok(vk_store_find_name(st, "n4445", &c));
	assert_string_equal(c->secret.p, "s4445");
	vk_cred_free(c);
	assert_ok(vk_store_each(st, NULL, count_visit, n));
	assert_int_equal(n[0], 9000);
	assert_int_equal(n[1], 1800); /* two scopes on each host */
	assert_ok(vk_scope_parse("https://h77.example/whatever", &origin, NULL));
	n[0] = n[1] = 0;
	assert_ok(vk_store_each(st, &origin, count_visit, n));
	assert_int_equal(n[0], 10);
	assert_int_equal(n[1], 2);
	n[0] = 0;
	assert_int_equal(vk_store_each(st, NULL, stop_visit, n), VK_EPOLICY);
	assert_int_equal(n[0], 3);
	vk_scope_clear(&origin);
	/* take away all but a few, then the rest */
	m = (struct many){ 15, 8990, true };
	assert_ok(vk_store_commit(st, decide_many, &m));
	assert_ok(vk_store_verify(st, NULL));
	expect(st, "https://h0.example/p/q", NULL, "s0");
	expect(st, "https://h1.example", NULL, "s10");
	expect(st, "https://h898.example", NULL, NULL);
	m = (struct many){ 0, 15, true };
	assert_ok(vk_store_commit(st, decide_many, &m));
	m = (struct many){ 8990, 9000, true };
	assert_ok(vk_store_commit(st, decide_many, &m));
	assert_ok(vk_store_count(st, &count));
	assert_int_equal(count, 0);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_empty),
		T(test_create_refuses),
		T(test_keys),
		T(test_accounts_and_paths),
		T(test_default),
		T(test_names),
		T(test_no_write_without_change),
		T(test_transactions),
		T(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
