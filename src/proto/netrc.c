/* SPDX-License-Identifier: ISC */
/*
 * netrc, as every reader of it has it: no two of them agree on quotes, escapes, comments or ports,
 * so what is written needs none of these.
 */
#include <string.h>

#include "valetkey/proto.h"

/* One token; ${end} is behind it.  False at the end of the text. */
static bool
next_token(const char *text, size_t n, size_t *at, size_t *start, size_t *end)
{
	static const char blanks[] = " \t\r\n";
	bool quoted;

	while (*at < n && (memchr(blanks, text[*at], 4) || text[*at] == '\0'))
		++*at;
	if (*at == n)
		return false;
	*start = *at;
	quoted = text[*at] == '"';
	for (++*at; *at < n; ++*at) {
		if (quoted && text[*at] == '\\' && *at + 1 < n)
			++*at;
		else if (quoted && text[*at] == '"') {
			++*at;
			break;
		} else if (!quoted && memchr(blanks, text[*at], 4))
			break;
	}
	*end = *at;
	return true;
}

static bool
token_is(const char *text, size_t start, size_t end, const char *word)
{
	return end - start == strlen(word) && memcmp(text + start, word, end - start) == 0;
}

/* A macro's text ends at an empty line. */
static size_t
skip_macro(const char *text, size_t n, size_t at)
{
	for (; at + 1 < n; at++)
		if (text[at] == '\n' && text[at + 1] == '\n')
			return at + 2;
	return n;
}

/* "machine NAME ..." or "default ...", from its first word to the next such word. */
struct entry {
	size_t start, end;
	size_t host, host_end; /* equal: "default" */
};

/* The next entry from ${*at} on; what lies before it is comments and macros. */
static bool
next_entry(const char *text, size_t n, size_t *at, struct entry *ret)
{
	struct entry v = { 0 };
	size_t start, end;
	bool found = false;

	while (next_token(text, n, at, &start, &end)) {
		bool machine = token_is(text, start, end, "machine");

		if (found && (machine || token_is(text, start, end, "default") ||
		    token_is(text, start, end, "macdef"))) {
			*at = start;
			break;
		}
		if (text[start] == '#' && (start == 0 || text[start - 1] == '\n')) {
			while (*at < n && text[*at] != '\n')
				++*at;
		} else if (token_is(text, start, end, "macdef")) {
			*at = skip_macro(text, n, *at);
		} else if (!found && (machine || token_is(text, start, end, "default"))) {
			found = true;
			v.start = start;
			v.host = v.host_end = end;
			if (machine)
				next_token(text, n, at, &v.host, &v.host_end);
		} else if (token_is(text, start, end, "login") ||
		    token_is(text, start, end, "password") ||
		    token_is(text, start, end, "account")) {
			next_token(text, n, at, &start, &end); /* may look like a keyword */
		}
	}
	v.end = *at;
	*ret = v;
	return found;
}

static bool
is_ours(const char *text, const struct entry *v, const struct vk_cred_list *creds)
{
	for (size_t i = 0; i < creds->n; i++)
		if (token_is(text, v->host, v->host_end, creds->v[i]->scope.host))
			return true;
	return false;
}

/* Printable ASCII that no reader takes for a quote, an escape or a comment. */
static bool
is_portable(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\')
			return false;
	return n > 0 && s[0] != '#';
}

static enum vk_err
refuse(const struct vk_cred *c, const char *why)
{
	vk_hint("choose with --credential, or use a recipe of the tool's own");
	return vk_fail(VK_EPOLICY, "a netrc cannot express %s: %s", *c->name ? c->name : c->scope.host,
	    why);
}

static enum vk_err
check(const struct vk_cred *c)
{
	if (c->kind != VK_KIND_BASIC)
		return refuse(c, "it is not a user name and password");
	if (strcmp(c->scope.scheme, "https") != 0)
		return refuse(c, "its readers would send it over https too, and others over http");
	if (c->scope.port != vk_scheme_port(c->scope.scheme))
		return refuse(c, "a machine has no port");
	if (*c->scope.path)
		return refuse(c, "a machine has no path, so it would be sent to all of the host");
	/* Without brackets to its readers; and a machine of that name is any host to Python's and Swift's. */
	if (*c->scope.host == '[' || strcmp(c->scope.host, "default") == 0 ||
	    !is_portable(c->scope.host, strlen(c->scope.host)))
		return refuse(c, "its host is not one that every reader takes");
	if (!is_portable(c->username, strlen(c->username)))
		return refuse(c, "its user name is empty or not one that every reader gives back unchanged");
	if (!is_portable(c->secret.p, c->secret.n))
		return refuse(c, "its secret holds a blank, a quote, a backslash, a leading # or something "
				 "that is not ASCII");
	return VK_OK;
}

static enum vk_err
add_credential(const struct vk_cred_list *creds, size_t i, struct vk_buf *out)
{
	const struct vk_cred *c = creds->v[i];
	enum vk_err e = check(c);

	for (size_t k = 0; e == VK_OK && k < i; k++)
		if (strcmp(creds->v[k]->scope.host, c->scope.host) == 0)
			e = refuse(c, "another credential of this run is for the same host");
	if (e != VK_OK)
		return e;
	vk_buf_fmt(out, "machine %s login %s password ", c->scope.host, c->username);
	vk_buf_add(out, c->secret.p, c->secret.n);
	return vk_buf_char(out, '\n');
}

enum vk_err
vk_netrc_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own,
    struct vk_buf *out, struct vk_buf *dropped)
{
	struct entry v;
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < creds->n; i++)
		e = add_credential(creds, i, out);
	for (size_t at = 0; e == VK_OK && next_entry(own, n, &at, &v);) {
		if (is_ours(own, &v, creds))
			continue;
		if (keep_own) {
			vk_buf_add(out, own + v.start, v.end - v.start);
			if (v.end > v.start && own[v.end - 1] != '\n')
				vk_buf_char(out, '\n');
			e = out->err;
		} else {
			if (v.host == v.host_end)
				vk_buf_str(dropped, "default");
			else
				vk_buf_add(dropped, own + v.host, v.host_end - v.host);
			e = vk_buf_char(dropped, '\n');
		}
	}
	return e;
}
