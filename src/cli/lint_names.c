/* SPDX-License-Identifier: ISC */
/* What is a secret, by the name of a variable or by the look of a value. */
#include <string.h>

#include "cli/lint.h"

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
among(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}
#define AMONG(s, list) among(s, list, VK_COUNT(list))

enum { MAX_WORDS = 16, MAX_WORD = 32 };

/*
 * "npmAuthToken-2" as NPM AUTH TOKEN 2: split at what is no letter or digit, and before a capital behind a small
 * one.
 */
static size_t
split_name(const char *s, size_t n, char w[MAX_WORDS][MAX_WORD])
{
	size_t words = 0, len = 0;

	for (size_t i = 0; i < n && words < MAX_WORDS; i++) {
		bool capital = s[i] >= 'A' && s[i] <= 'Z' && i > 0 && s[i - 1] >= 'a' && s[i - 1] <= 'z';

		if (len > 0 && (!is_alnum(s[i]) || capital || len == MAX_WORD - 1)) {
			w[words++][len] = '\0';
			len = 0;
		}
		if (is_alnum(s[i]) && words < MAX_WORDS)
			w[words][len++] = (char)(s[i] >= 'a' && s[i] <= 'z' ? s[i] - 'a' + 'A' : s[i]);
	}
	if (len > 0)
		w[words++][len] = '\0';
	return words;
}

/* Names that are about a secret and hold none, or whose value is public. */
static const char *const denying[] = { "ALLOW", "EMPTY", "RANDOM", "ENABLE", "ENABLED", "DISABLE", "DISABLED",
	"REQUIRE", "REQUIRED", "SKIP", "USE", "HAS", "PUBLIC", "DUMMY", "FAKE", "EXAMPLE" };
/* Words behind the one that counts, which do not change what it is. */
static const char *const trailing[] = { "VALUE", "BASE64", "B64", "CI", "RO", "RW", "READ", "READONLY", "WRITE", "PROD",
	"PRODUCTION", "DEV", "STAGING", "TEST", "DATA", "NEW", "OLD" };
static const char *const alone[] = { "TOKEN", "TOKENS", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS",
    "APIKEY",
	"CREDENTIAL", "CREDENTIALS", "AUTHTOKEN" };
static const char *const second[] = { "AUTH", "PASS", "PWD", "PW", "PAT" };
static const char *const before_key[] = { "API", "ACCESS", "PRIVATE", "SECRET", "AUTH", "DEPLOY", "SSH", "SIGNING",
	"ENCRYPTION", "LICENSE", "MASTER", "SERVICE" };
static const char *const ends[] = { "TOKEN", "PASSWORD", "PASSWD", "SECRET", "APIKEY" };

bool
vk_lint_secret_name(const char *s, size_t n)
{
	char w[MAX_WORDS][MAX_WORD];
	size_t words = split_name(s, n, w);
	const char *last, *before;

	for (size_t i = 0; i < words; i++)
		if (AMONG(w[i], denying))
			return false;
	if (words > 2 && strcmp(w[0], "BUNDLE") == 0 && memmem(s, n, "__", 2))
		return true;
	if (words == 3 && strcmp(w[0], "DOCKER") == 0 && strcmp(w[1], "AUTH") == 0 && strcmp(w[2], "CONFIG") == 0)
		return true;
	if (words == 3 && strcmp(w[0], "SECRET") == 0 && strcmp(w[1], "KEY") == 0 && strcmp(w[2], "BASE") == 0)
		return true;
	while (words > 1 && (AMONG(w[words - 1], trailing) || w[words - 1][strspn(w[words - 1], "0123456789")] == '\0'))
		words--;
	if (words == 0)
		return false;
	last = w[words - 1];
	before = words > 1 ? w[words - 2] : "";
	if (AMONG(last, alone) || (words > 1 && AMONG(last, second)))
		return true;
	if (strcmp(last, "KEY") == 0 || strcmp(last, "KEYS") == 0)
		return AMONG(before, before_key);
	for (size_t i = 0; i < VK_COUNT(ends); i++)
		if (vk_str_ends(last, ends[i]))
			return true;
	return false;
}

