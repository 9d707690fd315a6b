/* SPDX-License-Identifier: ISC */
/* What is to be fetched: one table for options and the members of the document. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/fetch.h"
#include "cli/infile.h"
#include "proto/json.h"

enum kind { TEXT, NUMBER, FLAG, PATH };

enum { DOCUMENT_MAX = 64 * 1024, SECONDS_MAX = 7 * 24 * 3600, COUNT_MAX = 1000 };

static const struct field {
	const char *option, *member; /* NULL: not in the document */
	enum kind kind;
	uint64_t min, max;
	const char *otherwise;
} fields[VK_FETCH_FIELDS] = {
	[VK_FETCH_URL] = { "URL", "source_url", TEXT, 0, 0, NULL },
	[VK_FETCH_OUTPUT] = { "--output", "target_path", TEXT, 0, 0, NULL },
	[VK_FETCH_RETRIES] = { "--retries", "max_retries", NUMBER, 0, COUNT_MAX, "5" },
	[VK_FETCH_TIMEOUT] = { "--timeout", "timeout_sec", NUMBER, 1, SECONDS_MAX, "3600" },
	[VK_FETCH_CONNECT_TIMEOUT] = { "--connect-timeout", "connect_timeout_sec", NUMBER, 1, SECONDS_MAX, "30" },
	[VK_FETCH_MAX_SIZE] = { "--max-size", "max_size", NUMBER, 1, INT64_MAX, NULL },
	[VK_FETCH_MAX_REDIRS] = { "--max-redirs", "max_redirects", NUMBER, 0, COUNT_MAX, "10" },
	[VK_FETCH_SHA256] = { "--sha256", "sha256", TEXT, 0, 0, NULL },
	[VK_FETCH_CONTINUE] = { "--continue", "resume", FLAG, 0, 0, NULL },
	[VK_FETCH_PROXY] = { "--proxy", "proxy", TEXT, 0, 0, NULL },
	[VK_FETCH_ACCEPT] = { "--accept", "accept", TEXT, 0, 0, NULL },
	[VK_FETCH_USERNAME] = { "--username", "username", TEXT, 0, 0, NULL },
	[VK_FETCH_NO_CREDENTIAL] = { "--no-credential", "no_credential", FLAG, 0, 0, NULL },
	[VK_FETCH_DOWNGRADE] = { "--allow-http-redirect", "allow_http_redirect", FLAG, 0, 0, NULL },
	[VK_FETCH_TLS_REQUIRED] = { "--ssl-reqd", "tls_required", FLAG, 0, 0, NULL },
	[VK_FETCH_CA] = { "--cacert", "ca_file", PATH, 0, 0, NULL },
	[VK_FETCH_CERT] = { "--cert", "certificate_file", PATH, 0, 0, NULL },
	[VK_FETCH_KEY] = { "--key", "key_file", PATH, 0, 0, NULL },
};

static enum vk_err
keep(struct vk_fetch *f, enum vk_fetch_field at, const char *text)
{
	struct vk_buf fresh = VK_BUF(VK_MAX_FIELD + 64);
	enum vk_err e = vk_buf_str(&fresh, text);

	if (e != VK_OK) {
		vk_buf_clear(&fresh);
		return e == VK_ELIMIT ? vk_fail(e, "%s is too long", fields[at].option) : e;
	}
	vk_buf_clear(&f->kept[at]);
	f->kept[at] = fresh;
	f->values[at] = fresh.p ? fresh.p : "";
	return VK_OK;
}

static enum vk_err
take(struct vk_fetch *f, enum vk_fetch_field at, const json_t *v)
{
	const struct field *d = &fields[at];
	char digits[24];

	if (d->kind == FLAG && json_is_boolean(v))
		return json_is_true(v) ? keep(f, at, "yes") : VK_OK;
	if (d->kind == NUMBER && json_is_integer(v) && json_integer_value(v) >= 0) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return keep(f, at, digits);
	}
	if ((d->kind == TEXT || d->kind == PATH) && json_is_string(v))
		return keep(f, at, json_string_value(v));
	return vk_fail(VK_EPROTO, "the document: \"%s\" is to be %s", d->member,
	    d->kind == FLAG ? "true or false" : d->kind == NUMBER ? "a number that is whole" : "a string");
}

