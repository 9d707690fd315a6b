/* SPDX-License-Identifier: ISC */
/* log.h - where the lines of the log go. */
#ifndef VK_POLICY_LOG_H
#define VK_POLICY_LOG_H

#include "valetkey/policy.h"

/** vk_log_put(l, v, n): Write ${n} lines to the file or the journal of ${l}. */
enum vk_err vk_log_put(const struct vk_log *l, const struct vk_log_entry *v, size_t n) VK_MUST;

#endif
