/* SPDX-License-Identifier: ISC */
/* caps.h - this process's capabilities, without a library for two calls. */
#ifndef VK_INJECT_CAPS_H
#define VK_INJECT_CAPS_H

#include <linux/capability.h>

#include "valetkey/base.h"

/** vk_caps_has(cap): Is CAP_* ${cap} effective in our user namespace? */
bool vk_caps_has(int cap) VK_MUST;

/** vk_caps_drop(): Give up all of them, in every set. */
enum vk_err vk_caps_drop(void) VK_MUST;

#endif
