/* SPDX-License-Identifier: ISC */
/* Finding credentials in the files of tools that have an easy syntax; see doctor_scan_more.c for the others. */
#include <string.h>

#include "valetkey/proto.h"
#include "cli/doctor.h"

void
vk_doctor_scan_npmrc(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	static const char *const secrets[] = { ":_authToken", ":_auth", ":_password" };
	struct vk_npmrc f = { 0 };

	if (vk_npmrc_parse(text, n, &f) != VK_OK)
		return;
	for (size_t i = 0; i < f.n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf v = VK_BUF_SECRET(VK_MAX_SECRET);
		const char *key = f.v[i].key, *colon = strrchr(key, ':');
		bool secret = false;

		for (size_t k = 0; k < VK_COUNT(secrets); k++)
			secret |= vk_str_ieq(colon ? colon : "", secrets[k]) ||
			    vk_str_ieq(key, secrets[k] + 1);
		/* "${VAR}" holds nothing: the variable does, and is looked at as such. */
		if (!secret || vk_npmrc_value(text, &f.v[i], &v) != VK_OK || v.len == 0 ||
		    (vk_str_starts(v.p, "${") && strchr(v.p, '}') == v.p + v.len - 1))
			continue;
		d->at = text + f.v[i].start;
		vk_doctor_plaintext(d, path, key, colon ? (size_t)(colon - key) : 0,
		    colon ? colon + 1 : key);
	}
	vk_npmrc_clear(&f);
}

/* The next word of a netrc; quotes keep blanks together. */
static size_t
word(const char **at)
{
	const char *s = *at + strspn(*at, " \t\r\n");
	size_t n;

	*at = s;
	if (*s != '"')
		return strcspn(s, " \t\r\n");
	for (n = 1; s[n] && s[n] != '"'; n++)
		if (s[n] == '\\' && s[n + 1])
			n++;
	return s[n] ? n + 1 : n;
}

static bool
is(const char *s, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(s, want, n) == 0;
}

void
vk_doctor_scan_netrc(struct vk_doctor *d, const char *path, const char *text, size_t len)
{
	const char *at = text, *host = "", *end;
	size_t n, host_n = 0;

	(void)len;
	for (; (n = word(&at)) > 0; at += n) {
		if (is(at, n, "default")) {
			host = at;
			host_n = n;
		} else if (is(at, n, "machine")) {
			at += n;
			n = word(&at);
			host = at;
			host_n = n;
		} else if (is(at, n, "password") || is(at, n, "passwd")) {
			at += n;
			if ((n = word(&at)) > 0)
				vk_doctor_plaintext(d, path, host, host_n, "password");
		} else if (is(at, n, "login") || is(at, n, "user") || is(at, n, "account")) {
			at += n;
			n = word(&at);
		} else if (is(at, n, "macdef")) {
			end = strstr(at, "\n\n");
			n = end ? (size_t)(end - at) : strlen(at);
		}
	}
}

/* Has "scheme://" at ${s}, of a line of ${n} bytes, user information?  Then the rest behind its '@'. */
static const char *
userinfo(const char *s, size_t n, bool *ret_password)
{
	const char *sep = memmem(s, n, "://", 3), *at;
	size_t len;

	if (!sep)
		return NULL;
	sep += 3;
	len = strcspn(sep, "/?# \t\r\n\"");
	if (len > n - (size_t)(sep - s))
		len = n - (size_t)(sep - s);
	if (!(at = memrchr(sep, '@', len)) || at == sep)
		return NULL;
	*ret_password = memchr(sep, ':', (size_t)(at - sep)) != NULL;
	return at + 1;
}

void
vk_doctor_scan_urls(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	for (const char *p = text, *end = text + n; p < end;) {
		size_t len = strcspn(p, "\n");
		bool password = false;
		const char *host = userinfo(p, len, &password);

		if (host && password)
			vk_doctor_plaintext(d, path, host, strcspn(host, "/?# \t\r\n"), "password");
		p += len + 1;
	}
}

/* The value of a line "KEY = VALUE" of git's configuration, NULL when it is another key. */
static const char *
value_of(const char *p, size_t len, const char *key)
{
	size_t lead = strspn(p, " \t"), n = strlen(key);
	VK_CLEANUP(vk_freep) char *name = lead + n <= len ? strndup(p + lead, n) : NULL;

	if (!name || !vk_str_ieq(name, key))
		return NULL;
	p += lead + n;
	p += strspn(p, " \t");
	return *p == '=' ? p + 1 + strspn(p + 1, " \t\"") : NULL;
}

/* One line within the section whose header is ${section}. */
static void
scan_git_line(struct vk_doctor *d, const char *path, const char *section, size_t section_n,
    const char *p, size_t len)
{
	const char *quote = memchr(section, '"', section_n), *v;
	bool password;
	const char *host;

	d->at = p;
	if ((v = value_of(p, len, "extraheader")) && v < p + len) {
		const char *name = quote ? quote + 1 : "every host";

		vk_doctor_plaintext(d, path, name, quote ? strcspn(name, "\"]\n") : strlen(name),
		    "http.extraHeader");
		return;
	}
	if ((v = value_of(p, len, "helper")) && vk_str_starts(section, "[credential") &&
	    is(v, strcspn(v, " \t\r\n\""), "store")) {
		vk_doctor_plaintext(d, path, "every host", strlen("every host"), "credential.helper = store");
		return;
	}
	if (((v = value_of(p, len, "url")) || (v = value_of(p, len, "pushurl"))) && v < p + len &&
	    vk_str_starts(v, "http") && (host = userinfo(v, (size_t)(p + len - v), &password)) && password)
		vk_doctor_plaintext(d, path, host, strcspn(host, "/?# \t\r\n\""), "url");
}

void
vk_doctor_scan_git(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	const char *section = "";
	size_t section_n = 0;

	for (const char *p = text, *end = text + n; p < end;) {
		size_t len = strcspn(p, "\n"), lead = strspn(p, " \t");
		bool password;
		const char *host;

		if (p[lead] == '[') {
			section = p + lead;
			section_n = len - lead;
			/* [url "https://user:password@host/"] */
			if (vk_str_starts(section, "[url") &&
			    (host = userinfo(section, section_n, &password)) && password)
				vk_doctor_plaintext(d, path, host, strcspn(host, "/\"]\n"), "insteadOf");
		} else if (p[lead] != '#' && p[lead] != ';') {
			scan_git_line(d, path, section, section_n, p, len);
			d->at = NULL;
		}
		p += len + 1;
	}
}
