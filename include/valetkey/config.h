/* SPDX-License-Identifier: ISC */
/*
 * config.h - the user's config file, valetkey-config(5), as it is written: nothing resolved, no
 * secret in it, only references to some.
 *
 * All or nothing: a file that is not understood to the last byte is an error with file and line.
 */
#ifndef VALETKEY_CONFIG_H
#define VALETKEY_CONFIG_H

#include "valetkey/remote.h"

/* A list of names, as in "credentials = a, b". */
struct vk_names {
	char **v;
	size_t n;
};

/** vk_names_have(l, name): Is ${name} in the list? */
bool vk_names_have(const struct vk_names *l, const char *name) VK_MUST;

/** vk_names_push(l, name), vk_names_add(l, name): Append a copy of ${name}; add: unless it is there. */
enum vk_err vk_names_push(struct vk_names *l, const char *name) VK_MUST;
enum vk_err vk_names_add(struct vk_names *l, const char *name) VK_MUST;

void vk_names_clear(struct vk_names *l);

/* [NAME]: strings are heap, never NULL. */
struct vk_section {
	char *name;
	struct vk_scope scope;
	char *username;    /* "" when none is given */
	char *npm_scope;   /* "" or "@scope" */
	char *header;      /* kind header only */
	enum vk_kind kind; /* 0: not given, which for keystore: references means the entry's own */
	char *secret;      /* the reference's text */
	struct vk_ref ref; /* the same parsed; points into it */
	unsigned line;
};

/* [profile NAME] */
struct vk_profile {
	char *name;
	struct vk_names credentials, with;
	unsigned line;
};

/* [tool NAME]: what a run sets for a tool that it serves, as "GOPRIVATE=corp.example". */
struct vk_tool {
	char *name;
	struct vk_names vars;
	unsigned line;
};

/* [server NAME]: where a kind of store is, and how to log in there. */
struct vk_server {
	char *name;
	const struct vk_remote_store *store; /* by its key "store", else by its name */
	struct vk_names keys, values;        /* as they are written; references for secrets */
	unsigned line;
};

struct vk_config {
	struct vk_section *sections;
	size_t n_sections;
	struct vk_profile *profiles;
	size_t n_profiles;
	struct vk_tool *tools;
	size_t n_tools;
	struct vk_server *servers;
	size_t n_servers;
	bool locked_is_miss;
	char *log;         /* an absolute path, or "journal"; NULL: not said */
	bool log_required; /* no credential without a line */
};

/** vk_config_parse(label, text, n, ret): ${label} is the file's name in reasons.  VK_EPROTO. */
enum vk_err vk_config_parse(const char *label, const char *text, size_t n, struct vk_config *ret)
    VK_MUST;

/**
 * vk_config_read(named, ret):
 * The file ${named}, else $VALETKEY_CONFIG, else the default place.  Without a file at the default
 * place (or without a home) the result is an empty config.  VK_EUSAGE when a named one does not exist;
 * VK_EPOLICY when it, or the directory it lies in, is not only ours.
 */
enum vk_err vk_config_read(const char *named, struct vk_config *ret) VK_MUST;

/** vk_config_path(ret): Where it is when none is named.  VK_EUSAGE: there is no home.  Heap. */
enum vk_err vk_config_path(char **ret) VK_MUST;

void vk_config_clear(struct vk_config *c);

/** vk_config_guards(variable): Does it decide which programs run, or tell them of the run?  Then none is lent by us. */
bool vk_config_guards(const char *variable) VK_MUST;

/** vk_config_section(c, name), vk_config_profile(c, name), vk_config_server(c, name): NULL when there is none. */
const struct vk_section *vk_config_section(const struct vk_config *c, const char *name) VK_MUST;
const struct vk_profile *vk_config_profile(const struct vk_config *c, const char *name) VK_MUST;
const struct vk_server *vk_config_server(const struct vk_config *c, const char *name) VK_MUST;

/** vk_server_files(s, files): Add the files with secrets that its settings name. */
enum vk_err vk_server_files(const struct vk_server *s, struct vk_names *files) VK_MUST;

#endif
