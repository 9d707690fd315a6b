/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oauth_answer.h"

enum {
	METADATA_MEMBERS = 8192, /* a list of everything that a server can do */
	PAGE_MAX = 2048,
	SECONDS_MAX = 315360000, /* ten years: what is said to last longer is asked for again then */
};

enum vk_err
vk_oauth_fail(enum vk_err e, const char *url, const char *fmt, ...)
{
	VK_CLEANUP(vk_freep) char *origin = vk_http_origin(url);
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return origin ? vk_fail(e, "%s %s", origin, text) : VK_ENOMEM;
}

enum vk_err
vk_oauth_object(const char *url, const struct vk_http_answer *answer, json_t **ret)
{
	VK_CLEANUP(vk_json_freep) json_t *o = NULL;
	const char *p = answer->body.p ? answer->body.p : "";
	bool good = answer->status >= 200 && answer->status < 300;
	enum vk_err e = vk_json_parse_large(p, answer->body.len, METADATA_MEMBERS, &o);

	if (e == VK_ENOMEM)
		return e;
	if (!good && (e != VK_OK || !json_is_string(json_object_get(o, "error"))))
		return vk_oauth_fail(VK_EBACKEND, url, "answers with status %ld", answer->status);
	if (e != VK_OK || !json_is_object(o))
		return vk_oauth_fail(VK_EPROTO, url, "answers what is not understood");
	*ret = VK_TAKE(o);
	return VK_OK;
}

const char *
vk_oauth_error(const json_t *o)
{
	static char word[41];
	const char *s = json_string_value(json_object_get(o, "error"));

	if (!s || !*s)
		return NULL;
	if (strlen(s) >= sizeof(word) || strspn(s, "abcdefghijklmnopqrstuvwxyz_") != strlen(s))
		s = "an error of its own";
	snprintf(word, sizeof(word), "%s", s);
	return word;
}

enum vk_err
vk_oauth_seconds(const json_t *o, const char *name, int64_t *ret)
{
	const json_t *v = json_object_get(o, name);
	double n = json_number_value(v);
	uint64_t digits;

	if (!v || json_is_null(v))
		return VK_OK;
	if (json_is_string(v)) {
		if (vk_str_u64(json_string_value(v), INT64_MAX, &digits) != VK_OK)
			return VK_EPROTO;
		n = (double)digits;
	} else if (!json_is_number(v)) {
		return VK_EPROTO;
	}
	if (!(n >= 0))
		return VK_EPROTO;
	*ret = n > SECONDS_MAX ? SECONDS_MAX : (int64_t)n;
	return VK_OK;
}

/* RFC 6749, appendix A: visible characters of ASCII, and for some the blank. */
bool
vk_oauth_is_text(const char *s, size_t max)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n > 0 && n <= max;
}

bool
vk_oauth_is_token(const char *s)
{
	return vk_oauth_is_text(s, VK_MAX_SECRET) && !strchr(s, ' ');
}

bool
vk_oauth_is_page(const char *s)
{
	return vk_oauth_is_text(s, PAGE_MAX) && !strchr(s, ' ') &&
	    (vk_str_starts(s, "https://") || vk_str_starts(s, "http://"));
}

enum vk_err
vk_oauth_tokens(const char *url, const struct vk_http_answer *answer, const json_t *o, struct vk_buf *out)
{
	const char *access = json_string_value(json_object_get(o, "access_token"));
	const char *refresh = json_string_value(json_object_get(o, "refresh_token"));
	const char *type = json_string_value(json_object_get(o, "token_type"));
	bool lasts = json_object_get(o, "expires_in") && !json_is_null(json_object_get(o, "expires_in"));
	int64_t life = 0;
	enum vk_err e;

	if (answer->status != 200 || !vk_oauth_is_token(access) ||
	    (refresh && *refresh && !vk_oauth_is_token(refresh)) || vk_oauth_seconds(o, "expires_in", &life) != VK_OK)
		return vk_oauth_fail(VK_EPROTO, url, "answers what is not understood");
	/* Any other has to be presented in ways that no client of ours knows. */
	if (type && !vk_str_ieq(type, "bearer"))
		return vk_oauth_fail(VK_EPROTO, url, "issues a token that is no bearer token");
	if (lasts && life == 0)
		return vk_oauth_fail(VK_EPROTO, url, "issues a token that has already expired");
	if (lasts)
		vk_buf_fmt(out, "expires-in=%lld\n", (long long)life);
	if ((e = vk_answer_secret(out, "access-token", access, strlen(access))) != VK_OK || !refresh || !*refresh)
		return e;
	return vk_answer_secret(out, "refresh-token", refresh, strlen(refresh));
}
