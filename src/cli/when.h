/* SPDX-License-Identifier: ISC */
/* when.h - times as people write and read them.  All in UTC, seconds since the epoch. */
#ifndef VK_CLI_WHEN_H
#define VK_CLI_WHEN_H

#include "valetkey/base.h"

enum { VK_WHEN_TEXT = 32 }; /* room for what vk_when_*() write */

/** vk_when_duration(text, max, ret_seconds): "90s", "30m", "8h", "7d" or "2w"; 1 to ${max} seconds. */
enum vk_err vk_when_duration(const char *text, int64_t max, int64_t *ret_seconds) VK_MUST;

/**
 * vk_when_parse(text, now, ret):
 * A moment: "+" and a duration, a date or date and time as in RFC 3339 ("2030-01-31",
 * "2030-01-31T12:00:00Z", with an offset), or seconds since the epoch.  One that is not after
 * ${now} is VK_EUSAGE.
 */
enum vk_err vk_when_parse(const char *text, int64_t now, int64_t *ret) VK_MUST;

/** vk_when_since(text, now, ret): The same for looking back, where a length of time counts back from ${now}: "90m". */
enum vk_err vk_when_since(const char *text, int64_t now, int64_t *ret) VK_MUST;

/** vk_when_left(expires, now, out): "in 3 days", "expired", or "-" for 0. */
void vk_when_left(int64_t expires, int64_t now, char out[VK_WHEN_TEXT]);

/** vk_when_stamp(t, out): "2030-01-31T12:00:00Z", or "-" for 0. */
void vk_when_stamp(int64_t t, char out[VK_WHEN_TEXT]);

/** vk_when_now(): The time. */
int64_t vk_when_now(void) VK_MUST;

#endif
