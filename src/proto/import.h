/* SPDX-License-Identifier: ISC */
/* import.h - what the readers of import.h share: the file as it comes, and one entry being put together. */
#ifndef VK_PROTO_IMPORT_H
#define VK_PROTO_IMPORT_H

#include "valetkey/import.h"

struct vk_import_format {
	const char *name;
	uint64_t max;      /* bytes of a file */
	size_t keep;       /* bytes of ${text} in the reader */
	size_t state_size; /* of what ${state} points to, which begins as zeros */
	bool skips_mark;   /* its own programs take no notice of a byte order mark, nor does ${end} */
	/* NULL: all goes to ${text}, for ${end}. */
	enum vk_err (*feed)(struct vk_import *im, const char *p, size_t n);
	enum vk_err (*end)(struct vk_import *im);
	void (*clear)(struct vk_import *im); /* the state's own memory; may be NULL */
};

extern const struct vk_import_format vk_import_netrc;
extern const struct vk_import_format vk_import_git;
extern const struct vk_import_format vk_import_npmrc;
extern const struct vk_import_format vk_import_docker;
extern const struct vk_import_format vk_import_pypirc;

struct vk_import {
	const struct vk_import_format *format;
	struct vk_import_sink sink;
	uint64_t fed;       /* bytes so far */
	size_t mark;        /* how many of them are those of a byte order mark */
	uint64_t line;      /* being read, from 1 */
	struct vk_buf text; /* secret: the word, the line or the whole file */
	void *state;
};

/* One entry, with the first thing that is wrong with it. */
struct vk_import_entry {
	struct vk_cred *c;
	uint64_t line;
	const char *what; /* as in struct vk_import_left; borrowed */
	const char *why;  /* static, or NULL: nothing is wrong so far */
};

/** vk_import_entry_clear(e): The entry is as new, and has no credential. */
void vk_import_entry_clear(struct vk_import_entry *e);

/** vk_import_entry_new(e, line, what): An empty credential; VK_ENOMEM. */
enum vk_err vk_import_entry_new(struct vk_import_entry *e, uint64_t line, const char *what) VK_MUST;

/** vk_import_bad(e, why): Note what is wrong, unless something already is. */
void vk_import_bad(struct vk_import_entry *e, const char *why);

/**
 * vk_import_user(e, p, n), vk_import_secret(e, p, n), vk_import_scope(e, parsed, s):
 * Fill in a part; one that cannot be taken is noted.  ${s} is what a function of cred.h or proto.h made
 * when it returned ${parsed}; its strings are taken or freed.  Only VK_ENOMEM is returned.
 */
enum vk_err vk_import_user(struct vk_import_entry *e, const char *p, size_t n) VK_MUST;
enum vk_err vk_import_secret(struct vk_import_entry *e, const char *p, size_t n) VK_MUST;
enum vk_err vk_import_scope(struct vk_import_entry *e, enum vk_err parsed, struct vk_scope *s) VK_MUST;

/** vk_import_pair(e, text, n): "user:password" in base64. */
enum vk_err vk_import_pair(struct vk_import_entry *e, const char *text, size_t n) VK_MUST;

/** vk_import_emit(im, e): Hand the entry on, as a credential or as one that is left. */
enum vk_err vk_import_emit(struct vk_import *im, const struct vk_import_entry *e) VK_MUST;

/** vk_import_leave(im, line, what, why, secret): Something that is no entry. */
enum vk_err vk_import_leave(struct vk_import *im, uint64_t line, const char *what, const char *why,
    bool secret) VK_MUST;

/**
 * vk_import_looks_secret(p, n):
 * For comments and settings that no entry is made of: do they speak of a password or a token, or hold a URL with
 * an account?  Rather once too often, since a file is wiped if nothing does.
 */
bool vk_import_looks_secret(const char *p, size_t n) VK_MUST;

/* Said of such a comment in any format. */
#define VK_IMPORT_COMMENT "it looks like a credential, in a comment"

#endif
