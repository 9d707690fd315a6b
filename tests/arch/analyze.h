/* SPDX-License-Identifier: ISC */
/*
 * analyze.h - put in front of every file that is analyzed: what the functions that record a
 * failure return is known to people, but not across files.
 */
#ifndef VK_ANALYZE_H
#define VK_ANALYZE_H

#include "valetkey/base.h"

#define vk_fail(code, ...) ((void)(vk_fail)((code), __VA_ARGS__), (code))
#define vk_fail_errno(...) ((void)(vk_fail_errno)(__VA_ARGS__), VK_ESYS)

#endif
