/* SPDX-License-Identifier: ISC */
/*
 * npm's ini dialect and its expansion of variables, as npm 9, 10 and 11 have them (the packages ini
 * and @npmcli/config).
 */
#include <string.h>

#include "valetkey/proto.h"
#include "proto/json.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* The further ones that JavaScript's trim() takes away, a byte order mark among them. */
static size_t
wide_blank(const char *s, size_t n)
{
	static const char wide[][4] = {
		"\xef\xbb\xbf", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
		"\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	if (n >= 2 && memcmp(s, "\xc2\xa0", 2) == 0)
		return 2;
	for (size_t i = 0; n >= 3 && i < VK_COUNT(wide); i++)
		if (memcmp(s, wide[i], 3) == 0)
			return 3;
	return 0;
}

static size_t
blank_before(const char *text, size_t at, size_t end)
{
	for (size_t n = 2; n <= 3 && at + n <= end; n++)
		if (wide_blank(text + end - n, n) == n)
			return n;
	return end > at && is_blank(text[end - 1]);
}

static void
trim(const char *text, size_t *at, size_t *end)
{
	size_t n;

	while (*at < *end && (n = is_blank(text[*at]) ? 1 : wide_blank(text + *at, *end - *at)) > 0)
		*at += n;
	while ((n = blank_before(text, *at, *end)) > 0)
		*end -= n;
}

/* JSON in quotes, or whatever stands in them when it is not JSON. */
static enum vk_err
unquote_json(const char *s, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;

	vk_json_init();
	j = json_loadb(s, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (j && json_is_string(j))
		return vk_buf_add(out, json_string_value(j), json_string_length(j));
	return vk_buf_add(out, s, n);
}

/* A backslash escapes only ';', '#' and itself; one of these two without it begins a comment. */
static enum vk_err
unescape(const char *s, size_t n, struct vk_buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < n && s[i] != ';' && s[i] != '#'; i++) {
		if (s[i] == '\\' && i + 1 < n && strchr("\\;#", s[i + 1]))
			i++;
		vk_buf_char(out, s[i]);
	}
	while (out->err == VK_OK && out->len > start && is_blank(out->p[out->len - 1]))
		out->p[--out->len] = '\0';
	return out->err;
}

static enum vk_err
resolve(const char *s, size_t n, struct vk_buf *out)
{
	if (n >= 1 && s[0] == '"' && s[n - 1] == '"')
		return unquote_json(s, n, out);
	if (n >= 2 && s[0] == '\'' && s[n - 1] == '\'')
		return unquote_json(s + 1, n - 2, out);
	return unescape(s, n, out);
}

static enum vk_err
add_line(struct vk_npmrc *f, const char *text, struct vk_npmrc_line l, size_t at, size_t end)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf key = VK_BUF(VK_MAX_LINE);
	const char *eq = memchr(text + at, '=', end - at);
	size_t key_end = eq ? (size_t)(eq - text) : end;
	struct vk_npmrc_line *v;
	enum vk_err e;

	l.value = eq ? key_end + 1 : end;
	l.value_len = end;
	trim(text, &l.value, &l.value_len);
	l.value_len -= l.value;
	trim(text, &at, &key_end);
	if ((e = resolve(text + at, key_end - at, &key)) != VK_OK)
		return e;
	if (key.len == 0)
		return VK_OK; /* "=value": npm has no name for it either */
	if (!(v = realloc(f->v, (f->n + 1) * sizeof(*v))))
		return vk_fail(VK_ENOMEM, "out of memory");
	f->v = v;
	if (!(l.key = vk_strdup(key.p)))
		return vk_fail(VK_ENOMEM, "out of memory");
	f->v[f->n++] = l;
	return VK_OK;
}

static bool
is_section(const char *s, size_t n)
{
	return n >= 2 && s[0] == '[' && s[n - 1] == ']' && memchr(s, ']', n) == s + n - 1;
}

enum vk_err
vk_npmrc_parse(const char *text, size_t n, struct vk_npmrc *ret)
{
	struct vk_npmrc f = { 0 };
	enum vk_err e = VK_OK;

	for (size_t at = 0, next; e == VK_OK && at < n; at = next) {
		struct vk_npmrc_line l = { .start = at };
		size_t end = at;

		while (end < n && text[end] != '\n' && text[end] != '\r')
			end++;
		next = end + (end < n);
		next += next < n && text[end] == '\r' && text[next] == '\n';
		l.end = next;
		trim(text, &at, &end);
		if (at == end || text[at] == ';' || text[at] == '#' || is_section(text + at, end - at))
			continue;
		e = add_line(&f, text, l, at, end);
	}
	if (e != VK_OK) {
		vk_npmrc_clear(&f);
		return e;
	}
	*ret = f;
	return VK_OK;
}

void
vk_npmrc_clear(struct vk_npmrc *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].key);
	free(f->v);
	*f = (struct vk_npmrc){ 0 };
}

enum vk_err
vk_npmrc_value(const char *text, const struct vk_npmrc_line *l, struct vk_buf *out)
{
	return resolve(text + l->value, l->value_len, out);
}

