/* SPDX-License-Identifier: ISC */
/*
 * source.h - where a secret comes from when it is not an entry of the keystore.
 */
#ifndef VALETKEY_SOURCE_H
#define VALETKEY_SOURCE_H

#include "valetkey/cred.h"

enum vk_source_kind {
	VK_SOURCE_KEYSTORE = 1, /* keystore:NAME            */
	VK_SOURCE_ENV,          /* env:NAME                 */
	VK_SOURCE_FILE,         /* file:/abs/path           */
	VK_SOURCE_REMOTE,       /* vault:WHAT, vault@SERVER:WHAT ... (remote.h) */
};

enum { VK_SERVER_NAME_MAX = 40 };

/* A parsed reference; ${what} points into the text that was parsed. */
struct vk_ref {
	enum vk_source_kind kind;
	const char *what;
	const char *store;                   /* remote: which kind of store, static: "vault" */
	char server[VK_SERVER_NAME_MAX + 1]; /* remote: the config's [server NAME]; "": what needs no name */
};

/** vk_ref_parse(text, ret): VK_EUSAGE with a reason that lists the known kinds. */
enum vk_err vk_ref_parse(const char *text, struct vk_ref *ret) VK_MUST;

/**
 * vk_source_env(name, ret), vk_source_file(path, ret):
 * Read a secret.  Exactly one trailing LF or CRLF is dropped; an inner CR, LF or NUL and more than
 * VK_MAX_SECRET bytes are refused; an unset or empty variable and a missing or empty file are
 * VK_EBACKEND, and the reason names the source, never the value.
 */
enum vk_err vk_source_env(const char *name, struct vk_secret *ret) VK_MUST;
enum vk_err vk_source_file(const char *path, struct vk_secret *ret) VK_MUST;

#endif
