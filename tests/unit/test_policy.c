/* SPDX-License-Identifier: ISC */
/* With a real keystore, opened by VALETKEY_KEY. */
#include "policy_util.h"

static void
test_order(void **state)
{
	(void)state;
	write_config("[cfg]\nurl = " GH "/team\nusername = cfg\nsecret = env:VK_T_A\n"
		     "[deep]\nurl = " GH "/team/deep\nusername = deep\nsecret = env:VK_T_B\n"
		     "[unset]\nurl = https://unset.example\nsecret = env:VK_T_UNSET\n");
	setenv("VK_T_A", "aaa", 1);
	setenv("VK_T_B", "bbb", 1);
	expect_find(NULL, GH "/team/x", NULL, "cfg:aaa");
	expect_find(NULL, GH "/team/deep/x", NULL, "deep:bbb");
	expect_find(NULL, GH "/team/deep/x", "cfg", "cfg:aaa");
	/* the config has no answer there, the keystore has */
	expect_find(NULL, GH "/team/deep/x", "me", "me:stored");
	expect_find(NULL, GH "/teams", NULL, "me:stored");
	expect_find(NULL, GH, NULL, "me:stored");
	expect_find(NULL, "http://github.example/team", NULL, "!1");
	expect_find(NULL, "https://github.example:8443/team", NULL, "!1");
	expect_find(NULL, "https://evil-github.example/team", NULL, "!1");
	/* a section that is there but cannot answer is an error, and nothing else answers instead */
	expect_find(NULL, "https://unset.example", NULL, "!6");
}

static void
test_narrow(void **state)
{
	(void)state;
	write_config("[evil]\nurl = https://evil.example\nsecret = keystore:gh\n"
		     "[port]\nurl = https://github.example:444\nsecret = keystore:gh\n"
		     "[clear]\nurl = http://github.example\nsecret = keystore:gh\n"
		     "[up]\nurl = https://path.example\nsecret = keystore:pathy\n"
		     "[side]\nurl = https://path.example/ab\nsecret = keystore:pathy\n"
		     "[user]\nurl = https://github.example/u\nusername = other\nsecret = keystore:gh\n"
		     "[ok]\nurl = https://github.example/ok\nsecret = keystore:gh\n"
		     "[token]\nurl = https://github.example/token\nkind = bearer\nsecret = keystore:gh\n"
		     "[n1]\nurl = https://github.example/n\nsecret = keystore:gh\n"
		     "[n3]\nurl = https://github.example/n/n/n\nsecret = keystore:gh\n"
		     "[n2]\nurl = https://github.example/n/n\nsecret = keystore:gh\n"
		     "[gone]\nurl = https://gone.example\nsecret = keystore:gone\n");
	expect_find(NULL, "https://evil.example", NULL, "!4");
	expect_find(NULL, "https://github.example:444", NULL, "!4");
	expect_find(NULL, "http://github.example", NULL, "!4");
	expect_find(NULL, "https://path.example", NULL, "!4");
	expect_find(NULL, "https://path.example/ab", NULL, "!4");
	expect_find(NULL, "https://github.example/u", "other", "!4");
	expect_find(NULL, "https://github.example/ok/x", NULL, "me:stored");
	expect_find(NULL, "https://github.example/ok/x", "me", "me:stored");
	expect_find(NULL, "https://github.example/ok/x", "you", "!1");
	expect_find(NULL, "https://github.example/n/n/n", "you", "!1"); /* each is tried, once */
	expect_find(NULL, "https://gone.example", NULL, "!6");
	expect_select(NULL, (const char *[]){ "evil" }, 1, "!4");
	expect_select(NULL, (const char *[]){ "ok" }, 1, "ok");
	expect_select(NULL, NULL, 0, "!4");
}

