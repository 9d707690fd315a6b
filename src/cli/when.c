/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/when.h"

#define END_OF_9999 INT64_C(253402300799)

static const struct {
	char letter;
	const char *one, *many;
	int64_t seconds;
} units[] = {
	{ 'w', "week", "weeks", 7 * 86400 },
	{ 'd', "day", "days", 86400 },
	{ 'h', "hour", "hours", 3600 },
	{ 'm', "minute", "minutes", 60 },
	{ 's', "second", "seconds", 1 },
};

int64_t
vk_when_now(void)
{
	return (int64_t)time(NULL);
}

enum vk_err
vk_when_duration(const char *text, int64_t max, int64_t *ret_seconds)
{
	size_t n = strlen(text);
	char digits[16];
	uint64_t v;

	if (n >= 2 && n < sizeof(digits)) {
		memcpy(digits, text, n - 1);
		digits[n - 1] = '\0';
		for (size_t i = 0; i < VK_COUNT(units); i++) {
			if (text[n - 1] != units[i].letter ||
			    vk_str_u64(digits, (uint64_t)(max / units[i].seconds), &v) != VK_OK || v == 0)
				continue;
			*ret_seconds = (int64_t)v * units[i].seconds;
			return VK_OK;
		}
	}
	return vk_fail(VK_EUSAGE, "not a length of time from 1s to %" PRId64 "d (as in 90s, 30m, 8h, 7d): %s",
	    max / 86400, text);
}

/* ${n} digits at ${*s}; moves on behind them and, if ${sep} is not NUL, behind that separator. */
static bool
digits(const char **s, int n, char sep, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	if (sep && *(*s)++ != sep)
		return false;
	*ret = v;
	return true;
}

static bool
parse_offset(const char **s, int *ret_seconds)
{
	int sign, h, m;

	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		*ret_seconds = 0;
		return true;
	}
	sign = **s == '+' ? 1 : -1;
	if ((**s != '+' && **s != '-') || ((*s)++, !digits(s, 2, ':', &h)) || !digits(s, 2, '\0', &m) ||
	    h > 23 || m > 59)
		return false;
	*ret_seconds = sign * (h * 3600 + m * 60);
	return true;
}

static bool
parse_rfc3339(const char *s, int64_t *ret)
{
	struct tm tm = { 0 }, given;
	int offset = 0;
	time_t t;

	if (!digits(&s, 4, '-', &tm.tm_year) || !digits(&s, 2, '-', &tm.tm_mon) ||
	    !digits(&s, 2, '\0', &tm.tm_mday))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (*s) {
		if ((*s != 'T' && *s != 't' && *s != ' ') || (s++, !digits(&s, 2, ':', &tm.tm_hour)) ||
		    !digits(&s, 2, ':', &tm.tm_min) || !digits(&s, 2, '\0', &tm.tm_sec) ||
		    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
			return false;
		if (*s == '.')
			for (s++; *s >= '0' && *s <= '9'; s++)
				;
		if (!parse_offset(&s, &offset) || *s)
			return false;
	}
	given = tm;
	t = timegm(&tm);
	/* timegm() turns 31 April into 1 May, in place: a date that changes was none. */
	if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon)
		return false;
	*ret = (int64_t)t - offset;
	return true;
}

enum vk_err
vk_when_parse(const char *text, int64_t now, int64_t *ret)
{
	uint64_t epoch;
	int64_t t;

	if (*text == '+') {
		enum vk_err e = vk_when_duration(text + 1, (int64_t)3650 * 86400, &t);

		if (e != VK_OK)
			return e;
		t += now;
	} else if (vk_str_u64(text, END_OF_9999, &epoch) == VK_OK) {
		t = (int64_t)epoch;
	} else if (!parse_rfc3339(text, &t)) {
		return vk_fail(VK_EUSAGE, "not a time (as in +30d, 2030-01-31, 2030-01-31T12:00:00Z or "
					  "seconds since 1970): %s", text);
	}
	if (t <= now)
		return vk_fail(VK_EUSAGE, "this time is in the past: %s", text);
	*ret = t;
	return VK_OK;
}

enum vk_err
vk_when_since(const char *text, int64_t now, int64_t *ret)
{
	uint64_t epoch;
	int64_t t;

	if (vk_str_u64(text, END_OF_9999, &epoch) == VK_OK)
		t = (int64_t)epoch;
	else if (vk_when_duration(text, (int64_t)3650 * 86400, &t) == VK_OK)
		t = now - t;
	else if (!parse_rfc3339(text, &t))
		return vk_fail(VK_EUSAGE, "not a time (as in 90m, 7d, 2030-01-31, 2030-01-31T12:00:00Z or "
					  "seconds since 1970): %s", text);
	*ret = t;
	return VK_OK;
}

void
vk_when_left(int64_t expires, int64_t now, char out[VK_WHEN_TEXT])
{
	int64_t left = expires - now;

	if (expires == 0 || left <= 0) {
		snprintf(out, VK_WHEN_TEXT, "%s", expires == 0 ? "-" : "expired");
		return;
	}
	/* Weeks are for writing only; two of a smaller unit say more than one of a larger. */
	for (size_t i = 1; i < VK_COUNT(units); i++) {
		int64_t n = left / units[i].seconds;

		if (n >= 2 || units[i].seconds == 1) {
			snprintf(out, VK_WHEN_TEXT, "in %" PRId64 " %s", n,
			    n == 1 ? units[i].one : units[i].many);
			return;
		}
	}
}

void
vk_when_stamp(int64_t t, char out[VK_WHEN_TEXT])
{
	if (t == 0 || !vk_stamp(t, out))
		snprintf(out, VK_WHEN_TEXT, "-");
}
