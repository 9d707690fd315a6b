/* SPDX-License-Identifier: ISC */
/* clients.h - the tools that are known, and what was verified of each. */
#ifndef VK_CLI_CLIENTS_H
#define VK_CLI_CLIENTS_H

#include "valetkey/base.h"

/** vk_clients_print(json): The table to stdout; the exit code. */
int vk_clients_print(bool json);

#endif
