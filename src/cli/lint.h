/* SPDX-License-Identifier: ISC */
/*
 * lint.h - "valetkey doctor PATH...": where a build would leave a credential behind.  A rule has an id that stays;
 * a finding has a line, a reason, and the lines that would be right, which are the user's own with the least
 * change.  Nothing here ever shows a value that may be a secret.
 */
#ifndef VK_CLI_LINT_H
#define VK_CLI_LINT_H

#include "valetkey/secret.h"
#include "cli/doctor.h"

enum vk_lint_rule {
	VK_LINT_ARG,      /* VK-D01 ... in the order of the table in lint.c */
	VK_LINT_ARG_STAGE,
	VK_LINT_LITERAL,
	VK_LINT_COPY,
	VK_LINT_CONTEXT,
	VK_LINT_URL,
	VK_LINT_WRITES,
	VK_LINT_REMOVES,
	VK_LINT_REQUIRED,
	VK_LINT_ORDER,
	VK_LINT_ENV,
	VK_LINT_GIT,
	VK_LINT_BUILD_ARG,
	VK_LINT_PLAIN,
	VK_LINT_PLAIN_TOKEN,
	VK_LINT_PLAIN_URL,
};

/* A file that is looked at. */
struct vk_lint_file {
	const char *path; /* as it is shown */
	const char *text; /* NUL-terminated */
	size_t n;
};

/* A file of the tree that holds credentials by its name, for COPY. */
struct vk_lint_found {
	char *path;  /* as it is opened: the root and what is below it */
	bool holds;  /* credentials were seen in it, or it is a key */
};

/* More findings than these are not said; a file of credentials has at most so many. */
enum { VK_LINT_MAX = 2000, VK_LINT_MAX_CRED = 100 };

struct vk_lint {
	struct vk_doctor *d;
	const char *root;               /* the directory that is looked at, without '/' at its end */
	struct vk_lint_found *found;
	size_t n_found;
	char **files;                   /* what else is to be read */
	size_t n_files, n_seen;
	const struct vk_lint_file *file; /* the current one */
};

/** vk_lint_path(d, path): Look at one file or a tree; what is found is said in ${d}.  VK_EUSAGE: there is none. */
enum vk_err vk_lint_path(struct vk_doctor *d, const char *path) VK_MUST;

/**
 * vk_lint_add(l, rule, line, fmt, ...):
 * A finding at a line of the current file.  False when a comment before the line silences it, or when it has been
 * said; what belongs to it is then not added either.
 */
bool vk_lint_add(struct vk_lint *l, enum vk_lint_rule rule, size_t line, const char *fmt, ...) VK_PRINTF(4, 5);

/**
 * vk_lint_edit(l, item, file, first, last, text): Right would be ${text} for these lines; last 0: at the end of
 * the file.
 */
void vk_lint_edit(struct vk_lint *l, size_t item, const char *file, size_t first, size_t last, const char *text);

/**
 * vk_lint_dockerfile(l): Look at the current file as a Dockerfile.
 * vk_lint_text(l, builds, urls): As lines, in which an image may be built, or which hold URLs.
 */
void vk_lint_dockerfile(struct vk_lint *l);
void vk_lint_text(struct vk_lint *l, bool builds, bool urls);

/**
 * vk_lint_secret_id(name): What "valetkey run --build-secret" is given instead of this variable; NULL:
 * NAME=env:NAME.
 */
const char *vk_lint_secret_id(const char *name) VK_MUST;

/**
 * vk_lint_scan(l, path, text, n): Look for credentials as doctor does, in a file that vk_lint_cred_name() knows;
 * true: there are.
 */
bool vk_lint_scan(struct vk_lint *l, const char *path, const char *text, size_t n);

/** vk_lint_cred_name(name): Does a file of this name hold credentials?  Its short name, "npmrc", or NULL. */
const char *vk_lint_cred_name(const char *name) VK_MUST;

/* ---- lint_names.c: what is a secret by its name or its looks -------------------------------- */

/** vk_lint_secret_name(s, n): "NPM_TOKEN", but neither "NPM_TOKEN_FILE" nor "TOKENIZER_VERSION". */
bool vk_lint_secret_name(const char *s, size_t n) VK_MUST;

/**
 * vk_lint_no_secret(v, n): A value that is none, whatever its name: "", "yes", "changeme", "/run/secrets/x",
 * "<token>".
 */
bool vk_lint_no_secret(const char *v, size_t n) VK_MUST;

/** vk_lint_token(s, n, ret_n): The first token of a well-known look in ${s}; NULL: none. */
const char *vk_lint_token(const char *s, size_t n, size_t *ret_n) VK_MUST;

/**
 * vk_lint_url(s, n, ret_n): The user information, ${*ret_n} bytes with its '@', of the first URL that has a
 * secret there.
 */
const char *vk_lint_url(const char *s, size_t n, size_t *ret_n) VK_MUST;

/** vk_lint_var(s, n, ret, ret_n): Behind the next "$NAME" or "${NAME..." of ${s}; NULL: there is none. */
const char *vk_lint_var(const char *s, size_t n, const char **ret, size_t *ret_n) VK_MUST;

/** vk_lint_uses(s, n, name): Is the variable used there? */
bool vk_lint_uses(const char *s, size_t n, const char *name) VK_MUST;

/** vk_lint_shows_secret(s, n): Would showing this text show a secret? */
bool vk_lint_shows_secret(const char *s, size_t n) VK_MUST;

#endif
