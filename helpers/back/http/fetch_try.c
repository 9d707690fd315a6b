/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fetch.h"

/* Slower than this is no transfer, but somebody who holds us. */
enum { SLOW_BYTES_S = 100, SLOW_S = 60 };

enum { LEAST_MS = 50 }; /* libcurl's clock is not ours */

static bool
is_scheme(const char *url, const char *scheme)
{
	size_t n = strlen(scheme);

	return vk_str_ifind(url, n < strlen(url) ? n : strlen(url), scheme) == url && strncmp(url + n, "://", 3) == 0;
}

static bool
is_ftp(const char *url)
{
	return is_scheme(url, "ftp") || is_scheme(url, "ftps");
}

static bool
add(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	*list = more ? more : *list;
	return more != NULL;
}

/* What is stored is what is sent, byte for byte: nobody should compress it on the way. */
static struct curl_slist *
headers_of(const struct vk_fetch_try *t)
{
	const struct vk_fetch *f = t->f;
	VK_CLEANUP(vk_freep) char *accept = vk_asprintf("Accept: %s", f->accept ? f->accept : "*/*");
	VK_CLEANUP(vk_freep) char *unchanged = vk_asprintf("If-Range: %s", f->validator);
	struct curl_slist *list = NULL;
	bool ok = accept && unchanged && add(&list, accept) && add(&list, "Accept-Encoding: identity");

	if (ok && t->sends && f->header.len > 0)
		ok = add(&list, f->header.p);
	if (ok && t->from > 0 && f->validator[0])
		ok = add(&list, unchanged);
	if (ok)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static void
set_request(struct vk_fetch_try *t, struct curl_slist *headers, char *why)
{
	const struct vk_fetch *f = t->f;
	struct vk_server_tls tls = f->tls;

	/* A certificate is a credential. */
	if (!vk_http_same_origin(f->url, t->url, strlen(t->url)))
		tls.certificate = tls.key = NULL;
	vk_http_set(t->c, t->url, &tls, why);
	curl_easy_setopt(t->c, CURLOPT_PROTOCOLS_STR, t->ftp ? "ftp,ftps" : "http,https");
	curl_easy_setopt(t->c, CURLOPT_CONNECTTIMEOUT_MS, (long)f->connect_s * 1000);
	curl_easy_setopt(t->c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
	curl_easy_setopt(t->c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	curl_easy_setopt(t->c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(t->c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(t->c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(t->c, CURLOPT_HEADERFUNCTION, vk_fetch_header);
	curl_easy_setopt(t->c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->c, CURLOPT_WRITEFUNCTION, vk_fetch_body);
	curl_easy_setopt(t->c, CURLOPT_WRITEDATA, t);
	if (f->proxy)
		curl_easy_setopt(t->c, CURLOPT_PROXY, f->proxy);
	if (t->ftp) {
		curl_easy_setopt(t->c, CURLOPT_FILETIME, 1L);
		curl_easy_setopt(t->c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->from);
		if (f->tls_required)
			curl_easy_setopt(t->c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
		if (t->sends && f->password.p) {
			curl_easy_setopt(t->c, CURLOPT_USERNAME, f->user.p ? f->user.p : "");
			curl_easy_setopt(t->c, CURLOPT_PASSWORD, f->password.p);
		}
	} else if (t->from > 0) {
		char range[32];

		snprintf(range, sizeof(range), "%" PRIu64 "-", t->from);
		curl_easy_setopt(t->c, CURLOPT_RANGE, range);
	}
}

/* "with the credential NAME", or why without one: for whoever has to find out what is wrong with it. */
static const char *
with(const struct vk_fetch_try *t)
{
	if (t->sends)
		return "with ";
	return t->f->has_credential ? "after a redirect that the credential does not follow" : "without a credential";
}

static const char *
with_which(const struct vk_fetch_try *t)
{
	return !t->sends ? "" : t->f->label ? t->f->label : "the credential";
}

static enum vk_err
failed(struct vk_fetch_try *t, CURLcode code, const char *why, const char *origin)
{
	const char *text = *why ? why : curl_easy_strerror(code);

	switch (code) {
	case CURLE_LOGIN_DENIED:
		return vk_fail(VK_EPOLICY, "%s does not let us in, %s%s", origin, with(t), with_which(t));
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_REMOTE_ACCESS_DENIED:
		return vk_fail(VK_ENOENT, "%s: it is not there, or not for us", origin);
	case CURLE_OPERATION_TIMEDOUT:
		t->again = vk_http_left_ms() > LEAST_MS;
		if (!t->again)
			return vk_fail(VK_EBACKEND, "%s: the time is over, after %" PRIu64 " bytes", origin, t->f->at);
		break;
	case CURLE_FTP_ACCEPT_TIMEOUT:
	case CURLE_FTP_WEIRD_SERVER_REPLY:
		t->again = true;
		break;
	case CURLE_BAD_DOWNLOAD_RESUME:
		t->again = vk_fetch_restart(t->f) == VK_OK;
		break;
	default:
		t->again = vk_http_not_sent(t->c, code) || vk_http_broke_off(code);
	}
	return vk_fail(VK_EBACKEND, "%s: %s", origin, text);
}

static enum vk_err
refused(struct vk_fetch_try *t, const char *origin)
{
	long s = t->status;

	if (s == 401 || s == 403 || s == 407)
		return vk_fail(VK_EPOLICY, "%s answers %ld, %s%s", origin, s, with(t), with_which(t));
	if (s == 404 || s == 410)
		return vk_fail(VK_ENOENT, "%s answers %ld", origin, s);
	t->again = s == 408 || s == 429 || s == 500 || (s >= 502 && s <= 504);
	return vk_fail(VK_EBACKEND, "%s answers %ld", origin, s);
}

/* The part that is there may be all there is. */
static enum vk_err
past_end(struct vk_fetch_try *t, const char *origin)
{
	struct vk_fetch *f = t->f;
	enum vk_err e;

	if (t->from > 0 && t->range_total == (int64_t)f->at) {
		f->total = t->range_total;
		return VK_OK;
	}
	if (t->from == 0)
		return refused(t, origin);
	if ((e = vk_fetch_restart(f)) != VK_OK)
		return e;
	t->again = true;
	return vk_fail(VK_EBACKEND, "%s has less than is there", origin);
}

static bool
leads_on(const struct vk_fetch_try *t)
{
	long s = t->status;

	return !t->ftp && t->location[0] && (s == 301 || s == 302 || s == 303 || s == 307 || s == 308);
}

static enum vk_err
judge(struct vk_fetch_try *t, CURLcode code, const char *why, const char *origin)
{
	struct vk_fetch *f = t->f;

	if (t->err != VK_OK)
		return t->err;
	if (code == CURLE_WRITE_ERROR && t->dropped > 0)
		code = CURLE_OK;
	if (code != CURLE_OK)
		return failed(t, code, why, origin);
	if (leads_on(t))
		return VK_OK;
	if (!t->ftp && t->status == 416)
		return past_end(t, origin);
	if (!t->ftp && t->status != 200 && t->status != 203 && t->status != 206)
		return refused(t, origin);
	if (!t->begun && !vk_fetch_begin(t))
		return t->err;
	if (f->total >= 0 && f->at != (uint64_t)f->total)
		return failed(t, CURLE_PARTIAL_FILE, "", origin);
	return VK_OK;
}

static enum vk_err
request(struct vk_fetch_try *t)
{
	struct curl_slist *headers = headers_of(t);
	char *origin = vk_http_origin(t->url);
	char why[CURL_ERROR_SIZE] = "";
	enum vk_err e = VK_ENOMEM;
	CURLcode code;

	t->c = curl_easy_init();
	if (t->c && headers && origin) {
		set_request(t, headers, why);
		code = curl_easy_perform(t->c);
		curl_easy_getinfo(t->c, CURLINFO_RESPONSE_CODE, &t->status);
		t->wait_ms = vk_http_wait_ms(t->c);
		e = judge(t, code, why, origin);
	}
	if (e == VK_OK) {
		free(t->f->origin);
		t->f->origin = VK_TAKE(origin);
	}
	free(origin);
	curl_slist_free_all(headers);
	curl_easy_cleanup(t->c);
	return e;
}

/* A user that the server names is none of ours. */
static bool
resolve(CURLU *u, const struct vk_fetch_try *t, char **ret)
{
	return curl_url_set(u, CURLUPART_URL, t->url, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, t->location, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, ret, 0) == CURLUE_OK;
}

/* Where the answer leads: ${*ret} is absolute. */
static enum vk_err
next_url(const struct vk_fetch_try *t, char **ret)
{
	VK_CLEANUP(vk_freep) char *origin = vk_http_origin(t->url);
	CURLU *u = curl_url();
	char *url = NULL;
	enum vk_err e = VK_OK;

	if (!u || !origin)
		e = VK_ENOMEM;
	else if (!resolve(u, t, &url))
		e = vk_fail(VK_EBACKEND, "%s sends on to what is no URL", origin);
	else if (!is_scheme(url, "https") && !is_scheme(url, "http"))
		e = vk_fail(VK_EPOLICY, "%s sends on to what is neither https nor http", origin);
	else if (is_scheme(t->url, "https") && !is_scheme(url, "https") && !t->f->downgrade)
		e = vk_fail(VK_EPOLICY, "%s sends on from https to http", origin);
	else if (!(*ret = vk_strdup(url)))
		e = VK_ENOMEM;
	curl_free(url);
	curl_url_cleanup(u);
	return e;
}

static bool
covers(const struct vk_fetch *f, const char *url)
{
	struct vk_scope s = { 0 };
	bool yes = f->has_credential && vk_scope_of_url(url, &s, NULL) == VK_OK && vk_scope_covers(&f->scope, &s);

	vk_scope_clear(&s);
	return yes;
}

enum vk_err
vk_fetch_try(struct vk_fetch *f, bool *ret_again, int64_t *ret_wait_ms)
{
	VK_CLEANUP(vk_freep) char *url = vk_strdup(f->url);
	bool sends = f->has_credential;
	enum vk_err e = url ? VK_OK : VK_ENOMEM;

	*ret_again = false;
	for (uint64_t hops = 0; e == VK_OK; hops++) {
		struct vk_fetch_try t = { .f = f, .url = url, .ftp = is_ftp(url), .wait_ms = -1 };
		char *next = NULL;

		/* Who was left is not trusted again because of what another says. */
		t.sends = sends = sends && covers(f, url);
		t.from = vk_fetch_can_go_on(f) ? f->at : 0;
		t.range_from = t.range_total = -1;
		e = request(&t);
		*ret_again = t.again;
		*ret_wait_ms = t.wait_ms;
		if (e != VK_OK || !leads_on(&t))
			break;
		if (hops == f->redirects)
			return vk_fail(VK_EBACKEND, "it is sent on more than %" PRIu64 " times", f->redirects);
		if ((e = next_url(&t, &next)) == VK_OK) {
			free(url);
			url = next;
		}
	}
	return e;
}
