/* SPDX-License-Identifier: ISC */
/* The one canonicaliser: every host and path that is matched came through here. */
#include <stdio.h>
#include <string.h>

#include "valetkey/cred.h"

static const struct {
	const char *scheme;
	unsigned port;
} known_ports[] = {
	{ "https", 443 }, { "http", 80 },   { "smtp", 25 },   { "smtps", 465 }, { "imap", 143 },
	{ "imaps", 993 }, { "ftp", 21 },    { "ftps", 990 },  { "ssh", 22 },
};

unsigned
vk_scheme_port(const char *scheme)
{
	for (size_t i = 0; i < VK_COUNT(known_ports); i++)
		if (strcmp(known_ports[i].scheme, scheme) == 0)
			return known_ports[i].port;
	return 0;
}

static enum vk_err
parse_scheme(const char *s, size_t n, char **ret)
{
	char *p;

	if (n == 0 || n > 32)
		return vk_fail(VK_EPROTO, "a URL needs a scheme, such as https://");
	if (!(p = strndup(s, n)))
		return VK_ENOMEM;
	vk_str_lower(p);
	for (size_t i = 0; i < n; i++) {
		bool alpha = p[i] >= 'a' && p[i] <= 'z';
		bool more = (p[i] >= '0' && p[i] <= '9') || p[i] == '+' || p[i] == '-' || p[i] == '.';

		if (!alpha && (i == 0 || !more)) {
			free(p);
			return vk_fail(VK_EPROTO, "malformed scheme");
		}
	}
	*ret = p;
	return VK_OK;
}

/* Bytes that have no business in a host name and would make two spellings of it differ. */
static bool
host_byte_ok(unsigned char c)
{
	return c > 0x20 && c != 0x7f && !strchr("@/\\?#%\"'<>^`{|}*,;=&", c);
}

static enum vk_err
parse_hostport(const char *s, const char *scheme, struct vk_scope *sc)
{
	size_t n = strlen(s), host = n;
	const char *colon, *port = NULL;
	uint64_t v;

	/* git keeps the passphrase of a client certificate under the file's name, without a host. */
	if (n == 0 && strcmp(scheme, "cert") == 0) {
		sc->host = vk_strdup("");
		return sc->host ? VK_OK : VK_ENOMEM;
	}
	if (n == 0 || n > VK_MAX_FIELD)
		return vk_fail(VK_EPROTO, "a host name is missing or too long");
	if (s[0] == '[') {
		const char *close = strchr(s, ']');

		if (!close || close == s + 1 || (close[1] != '\0' && close[1] != ':'))
			return vk_fail(VK_EPROTO, "malformed IPv6 host");
		for (const char *p = s + 1; p < close; p++)
			if (!strchr("0123456789abcdefABCDEF:.", *p))
				return vk_fail(VK_EPROTO, "malformed IPv6 host");
		host = (size_t)(close + 1 - s);
		port = close[1] ? close + 2 : NULL;
	} else {
		if ((colon = strchr(s, ':'))) {
			if (strchr(colon + 1, ':'))
				return vk_fail(VK_EPROTO, "an IPv6 host needs [brackets]");
			host = (size_t)(colon - s);
			port = colon + 1;
		}
		for (size_t i = 0; i < host; i++)
			if (!host_byte_ok((unsigned char)s[i]) || s[i] == '[' || s[i] == ']')
				return vk_fail(VK_EPROTO, "a host name holds a character it cannot have");
	}
	if (host == 0)
		return vk_fail(VK_EPROTO, "a host name is missing");
	if (port) {
		if (vk_str_u64(port, 65535, &v) != VK_OK || v == 0)
			return vk_fail(VK_EPROTO, "malformed port");
		sc->port = (unsigned)v;
	} else {
		sc->port = vk_scheme_port(scheme);
	}
	if (!(sc->host = strndup(s, host)))
		return VK_ENOMEM;
	vk_str_lower(sc->host);
	return VK_OK;
}

static bool
bad_escape(const char *p)
{
	return vk_str_ieq(p, "%2e") || vk_str_ieq(p, "%2f") || vk_str_ieq(p, "%5c") ||
	    vk_str_ieq(p, "%00");
}

static enum vk_err
parse_path(const char *s, char **ret)
{
	size_t n;
	char *p;

	if (*s == '/')
		s++;
	n = strlen(s);
	if (n > 1 && s[n - 1] == '/') /* not of "//", which is an empty segment */
		n--;
	if (n > VK_MAX_FIELD)
		return vk_fail(VK_EPROTO, "a path is too long");
	if (vk_str_has_control(s, n) || memchr(s, '?', n) || memchr(s, '#', n) ||
	    memchr(s, '\\', n))
		return vk_fail(VK_EPROTO, "a path holds a character it cannot have");
	for (size_t i = 0; i + 2 < n; i++) {
		char esc[4] = { s[i], s[i + 1], s[i + 2], '\0' };

		if (bad_escape(esc))
			return vk_fail(VK_EPROTO, "a path holds an escaped dot, slash or NUL");
	}
	for (size_t at = 0; n > 0 && at <= n;) {
		const char *end = memchr(s + at, '/', n - at);
		size_t len = end ? (size_t)(end - s) - at : n - at;

		if (len == 0 || (len == 1 && s[at] == '.') ||
		    (len == 2 && s[at] == '.' && s[at + 1] == '.'))
			return vk_fail(VK_EPROTO, "a path holds an empty or dot segment");
		at += len + 1;
	}
	if (!(p = strndup(s, n)))
		return VK_ENOMEM;
	*ret = p;
	return VK_OK;
}

