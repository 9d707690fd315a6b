/* SPDX-License-Identifier: ISC */
/* The configuration of the AWS tools: which section is a profile's, and does it have credentials? */
#include <string.h>

#include "ini.h"
#include "valetkey/proto.h"

/* In the order in which a user would look for them. */
static const char *const sources[] = { "credential_process", "aws_access_key_id", "aws_secret_access_key",
	"sso_session", "sso_start_url", "role_arn", "web_identity_token_file", "login_session" };

static bool
same(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && vk_str_ifind(p, n, name) == p;
}

/* Is it [default], [profile NAME] or [profile "NAME"]? */
static bool
is_profile(const char *p, size_t n, const char *profile)
{
	static const char word[] = "profile";
	size_t len = strlen(word);

	if (n == strlen("default") && memcmp(p, "default", n) == 0)
		return strcmp(profile, "default") == 0;
	if (n <= len || memcmp(p, word, len) != 0 || (p[len] != ' ' && p[len] != '\t'))
		return false;
	for (p += len, n -= len; n > 0 && (*p == ' ' || *p == '\t'); p++)
		n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n >= 2 && (*p == '"' || *p == '\'') && p[n - 1] == *p)
		p++, n -= 2;
	return same(p, n, profile);
}

bool
vk_awsconf_heads(const char *line, size_t n, const char *profile, bool credentials)
{
	const char *name = line + 1, *close = memchr(line, ']', n);
	size_t len = close ? (size_t)(close - name) : 0;

	return n > 0 && *line == '[' && (credentials ? same(name, len, profile) : is_profile(name, len, profile));
}

static const char *
source_of(const struct vk_ini_line *l)
{
	size_t value, n = vk_ini_name(l, &value);

	for (size_t i = 0; i < VK_COUNT(sources); i++)
		if (same(l->p, n, sources[i]))
			return sources[i];
	return NULL;
}

void
vk_awsconf_find(const char *text, size_t n, const char *profile, bool credentials, struct vk_awsconf *ret)
{
	bool inside = false;
	size_t indent = 0;
	struct vk_ini_line l;

	*ret = (struct vk_awsconf){ 0 };
	for (size_t at = 0; at < n;) {
		enum vk_ini_kind kind = vk_ini_next(text, n, &at, &indent, &l);

		ret->indented |= kind != VK_INI_NOTHING && *l.p == '[' && l.indent > 0;
		if (kind == VK_INI_HEADER) {
			inside = vk_awsconf_heads(l.p, l.n, profile, credentials);
			ret->twice |= inside && ret->at > 0;
		}
		if (inside && kind != VK_INI_NOTHING)
			ret->at = at;
		if (inside && kind == VK_INI_KEY && !ret->has)
			ret->has = source_of(&l);
	}
}