static void
test_profile(void **state)
{
	(void)state;
	setenv("VK_T_A", "aaa", 1);
	write_config("[cfg]\nurl = " GH "\nusername = cfg\nsecret = env:VK_T_A\n"
		     "[profile one]\ncredentials = cfg\nwith = npm, netrc\n"
		     "[profile two]\ncredentials = pathy\n"
		     "[profile bad]\ncredentials = cfg, nothing\n");
	expect_find("one", GH, NULL, "cfg:aaa");
	expect_find("one", "https://path.example/a/x", NULL, "!1");
	expect_find("two", "https://path.example/a/x", NULL, "p:pathed");
	expect_find("two", "https://path.example/a/x", "q", "!1");
	expect_find("two", GH, NULL, "!1");
	setenv("VALETKEY_PROFILE", "two", 1);
	expect_find(NULL, GH, NULL, "!1");
	expect_find("one", GH, NULL, "cfg:aaa");
	unsetenv("VALETKEY_PROFILE");
	expect_select("one", NULL, 0, "cfg");
	expect_select("two", NULL, 0, "pathy");
	expect_select("bad", NULL, 0, "!1");
	expect_select("one", (const char *[]){ "cfg" }, 1, "cfg");
	expect_select("one", (const char *[]){ "pathy" }, 1, "!4");
	expect_select(NULL, (const char *[]){ "pathy", "cfg", "pathy" }, 3, "pathy cfg");
	expect_select(NULL, (const char *[]){ "nothing" }, 1, "!1");
	/* without a profile: sections, then pinned entries; not what a client stored */
	expect_select(NULL, NULL, 0, "cfg gh pathy");

	struct vk_policy *p = open_policy("one");
	const char *const *v;
	size_t n;

	vk_policy_recipes(p, &v, &n);
	assert_int_equal(n, 2);
	assert_string_equal(v[1], "netrc");
	vk_policy_close(p);
	assert_int_equal(vk_policy_open(&(struct vk_policy_opts){ .profile = "three" }, &p), VK_EUSAGE);
	setenv("VALETKEY_PROFILE", "three", 1);
	assert_int_equal(vk_policy_open(NULL, &p), VK_EUSAGE);
	unsetenv("VALETKEY_PROFILE");
}

