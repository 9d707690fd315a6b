/* SPDX-License-Identifier: ISC */
/*
 * The keystore's lookup against the rules of cred.h: many small keystores, every question answered also by
 * looking at each entry with vk_cred_matches().
 */
#include "store_util.h"

enum { STORES = 25, ENTRIES = 30, QUESTIONS = 300 };

static unsigned seed = 31337;

static const char *const hosts[] = { "h.example", "h.example:444", "g.example" };
static const char *const parts[] = { "a", "b", "a.git", ".git", "b.git.git", "ab" };
static const char *const users[] = { "", "ann", "bob", "a" };

static const char *
pick(const char *const *from, size_t n)
{
	return from[(size_t)rand_r(&seed) % n];
}

#define PICK(from) pick(from, VK_COUNT(from))

static void
random_url(char *url, size_t n, unsigned depth)
{
	size_t at = (size_t)snprintf(url, n, "https://%s", PICK(hosts));

	for (unsigned i = (unsigned)rand_r(&seed) % (depth + 1); i > 0; i--)
		at += (size_t)snprintf(url + at, n - at, "/%s", PICK(parts));
}

/* What the rules say: longest path; there the account named, else the default. */
struct best {
	const struct vk_query *q;
	struct vk_cred *c;
	size_t len;
};

static enum vk_err
consider(const struct vk_cred *c, void *arg)
{
	struct best *b = arg;
	size_t n = strlen(c->scope.path);

	if (!vk_cred_matches(c, b->q) || (!b->q->username && !(c->flags & VK_CRED_DEFAULT)))
		return VK_OK;
	if (b->c && n <= b->len)
		return VK_OK;
	vk_cred_free(b->c);
	b->c = cred("https://x", c->username, "", c->secret.p);
	b->len = n;
	return VK_OK;
}

static enum vk_err
fill(struct vk_store *st, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ENTRIES; i++) {
		char url[256], secret[16];
		struct vk_cred *c;

		random_url(url, sizeof(url), 3);
		snprintf(secret, sizeof(secret), "s%u", i);
		c = cred(url, PICK(users), "", secret);
		if (rand_r(&seed) % 4 == 0)
			c->flags |= VK_CRED_DEFAULT;
		assert_ok(vk_store_stage_put(st, c));
		vk_cred_free(c);
	}
	return VK_OK;
}

static void
ask(struct vk_store *st)
{
	struct vk_cred *got = NULL;
	struct vk_scope s = { 0 };
	struct vk_query q = { &s, rand_r(&seed) % 2 ? PICK(users) : NULL };
	struct best best = { .q = &q };
	char url[256];
	enum vk_err e;

	random_url(url, sizeof(url), 5);
	assert_ok(vk_scope_parse(url, &s, NULL));
	e = vk_store_find(st, &q, &got);
	assert_ok(vk_store_each(st, &s, consider, &best));
	if (!best.c)
		assert_int_equal(e, VK_ENOENT);
	else if (e != VK_OK || strcmp(got->secret.p, best.c->secret.p) != 0)
		fail_msg("%s as %s: %s instead of %s", url, q.username ? q.username : "anybody",
		    got ? got->secret.p : vk_err_text(e), best.c->secret.p);
	vk_cred_free(got);
	vk_cred_free(best.c);
	vk_scope_clear(&s);
}

static void
test_same_answers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STORES; i++) {
		struct vk_store *st;

		create_raw(store_file);
		st = open_raw(store_file);
		assert_ok(vk_store_commit(st, fill, NULL));
		for (unsigned j = 0; j < QUESTIONS; j++)
			ask(st);
		assert_ok(vk_store_verify(st, NULL));
		vk_store_close(st);
		assert_int_equal(unlink(store_file), 0);
	}
}

/*
 * Random transactions against a plain table: what is in the file afterwards is what the table says, and
 * of each scope exactly one account is the default.
 */
enum { MODEL_HOSTS = 3, MODEL_USERS = 6, STEPS = 400 };

static struct {
	unsigned secret; /* 0: not there */
	int64_t created;
} model[MODEL_HOSTS][MODEL_USERS];
static int model_default[MODEL_HOSTS];

static void
model_remove(unsigned h, unsigned u)
{
	int oldest = -1;

	model[h][u].secret = 0;
	if (model_default[h] != (int)u)
		return;
	for (int i = 0; i < MODEL_USERS; i++)
		if (model[h][i].secret && (oldest < 0 || model[h][i].created < model[h][oldest].created))
			oldest = i;
	model_default[h] = oldest;
}

static void
model_step(struct vk_store *st, unsigned step)
{
	unsigned h = (unsigned)rand_r(&seed) % MODEL_HOSTS, u = (unsigned)rand_r(&seed) % MODEL_USERS;
	char url[32], user[8], secret[16];
	struct change ch = { .user = user };
	struct vk_cred *c;

	snprintf(url, sizeof(url), "https://m%u.example", h);
	snprintf(user, sizeof(user), "u%u", u);
	switch (rand_r(&seed) % 4) {
	case 0:
		ch.remove_url = url;
		assert_int_equal(vk_store_commit(st, decide_change, &ch), model[h][u].secret ? VK_OK : VK_ENOENT);
		if (model[h][u].secret)
			model_remove(h, u);
		break;
	case 1:
		ch.default_url = url;
		assert_int_equal(vk_store_commit(st, decide_change, &ch), model[h][u].secret ? VK_OK : VK_ENOENT);
		if (model[h][u].secret)
			model_default[h] = (int)u;
		break;
	default:
		snprintf(secret, sizeof(secret), "%u", step);
		c = cred(url, user, "", secret);
		/* all different, in no order */
		c->created = model[h][u].secret ? 0 : 1000 + (int64_t)(step * 7919 % 10007);
		ch.put = c;
		assert_ok(vk_store_commit(st, decide_change, &ch));
		if (!model[h][u].secret)
			model[h][u].created = c->created;
		vk_cred_free(c);
		model[h][u].secret = step;
		if (model_default[h] < 0)
			model_default[h] = (int)u;
	}
}

static void
model_check(struct vk_store *st)
{
	for (unsigned h = 0; h < MODEL_HOSTS; h++) {
		char url[32], user[8], secret[16];

		snprintf(url, sizeof(url), "https://m%u.example", h);
		for (unsigned u = 0; u < MODEL_USERS; u++) {
			snprintf(user, sizeof(user), "u%u", u);
			snprintf(secret, sizeof(secret), "%u", model[h][u].secret);
			expect(st, url, user, model[h][u].secret ? secret : NULL);
		}
		if (model_default[h] >= 0)
			snprintf(secret, sizeof(secret), "%u", model[h][model_default[h]].secret);
		expect(st, url, NULL, model_default[h] >= 0 ? secret : NULL);
	}
}

static void
test_model(void **state)
{
	struct vk_store *st;

	(void)state;
	for (unsigned h = 0; h < MODEL_HOSTS; h++)
		model_default[h] = -1;
	create_raw(store_file);
	st = open_raw(store_file);
	for (unsigned step = 1; step <= STEPS; step++) {
		model_step(st, step);
		model_check(st);
	}
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_answers, make_scratch, drop_scratch),
		cmocka_unit_test_setup_teardown(test_model, make_scratch, drop_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
