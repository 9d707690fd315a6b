/* SPDX-License-Identifier: ISC */
/*
 * proto.h - the foreign formats, as pure functions: bytes in, structures out,
 * and back.  Nothing here opens a file or knows the keystore.
 */
#ifndef VALETKEY_PROTO_H
#define VALETKEY_PROTO_H

#include "valetkey/cred.h"

/* ---- git credential protocol (gitcredentials(7), git-credential(1)) ------------------------- */

enum {
	VK_GIT_CAP_AUTHTYPE = 1u << 0,
	VK_GIT_CAP_STATE = 1u << 1,
};

/* One description.  Heap strings, NULL when the key was absent; password and credential in the arena. */
struct vk_git_msg {
	unsigned caps;      /* VK_GIT_CAP_*, as announced with capability[] */
	char *protocol, *host, *path, *username;
	char *authtype;
	struct vk_secret password, credential, refresh;
	bool ephemeral;
	bool has_expiry;
	int64_t expiry;     /* password_expiry_utc */
	char *state;        /* our own state[] value ("valetkey:..."); foreign ones are ignored */
};

/**
 * vk_git_parse(text, n, ret):
 * Strict: LF ends a line, one CR before it is dropped; refused (VK_EPROTO) are NUL, any other CR,
 * a last line without LF, a line over VK_MAX_LINE, a line without '=', an empty key, a
 * single-valued key that comes twice with different values, a malformed number.  Unknown
 * keys are ignored.  Input ends at a blank line or at the end.
 */
enum vk_err vk_git_parse(const char *text, size_t n, struct vk_git_msg *ret) VK_MUST;
void vk_git_msg_clear(struct vk_git_msg *m);

/**
 * vk_git_block(text, n):
 * Bytes that the first description takes, with the blank line that ends it; 0 when no blank
 * line has come yet.  Tells a reader when to stop and a list of descriptions where to cut.
 */
size_t vk_git_block(const char *text, size_t n) VK_MUST;

/**
 * vk_git_cred(m, ret_cred):
 * The credential that a description holds: bearer when it has a credential, else basic with
 * its username and password.  VK_ENOENT when it holds neither, or no protocol or host.
 */
enum vk_err vk_git_cred(const struct vk_git_msg *m, struct vk_cred **ret_cred) VK_MUST;

/**
 * vk_git_state(asked, c, out):
 * Our state[] value for having answered ${asked} with ${c}.  When "store" brings it back and it
 * is that of what is to be stored, this is what we served, and there is nothing to do.
 */
enum vk_err vk_git_state(const struct vk_scope *asked, const struct vk_cred *c,
    struct vk_buf *out) VK_MUST;

/**
 * vk_git_answer(c, asked, state, ephemeral, out):
 * The reply to "get": capability[] first, then username/password, or authtype/credential where
 * ${asked} announced it, expiry, refresh token.  ${state} (may be NULL) and ${ephemeral} are added
 * where ${asked} announced what they need.  Never protocol, host or path.  VK_ENOENT when ${c}
 * cannot be expressed to this asker; VK_EPROTO when a value holds CR, LF or NUL.
 */
enum vk_err vk_git_answer(const struct vk_cred *c, const struct vk_git_msg *asked,
    const char *state, bool ephemeral, struct vk_buf *out) VK_MUST;

/* ---- docker credential helper protocol ------------------------------------------------------ */

struct vk_docker_msg {
	char *server;   /* as sent, trimmed */
	char *username; /* store only */
	struct vk_secret secret;
};

/** vk_docker_parse_store(text, n, ret): The JSON of "store". */
enum vk_err vk_docker_parse_store(const char *text, size_t n, struct vk_docker_msg *ret) VK_MUST;

/** vk_docker_parse_server(text, n, ret): The raw line of "get" and "erase". */
enum vk_err vk_docker_parse_server(const char *text, size_t n, struct vk_docker_msg *ret) VK_MUST;
void vk_docker_msg_clear(struct vk_docker_msg *m);

/**
 * vk_docker_scope(server, ret):
 * A server string to a scope: "host", "host:port", "https://host", ".../", ".../v1/", ".../v2/" are one
 * https entry; docker's Hub keys ("https://index.docker.io/v1/", and that + "access-token" or
 * "refresh-token") are three.  "http://" is http.  "host/repo/path" keeps its path.
 */
enum vk_err vk_docker_scope(const char *server, struct vk_scope *ret) VK_MUST;

/** vk_docker_server(scope): The spelling docker uses for a scope.  Heap. */
char *vk_docker_server(const struct vk_scope *s) VK_MUST;

/**
 * vk_docker_serves(entry, asked):
 * May an entry for ${entry} answer ${asked}?  As vk_scope_covers(), but the Hub's two token
 * keys are only answered by entries of exactly their own.
 */
bool vk_docker_serves(const struct vk_scope *entry, const struct vk_scope *asked) VK_MUST;

/** vk_docker_answer(server, username, secret, out): The JSON of "get", in a secret buffer. */
enum vk_err vk_docker_answer(const char *server, const char *username,
    const struct vk_secret *secret, struct vk_buf *out) VK_MUST;

/**
 * vk_docker_list_add(server, username, out), vk_docker_list_end(out):
 * The JSON of "list", one member at a time into an empty buffer; "{}" when none was added.
 */
enum vk_err vk_docker_list_add(const char *server, const char *username, struct vk_buf *out)
    VK_MUST;
enum vk_err vk_docker_list_end(struct vk_buf *out) VK_MUST;

/* ---- .npmrc (npm's ini dialect, npmrc(5)) --------------------------------------------------- */

/* One logical line of a .npmrc; spans point into the text it was read from. */
struct vk_npmrc_line {
	size_t start, end; /* the whole line with its line end */
	char *key;         /* NULL for blank lines, comments and sections; quotes and escapes resolved */
	char *value;       /* resolved, "${VAR}" left as it is */
};
struct vk_npmrc {
	struct vk_npmrc_line *v;
	size_t n;
};
enum vk_err vk_npmrc_parse(const char *text, size_t n, struct vk_npmrc *ret) VK_MUST;
void vk_npmrc_clear(struct vk_npmrc *f);

/** vk_npmrc_cred_key(key): Is it a credential key ("//host/:_authToken", "_auth", "//h/:_password" ...)? */
bool vk_npmrc_cred_key(const char *key) VK_MUST;

/** vk_npmrc_quote(value, out): Append ${value} so that npm's parser and expansion give it back unchanged. */
enum vk_err vk_npmrc_quote(const char *value, struct vk_buf *out) VK_MUST;

/**
 * vk_npmrc_merge(own, n, creds, out, dropped):
 * The user's own text without its credential keys, then the lines for ${creds}.  Names
 * of left-out keys (never values) go to ${dropped}, one per line.
 */
enum vk_err vk_npmrc_merge(const char *own, size_t n, const struct vk_cred_list *creds,
    struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/* ---- netrc ----------------------------------------------------------------------------------- */

/**
 * vk_netrc_merge(own, n, creds, out, dropped):
 * The safe subset for every reader: "machine H login U password P", one line each, a host once.
 * Entries of the user's file are left out and named in ${dropped}.  VK_EPOLICY with
 * the reason when a value cannot be written so that every reader gets it back, when two
 * credentials want one host, or when a credential's port or path cannot be told apart.
 */
enum vk_err vk_netrc_merge(const char *own, size_t n, const struct vk_cred_list *creds,
    struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

#endif