static void
test_locked(void **state)
{
	char *key = vk_strdup(vk_unlock_env("VALETKEY_KEY"));

	(void)state;
	setenv("VK_T_A", "aaa", 1);
	unsetenv("VALETKEY_KEY");
	write_config("[cfg]\nurl = https://cfg.example\nusername = cfg\nsecret = env:VK_T_A\n"
		     "[ref]\nurl = " GH "/ref\nsecret = keystore:gh\n"
		     "[profile p]\ncredentials = cfg\n");
	expect_find(NULL, "https://cfg.example", NULL, "cfg:aaa");
	expect_find(NULL, "https://other.example", NULL, "!3");
	expect_find(NULL, GH "/ref", NULL, "!3");
	expect_find("p", "https://other.example", NULL, "!1"); /* needs no keystore */
	expect_select("p", NULL, 0, "cfg");
	expect_select(NULL, NULL, 0, "!3");
	write_config("[valetkey]\nwhen-locked = miss\n"
		     "[ref]\nurl = " GH "/ref\nsecret = keystore:gh\n");
	expect_find(NULL, "https://other.example", NULL, "!1");
	expect_find(NULL, GH "/ref", NULL, "!1");
	/* a run is not started half-equipped, whatever helpers say */
	expect_select(NULL, NULL, 0, "!3");
	setenv("VALETKEY_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1);
	expect_find(NULL, GH, NULL, "!3");
	setenv("VALETKEY_KEY", key, 1);
	free(key);
}

static enum vk_err
decide_put(struct vk_store *st, void *arg)
{
	return vk_store_stage_put(st, arg);
}

static void
test_expired(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_cred *c = cred("https://old.example", "u", "old", "stale");
	struct vk_secret s = { 0 };
	struct vk_policy *p;

	(void)state;
	c->expires = 1000000000;
	assert_ok(vk_store_commit(st, decide_put, c));
	write_config("[alias]\nurl = https://old.example/x\nsecret = keystore:old\n");
	expect_find(NULL, "https://old.example", NULL, "!1");
	assert_non_null(strstr(vk_reason(), "2001-09-09T01:46:40Z"));
	expect_find(NULL, "https://old.example/x", NULL, "!1");
	expect_find(NULL, "https://none.example", NULL, "!1");
	assert_string_equal(vk_reason(), "");
	expect_select(NULL, (const char *[]){ "old" }, 1, "!1");
	p = open_policy(NULL);
	assert_int_equal(vk_policy_ref(p, "keystore:old", &s), VK_ENOENT);
	assert_int_equal(vk_policy_ref(p, "keystore:none", &s), VK_ENOENT);
	assert_ok(vk_policy_ref(p, "keystore:gh", &s));
	assert_string_equal(s.p, "stored");
	vk_secret_clear(&s);
	vk_policy_close(p);
	assert_ok(take(st, "https://old.example", "u"));
	vk_cred_free(c);
	vk_store_close(st);
}

static void
test_many(void **state)
{
	struct vk_store *st = open_raw(store_file);

	(void)state;
	write_config("");
	for (int i = 0; i < 63; i++) {
		char url[64], name[16];

		snprintf(url, sizeof(url), "https://h%d.example", i);
		snprintf(name, sizeof(name), "n%d", i);
		assert_ok(put(st, url, "u", name, "s"));
	}
	/* 63 and the two of the fixture */
	expect_select(NULL, NULL, 0, "!2");
	assert_non_null(strstr(vk_hint_text(), "--credential"));
	for (int i = 0; i < 63; i++) {
		char url[64];

		snprintf(url, sizeof(url), "https://h%d.example", i);
		assert_ok(take(st, url, "u"));
	}
	expect_select(NULL, NULL, 0, "gh pathy");
	vk_store_close(st);
}

static void
test_hosts(void **state)
{
	struct vk_policy *p;
	struct vk_cred_list l = { 0 };

	(void)state;
	write_config("[a]\nurl = https://a.example/x\nsecret = env:NOT_SET\n"
		     "[b]\nurl = " GH "\nsecret = keystore:gh\n"
		     "[npm]\nurl = https://npm.example\nscope = @a\nsecret = env:NOT_SET\n"
		     "[profile p]\ncredentials = a\n");
	p = open_policy(NULL);
	assert_ok(vk_policy_hosts(p, false, &l));
	assert_int_equal(l.n, 4); /* of the entry gh and [b] one says whose it is */
	assert_string_equal(l.v[0]->scope.host, "a.example");
	assert_int_equal(l.v[0]->kind, VK_KIND_BEARER);
	assert_string_equal(l.v[1]->scope.host, "github.example");
	assert_string_equal(l.v[2]->scope.host, "github.example");
	assert_true((l.v[1]->kind == 0) != (l.v[2]->kind == 0));
	assert_true(!*l.v[1]->username != !*l.v[2]->username);
	assert_string_equal(l.v[3]->scope.path, "a");
	for (size_t i = 0; i < l.n; i++)
		assert_null(l.v[i]->secret.p);
	vk_cred_list_clear(&l);
	vk_policy_close(p);
	p = open_policy(NULL);
	assert_ok(vk_policy_hosts(p, true, &l));
	assert_int_equal(l.n, 5);
	assert_string_equal(l.v[3]->scope.host, "npm.example");
	vk_cred_list_clear(&l);
	vk_policy_close(p);
	p = open_policy("p");
	assert_ok(vk_policy_hosts(p, false, &l));
	assert_int_equal(l.n, 1);
	vk_cred_list_clear(&l);
	vk_policy_close(p);
}

static void
test_no_store(void **state)
{
	struct vk_policy *p;

	(void)state;
	setenv("VALETKEY_KEYSTORE", "/nonexistent/keystore", 1);
	write_config("");
	p = open_policy(NULL);
	assert_false(vk_policy_has_store(p));
	vk_policy_close(p);
	expect_find(NULL, GH, NULL, "!1");
	assert_non_null(strstr(vk_reason(), "no keystore at /nonexistent/keystore"));
	expect_select(NULL, NULL, 0, "");
	/* damaged is not absent */
	setenv("VALETKEY_KEYSTORE", config_file, 1);
	p = open_policy(NULL);
	assert_true(vk_policy_has_store(p));
	vk_policy_close(p);
	write_config("# not a keystore, but something lies there\n");
	expect_find(NULL, GH, NULL, "!5");
	expect_select(NULL, NULL, 0, "!5");
	setenv("VALETKEY_KEYSTORE", store_file, 1);
}

static void
test_github(void **state)
{
	(void)state;
	write_config("");
	setenv("GITHUB_TOKEN", "ghs_token", 1);
	expect_find(NULL, "https://github.com/o/r", NULL, "!1"); /* nobody said where it may go */
	setenv("GITHUB_SERVER_URL", "https://github.com", 1);
	expect_find(NULL, "https://github.com/o/r", NULL, "x-access-token:ghs_token");
	expect_find(NULL, "https://github.com/o/r", "x-access-token", "x-access-token:ghs_token");
	expect_find(NULL, "https://github.com/o/r", "alice", "!1");
	expect_find(NULL, "https://ghcr.io", NULL, "x-access-token:ghs_token");
	expect_find(NULL, "https://npm.pkg.github.com/@o/p", NULL, ":ghs_token");
	expect_find(NULL, "https://maven.pkg.github.com/o/r", NULL, "x-access-token:ghs_token");
	expect_find(NULL, "http://github.com/o/r", NULL, "!1");
	expect_find(NULL, "https://github.com.evil.example/o/r", NULL, "!1");
	expect_find(NULL, "https://evil-github.com", NULL, "!1");
	expect_find(NULL, "https://npm.github.com", NULL, "!1");
	expect_find(NULL, "https://api.github.com", NULL, "!1");
	/* the keystore comes first, and a run does not get both */
	setenv("GITHUB_SERVER_URL", GH, 1);
	expect_find(NULL, GH "/o/r", NULL, "me:stored");
	expect_find(NULL, GH "/o/r", "x-access-token", "x-access-token:ghs_token");
	expect_find(NULL, "https://npm.github.example", NULL, ":ghs_token");
	expect_find(NULL, "https://ghcr.io", NULL, "!1");
	expect_find(NULL, "https://npm.pkg.github.com", NULL, "!1");
	expect_select(NULL, (const char *[]){ "gh", "GITHUB_TOKEN" }, 2,
	    "gh GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN");
	expect_select(NULL, NULL, 0, "gh pathy GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN GITHUB_TOKEN "
				     "GITHUB_TOKEN GITHUB_TOKEN");
	/* a profile says what there is */
	write_config("[a]\nurl = https://a.example\nsecret = env:X\n[profile p]\ncredentials = a\n");
	expect_find("p", "https://npm.github.example", NULL, "!1");
	expect_select("p", (const char *[]){ "GITHUB_TOKEN" }, 1, "!4");
	/* what cannot be a host offers nothing, and one that is no secret fails only where it is wanted */
	write_config("");
	setenv("GITHUB_SERVER_URL", "github.com", 1);
	expect_find(NULL, "https://github.com", NULL, "!1");
	setenv("GITHUB_SERVER_URL", "https://user@github.com", 1);
	expect_find(NULL, "https://github.com", NULL, "!1");
	setenv("GITHUB_SERVER_URL", "https://github.com", 1);
	setenv("GITHUB_TOKEN", "two\nlines", 1);
	expect_find(NULL, "https://github.com", NULL, "!6");
	expect_find(NULL, "https://other.example", NULL, "!1");
	setenv("GITHUB_TOKEN", "", 1);
	expect_find(NULL, "https://github.com", NULL, "!1");
	unsetenv("GITHUB_TOKEN");
	unsetenv("GITHUB_SERVER_URL");
}

static void
test_gitlab(void **state)
{
	(void)state;
	write_config("");
	setenv("CI_JOB_TOKEN", "glcbt-64", 1);
	expect_find(NULL, "https://gitlab.com/g/p", NULL, "!1");
	setenv("CI_SERVER_HOST", "gitlab.example", 1);
	expect_find(NULL, "https://gitlab.example/g/p.git", NULL, "gitlab-ci-token:glcbt-64");
	expect_find(NULL, "http://gitlab.example/g/p.git", NULL, "!1");
	setenv("CI_SERVER_PROTOCOL", "http", 1);
	setenv("CI_SERVER_PORT", "8080", 1);
	expect_find(NULL, "http://gitlab.example:8080/g/p.git", NULL, "gitlab-ci-token:glcbt-64");
	expect_find(NULL, "https://gitlab.example/g/p.git", NULL, "!1");
	setenv("CI_SERVER_PROTOCOL", "https", 1);
	setenv("CI_SERVER_PORT", "443", 1);
	expect_find(NULL, "https://gitlab.example/g/p.git", "gitlab-ci-token", "gitlab-ci-token:glcbt-64");
	setenv("CI_REGISTRY", "registry.gitlab.example:5050", 1);
	expect_find(NULL, "https://registry.gitlab.example:5050", NULL, "gitlab-ci-token:glcbt-64");
	expect_find(NULL, "https://registry.gitlab.example", NULL, "!1");
	setenv("CI_API_V4_URL", "https://gitlab.example/api/v4", 1);
	expect_find(NULL, "https://gitlab.example/api/v4/projects/1/packages/npm", NULL, ":glcbt-64");
	expect_find(NULL, "https://gitlab.example/api/v40", NULL, "gitlab-ci-token:glcbt-64");
	unsetenv("CI_JOB_TOKEN");
	unsetenv("CI_SERVER_HOST");
	unsetenv("CI_SERVER_PROTOCOL");
	unsetenv("CI_SERVER_PORT");
	unsetenv("CI_REGISTRY");
	unsetenv("CI_API_V4_URL");
}

static void
test_node(void **state)
{
	static const char file[] =
	    "; written by the platform\n"
	    "//npm.example/:_authToken=${NODE_AUTH_TOKEN}\n"
	    "//deep.example:8443/a/b/:_authToken = \"${NODE_AUTH_TOKEN}\"\n"
	    "//clear.example/:_authToken=${NODE_AUTH_TOKEN}\n"
	    "//other.example/:_authToken=${OTHER}\n"
	    "//literal.example/:_authToken=npm_literal\n"
	    "//mixed.example/:_authToken=x${NODE_AUTH_TOKEN}\n"
	    "//user.example/:_password=${NODE_AUTH_TOKEN}\n"
	    "//u@h.example/:_authToken=${NODE_AUTH_TOKEN}\n"
	    "//:_authToken=${NODE_AUTH_TOKEN}\n"
	    "_authToken=${NODE_AUTH_TOKEN}\n"
	    "@corp:registry=https://npm.example/\n"
	    "registry=http://clear.example/\n";
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/npmrc", scratch);
	struct vk_cred_list l = { 0 };
	struct vk_policy *p;
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	assert_true(fputs(file, f) >= 0 && fclose(f) == 0);
	write_config("");
	setenv("NODE_AUTH_TOKEN", "npm_t0ken", 1);
	expect_find(NULL, "https://npm.example", NULL, "!1");
	setenv("NPM_CONFIG_USERCONFIG", path, 1);
	expect_find(NULL, "https://npm.example/@corp/x", NULL, ":npm_t0ken");
	expect_find(NULL, "http://npm.example", NULL, "!1");
	expect_find(NULL, "http://clear.example", NULL, ":npm_t0ken");
	expect_find(NULL, "https://clear.example", NULL, "!1");
	expect_find(NULL, "https://deep.example:8443/a/b/c", NULL, ":npm_t0ken");
	expect_find(NULL, "https://deep.example:8443/a", NULL, "!1");
	expect_find(NULL, "https://other.example", NULL, "!1");
	expect_find(NULL, "https://literal.example", NULL, "!1");
	expect_find(NULL, "https://mixed.example", NULL, "!1");
	expect_find(NULL, "https://user.example", NULL, "!1");
	p = open_policy(NULL);
	assert_ok(vk_policy_select(p, (const char *[]){ "NODE_AUTH_TOKEN" }, 1, &l));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0]->npm_scope, "@corp");
	assert_string_equal(l.v[1]->npm_scope, "");
	vk_cred_list_clear(&l);
	vk_policy_close(p);
	/* what anybody can write names no host */
	assert_int_equal(chmod(path, 0666), 0);
	expect_find(NULL, "https://npm.example", NULL, "!1");
	assert_int_equal(chmod(path, 0600), 0);
	unsetenv("NPM_CONFIG_USERCONFIG");
	setenv("npm_config_userconfig", path, 1);
	expect_find(NULL, "https://npm.example", NULL, ":npm_t0ken");
	setenv("npm_config_userconfig", "/nonexistent", 1);
	expect_find(NULL, "https://npm.example", NULL, "!1");
	unsetenv("npm_config_userconfig");
	unsetenv("NODE_AUTH_TOKEN");
	/* NPM_TOKEN says nothing about a host, so it has none */
	setenv("NPM_TOKEN", "npm_t0ken", 1);
	expect_find(NULL, "https://npm.example", NULL, "!1");
	expect_select(NULL, (const char *[]){ "NPM_TOKEN" }, 1, "!1");
	unsetenv("NPM_TOKEN");
}