bool
vk_lint_no_secret(const char *v, size_t n)
{
	static const char *const plain[] = { "", "yes", "no", "true", "false", "on", "off", "0", "1", "none", "null",
	    "empty",
		"default", "optional", "required", "password", "token", "secret" };
	static const char *const within[] = { "changeme", "change_me", "change-me", "placeholder", "example",
	    "dummy", "xxxx",
		"****", "....", "your-", "your_", "/run/secrets/", "redacted", "not-a-", "insert-" };
	VK_CLEANUP(vk_arena_freep) char *s = NULL;

	while (n > 1 && (*v == '"' || *v == '\'') && v[n - 1] == *v) {
		v++;
		n -= 2;
	}
	if (n > 0 && *v == '<')
		return true;
	/* A reference of ours. */
	if (n > 4 && memcmp(v, "env:", 4) == 0)
		return true;
	if (n > 200 || !(s = vk_arena_alloc(n + 1)))
		return false;
	memcpy(s, v, n);
	s[n] = '\0';
	vk_str_lower(s);
	for (size_t i = 0; i < VK_COUNT(within); i++)
		if (strstr(s, within[i]))
			return true;
	return AMONG(s, plain);
}

/* Tokens whose makers gave them a prefix so that they can be found; at least ${rest} characters follow. */
static const struct look {
	const char *prefix;
	size_t rest;
} looks[] = {
	{ "ghp_", 30 }, { "gho_", 30 }, { "ghu_", 30 }, { "ghs_", 30 }, { "ghr_", 30 }, { "github_pat_", 30 },
	{ "glpat-", 18 }, { "gldt-", 18 }, { "glcbt-", 18 }, { "glptt-", 18 }, { "npm_", 34 }, { "pypi-AgE", 30 },
	{ "xoxb-", 20 }, { "xoxp-", 20 }, { "AKIA", 16 }, { "ASIA", 16 }, { "sk_live_", 16 }, { "rk_live_", 16 },
	{ "dckr_pat_", 20 }, { "hf_", 30 }, { "AIza", 35 }, { "rubygems_", 40 }, { "hvs.", 20 }, { "dop_v1_", 40 },
	{ "ATATT3", 40 }, { "shpat_", 30 }, { "SG.", 40 },
};

static bool
is_token_char(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

const char *
vk_lint_token(const char *s, size_t n, size_t *ret_n)
{
	static const char key[] = "-----BEGIN ", private[] = "PRIVATE KEY";

	for (size_t i = 0; i < n; i++) {
		if (!strchr("gnpxAsrdhSRa-", s[i]) || (i > 0 && is_alnum(s[i - 1])))
			continue;
		if (n - i > sizeof(key) && memcmp(s + i, key, sizeof(key) - 1) == 0) {
			const char *nl = memchr(s + i, '\n', n - i);
			size_t len = nl ? (size_t)(nl - (s + i)) : n - i;

			if (memmem(s + i, len, private, sizeof(private) - 1)) {
				*ret_n = len;
				return s + i;
			}
		}
		for (size_t k = 0; k < VK_COUNT(looks); k++) {
			size_t p = strlen(looks[k].prefix), len = p;

			if (n - i < p || memcmp(s + i, looks[k].prefix, p) != 0)
				continue;
			while (i + len < n && is_token_char(s[i + len]))
				len++;
			/* "ghp_xxxxxxxx" stands in every manual. */
			if (len - p < looks[k].rest || vk_lint_no_secret(s + i + p, len - p))
				continue;
			*ret_n = len;
			return s + i;
		}
	}
	return NULL;
}

const char *
vk_lint_var(const char *s, size_t n, const char **ret, size_t *ret_n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		size_t at = i + 1 + (s[i + 1] == '{'), len = 0;

		if (s[i] != '$' || (i > 0 && s[i - 1] == '\\'))
			continue;
		while (at + len < n && (is_alnum(s[at + len]) || s[at + len] == '_'))
			len++;
		if (len == 0)
			continue;
		*ret = s + at;
		*ret_n = len;
		return s + at + len;
	}
	return NULL;
}