/* A member that is not known may be a limit that somebody relies on. */
static enum vk_err
take_all(struct vk_fetch *f, json_t *document)
{
	const char *name;
	json_t *v;
	enum vk_err e = VK_OK;

	if (!json_is_object(document))
		return vk_fail(VK_EPROTO, "the document is no JSON object");
	json_object_foreach(document, name, v) {
		size_t at = 0;

		while (at < VK_FETCH_FIELDS && (!fields[at].member || strcmp(fields[at].member, name) != 0))
			at++;
		if (at == VK_FETCH_FIELDS)
			e = vk_fail(VK_EPROTO, "the document: there is no member \"%s\"", name);
		else if (!f->values[at] && !json_is_null(v))
			e = take(f, (enum vk_fetch_field)at, v);
		if (e != VK_OK)
			return e;
	}
	return VK_OK;
}

enum vk_err
vk_fetch_read(struct vk_fetch *f)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(DOCUMENT_MAX);
	VK_CLEANUP(vk_json_freep) json_t *document = NULL;
	VK_CLEANUP(vk_infile_clear) struct vk_infile in = { .fd = -1 };
	const char *path = f->values[VK_FETCH_INPUT];
	size_t n = 1;
	enum vk_err e;

	if (!path)
		return VK_OK;
	if ((e = vk_infile_open(path, &in)) != VK_OK)
		return e == VK_ENOENT ? vk_fail(VK_EUSAGE, "there is no file %s", path) : e;
	while (e == VK_OK && n > 0)
		if ((e = vk_infile_next(&in, &n)) == VK_OK && n > 0)
			e = vk_buf_add(&text, in.piece, n);
	if (e == VK_ELIMIT)
		return vk_fail(e, "the document is larger than %d bytes", DOCUMENT_MAX);
	if (e == VK_OK)
		e = vk_json_parse(text.p ? text.p : "", text.len, &document);
	return e == VK_OK ? take_all(f, document) : e;
}

/* The helper's working directory is another. */
static enum vk_err
make_absolute(struct vk_fetch *f, enum vk_fetch_field at)
{
	VK_CLEANUP(vk_freep) char *path = realpath(f->values[at], NULL);

	if (!path)
		return vk_fail(VK_EUSAGE, "%s: there is no file %s", fields[at].option, f->values[at]);
	return keep(f, at, path);
}

static enum vk_err
check_field(struct vk_fetch *f, enum vk_fetch_field at)
{
	const struct field *d = &fields[at];
	uint64_t n = 0;

	if (!f->values[at])
		f->values[at] = d->otherwise;
	if (!f->values[at])
		return VK_OK;
	if (d->kind == NUMBER && (vk_str_u64(f->values[at], d->max, &n) != VK_OK || n < d->min))
		return vk_fail(VK_EUSAGE, "%s is a number from %" PRIu64 " to %" PRIu64, d->option, d->min, d->max);
	if (vk_str_has_control(f->values[at], strlen(f->values[at])))
		return vk_fail(VK_EUSAGE, "%s holds control characters", d->option);
	if (strlen(f->values[at]) > VK_MAX_FIELD)
		return vk_fail(VK_ELIMIT, "%s is too long", d->option);
	return d->kind == PATH ? make_absolute(f, at) : VK_OK;
}

