/* SPDX-License-Identifier: ISC */
/* URLs, RFC 3986, in the parts that requests are made of. */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http.h"

static enum vk_err
encode(struct vk_buf *out, const char *s, const char *kept)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) ||
		    strchr(kept, c))
			vk_buf_char(out, (char)c);
		else
			vk_buf_fmt(out, "%%%02X", c);
	}
	return out->err;
}

enum vk_err
vk_http_path(struct vk_buf *out, const char *path)
{
	/* A segment of dots would mean another path to whoever resolves it. */
	for (const char *s = path; s; s = strchr(s, '/') ? strchr(s, '/') + 1 : NULL) {
		size_t n = strcspn(s, "/");

		if (n == 0 || (n <= 2 && strspn(s, ".") >= n))
			return vk_fail(VK_EPROTO, "a path has no empty parts, and none of dots");
	}
	return encode(out, path, "/");
}

enum vk_err
vk_http_word(struct vk_buf *out, const char *text)
{
	return encode(out, text, "");
}

enum vk_err
vk_http_url(struct vk_buf *out, const char *base, const char *fmt, ...)
{
	char text[1024];
	size_t n = strlen(base);
	va_list ap;
	int len;

	if (strpbrk(base, "?#"))
		return vk_fail(VK_EPROTO, "a server's address has no ? and no #");
	while (n > 0 && base[n - 1] == '/')
		n--;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return vk_fail(VK_ELIMIT, "a URL is too long");
	vk_buf_add(out, base, n);
	return vk_buf_add(out, text, (size_t)len);
}

char *
vk_http_origin(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;

	/* Before an @ there may be a password. */
	return n > 0 && n < VK_MAX_FIELD && !memchr(url, '@', n) ? strndup(url, n) : vk_strdup("a server");
}

struct origin {
	char *scheme, *host, *port;
};

static bool
split(const char *url, size_t n, struct origin *ret)
{
	VK_CLEANUP(vk_freep) char *text = strndup(url, n);
	CURLU *u = curl_url();
	bool ok = text && u && curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &ret->host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) == CURLUE_OK;

	curl_url_cleanup(u);
	return ok;
}

static void
forget(struct origin *o)
{
	curl_free(o->scheme);
	curl_free(o->host);
	curl_free(o->port);
}

bool
vk_http_same_origin(const char *a, const char *b, size_t n)
{
	struct origin one = { NULL, NULL, NULL }, other = { NULL, NULL, NULL };
	bool same = split(a, strlen(a), &one) && split(b, n, &other) && strcmp(one.scheme, other.scheme) == 0 &&
	    vk_str_ieq(one.host, other.host) && strcmp(one.port, other.port) == 0;

	forget(&one);
	forget(&other);
	return same;
}
