/* SPDX-License-Identifier: ISC */
/*
 * external.h - keys that another program keeps for us, such as a desktop's keyring: docs/HELPER.md.
 *
 * The program is valetkey-NAME in $VALETKEY_LIBEXEC (an absolute path), else in the directory that the build
 * chose.  It must belong to root or us, and nobody else may be able to write it.  It is started by "unlock" and
 * "slot" alone, never for a tool that asks for a credential, and is killed with all it started when it does not
 * answer within 10 seconds.
 *
 * VK_ENOENT when it keeps no such key, VK_ELOCKED when somebody has to unlock its store first, VK_EPOLICY when it
 * refuses or is not trusted, VK_EBACKEND when it is missing, cannot reach its store, or answers what is not
 * understood.
 */
#ifndef VALETKEY_EXTERNAL_H
#define VALETKEY_EXTERNAL_H

#include "valetkey/store.h"

/* Whose key it is: ${program}'s NAME; the keystore; its slot.  Borrowed. */
struct vk_external {
	const char *program;
	const unsigned char *store; /* VK_STORE_ID_LEN bytes */
	const unsigned char *slot;  /* 8 bytes */
};

/** vk_external_get(x, ret_key): Fetch the key. */
enum vk_err vk_external_get(const struct vk_external *x, unsigned char ret_key[VK_STORE_KEY_LEN])
    VK_MUST;

/**
 * vk_external_put(x, label, key): Have it kept, in the place of one that is there; ${label} is what the program may
 * show to a person.
 */
enum vk_err vk_external_put(const struct vk_external *x, const char *label,
    const unsigned char key[VK_STORE_KEY_LEN]) VK_MUST;

/** vk_external_remove(x): Have it forgotten. */
enum vk_err vk_external_remove(const struct vk_external *x) VK_MUST;

#endif