/* Pinned and without a name, as an imported one is when its name was taken. */
static void
test_nameless(void **state)
{
	struct vk_store *st = open_raw(store_file);
	struct vk_cred *c = cred(GH "/other", "", "", "bare");
	struct change ch = { .put = c };

	(void)state;
	write_config("");
	c->flags = VK_CRED_PINNED;
	assert_ok(vk_store_commit(st, decide_change, &ch));
	expect_select(NULL, NULL, 0, " gh pathy");
	expect_find(NULL, GH "/other", NULL, ":bare");
	assert_ok(take(st, GH "/other", ""));
	vk_cred_free(c);
	vk_store_close(st);
}

static int
setup(void **state)
{
	char key[VK_BASE64_LEN(VK_STORE_KEY_LEN) + 1];
	struct vk_store *st;

	if (make_scratch(state) != 0)
		return -1;
	snprintf(config_file, sizeof(config_file), "%s/config.ini", scratch);
	create_raw(store_file);
	vk_base64_encode(raw_key, sizeof(raw_key), key);
	clearenv();
	setenv("VALETKEY_KEY", key, 1);
	setenv("VALETKEY_KEYSTORE", store_file, 1);
	setenv("VALETKEY_CONFIG", config_file, 1);
	st = open_raw(store_file);
	assert_ok(put(st, GH, "me", "gh", "stored"));
	assert_ok(put(st, "https://path.example/a", "p", "pathy", "pathed"));
	assert_ok(put(st, "https://client.example", "git", "", "bygit"));
	vk_store_close(st);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_profile), cmocka_unit_test(test_locked),
		cmocka_unit_test(test_expired), cmocka_unit_test(test_many),
		cmocka_unit_test(test_hosts),   cmocka_unit_test(test_no_store),
		cmocka_unit_test(test_github),  cmocka_unit_test(test_gitlab),
		cmocka_unit_test(test_node),    cmocka_unit_test(test_nameless),
	};

	return cmocka_run_group_tests(tests, setup, drop_scratch);
}
