/* SPDX-License-Identifier: ISC */
/* entry.h - keystore entries on the command line: opening the store, picking and describing entries. */
#ifndef VK_CLI_ENTRY_H
#define VK_CLI_ENTRY_H

#include "valetkey/store.h"

/** vk_cli_open(ret): Open the keystore; VK_ENOENT with the next step when there is none. */
enum vk_err vk_cli_open(struct vk_store **ret) VK_MUST;

/** vk_cli_open_unlocked(ret): The same, and climb the ladder of unlock.h. */
enum vk_err vk_cli_open_unlocked(struct vk_store **ret) VK_MUST;

/* How the command line names entries: "NAME", or a URL with, where that is not enough, a user name. */
struct vk_entry_sel {
	const char *what;
	const char *username; /* NULL: any */
	bool all;             /* every account of the URL, else one */
};

/**
 * vk_entry_pick(st, sel, ret_list):
 * The entries of ${sel} as credentials with name, scope and user name only.  A URL means its very
 * scope, neither what covers it nor what is below it.  VK_ENOENT: none; VK_EUSAGE: more than one
 * where one was wanted, with their user names in the reason.
 */
enum vk_err vk_entry_pick(struct vk_store *st, const struct vk_entry_sel *sel,
    struct vk_cred_list *ret_list) VK_MUST;

/** vk_entry_exact(st, scope, username, ret): The entry of just that scope and user name. */
enum vk_err vk_entry_exact(struct vk_store *st, const struct vk_scope *scope, const char *username,
    struct vk_cred **ret) VK_MUST;

/** vk_entry_is_name(s): Can an entry be called so? */
bool vk_entry_is_name(const char *s) VK_MUST;

/**
 * vk_entry_default_name(c, with_user):
 * "host[:port][/path]", ${with_user} with "user@" before it if there is one.  It may be no name, or
 * taken.  Heap.
 */
char *vk_entry_default_name(const struct vk_cred *c, bool with_user) VK_MUST;

/**
 * vk_entry_choose_name(st, c):
 * Within a transaction: give ${c} its default name if it has none; VK_EEXIST when it has another entry's.
 */
enum vk_err vk_entry_choose_name(struct vk_store *st, struct vk_cred *c) VK_MUST;

/** vk_entry_origin(c): "you", "git", "docker" or "cargo": who stored it. */
const char *vk_entry_origin(const struct vk_cred *c);

/** vk_kind_text(kind), vk_kind_parse(text, ret) */
const char *vk_kind_text(enum vk_kind kind);
enum vk_err vk_kind_parse(const char *text, enum vk_kind *ret) VK_MUST;

/** vk_entry_json(b, c, now): All but the secret, as one JSON object without its closing brace. */
void vk_entry_json(struct vk_buf *b, const struct vk_cred *c, int64_t now);

/** vk_entry_label(c): "URL" or "URL as USER", for messages.  Heap. */
char *vk_entry_label(const struct vk_cred *c) VK_MUST;

/** vk_entry_warn(c), vk_entry_report(c): What a person should hear before and after ${c} was stored; the exit code. */
void vk_entry_warn(const struct vk_cred *c);
int vk_entry_report(const struct vk_cred *c);

/** vk_printable_add(b, s, width): Append ${s} fit for a terminal, with blanks up to ${width} characters. */
void vk_printable_add(struct vk_buf *b, const char *s, size_t width);

#endif
