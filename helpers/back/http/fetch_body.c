/* SPDX-License-Identifier: ISC */
/*
 * Bytes of two versions must never come together in one file.  So there is a note of the version beside the bytes (RFC
 * 9110, section 8.8: a strong validator; for ftp time and size): it is taken away before what is there is cut off, and
 * written before the first byte of another version.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fetch.h"
#include "valetkey/io.h"

enum {
	PROGRESS_MS = 100,
	DROPPED_MAX = 64 * 1024, /* of an error's page: enough for the connection to end in peace */
	SURE_S = 60,             /* a time that is this long ago is a strong validator: RFC 9110, section 8.8.2.2 */
	RECORD_MAX = 128 + VK_FETCH_VALIDATOR_MAX,
};

static enum vk_err
cannot_write(void)
{
	return vk_fail_errno("cannot write the file");
}

enum vk_err
vk_fetch_open(struct vk_fetch *f)
{
	char text[RECORD_MAX + 1] = "", *lf, *end;
	bool own = false;
	struct stat st;
	size_t n = 0;
	enum vk_err e = VK_OK;

	f->total = -1;
	if (fstat(VK_FETCH_FD, &st) < 0 || !S_ISREG(st.st_mode))
		return vk_fail(VK_EPROTO, "descriptor %d is no file", VK_FETCH_FD);
	f->at = (uint64_t)st.st_size;
	if (f->record && (e = vk_read_upto(VK_FETCH_RECORD_FD, text, RECORD_MAX, &n)) != VK_OK)
		return e;
	/* A line that is not whole was being written when somebody was killed. */
	if ((lf = strchr(text, '\n')) && (end = strchr(lf + 1, '\n'))) {
		*lf = *end = '\0';
		own = f->record && strcmp(text, f->record) == 0;
	}
	if (own)
		snprintf(f->validator, sizeof(f->validator), "%s", lf + 1);
	if (!own || !vk_fetch_can_go_on(f))
		return vk_fetch_restart(f);
	f->resumed = f->at;
	return VK_OK;
}

bool
vk_fetch_can_go_on(const struct vk_fetch *f)
{
	return f->at > 0 && (f->validator[0] || f->checked);
}

enum vk_err
vk_fetch_restart(struct vk_fetch *f)
{
	f->validator[0] = '\0';
	f->at = f->resumed = 0;
	f->total = -1;
	if ((f->record && ftruncate(VK_FETCH_RECORD_FD, 0) < 0) || ftruncate(VK_FETCH_FD, 0) < 0)
		return cannot_write();
	return VK_OK;
}

static enum vk_err
note(struct vk_fetch *f, const char *validator)
{
	char text[RECORD_MAX];
	int n = snprintf(text, sizeof(text), "%s\n%s\n", f->record ? f->record : "", validator);

	snprintf(f->validator, sizeof(f->validator), "%s", validator);
	if (!f->record || n < 0 || n >= (int)sizeof(text))
		return VK_OK;
	return vk_pwrite_full(VK_FETCH_RECORD_FD, text, (size_t)n, 0) == VK_OK ? VK_OK : cannot_write();
}

static void
copy(const char *v, size_t n, char *out, size_t room)
{
	if (n < room && !memchr(v, '\n', n)) {
		memcpy(out, v, n);
		out[n] = '\0';
	}
}

/* "bytes 10-19/20", "bytes 10-19" and an asterisk, "bytes", an asterisk and "/20": RFC 9110, section 14.4. */
static void
parse_range(struct vk_fetch_try *t, const char *v, size_t n)
{
	char text[80] = "", *slash;
	uint64_t x;

	copy(v, n, text, sizeof(text));
	if (vk_str_ifind(text, strlen(text), "bytes ") != text || !(slash = strchr(text, '/')))
		return;
	*slash = '\0';
	t->has_range = true;
	if (vk_str_u64(slash + 1, INT64_MAX, &x) == VK_OK)
		t->range_total = (int64_t)x;
	text[6 + strcspn(text + 6, "-")] = '\0';
	if (vk_str_u64(text + 6, INT64_MAX, &x) == VK_OK)
		t->range_from = (int64_t)x;
}

static void
forget_answer(struct vk_fetch_try *t)
{
	t->location[0] = t->etag[0] = t->modified[0] = t->date[0] = '\0';
	t->has_range = false;
	t->range_from = t->range_total = -1;
}

size_t
vk_fetch_header(char *line, size_t one, size_t n, void *arg)
{
	struct vk_fetch_try *t = arg;
	const char *v;
	size_t len;

	n *= one;
	if (n > 5 && strncmp(line, "HTTP/", 5) == 0)
		forget_answer(t);
	else if ((v = vk_http_header(line, n, "location", &len)))
		copy(v, len, t->location, sizeof(t->location));
	else if ((v = vk_http_header(line, n, "etag", &len)) && len > 2 && *v == '"')
		copy(v, len, t->etag, sizeof(t->etag));
	else if ((v = vk_http_header(line, n, "last-modified", &len)))
		copy(v, len, t->modified, sizeof(t->modified));
	else if ((v = vk_http_header(line, n, "date", &len)))
		copy(v, len, t->date, sizeof(t->date));
	else if ((v = vk_http_header(line, n, "content-range", &len)))
		parse_range(t, v, len);
	return n;
}