enum vk_err
vk_scope_make(const char *scheme, const char *hostport, const char *path, struct vk_scope *ret)
{
	struct vk_scope sc = { 0 };
	enum vk_err e = parse_scheme(scheme, strlen(scheme), &sc.scheme);

	if (e == VK_OK)
		e = parse_hostport(hostport, sc.scheme, &sc);
	if (e == VK_OK)
		e = parse_path(path ? path : "", &sc.path);
	if (e == VK_OK && *sc.host == '\0' && *sc.path == '\0')
		e = vk_fail(VK_EPROTO, "a host name is missing");
	if (e != VK_OK) {
		vk_scope_clear(&sc);
		return e;
	}
	*ret = sc;
	return VK_OK;
}

enum vk_err
vk_scope_parse(const char *url, struct vk_scope *ret, char **ret_username)
{
	const char *rest = strstr(url, "://");
	VK_CLEANUP(vk_freep) char *scheme = NULL;
	VK_CLEANUP(vk_freep) char *hostport = NULL;
	VK_CLEANUP(vk_freep) char *user = NULL;
	const char *host, *at;
	size_t n;
	enum vk_err e;

	if (!rest)
		return vk_fail(VK_EPROTO, "a URL needs a scheme, such as https://");
	if (!(scheme = strndup(url, (size_t)(rest - url))))
		return VK_ENOMEM;
	host = rest + 3;
	n = strcspn(host, "/?#");
	/* The last '@' before the path ends the user part, as in RFC 3986. */
	at = memrchr(host, '@', n);
	if (at) {
		size_t len = (size_t)(at - host);

		if (memchr(host, ':', len))
			return vk_fail(VK_EPROTO, "a password in a URL is refused; give it on standard input");
		if (!ret_username || memchr(host, '%', len) || memchr(host, '@', len) ||
		    vk_str_has_control(host, len) || len == 0)
			return vk_fail(VK_EPROTO, "this user name cannot be given in a URL; use --username");
		if (!(user = strndup(host, len)))
			return VK_ENOMEM;
		n -= len + 1;
		host = at + 1;
	}
	if (!(hostport = strndup(host, n)))
		return VK_ENOMEM;
	if ((e = vk_scope_make(scheme, hostport, host + n, ret)) != VK_OK)
		return e;
	if (ret_username)
		*ret_username = VK_TAKE(user);
	return VK_OK;
}

/* Where the segment that holds the first escaped slash of ${path} begins, at its '/'; NULL: there is none. */
static char *
escaped_segment(char *path)
{
	const char *slash = vk_str_ifind(path, strlen(path), "%2f");

	return slash ? memrchr(path, '/', (size_t)(slash - path)) : NULL;
}

enum vk_err
vk_scope_of_url(const char *url, struct vk_scope *ret_scope, char **ret_username)
{
	VK_CLEANUP(vk_freep) char *text = vk_strdup(url);
	char *path, *cut;

	if (!text)
		return VK_ENOMEM;
	/* To some a backslash is a slash. */
	if (vk_str_has_control(url, strlen(url)) || strpbrk(url, " \\"))
		return vk_fail(VK_EPROTO, "a URL holds a blank, a backslash or a control character");
	text[strcspn(text, "?#")] = '\0';
	path = strstr(text, "://");
	if ((path = path ? strchr(path + 3, '/') : NULL) && (cut = escaped_segment(path))) {
		/* Whoever unescapes it and then resolves dots would be outside of what is above it. */
		if (strstr(cut, "..") || vk_str_ifind(cut, strlen(cut), "%2e") ||
		    vk_str_ifind(cut, strlen(cut), "%5c"))
			return vk_fail(VK_EPROTO, "a path holds an escaped slash together with dots");
		*cut = '\0';
	}
	return vk_scope_parse(text, ret_scope, ret_username);
}

void
vk_scope_clear(struct vk_scope *s)
{
	free(s->scheme);
	free(s->host);
	free(s->path);
	*s = (struct vk_scope){ 0 };
}

enum vk_err
vk_scope_copy(const struct vk_scope *s, struct vk_scope *ret)
{
	struct vk_scope c = { vk_strdup(s->scheme), vk_strdup(s->host), s->port, vk_strdup(s->path) };

	if (!c.scheme || !c.host || !c.path) {
		vk_scope_clear(&c);
		return VK_ENOMEM;
	}
	*ret = c;
	return VK_OK;
}

bool
vk_scope_same_origin(const struct vk_scope *a, const struct vk_scope *b)
{
	return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
	    strcmp(a->host, b->host) == 0;
}

bool
vk_path_covers(const char *entry, const char *asked)
{
	size_t n = strlen(entry);

	if (n == 0)
		return true;
	if (strncmp(entry, asked, n) != 0)
		return false;
	asked += n;
	/* "org/repo" is also the repository that clients call "org/repo.git" */
	if (strncmp(asked, ".git", 4) == 0)
		asked += 4;
	return *asked == '\0' || *asked == '/';
}

bool
vk_scope_covers(const struct vk_scope *entry, const struct vk_scope *asked)
{
	return vk_scope_same_origin(entry, asked) && vk_path_covers(entry->path, asked->path);
}

char *
vk_scope_hostport(const struct vk_scope *s)
{
	if (s->port == vk_scheme_port(s->scheme))
		return vk_strdup(s->host);
	return vk_asprintf("%s:%u", s->host, s->port);
}

char *
vk_scope_url(const struct vk_scope *s)
{
	VK_CLEANUP(vk_freep) char *hp = vk_scope_hostport(s);

	return hp ? vk_asprintf("%s://%s%s%s", s->scheme, hp, *s->path ? "/" : "", s->path) : NULL;
}
