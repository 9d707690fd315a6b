/* SPDX-License-Identifier: ISC */
/* What a command does not inherit. */
#include "store_util.h"

#include "valetkey/policy.h"

static char config_file[96];

static void
write_config(const char *text)
{
	FILE *f = fopen(config_file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	assert_int_equal(chmod(config_file, 0600), 0);
}

static void
test_scrub(void **state)
{
	static const char *const out[] = {
		"VALETKEY_KEY", "VALETKEY_KEY_FILE", "VALETKEY_IDENTITY", "VALETKEY_IDENTITY_FILE",
		"ACTIONS_ID_TOKEN_REQUEST_URL",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "VAULT_TOKEN", "DOCKER_AUTH_CONFIG", "NPM_TOKEN",
		"NODE_AUTH_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN", "npm_config_//h.example/:_authToken",
		"NPM_CONFIG_//h.example/:_authtoken", "npm_config__auth", "Npm_Config__authToken",
		"pnpm_config_//h.example/:_authToken", "PNPM_CONFIG__AUTH", "YARN_NPM_AUTH_TOKEN",
		"YARN_NPM_AUTH_IDENT", "BUN_CONFIG_TOKEN", "NPM_CONFIG_TOKEN", "DENO_AUTH_TOKENS",
		"VK_T_A", "CI_REPOSITORY_URL", "VK_T_COPY", "VK_T_LATER", "GIT_CONFIG_PARAMETERS",
	};
	static const char *const in[] = {
		"PATH", "HOME", "VALETKEY_CONFIG", "VALETKEY_PROFILE", "npm_config_registry",
		"npm_config_userconfig", "pnpm_config_userconfig", "PNPM_HOME", "YARN_NPM_REGISTRY_SERVER",
		"GITHUB_SERVER_URL", "CI_SERVER_HOST", "VK_T_B", "VK_T_SHORT",
		"VK_T_OTHER", "", "GITHUB_TOKEN_X", "XGITHUB_TOKEN", "GIT_CONFIG_COUNT", "NOT_THERE",
	};
	struct vk_secret s = { 0 };
	struct vk_policy *p;

	(void)state;
	write_config("[a]\nurl = https://a.example\nsecret = env:VK_T_A\n"
		     "[b]\nurl = https://b.example\nsecret = file:/VK_T_B\n");
	setenv("VK_T_A", "sourcesecret", 1);
	setenv("VK_T_B", "x", 1);
	setenv("VK_T_COPY", "Bearer sourcesecret;", 1);
	setenv("VK_T_LATER", "short", 1);
	setenv("VK_T_SHORT", "short and more", 1);
	setenv("VK_T_OTHER", "sourcesecre", 1);
	setenv("CI_JOB_TOKEN", "glcbt-64_value", 1);
	setenv("CI_REPOSITORY_URL", "https://gitlab-ci-token:glcbt-64_value@gitlab.example/g/p.git", 1);
	setenv("GIT_CONFIG_PARAMETERS", "'http.https://h/.extraHeader'='Authorization: x'", 1);
	assert_ok(vk_policy_open(NULL, &p));
	assert_false(vk_policy_scrub(p, "VK_T_LATER"));
	assert_ok(vk_policy_ref(p, "env:VK_T_LATER", &s));
	vk_secret_clear(&s);
	for (size_t i = 0; i < VK_COUNT(out); i++)
		if (!vk_policy_scrub(p, out[i]))
			fail_msg("%s would be inherited", out[i]);
	for (size_t i = 0; i < VK_COUNT(in); i++)
		if (vk_policy_scrub(p, in[i]))
			fail_msg("%s would be taken away", in[i]);
	setenv("GIT_CONFIG_PARAMETERS", "'user.name'='x'", 1);
	assert_false(vk_policy_scrub(p, "GIT_CONFIG_PARAMETERS"));
	setenv("GIT_CONFIG_PARAMETERS", "'url.https://u:p@h/.insteadof'='https://h/'", 1);
	assert_true(vk_policy_scrub(p, "GIT_CONFIG_PARAMETERS"));
	unsetenv("GIT_CONFIG_PARAMETERS");
	unsetenv("CI_JOB_TOKEN");
	unsetenv("CI_REPOSITORY_URL");
	vk_policy_close(p);
}

static void
test_scrub_git(void **state)
{
	static const struct {
		const char *key, *value;
		bool out;
	} pairs[] = {
		{ "http.extraHeader", "Authorization: Basic x", true },
		{ "http.https://h.example/.EXTRAHEADER", "AUTHORIZATION: bearer x", true },
		{ "http.extraheader", "", false }, /* clears the list */
		{ "url.https://u:p@h.example/.insteadOf", "https://h.example/", true },
		{ "url.HTTPS://token@h.example/.insteadOf", "git@h.example:", true },
		{ "url.ssh://git@h.example/.insteadOf", "https://h.example/", false },
		{ "url.https://h.example/.insteadOf", "git@h.example:", false },
		{ "url.https://h.example/.insteadOf", "ssh://git@h.example/", false },
		{ "url.https://h.example/@scope/.insteadOf", "x", false },
		{ "remote.origin.url", "https://token@h.example/r", true },
		{ "http.proxy", "http://u:p@proxy.example", false },
		{ "http.https://h.example/.proxy", "http://u:p@proxy.example", false },
		{ "user.email", "me@h.example", false },
		{ "credential.helper", "store", false },
		{ "Credential.https://h.example.helper", "!f() { echo password=x; }; f", true },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(pairs); i++)
		if (vk_policy_scrub_git(pairs[i].key, pairs[i].value) != pairs[i].out)
			fail_msg("%s = %s", pairs[i].key, pairs[i].value);
}

static int
setup(void **state)
{
	if (make_scratch(state) != 0)
		return -1;
	snprintf(config_file, sizeof(config_file), "%s/config.ini", scratch);
	clearenv();
	setenv("VALETKEY_KEYSTORE", store_file, 1);
	setenv("VALETKEY_CONFIG", config_file, 1);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scrub),
		cmocka_unit_test(test_scrub_git),
	};

	return cmocka_run_group_tests(tests, setup, drop_scratch);
}
