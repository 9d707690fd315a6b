/* SPDX-License-Identifier: ISC */
/*
 * analyze.h - put in front of every file that is analyzed: what the functions that record a
 * failure return is known to people, but not across files.
 */
#ifndef VK_ANALYZE_H
#define VK_ANALYZE_H

#include "valetkey/base.h"

static inline enum vk_err
vk_returns(enum vk_err really, enum vk_err known)
{
	(void)really;
	return known;
}

#define vk_fail(code, ...) vk_returns((vk_fail)((code), __VA_ARGS__), (code))
#define vk_fail_errno(...) vk_returns((vk_fail_errno)(__VA_ARGS__), VK_ESYS)

#ifdef VK_ANALYZE_STORE
#include "store/internal.h"
#define vk_store_damaged(st, ...) vk_returns((vk_store_damaged)((st), __VA_ARGS__), VK_ETAMPER)
#endif

#endif
