/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/base.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

char *
vk_strdup(const char *s)
{
	return strdup(s);
}

char *
vk_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

bool
vk_str_has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

void
vk_str_lower(char *s)
{
	for (; *s; s++)
		*s = lower(*s);
}

bool
vk_str_ieq(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return lower(*a) == lower(*b);
}

const char *
vk_str_ifind(const char *p, size_t n, const char *what)
{
	size_t len = strlen(what);

	for (size_t i = 0; i + len <= n; i++) {
		size_t k = 0;

		while (k < len && lower(p[i + k]) == lower(what[k]))
			k++;
		if (k == len)
			return p + i;
	}
	return NULL;
}

bool
vk_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
vk_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/*
 * C1 control bytes arrive as UTF-8 (0xc2 0x80..0x9f) or, on old 8-bit
 * terminals, alone: both forms start escape sequences, so both go.
 */
void
vk_str_printable(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f)
			s[i] = '?';
		else if (c == 0xc2 && i + 1 < n && ((unsigned char)s[i + 1] & 0xe0) == 0x80)
			s[i] = s[i + 1] = '?';
		else if ((c & 0xe0) == 0x80 && (i == 0 || (unsigned char)s[i - 1] < 0x80))
			s[i] = '?';
	}
}

enum vk_err
vk_str_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (*s == '\0')
		return VK_EPROTO;
	for (; *s; s++) {
		unsigned d = (unsigned)(*s - '0');

		if (d > 9 || d > max || v > (max - d) / 10)
			return VK_EPROTO;
		v = v * 10 + d;
	}
	*ret_value = v;
	return VK_OK;
}

static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
vk_stamp(int64_t t, char out[VK_STAMP_TEXT])
{
	enum { DAY = 86400, ERA = 146097 }; /* seconds; days of 400 years */
	static const int64_t first = -62167219200, last = 253402300799, march = 62162035200;
	bool known = t >= first && t <= last;
	/* From the first of March of the year 0, or 400 years before, so that a leap day is the last of its year. */
	int64_t from = known ? t + march + (int64_t)ERA * DAY : 0, s = from % DAY, era = from / DAY / ERA - 1;
	int64_t d = from / DAY % ERA;
	int64_t y = (d - d / 1460 + d / 36524 - d / (ERA - 1)) / 365, yd = d - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * yd + 2) / 153, month = m < 10 ? m + 3 : m - 9, year = y + era * 400 + (month <= 2);

	out[0] = '\0';
	if (!known)
		return false;
	/* The compiler wants to see that it fits. */
	snprintf(out, VK_STAMP_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000u, (unsigned)month % 100u,
	    (unsigned)(yd - (153 * m + 2) / 5 + 1) % 100u, (unsigned)(s / 3600) % 100u, (unsigned)(s / 60 % 60) % 100u,
	    (unsigned)(s % 60) % 100u);
	return true;
}

void
vk_base64_encode(const unsigned char *in, size_t n, char *out)
{
	size_t i;

	for (i = 0; i + 2 < n; i += 3) {
		*out++ = abc[in[i] >> 2];
		*out++ = abc[(in[i] & 3) << 4 | in[i + 1] >> 4];
		*out++ = abc[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
		*out++ = abc[in[i + 2] & 63];
	}
	if (i < n) {
		unsigned b1 = i + 1 < n ? in[i + 1] : 0;

		*out++ = abc[in[i] >> 2];
		*out++ = abc[(in[i] & 3u) << 4 | b1 >> 4];
		*out++ = i + 1 < n ? abc[(b1 & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
}

enum vk_err
vk_base64_decode(const char *in, size_t n, unsigned char *out, size_t *ret_len)
{
	unsigned bits = 0, have = 0;
	size_t len = 0, padding = 0;

	for (; n > 0 && padding < 2 && in[n - 1] == '='; n--)
		padding++;
	if (n % 4 == 1 || (padding > 0 && (n + padding) % 4 != 0))
		return VK_EPROTO;
	for (size_t i = 0; i < n; i++) {
		const char *at = memchr(abc, in[i], 64);

		if (!at)
			return VK_EPROTO;
		bits = (bits & 63) << 6 | (unsigned)(at - abc);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (unsigned char)(bits >> have);
		}
	}
	*ret_len = len;
	return VK_OK;
}
