/* SPDX-License-Identifier: ISC */
/*
 * proto.h - the foreign formats, as pure functions: bytes in, structures out,
 * and back.  Nothing here opens a file or knows the keystore.
 */
#ifndef VALETKEY_PROTO_H
#define VALETKEY_PROTO_H

#include "valetkey/cred.h"

/* ---- a field of an HTTP request (RFC 9110 section 11, RFC 7617, RFC 6750) -------------------- */

/** vk_auth_field(c): The name of the field that presents ${c}: "Authorization", or a header's own.  Borrowed. */
const char *vk_auth_field(const struct vk_cred *c);

/**
 * vk_auth_value(c, out), vk_auth_pair(c, out):
 * Append its value ("Basic dTpw", "Bearer t0ken", or a header's), and only the base64 of "user:secret".  ${out} is a
 * secret buffer.  VK_EPOLICY with the reason when a field cannot say it: a colon in the user name, control bytes.
 */
enum vk_err vk_auth_value(const struct vk_cred *c, struct vk_buf *out) VK_MUST;
enum vk_err vk_auth_pair(const struct vk_cred *c, struct vk_buf *out) VK_MUST;

/** vk_auth_percent(p, n, out): Percent-encoded, but for what is unreserved (RFC 3986 section 2.3). */
enum vk_err vk_auth_percent(const char *p, size_t n, struct vk_buf *out) VK_MUST;

/** vk_auth_userinfo(c, out): "user:secret", or "secret" without a user name, for a URL (RFC 3986 section 3.2.1). */
enum vk_err vk_auth_userinfo(const struct vk_cred *c, struct vk_buf *out) VK_MUST;

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

/* ---- auth.json (containers-auth.json(5), docker's config.json) --------------------------------- */

/**
 * vk_auths_merge(own, n, creds, helper, keep_own, out, dropped):
 * ${own}, which may be empty, with ${helper} as the credHelper of each host of ${creds}; without its "auths", which are
 * named in ${dropped}, one per line, or with ${keep_own} without those of these hosts.  VK_EPROTO: it is no such file.
 */
