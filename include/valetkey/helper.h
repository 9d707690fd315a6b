/* SPDX-License-Identifier: ISC */
/*
 * helper.h - a protocol that a tool speaks to us: one file in helpers/, one row
 * in the table of helpers/table.c, chosen by argv[0] or "valetkey helper NAME".
 *
 * Rules for every helper:
 *   stdout carries the protocol and nothing else, in one write at the end, or one for each line of a conversation;
 *   stderr carries at most one line;
 *   stdin is read with a ceiling (VK_MAX_INPUT) before anything is decided;
 *   no thread, no key derivation, no program started but a back helper (docs/HELPER.md), and no prompt but for a token
 *   that cargo leaves to us to ask for.
 */
#ifndef VALETKEY_HELPER_H
#define VALETKEY_HELPER_H

#include "valetkey/base.h"

struct vk_helper {
	const char *name;    /* "git-credential": for "valetkey helper NAME" */
	const char *program; /* "git-credential-valetkey": the installed link; NULL: the tool can pass arguments */
	const char *summary; /* one line for "valetkey helper --help" */
	/* ${argv[0]} is the program name, then what the tool passed.  Returns the exit code. */
	int (*run)(int argc, char **argv);
};

/** vk_helper_find(name): By protocol or program name; NULL when there is none. */
const struct vk_helper *vk_helper_find(const char *name);

/** vk_helpers: All of them; the last row has name NULL. */
extern const struct vk_helper vk_helpers[];

/* How the command line and the helpers speak to a person (src/cli/msg.c).  One write each. */

/**
 * vk_msg_fail(e):
 * Print "valetkey: error: REASON" and, if there is one, "valetkey: hint: NEXT STEP" to
 * stderr, and return the exit code of ${e}.
 */
int vk_msg_fail(enum vk_err e);

/** vk_msg_usage(fmt, ...): An error about how the program was called; returns 2. */
int vk_msg_usage(const char *fmt, ...) VK_PRINTF(1, 2);

/** vk_msg_warn(fmt, ...), vk_msg_note(fmt, ...): "valetkey: warning: ..." and "valetkey: ..." on stderr. */
void vk_msg_warn(const char *fmt, ...) VK_PRINTF(1, 2);
void vk_msg_note(const char *fmt, ...) VK_PRINTF(1, 2);

/* And what they write into the log (src/cli/logged.c). */
struct vk_policy;
struct vk_policy_opts;
struct vk_log_entry;

/**
 * vk_msg_log(p, opts, v, n):
 * ${n} lines (log.h), before a credential is handed out or after a change.  VK_EPOLICY: it cannot be logged and
 * must therefore not be given.  ${p} NULL: the config that ${opts} names is read for it, and must be readable.
 * What ${p} has to say beside is printed.
 */
enum vk_err vk_msg_log(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_log_entry *v,
    size_t n) VK_MUST;

/** vk_msg_log_refusal(p, opts, v): One line about a failure, whose reason and hint stay as they are. */
void vk_msg_log_refusal(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_log_entry *v);

#endif