/* Who is named is asked for by name; the helper gets the rest. */
static enum vk_err
check_url(struct vk_fetch *f)
{
	static const char *const schemes[] = { "https", "http", "ftp", "ftps" };
	const char *url = f->values[VK_FETCH_URL], *host, *at;
	const char *username = f->values[VK_FETCH_USERNAME];
	bool known = false;
	enum vk_err e;

	if (!url)
		return vk_fail(VK_EUSAGE, "what is to be fetched? (a URL, or --input with a source_url)");
	if ((e = vk_scope_of_url(url, &f->scope, &f->user)) != VK_OK)
		return e;
	for (size_t i = 0; i < VK_COUNT(schemes); i++)
		known |= strcmp(f->scope.scheme, schemes[i]) == 0;
	if (!known)
		return vk_fail(VK_EUSAGE, "%s is not fetched, only https, http, ftp and ftps", f->scope.scheme);
	if (f->user && username && strcmp(f->user, username) != 0)
		return vk_fail(VK_EUSAGE, "the URL and --username name different users");
	if (!f->user && username && !(f->user = vk_strdup(username)))
		return VK_ENOMEM;
	if (f->user && f->values[VK_FETCH_NO_CREDENTIAL])
		return vk_fail(VK_EUSAGE, "a user is named, and --no-credential given");
	host = strstr(url, "://") + 3;
	at = memrchr(host, '@', strcspn(host, "/?#"));
	at = at ? at + 1 : host;
	f->url = vk_asprintf("%.*s%.*s", (int)(host - url), url, (int)strcspn(at, "#"), at);
	return f->url ? VK_OK : VK_ENOMEM;
}

/* The last part of the path, as curl's --remote-name and wget have it; never what a server says. */
static enum vk_err
default_output(struct vk_fetch *f)
{
	const char *host = strstr(f->url, "://") + 3, *end = host + strcspn(host, "?");
	const char *slash = memrchr(host, '/', (size_t)(end - host));
	VK_CLEANUP(vk_freep) char *name = slash ? strndup(slash + 1, (size_t)(end - slash - 1)) : vk_strdup("");

	if (!name)
		return VK_ENOMEM;
	if (!*name || strchr(name, '%') || strlen(name) > NAME_MAX) {
		vk_hint("name the file with --output FILE");
		return vk_fail(VK_EUSAGE, "the URL does not end in the name of a file");
	}
	return keep(f, VK_FETCH_OUTPUT, name);
}

static enum vk_err
check_sha256(struct vk_fetch *f)
{
	const char *text = f->values[VK_FETCH_SHA256];
	enum vk_err e;

	if (!text)
		return VK_OK;
	if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64)
		return vk_fail(VK_EUSAGE, "--sha256 has 64 hexadecimal digits");
	if ((e = keep(f, VK_FETCH_SHA256, text)) == VK_OK)
		vk_str_lower(f->kept[VK_FETCH_SHA256].p);
	return e;
}

static enum vk_err
check_proxy(const struct vk_fetch *f)
{
	static const char *const schemes[] = {
		"http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://",
	};
	const char *proxy = f->values[VK_FETCH_PROXY];

	if (!proxy || !*proxy)
		return VK_OK;
	if (strchr(proxy, '@')) {
		vk_hint("it may stand in the variable https_proxy or all_proxy");
		return vk_fail(VK_EUSAGE, "--proxy is read by every process of this machine, so it holds no user");
	}
	for (size_t i = 0; i < VK_COUNT(schemes); i++)
		if (vk_str_starts(proxy, schemes[i]))
			return VK_OK;
	return vk_fail(VK_EUSAGE, "--proxy begins with http, https, socks4, socks4a, socks5 or socks5h, and ://");
}

enum vk_err
vk_fetch_check(struct vk_fetch *f)
{
	enum vk_err e = VK_OK;

	for (int i = 0; e == VK_OK && i < VK_FETCH_INPUT; i++)
		e = check_field(f, (enum vk_fetch_field)i);
	if (e == VK_OK)
		e = check_url(f);
	if (e == VK_OK && !f->values[VK_FETCH_OUTPUT])
		e = default_output(f);
	if (e == VK_OK)
		e = check_sha256(f);
	if (e == VK_OK)
		e = check_proxy(f);
	if (e == VK_OK && f->values[VK_FETCH_KEY] && !f->values[VK_FETCH_CERT])
		e = vk_fail(VK_EUSAGE, "--key needs --cert");
	if (e == VK_OK && f->values[VK_FETCH_CONTINUE] && strcmp(f->values[VK_FETCH_OUTPUT], "-") == 0)
		e = vk_fail(VK_EUSAGE, "--continue needs a file");
	return e;
}

void
vk_fetch_clear(struct vk_fetch *f)
{
	for (size_t i = 0; i < VK_FETCH_FIELDS; i++)
		vk_buf_clear(&f->kept[i]);
	free(f->url);
	free(f->user);
	vk_scope_clear(&f->scope);
}
