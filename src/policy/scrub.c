/* SPDX-License-Identifier: ISC */
/* Which variables of our environment a command does not inherit. */
#include <string.h>

#include "policy/state.h"

/* Sources by themselves, and tokens that give out others. */
static const char *const always[] = {
	"GITHUB_TOKEN", "CI_JOB_TOKEN", "NODE_AUTH_TOKEN", "NPM_TOKEN", "VAULT_TOKEN", "BAO_TOKEN",
	"DOCKER_AUTH_CONFIG",
	"YARN_NPM_AUTH_TOKEN", "YARN_NPM_AUTH_IDENT", "BUN_CONFIG_TOKEN", "NPM_CONFIG_TOKEN", "npm_config_token",
	"DENO_AUTH_TOKENS",
};

/* Below this a value found within another is chance. */
enum { COPY_MIN = 8 };

/* Is the value ${v} one of, or built with, the source variable ${source}'s? */
static bool
is_copy(const char *v, const char *source)
{
	const char *s = getenv(source);

	return v && s && strlen(s) >= COPY_MIN && strstr(v, s);
}

/*
 * ${name}, or a variable that repeats its value: platforms put one token into several, such as
 * CI_REGISTRY_PASSWORD and CI_REPOSITORY_URL beside CI_JOB_TOKEN.
 */
static bool
names_source(const char *name, const char *value, const char *source)
{
	return strcmp(name, source) == 0 || is_copy(value, source);
}

/* ASCII only: what a name means must not depend on where the user comes from. */
static bool
starts_fold(const char *s, const char *lower)
{
	for (; *lower; s++, lower++)
		if (*s != *lower && !(*s >= 'A' && *s <= 'Z' && *s + ('a' - 'A') == *lower))
			return false;
	return true;
}

static bool
has_fold(const char *s, const char *lower)
{
	for (; *s; s++)
		if (starts_fold(s, lower))
			return true;
	return false;
}

/* npm takes any of its settings as npm_config_KEY, in any case, credential keys included; pnpm also as pnpm_config_. */
static bool
is_npm_credential(const char *name)
{
	const char *npm = starts_fold(name, "pnpm_") ? name + 1 : name;
	const char *key = npm + strlen("npm_config_");

	return starts_fold(npm, "npm_config_") && (*key == '/' || *key == '_');
}

/* "scheme://user@": of web URLs only, since ssh's "git@" is not a secret. */
static bool
has_web_userinfo(const char *s)
{
	for (; *s; s++) {
		const char *host;

		if (!starts_fold(s, "http://") && !starts_fold(s, "https://"))
			continue;
		host = strstr(s, "://") + 3;
		if (memchr(host, '@', strcspn(host, "/?# \t'\"")))
			return true;
	}
	return false;
}

bool
vk_policy_scrub_git(const char *key, const char *value)
{
	/* A proxy's password stays: without it there is no network, and it is in http_proxy as well. */
	if (starts_fold(key, "http.") && (vk_str_ends(key, ".proxy") || vk_str_ieq(key, "http.proxy")))
		return false;
	if (has_fold(key, ".extraheader"))
		return *value != '\0';
	/* A helper may be a line of shell that prints a password. */
	if (starts_fold(key, "credential.") && strstr(value, "password"))
		return true;
	return has_web_userinfo(key) || has_web_userinfo(value);
}

bool
vk_policy_scrub(struct vk_policy *p, const char *name)
{
	const char *value = getenv(name);

	if (vk_str_starts(name, "VALETKEY_KEY") || vk_str_starts(name, "VALETKEY_IDENTITY") ||
	    vk_str_starts(name, "ACTIONS_ID_TOKEN_REQUEST_"))
		return true;
	if (is_npm_credential(name))
		return true;
	/* git -c leaves all its settings in this one variable. */
	if (strcmp(name, "GIT_CONFIG_PARAMETERS") == 0 && value)
		return has_web_userinfo(value) || has_fold(value, ".extraheader");
	for (size_t i = 0; i < VK_COUNT(always); i++)
		if (names_source(name, value, always[i]))
			return true;
	for (size_t i = 0; i < p->config.n_sections; i++) {
		const struct vk_ref *ref = &p->config.sections[i].ref;

		if (ref->kind == VK_SOURCE_ENV && names_source(name, value, ref->what))
			return true;
	}
	for (size_t i = 0; i < p->used_env.n; i++)
		if (names_source(name, value, p->used_env.v[i]))
			return true;
	return false;
}