/* "${NAME}" or "${NAME?}" at ${s}: its name's length and that of the whole; 0 when it is not one. */
static size_t
variable(const char *s, size_t *ret_name)
{
	size_t n;

	if (s[0] != '$' || s[1] != '{')
		return 0;
	n = strcspn(s + 2, "${}");
	if (n == 0 || s[2 + n] != '}')
		return 0;
	*ret_name = n > 1 && s[2 + n - 1] == '?' ? n - 1 : n;
	return n + 3;
}

bool
vk_npmrc_next_var(const char **at, const char **ret_name, size_t *ret_n)
{
	size_t backslashes = 0;

	for (const char *s = *at; *s; s++) {
		size_t whole = variable(s, ret_n);

		if (whole > 0 && backslashes % 2 == 0) {
			*ret_name = s + 2;
			*at = s + whole;
			return true;
		}
		backslashes = *s == '\\' ? backslashes + 1 : 0;
	}
	return false;
}

void
vk_npmrc_unprotect(char *s)
{
	size_t out = 0, backslashes = 0, name;

	for (size_t i = 0; s[i]; i++) {
		if (backslashes % 2 == 1 && variable(s + i, &name) > 0)
			out -= (backslashes + 1) / 2;
		backslashes = s[i] == '\\' ? backslashes + 1 : 0;
		s[out++] = s[i];
	}
	s[out] = '\0';
}

/* "host[:port]/path" of a registry's URL, as npm writes it into keys, without the slash at its end. */
static bool
is_registry(const char *url, const char *place, size_t n)
{
	const char *rest = strstr(url, "://");
	size_t len = rest ? strlen(rest + 3) : 0;

	if (len > 0 && rest[3 + len - 1] == '/')
		len--;
	return rest && len == n && memcmp(rest + 3, place, n) == 0;
}

enum vk_err
vk_npmrc_registry(const char *text, const struct vk_npmrc *f, const char *place, size_t n,
    bool *ret_clear, char **ret_scope)
{
	for (size_t i = 0; i < f->n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(VK_MAX_FIELD);
		const char *key = f->v[i].key;
		bool scoped = *key == '@' && vk_str_ends(key, ":registry");

		if (!scoped && strcmp(key, "registry") != 0)
			continue;
		if (vk_npmrc_value(text, &f->v[i], &url) != VK_OK || !url.p ||
		    !is_registry(url.p, place, n))
			continue;
		*ret_clear = vk_str_starts(url.p, "http://");
		if (scoped && !*ret_scope &&
		    !(*ret_scope = strndup(key, strlen(key) - strlen(":registry"))))
			return VK_ENOMEM;
	}
	return VK_OK;
}

bool
vk_npmrc_cred_key(const char *key)
{
	/* "key" and "cert" hold a client's private key and certificate as text. */
	static const char *const names[] = {
		"_auth", "_authToken", "_password", "username", "certfile", "keyfile", "tokenHelper",
		"key", "cert", "otp",
	};
	const char *colon = vk_str_starts(key, "//") ? strrchr(key, ':') : NULL;

	for (size_t i = 0; i < VK_COUNT(names); i++)
		if (vk_str_ieq(colon ? colon + 1 : key, names[i]))
			return true;
	return false;
}

/* npm reads these words as other things than text. */
static bool
is_word(const char *s, size_t n)
{
	static const char *const words[] = { "true", "false", "null", "undefined" };

	for (size_t i = 0; i < VK_COUNT(words); i++)
		if (n == strlen(words[i]) && memcmp(s, words[i], n) == 0)
			return true;
	return false;
}

static bool
is_plain(const char *s, size_t n)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			 "-._~+/=@") == n;
}

/* Protects "${NAME}" by one backslash more than twice those before it. */
static enum vk_err
escape_variables(const char *s, struct vk_buf *out)
{
	size_t backslashes = 0;

	for (; *s; s++) {
		size_t name, whole = variable(s, &name);

		if (whole > 0) {
			size_t marks = 0;

			for (size_t i = 2; i < whole - 1; i++)
				marks += s[i] == '?';
			/* npm 9 and 10 take a question mark for part of the name, npm 11 does not. */
			if (marks > 1 || (marks == 1 && (whole == 4 || s[whole - 2] != '?')))
				return vk_fail(VK_EPOLICY, "its secret holds \"${...?...}\", which the "
							   "versions of npm read differently");
			for (size_t i = 0; i <= backslashes; i++)
				vk_buf_char(out, '\\');
		}
		backslashes = *s == '\\' ? backslashes + 1 : 0;
		vk_buf_char(out, *s);
	}
	return out->err;
}

enum vk_err
vk_npmrc_quote(const char *value, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(3 * VK_MAX_SECRET);
	enum vk_err e;

	if (vk_str_has_control(value, n))
		return vk_fail(VK_EPOLICY, "its secret holds a control character, which a .npmrc cannot "
					   "express");
	if (n > 0 && (value[0] == ' ' || value[n - 1] == ' '))
		return vk_fail(VK_EPOLICY, "its secret begins or ends with a blank, which npm drops");
	if (is_word(value, n))
		return vk_fail(VK_EPOLICY, "its secret is a word that npm does not read as text");
	if (is_plain(value, n))
		return vk_buf_add(out, value, n);
	if ((e = escape_variables(value, &b)) != VK_OK)
		return e;
	return vk_json_add_string(out, b.p ? b.p : "", b.len);
}
