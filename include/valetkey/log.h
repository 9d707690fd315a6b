/* SPDX-License-Identifier: ISC */
/*
 * log.h - the lines of the log: which credential was given to whom.
 *
 * One JSON object per line, without blanks, its members in this order; what does not apply is left out:
 *   time        RFC 3339 in UTC with milliseconds: "2030-01-31T12:00:00.123Z".  Always first, always there
 *   event       answer  a credential was given to a program that asked
 *               inject  one was put into a run, in one way; a line for each credential and way
 *               export  one, or many, left the keystore on a person's command
 *               refuse  a program asked and got none
 *               store, erase  a client (git, docker, cargo) changed what is kept
 *               end     the command of a run ended
 *   via         git, docker, get, fetch, run, export, render: which part of valetkey; broker: for who is not of the run
 *   program     the file of the process that started us, as far as we may see it: for helpers the client
 *   ppid, pid   that process, and ours; ${pid} ties the lines of one run together, its broker's too
 *   uid         our real user
 *   scheme, host, port, path   what was asked for; in a run, what the credential is for.  A path has no query
 *   credential  its name; for secrets without one where they come from, as in env:NPM_TOKEN
 *   username    only of a credential that has no name, and not when it looks like a token
 *   profile     the active profile
 *   rung        of a run: R1 or R2
 *   way, to     inject: recipe or broker and the tool's name, env and the variable, build-secret and its id;
 *               export: clear, store or recipient, and the file, keystore or recipient, or recipe and its name
 *   command     the file that a run executes; never its arguments
 *   status or signal   end: how the command ended
 *   unserved    end: how often the gate handed an empty file to who opened one
 *   result      ok, or why not: none, usage, malformed, limit, exists, locked, key, policy, damaged,
 *               version, source, memory, system.  Always last, so that a line that was cut short shows it
 *
 * Texts come from outside.  Control characters are escaped, what is not UTF-8 is replaced, what is longer than the
 * limits below is cut and ends in "...".  No secret is among them.
 */
#ifndef VALETKEY_LOG_H
#define VALETKEY_LOG_H

#include <sys/types.h>

#include "valetkey/cred.h"

enum vk_log_event {
	VK_LOG_ANSWER,
	VK_LOG_INJECT,
	VK_LOG_EXPORT, /* up to here a credential is given */
	VK_LOG_REFUSE,
	VK_LOG_STORE,
	VK_LOG_ERASE,
	VK_LOG_END,
};

enum {
	VK_LOG_LONG = 1024,         /* bytes of a path, a program, a command */
	VK_LOG_SHORT = 256,         /* of every other text */
	VK_LOG_LINE_MAX = 64 * 1024, /* more than any line has, its LF included */
};

/* How every line begins: what else begins a line is not ours. */
#define VK_LOG_BEGIN "{\"time\":\""

/* One line.  NULL and 0 stand for what does not apply; all pointers are borrowed. */
struct vk_log_entry {
	enum vk_log_event event;
	const char *via;
	const struct vk_scope *asked;
	const char *credential, *username;
	const char *rung, *way, *to, *command;
	const int *status, *sig;  /* end */
	const unsigned *unserved; /* end, with a gate */
	enum vk_err result;
};

/* What all lines of a process have in common, and when. */
struct vk_log_who {
	const char *program, *profile; /* NULL: not known, none */
	pid_t ppid, pid;
	uid_t uid;
	int64_t ms; /* since the epoch */
};

/** vk_log_cred(e, c): Note which credential it was: its name, or its user name when it has none. */
void vk_log_cred(struct vk_log_entry *e, const struct vk_cred *c);

/** vk_log_line(w, e, out): Append the line, with its LF. */
enum vk_err vk_log_line(const struct vk_log_who *w, const struct vk_log_entry *e, struct vk_buf *out)
    VK_MUST;

/**
 * vk_log_datagram(w, e, out):
 * The same for systemd's journal, as its Native Journal Protocol (systemd.io) wants it: MESSAGE, PRIORITY (4 for what
 * was refused, else 6), SYSLOG_IDENTIFIER=valetkey, and each member above but the time as VALETKEY_EVENT and so on.
 */
enum vk_err vk_log_datagram(const struct vk_log_who *w, const struct vk_log_entry *e,
    struct vk_buf *out) VK_MUST;

/** vk_log_event_parse(text, ret): VK_EUSAGE with a reason that lists them. */
enum vk_err vk_log_event_parse(const char *text, enum vk_log_event *ret) VK_MUST;

#endif
