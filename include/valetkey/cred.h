/* SPDX-License-Identifier: ISC */
/*
 * cred.h - where a credential may go (scope), what is asked (query), and what
 * is presented (credential).
 *
 * One canonical form, made by vk_scope_parse*() and nowhere else:
 *   scheme  lower case: "https", "http", "smtp", ...
 *   host    lower case, no trailing colon; IPv6 keeps its brackets.  Bytes are
 *           never decoded or converted: "a.example." and "a.example" differ, an
 *           IDN is what was typed.
 *           "" only with the scheme "cert", whose path names a certificate's file.
 *   port    as a number; the scheme's default port is filled in (https 443,
 *           http 80, 0 where the scheme has none known and none was given).
 *   path    without leading or trailing slash, "" when there is none.  Dot
 *           segments, empty segments, and "%2e" "%2f" "%5c" in any case are
 *           refused, not resolved: resolving is how one path reads another's secret.
 *
 * Matching: scheme, host and port are equal; the entry's path is a prefix of the
 * path asked for that ends at a '/' boundary (or the entry's path + ".git" is); the
 * username is equal where the query has one.  Longest path wins.
 *
 *   entry https://git.example/team-a     answers  https://git.example/team-a/x.git
 *                                        not      https://git.example/team-ab
 *                                        not      https://git.example (no path asked)
 *                                        not      http://git.example/team-a
 *   entry https://git.example/org/repo   answers  https://git.example/org/repo.git/info/lfs
 */
#ifndef VALETKEY_CRED_H
#define VALETKEY_CRED_H

#include "valetkey/base.h"
#include "valetkey/secret.h"

struct vk_scope {
	char *scheme;
	char *host;
	unsigned port;
	char *path;
};

/**
 * vk_scope_parse(url, ret_scope, ret_username):
 * From "scheme://[user@]host[:port][/path]".  A password in the URL, a query,
 * a fragment, control bytes, and in the host blanks, '%' and '@' are refused
 * (VK_EPROTO with a reason).  A path may hold blanks: git sends paths decoded.
 * ${ret_username} may be NULL: then a user name is refused; else it is set to a heap
 * string, or to NULL when the URL has none.
 */
enum vk_err vk_scope_parse(const char *url, struct vk_scope *ret_scope, char **ret_username)
    VK_MUST;

/**
 * vk_scope_of_url(url, ret_scope, ret_username):
 * The same of a URL that is requested: query and fragment do not count.  A segment with an escaped slash, which no
 * entry can name, and what follows it are left out: an entry for what is above it answers.  VK_EPROTO also for
 * blanks, backslashes and control bytes anywhere.
 */
enum vk_err vk_scope_of_url(const char *url, struct vk_scope *ret_scope, char **ret_username) VK_MUST;

/**
 * vk_scope_make(scheme, hostport, path, ret_scope):
 * From the parts that git sends: ${hostport} is "host[:port]", ${path} may be NULL.
 */
enum vk_err vk_scope_make(const char *scheme, const char *hostport, const char *path,
    struct vk_scope *ret_scope) VK_MUST;

/** vk_scope_clear(s), vk_scope_copy(s, ret): Free its strings; a copy with strings of its own. */
void vk_scope_clear(struct vk_scope *s);
enum vk_err vk_scope_copy(const struct vk_scope *s, struct vk_scope *ret) VK_MUST;

/** vk_scope_same_origin(a, b): Same scheme, host and port? */
bool vk_scope_same_origin(const struct vk_scope *a, const struct vk_scope *b) VK_MUST;

/** vk_scope_covers(entry, asked): Same origin, and ${entry}'s path is a boundary prefix of ${asked}'s? */
bool vk_scope_covers(const struct vk_scope *entry, const struct vk_scope *asked) VK_MUST;

/** vk_path_covers(entry, asked): The path half of it, on canonical paths. */
bool vk_path_covers(const char *entry, const char *asked) VK_MUST;

/** vk_scope_hostport(s): "host", or "host:port" when the port is not the scheme's default.  Heap. */
char *vk_scope_hostport(const struct vk_scope *s) VK_MUST;

/** vk_scope_url(s): "scheme://host[:port][/path]".  Heap. */
char *vk_scope_url(const struct vk_scope *s) VK_MUST;

/** vk_scheme_port(scheme): Its default port; 0 when not known. */
unsigned vk_scheme_port(const char *scheme) VK_MUST;

/* What is asked for.  ${username} NULL: any.  Borrowed pointers. */
struct vk_query {
	const struct vk_scope *scope;
	const char *username;
};

enum vk_kind {
	VK_KIND_BASIC = 1,  /* username and password                                 */
	VK_KIND_BEARER = 2, /* "Authorization: <authtype> <secret>"; authtype usually "Bearer" */
	VK_KIND_HEADER = 3, /* "<header>: <secret>"                                  */
};

/* Who put an entry into the keystore, hence who may take it out. */
enum {
	VK_CRED_PINNED = 1u << 0,  /* a person did: clients cannot overwrite or erase it */
	VK_CRED_GIT = 1u << 1,     /* git's "store"    */
	VK_CRED_DOCKER = 1u << 2,  /* docker's "store" */
	VK_CRED_DEFAULT = 1u << 3, /* the account to use on this scope when none is named */
	VK_CRED_CARGO = 1u << 4,   /* cargo's "login": in the keystore, what has none of the first three */
};

/*
 * A credential.  Strings are heap, never NULL ("" when absent); secrets are in
 * the arena.  Times are seconds since the epoch, 0 for "none".
 */
struct vk_cred {
	char *name;           /* unique in its keystore or config; "" for what a client stored */
	struct vk_scope scope;
	char *username;       /* "" is a legal user name, and also stands for none */
	char *npm_scope;      /* "@corp" or "" */
	char *header;         /* kind header: the field's name */
	char *authtype;       /* kind bearer: the authentication scheme's name */
	enum vk_kind kind;
	unsigned flags;
	struct vk_secret secret;
	struct vk_secret refresh; /* OAuth refresh token */
	struct vk_secret extra;   /* fields that a later version wrote into the keystore, as they are there */
	int64_t expires;
	int64_t created;
	int64_t refused;      /* when a client last reported that the server refused it */
};

/** vk_cred_new(): All fields present and empty, kind basic; NULL when out of memory. */
struct vk_cred *vk_cred_new(void) VK_MUST;

/** vk_cred_free(c), vk_cred_freep(c): Wipe and free; NULL is fine. */
void vk_cred_free(struct vk_cred *c);
void vk_cred_freep(struct vk_cred **c);

/** vk_cred_set(field, value): Replace one heap string of a credential, e.g. vk_cred_set(&c->name, s). */
enum vk_err vk_cred_set(char **field, const char *value) VK_MUST;

/** vk_cred_expired(c, now): Has it an expiry that is not after ${now}? */
bool vk_cred_expired(const struct vk_cred *c, int64_t now) VK_MUST;

/** vk_cred_matches(c, q): Does ${c} answer ${q} (see the rules above)? */
bool vk_cred_matches(const struct vk_cred *c, const struct vk_query *q) VK_MUST;

/* A growing list of owned credentials. */
struct vk_cred_list {
	struct vk_cred **v;
	size_t n;
};
enum vk_err vk_cred_list_add(struct vk_cred_list *l, struct vk_cred *c) VK_MUST; /* takes ${c} on success */
void vk_cred_list_clear(struct vk_cred_list *l);

#endif