bool
vk_lint_uses(const char *s, size_t n, const char *name)
{
	const char *end = s + n, *v;
	size_t len;

	while ((s = vk_lint_var(s, (size_t)(end - s), &v, &len)) != NULL)
		if (len == strlen(name) && memcmp(v, name, len) == 0)
			return true;
	return false;
}

/* Up to the end of a URL's authority; "${...}" and "$(...)" are passed whole. */
static size_t
authority(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		char close = s[i] == '$' && i + 1 < n ? (s[i + 1] == '{' ? '}' : s[i + 1] == '(' ? ')' : '\0') : '\0';
		const char *end = close ? memchr(s + i, close, n - i) : NULL;

		if (end) {
			i = (size_t)(end - s) + 1;
			while (close == '}' && i < n && s[i] == '}')
				i++;
			continue;
		}
		if (strchr("/?# \t\r\n\"'`<>,;|\\", s[i]))
			break;
		i++;
	}
	return i;
}

static bool
is_secret_userinfo(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *p = s, *v;
	size_t len, plain = 0;

	/* "${X:-...}" has a colon of its own. */
	if (colon && !(n > 1 && s[0] == '$' && s[1] == '{' && s[n - 1] == '}' && !memchr(s + 2, '$', n - 2)))
		return colon + 1 < s + n && !vk_lint_no_secret(colon + 1, (size_t)(s + n - colon - 1));
	if (memmem(s, n, "$(cat", 5) || memmem(s, n, "secrets.", 8) || vk_lint_token(s, n, &len))
		return true;
	while ((p = vk_lint_var(p, (size_t)(s + n - p), &v, &len)) != NULL)
		if (vk_lint_secret_name(v, len))
			return true;
	/* Old tokens are long and have no look of their own. */
	while (plain < n && is_alnum(s[plain]))
		plain++;
	return plain == n && n >= 30;
}

const char *
vk_lint_url(const char *s, size_t n, size_t *ret_n)
{
	const char *end = s + n, *sep;

	for (; (sep = memmem(s, (size_t)(end - s), "://", 3)) != NULL; s = sep + 3) {
		const char *from = sep + 3, *at;
		size_t len = authority(from, (size_t)(end - from));
		bool http = (sep - s >= 4 && memcmp(sep - 4, "http", 4) == 0) ||
		    (sep - s >= 5 && memcmp(sep - 5, "https", 5) == 0);

		if (!http || !(at = memrchr(from, '@', len)) || !is_secret_userinfo(from, (size_t)(at - from)))
			continue;
		*ret_n = (size_t)(at - from) + 1;
		return from;
	}
	return NULL;
}

bool
vk_lint_shows_secret(const char *s, size_t n)
{
	const char *end = s + n, *url, *eq;
	size_t len;

	if (vk_lint_token(s, n, &len))
		return true;
	/* A URL's user information that is all variables shows nothing. */
	for (const char *p = s; (url = vk_lint_url(p, (size_t)(end - p), &len)) != NULL; p = url + len) {
		const char *colon = memchr(url, ':', len);

		if (*(colon ? colon + 1 : url) != '$')
			return true;
	}
	for (const char *p = s; (eq = memchr(p, '=', (size_t)(end - p))) != NULL; p = eq + 1) {
		const char *v = eq + 1, *name = eq;

		while (name > s && (is_alnum(name[-1]) || name[-1] == '_'))
			name--;
		len = 0;
		while (v + len < end && !strchr(" \t\r\n;&|", v[len]))
			len++;
		if (!vk_lint_secret_name(name, (size_t)(eq - name)) || vk_lint_no_secret(v, len))
			continue;
		v += len > 0 && (*v == '"' || *v == '\'');
		if (*v != '$' && *v != '`' && *v != '{')
			return true;
	}
	return false;
}