static bool
is_long_ago(const struct vk_fetch_try *t)
{
	time_t modified = curl_getdate(t->modified, NULL), date = curl_getdate(t->date, NULL);

	return modified >= 0 && date >= modified + SURE_S;
}

/* "": the answer has none that would tell two versions of the same second apart. */
static void
validator_of(const struct vk_fetch_try *t, char out[VK_FETCH_VALIDATOR_MAX])
{
	curl_off_t time = -1;

	out[0] = '\0';
	if (t->ftp) {
		if (curl_easy_getinfo(t->c, CURLINFO_FILETIME_T, &time) == CURLE_OK && time >= 0 && t->f->total >= 0)
			snprintf(out, VK_FETCH_VALIDATOR_MAX, "%" PRId64 " %" PRId64, (int64_t)time, t->f->total);
	} else if (t->etag[0]) {
		snprintf(out, VK_FETCH_VALIDATOR_MAX, "%s", t->etag);
	} else if (is_long_ago(t)) {
		snprintf(out, VK_FETCH_VALIDATOR_MAX, "%s", t->modified);
	}
}

static bool
refuse(struct vk_fetch_try *t, enum vk_err e)
{
	t->err = e;
	return false;
}

/* What is there is of no use; the next try begins anew. */
static bool
other_version(struct vk_fetch_try *t)
{
	enum vk_err e = vk_fetch_restart(t->f);

	if (e != VK_OK)
		return refuse(t, e);
	t->again = true;
	return refuse(t, vk_fail(VK_EBACKEND, "the server went on with something else than what was begun"));
}

static bool
is_same(const struct vk_fetch_try *t, const char *validator)
{
	if (t->ftp)
		return strcmp(validator, t->f->validator) == 0 || (t->f->checked && !t->f->validator[0]);
	if (!t->has_range || t->range_from != (int64_t)t->from || t->range_total < t->range_from)
		return false;
	return !*validator || !t->f->validator[0] || strcmp(validator, t->f->validator) == 0;
}

static int64_t
length_of(const struct vk_fetch_try *t)
{
	curl_off_t n = -1;

	return curl_easy_getinfo(t->c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n) == CURLE_OK ? (int64_t)n : -1;
}

bool
vk_fetch_begin(struct vk_fetch_try *t)
{
	struct vk_fetch *f = t->f;
	char validator[VK_FETCH_VALIDATOR_MAX];
	bool rest = t->from > 0 && (t->ftp || t->status == 206);
	int64_t n = length_of(t);
	enum vk_err e = VK_OK;

	if (!t->ftp && t->status == 206 && t->from == 0)
		return refuse(t, vk_fail(VK_EBACKEND, "the server answers a part that it was not asked for"));
	if (!rest && f->at > 0 && (e = vk_fetch_restart(f)) != VK_OK)
		return refuse(t, e);
	if (rest && !t->ftp)
		f->total = t->range_total;
	else
		f->total = n < 0 ? -1 : n + (rest ? (int64_t)t->from : 0);
	validator_of(t, validator);
	if (rest && !is_same(t, validator))
		return other_version(t);
	if (f->max_size > 0 && f->total > 0 && (uint64_t)f->total > f->max_size)
		return refuse(t, vk_fail(VK_ELIMIT, "the file has %" PRId64 " bytes, more than --max-size", f->total));
	if (!rest && (e = note(f, validator)) != VK_OK)
		return refuse(t, e);
	t->begun = true;
	return true;
}

static void
tell(struct vk_fetch *f)
{
	int64_t now = vk_now_ms();
	char line[64];
	int n;

	if (now - f->told_ms < PROGRESS_MS)
		return;
	f->told_ms = now;
	n = snprintf(line, sizeof(line), "progress %" PRIu64 " %" PRId64 "\n", f->at, f->total > 0 ? f->total : 0);
	(void)!vk_write_full(STDOUT_FILENO, line, (size_t)n);
}

static bool
is_file(const struct vk_fetch_try *t)
{
	return t->ftp || t->status == 200 || t->status == 203 || t->status == 206;
}

size_t
vk_fetch_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct vk_fetch_try *t = arg;
	struct vk_fetch *f = t->f;

	n *= one;
	curl_easy_getinfo(t->c, CURLINFO_RESPONSE_CODE, &t->status);
	if (!is_file(t)) {
		t->dropped += n;
		return t->dropped > DROPPED_MAX ? 0 : n;
	}
	if (!t->begun && !vk_fetch_begin(t))
		return 0;
	if (f->total >= 0 && f->at + n > (uint64_t)f->total)
		return other_version(t) ? n : 0;
	if (f->max_size > 0 && f->at + n > f->max_size)
		return refuse(t, vk_fail(VK_ELIMIT, "the file has more bytes than --max-size")) ? n : 0;
	if (vk_pwrite_full(VK_FETCH_FD, bytes, n, (off_t)f->at) != VK_OK)
		return refuse(t, cannot_write()) ? n : 0;
	f->at += n;
	tell(f);
	return n;
}
