/* SPDX-License-Identifier: ISC */
/* opening.h - opening a keystore by one of its key slots, for "unlock" and for commands that change slots. */
#ifndef VK_CLI_OPENING_H
#define VK_CLI_OPENING_H

#include "valetkey/store.h"

/* What the options said; nothing: a variable, a program that keeps a key, the terminal. */
struct vk_opening {
	const char *key_file, *identity_file;
	const struct vk_secret *passphrase; /* read from standard input */
	const char *prompt;                 /* on the terminal: "Passphrase: " */
	const char *options;                /* those that go without one, for a hint */
};

/**
 * vk_opening_slot(st, o):
 * Open ${st}, and make sure that it is the one that VALETKEY_STORE_ID names.  Programs that fail are said aloud before
 * anything else is tried, and a passphrase is asked for only on a terminal.
 */
enum vk_err vk_opening_slot(struct vk_store *st, const struct vk_opening *o) VK_MUST;

#endif
