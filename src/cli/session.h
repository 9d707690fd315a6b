/* SPDX-License-Identifier: ISC */
/* session.h - starting a session from a command, and saying what it is. */
#ifndef VK_CLI_SESSION_H
#define VK_CLI_SESSION_H

#include "valetkey/unlock.h"

enum { VK_CLI_SESSION_SECONDS = 12 * 3600 }; /* a session's length unless --for says */

/** vk_cli_session_start(st, scope, seconds): Remember the unlocked ${st}, print a line; the exit code. */
int vk_cli_session_start(struct vk_store *st, enum vk_session_scope scope, unsigned seconds);

#endif