enum vk_err vk_auths_merge(const char *own, size_t n, const struct vk_cred_list *creds, const char *helper,
    bool keep_own, struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/* ---- Bazel's credential helper protocol (EngFlow's credential-helper-spec) -------------------- */

/**
 * vk_bazel_parse(text, n, ret):
 * The JSON of "get" to the place that it asks for; other members are ignored.  Remote execution is "grpcs://...", which
 * is asked for as https.  VK_ENOENT: a scheme that presents no credentials.
 */
enum vk_err vk_bazel_parse(const char *text, size_t n, struct vk_scope *ret) VK_MUST;

/** vk_bazel_answer(c, out): {"headers": ...}, with "expires" (RFC 3339) where ${c} does; {} when ${c} is NULL. */
enum vk_err vk_bazel_answer(const struct vk_cred *c, struct vk_buf *out) VK_MUST;

/* ---- Terraform's credentials helpers ("Credentials Helpers" in its internals documentation) ------ */

/** vk_terraform_takes(c), vk_terraform_answer(c, out): Can it be said?  {"token": ...}; VK_EPOLICY for other kinds. */
bool vk_terraform_takes(const struct vk_cred *c) VK_MUST;
enum vk_err vk_terraform_answer(const struct vk_cred *c, struct vk_buf *out) VK_MUST;

/* ---- NuGet's cross-platform plugins, protocol 2.0.0 (its documentation, NuGet.Client) ------------ */

enum vk_nuget_method {
	VK_NUGET_UNKNOWN,
	VK_NUGET_HANDSHAKE,
	VK_NUGET_MONITOR,
	VK_NUGET_INITIALIZE,
	VK_NUGET_CLAIMS,
	VK_NUGET_LOG_LEVEL,
	VK_NUGET_SET_CREDENTIALS,
	VK_NUGET_CREDENTIALS,
	VK_NUGET_CLOSE,
};

/* One line from NuGet.  Heap strings. */
struct vk_nuget_msg {
	enum vk_nuget_method method;
	bool is_request;   /* else it is about a request of ours */
	bool about_source; /* CLAIMS: what can be done for one source */
	bool is_retry;     /* CREDENTIALS: what was answered before was refused */
	long pid;          /* MONITOR: whose end is ours */
	char *id, *name;   /* RequestId and Method, which go back */
	char *uri;         /* CREDENTIALS; else NULL */
};

/** vk_nuget_parse(text, n, ret): A line without its end.  VK_EPROTO. */
enum vk_err vk_nuget_parse(const char *text, size_t n, struct vk_nuget_msg *ret) VK_MUST;
void vk_nuget_msg_clear(struct vk_nuget_msg *m);

/** vk_nuget_handshake(id, out): Our own request, which comes first. */
enum vk_err vk_nuget_handshake(const char *id, struct vk_buf *out) VK_MUST;

/**
 * vk_nuget_respond(m, message, out), vk_nuget_answer(m, c, out):
 * The response to a request: Success, the claims, NotFound for credentials, or Error with ${message}; and with ${c}.
 * VK_EPOLICY: ${c} is a header.
 */
enum vk_err vk_nuget_respond(const struct vk_nuget_msg *m, const char *message, struct vk_buf *out) VK_MUST;
enum vk_err vk_nuget_answer(const struct vk_nuget_msg *m, const struct vk_cred *c, struct vk_buf *out) VK_MUST;

/* ---- AWS ("Sourcing credentials with an external process" in the SDKs' reference) ---------------- */

/**
 * vk_aws_answer(c, out):
 * Version 1: the user name is the access key's id, the secret the secret key and, after a blank, the session token.
 * VK_EPOLICY without a user name, and for other blanks than the one between these.
 */
enum vk_err vk_aws_answer(const struct vk_cred *c, struct vk_buf *out) VK_MUST;

/* What ~/.aws/config or ~/.aws/credentials says of a profile ("Shared config and credentials files"). */
struct vk_awsconf {
	size_t at;       /* behind the last line of its section; 0: it has none */
	const char *has; /* which setting its credentials come from already; NULL: none */
	bool twice;      /* more sections than one have this name, in whatever case */
	bool indented;   /* a section's header has blanks before it: behind a key it is none for some readers */
};

/**
 * vk_awsconf_find(text, n, profile, credentials, ret):
 * Names are compared without regard to case, since ${profile} was the host of a URL.  ${credentials}: sections have the
 * profile's name alone; else it is [default] or [profile NAME].
 */
void vk_awsconf_find(const char *text, size_t n, const char *profile, bool credentials, struct vk_awsconf *ret);

/** vk_awsconf_heads(line, n, profile, credentials): Is the line, without blanks before it, that section's header? */
bool vk_awsconf_heads(const char *line, size_t n, const char *profile, bool credentials) VK_MUST;

/* ---- cargo's credential provider protocol, version 1 (The Cargo Book, "Credential Provider Protocol") ---- */

/* One request.  Heap strings, the token in the arena. */
struct vk_cargo_msg {
	char *kind;     /* "get", "login", "logout", or what a later cargo asks */
	char *index;    /* the registry's index, as sent: "sparse+https://..." or where git finds it */
	char *name;     /* what the configuration calls the registry; NULL when it does not */
	char *login_url; /* login: where its tokens are made; NULL when not known */
	struct vk_secret token; /* login: p NULL when the person is to be asked */
	char *args[32]; /* what the user configured, from the second place on, with a NULL behind */
	size_t n_args;
};

/** vk_cargo_parse(text, n, ret): One line.  VK_EVERSION for another version of the protocol. */
enum vk_err vk_cargo_parse(const char *text, size_t n, struct vk_cargo_msg *ret) VK_MUST;
void vk_cargo_msg_clear(struct vk_cargo_msg *m);

/** vk_cargo_scope(m, ret): Where the index is; "https://crates.io" for the public registry's. */
enum vk_err vk_cargo_scope(const struct vk_cargo_msg *m, struct vk_scope *ret) VK_MUST;

/**
 * vk_cargo_serves(c, m, asked):
 * May ${c} answer?  cargo sends the token to whatever hosts the index names, so what was stored for all of a
 * host where others may publish, such as a forge, must not do: the index is the entry's own URL or, when it is
 * fetched by https ("sparse+"), below a path that the entry has.  A field other than Authorization cannot be said, and
 * one that has an npm scope is for npm (vk_cargo_takes(c)).
 */
bool vk_cargo_takes(const struct vk_cred *c) VK_MUST;
bool vk_cargo_serves(const struct vk_cred *c, const struct vk_cargo_msg *m, const struct vk_scope *asked) VK_MUST;

/** vk_cargo_answer(c, m, out): The line that answers "get", in a secret buffer. */
enum vk_err vk_cargo_answer(const struct vk_cred *c, const struct vk_cargo_msg *m, struct vk_buf *out) VK_MUST;

/** vk_cargo_error(kind, message, out): The line of a failure; ${message} may be NULL. */
enum vk_err vk_cargo_error(const char *kind, const char *message, struct vk_buf *out) VK_MUST;

/* ---- .npmrc (npm's ini dialect, npmrc(5)) --------------------------------------------------- */

/*
 * One "key = value" of a .npmrc.  Blank lines, comments and sections make no entry.  The value may be
 * a secret, so it stays in the text that was read; vk_npmrc_value() resolves it.
 */
struct vk_npmrc_line {
	size_t start, end;       /* the whole line with its line end */
	size_t value, value_len; /* as written, without blanks around it */
	char *key;               /* quotes and escapes resolved */
};
struct vk_npmrc {
	struct vk_npmrc_line *v;
	size_t n;
};
enum vk_err vk_npmrc_parse(const char *text, size_t n, struct vk_npmrc *ret) VK_MUST;
void vk_npmrc_clear(struct vk_npmrc *f);

/** vk_npmrc_value(text, l, out): Append the value of ${l}, quotes and escapes resolved, "${VAR}" as it is. */
enum vk_err vk_npmrc_value(const char *text, const struct vk_npmrc_line *l, struct vk_buf *out)
    VK_MUST;

/** vk_npmrc_next_var(at, ret_name, ret_n): The next "${VAR}" that npm would replace; moves ${*at}. */
bool vk_npmrc_next_var(const char **at, const char **ret_name, size_t *ret_n) VK_MUST;

/** vk_npmrc_cred_key(key): Is it a credential key ("//host/:_authToken", "_auth", "//h/:_password" ...)? */
bool vk_npmrc_cred_key(const char *key) VK_MUST;

/** vk_npmrc_unprotect(s): Take out, in place, the backslashes that keep npm from replacing a "${VAR}". */
void vk_npmrc_unprotect(char *s);

/**
 * vk_npmrc_registry(text, f, place, n, ret_clear, ret_scope):
 * What the file says about the registry at "host[:port]/path", as a credential key has it but without
 * slashes around: ${*ret_clear} is set true when it is reached by http, ${*ret_scope} is set to the first npm
 * scope ("@corp") that it is for.  Both stay as they are where the file does not say; heap.
 */
enum vk_err vk_npmrc_registry(const char *text, const struct vk_npmrc *f, const char *place,
    size_t n, bool *ret_clear, char **ret_scope) VK_MUST;

/**
 * vk_npmrc_quote(value, n, out):
 * Append ${value} so that the parser and the expansion of npm 9, 10 and 11 give it back unchanged.
 * VK_EPOLICY for the few that they cannot: control bytes, blanks at an end, "true", "false", "null",
 * "undefined", and "${NAME?...}", which the versions read differently.
 */
enum vk_err vk_npmrc_quote(const char *value, size_t n, struct vk_buf *out) VK_MUST;

/**
 * vk_npmrc_place(s, ret):
 * "//host[:port]/path/", which is how npm names a registry in a key; the scheme is lost.  VK_EPOLICY for what a key
 * cannot hold.  Heap.
 */
enum vk_err vk_npmrc_place(const struct vk_scope *s, char **ret) VK_MUST;

/* How a file is made. */
struct vk_npmrc_style {
	bool keep_own;   /* the user's credential keys stay, except for what ${creds} answer */
	bool registries; /* of the user's settings only those that name a registry */
	bool both_keys;  /* each credential also as "//host/path:key": npm tries it after an empty "//host/path/:key" */
};

/**
 * vk_npmrc_merge(own, n, creds, style, out, dropped):
 * The lines for ${creds}, then the user's own text without its credential keys and without what those
 * lines set.  Names of left-out keys (never values) go to ${dropped}, one per line.
 * VK_EPOLICY with the reason for a credential that npm cannot be told.
 */
enum vk_err vk_npmrc_merge(const char *own, size_t n, const struct vk_cred_list *creds,
    const struct vk_npmrc_style *style, struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/**
 * vk_npmrc_without_vars(text, n, creds, gone, arg, out, vars):
 * A project's file without those credential keys that ${creds} answer and whose value names a variable for
 * which ${gone} is true.  The names of those variables go to ${vars}, one per line; none: the file
 * can stay as it is.
 */
typedef bool vk_npmrc_gone(const char *name, void *arg);
enum vk_err vk_npmrc_without_vars(const char *text, size_t n, const struct vk_cred_list *creds,
    vk_npmrc_gone *gone, void *arg, struct vk_buf *out, struct vk_buf *vars) VK_MUST;

/* ---- netrc ----------------------------------------------------------------------------------- */

/**
 * vk_netrc_merge(own, n, creds, keep_own, out, dropped):
 * The safe subset for every reader: "machine H login U password P", one line each, a host once.
 * Entries of the user's file are left out and named in ${dropped}, one per line; with ${keep_own} they
 * follow as they were, except for the hosts of ${creds}.  VK_EPOLICY with the reason when a
 * value cannot be written so that every reader gets it back, when two credentials want one host,
 * or when a credential's scheme, port or path cannot be told apart.
 */
enum vk_err vk_netrc_merge(const char *own, size_t n, const struct vk_cred_list *creds,
    bool keep_own, struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/* ---- templates of ours ----------------------------------------------------------------------- */

/**
 * vk_template_expand(text, n, creds, out):
 * The text with "${valetkey:NAME}" replaced by the secret of that credential, "${valetkey:NAME.username}" by its user
 * name, and "...|FORM}" by either as it is written between the quotes of JSON, XML or a single-quoted shell word
 * (json, xml, sh), in a URL (percent), in base64, or as the base64 of "user:secret" (basic).  Everything else stays.
 * VK_EPROTO for a reference that is none, VK_ENOENT for a name that is not in ${creds}, VK_EPOLICY for what a form
 * cannot say.
 */
enum vk_err vk_template_expand(const char *text, size_t n, const struct vk_cred_list *creds, struct vk_buf *out)
    VK_MUST;

/* ---- the keyring command --------------------------------------------------------------------- */

/**
 * vk_keyring_answer(c, creds, json, out):
 * What "keyring get" prints: the password, with ${creds} the user name as well, as lines or as JSON.  VK_EPOLICY when
 * its clients would not present it as it is.
 */
enum vk_err vk_keyring_answer(const struct vk_cred *c, bool creds, bool json, struct vk_buf *out) VK_MUST;

/* ---- pip.conf (Python's RawConfigParser) -------------------------------------------------------- */

/**
 * vk_pipconf_get(text, n, key, out, ret_elsewhere):
 * Put the value of ${key} in [global] into ${out}, its lines as they are; without one ${out} stays as it is.
 * ${*ret_elsewhere} is set true when another section has the key.  Names are read as pip does: in any case, '_'
 * as '-'.
 */
enum vk_err vk_pipconf_get(const char *text, size_t n, const char *key, struct vk_buf *out, bool *ret_elsewhere)
    VK_MUST;

/** vk_pipconf_global(text, n): Where the line behind the header of [global] begins; 0: there is none. */
size_t vk_pipconf_global(const char *text, size_t n) VK_MUST;

/**
 * vk_toml_source(text, n, table, at, ret_name, ret_url):
 * In a pyproject.toml or uv.toml the next "[[TABLE]]" from byte ${*at} on that has a name and a URL; ${*at} moves
 * behind it.  Heap strings.  False: there is none.
 */
bool vk_toml_source(const char *text, size_t n, const char *table, size_t *at, char **ret_name, char **ret_url)
    VK_MUST;
/* ---- Maven (settings reference, pom.xml) ----------------------------------------------------- */

/**
 * vk_maven_merge(own, n, creds, keep_own, out, dropped):
 * The user's settings.xml (may be empty) with an element "server" for each of ${creds}, whose id is the credential's
 * name: user name and password, or else fields of the request.  Other servers are left out and their ids named in
 * ${dropped}, one per line, or follow with ${keep_own}.  VK_EPROTO for a file that is not understood; VK_EPOLICY with
 * the reason for what Maven would not give back unchanged.
 */
enum vk_err vk_maven_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own,
    struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/** vk_maven_check(pom, n, creds): VK_EPOLICY: a repository has a name of ${creds} and is not where that one is for. */
enum vk_err vk_maven_check(const char *pom, size_t n, const struct vk_cred_list *creds) VK_MUST;

/* ---- helm's repositories.yaml (helm 3.22, pkg/repo; only as sigs.k8s.io/yaml writes it) ----------- */

/**
 * vk_helm_serves(own, n, c, ret):
 * Is ${c} for one of the repositories of the file, which may be empty?  VK_EPROTO, with the line, for a file that is
 * not understood.
 */
enum vk_err vk_helm_serves(const char *own, size_t n, const struct vk_cred *c, bool *ret) VK_MUST;

/**
 * vk_helm_merge(own, n, creds, keep_own, out, dropped):
 * The same file, in which each repository has the user name and secret of that one of ${creds} that is for the longest
 * part of its URL, and passes them to no other host; without those of other repositories, in their URLs too, whose
 * names go to ${dropped}, one per line, or with them for ${keep_own}.  VK_EPROTO as above; VK_EPOLICY for two accounts
 * of one repository, for one whose certificate is not verified, and for what helm would not present.
 */
enum vk_err vk_helm_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own,
    struct vk_buf *out, struct vk_buf *dropped) VK_MUST;

/* ---- coursier's and sbt's properties (coursier, "Other credentials"; java.util.Properties) ---- */

/**
 * vk_coursier_render(creds, out):
 * Lines that both read: "valetkey1.host=..." for coursier, and "host=..." for sbt when ${creds} is a single one, which
 * is all that its file can hold.  VK_EPOLICY with the reason for what they cannot tell apart, such as two accounts of a
 * host.
 */
enum vk_err vk_coursier_render(const struct vk_cred_list *creds, struct vk_buf *out) VK_MUST;

#endif
