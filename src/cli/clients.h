/* SPDX-License-Identifier: ISC */
/* clients.h - the tools that are known, and what was verified of each. */
#ifndef VK_CLI_CLIENTS_H
#define VK_CLI_CLIENTS_H

#include "valetkey/base.h"

struct vk_client {
	const char *name;
	const char *channel;  /* how it gets its credential */
	const char *setup;    /* "valetkey setup NAME" registers it; NULL: there is nothing to register */
	const char *recipe;   /* "valetkey run --with NAME"; NULL: none */
	const char *verified; /* versions of the real client that the test suite has fetched with; "-": none could be had */
	const char *note;     /* what is and is not possible, in a few words */
};

/** vk_clients: All of them; the last row has name NULL. */
extern const struct vk_client vk_clients[];

/** vk_clients_print(json): The table to stdout; the exit code. */
int vk_clients_print(bool json);

#endif
