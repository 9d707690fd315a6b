/* SPDX-License-Identifier: ISC */
/*
 * keyfilter.h - the kernel's keys are not for the command.
 *
 * A session of "--scope user" lies in the user's keyring, which every process of that user can link to its own and then
 * search; no session keyring of the command's own keeps it from that.  A seccomp filter answers add_key(2),
 * request_key(2) and keyctl(2) with ENOSYS, as a kernel without keys would.
 */
#ifndef VK_INJECT_KEYFILTER_H
#define VK_INJECT_KEYFILTER_H

#include "valetkey/base.h"

/**
 * vk_keyfilter():
 * From here on, for this process and its descendants.  Without CAP_SYS_ADMIN it takes no_new_privs, with
 * which setuid programs have no effect.
 */
enum vk_err vk_keyfilter(void) VK_MUST;

#endif
