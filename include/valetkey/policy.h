/* SPDX-License-Identifier: ISC */
/*
 * policy.h - configuration, profiles and who may get what.
 *
 * Every answer of every helper and every run goes through here.  A credential
 * comes from, in this order:
 *   1 a [section] of the config with url and secret (of the active profile, if one is)
 *   2 the keystore (entries the active profile names, if one is)
 *   3 well-known CI variables, for the hosts that the platform itself names
 * A config may narrow, never widen, the scope of a keystore entry.  A secret without
 * a scope is never given out.
 */
#ifndef VALETKEY_POLICY_H
#define VALETKEY_POLICY_H

#include "valetkey/config.h"
#include "valetkey/log.h"
#include "valetkey/store.h"
#include "valetkey/unlock.h"

struct vk_policy;

struct vk_policy_opts {
	const char *config;  /* --config; NULL: $VALETKEY_CONFIG, else the default place */
	const char *profile; /* --profile; NULL: $VALETKEY_PROFILE, else none */
	const char *tool;    /* a helper's: "git", "docker" or "get".  Inside a run its broker is asked (broker.h) */
	bool offline;        /* ask nobody who asks somebody else; so does $VALETKEY_OFFLINE */
	bool (*takes)(const struct vk_cred *c); /* a helper's: what its tool can be told; NULL: anything */
};

/**
 * vk_policy_open(opts, ret):
 * Read the config, if there is one; the keystore is opened and unlocked when first needed.  Of a helper inside a run
 * neither is read: its broker answers vk_policy_find(), and there is no other use of it.
 * VK_EPROTO with file and line for a config that is not understood completely
 * (unknown key, truncated line, duplicate); VK_EPOLICY for one that is not ours (others
 * can write it); VK_EUSAGE for a profile that does not exist.
 */
enum vk_err vk_policy_open(const struct vk_policy_opts *opts, struct vk_policy **ret) VK_MUST;
void vk_policy_close(struct vk_policy *p);
void vk_policy_closep(struct vk_policy **p);

/** vk_policy_caution(p): A sentence that the user should hear beside the answers of ${p}; NULL: there is none. */
const char *vk_policy_caution(const struct vk_policy *p) VK_MUST;

/** vk_policy_hold(p): What a server gives for a time is wanted until vk_remote_let_go() (remote.h), or our end. */
void vk_policy_hold(struct vk_policy *p);

/**
 * vk_policy_find(p, q, ret_cred):
 * The credential for ${q}; the caller frees it.  It is one that the tool can be told (${opts->takes}), if there is any.
 * VK_ENOENT: none.  VK_ELOCKED: the keystore
 * would have to be asked and is locked (unless the config says when-locked = miss).
 * An expired credential is VK_ENOENT with a reason; "there is none" has no reason.
 */
enum vk_err vk_policy_find(struct vk_policy *p, const struct vk_query *q, struct vk_cred **ret_cred)
    VK_MUST;

/**
 * vk_policy_select(p, names, n_names, ret_list):
 * Everything a run gets: the credentials in ${names} if any are given, else those of the profile, else
 * every config section, every pinned keystore entry and the CI variables.  A credential that
 * cannot be resolved is an error: nothing starts half-equipped.
 */
enum vk_err vk_policy_select(struct vk_policy *p, const char *const *names, size_t n_names,
    struct vk_cred_list *ret_list) VK_MUST;

/**
 * vk_policy_again(p, c, fetch, ret_cred):
 * ${c}, which vk_policy_select() gave, as its source has it now.  VK_ENOENT: the source has nothing for the same place;
 * or a program would have to be asked for it, and not ${fetch}.
 */
enum vk_err vk_policy_again(struct vk_policy *p, const struct vk_cred *c, bool fetch, struct vk_cred **ret_cred)
    VK_MUST;

/** vk_policy_is_fetched(p, c): Does ${c}, which vk_policy_select() gave, come from where a program has to ask? */
bool vk_policy_is_fetched(const struct vk_policy *p, const struct vk_cred *c) VK_MUST;

/** vk_policy_ends_soon(c): In half a minute, or it has ended: what can be had anew should be. */
bool vk_policy_ends_soon(const struct vk_cred *c) VK_MUST;

/**
 * vk_policy_place(p, c, ret_path), vk_policy_place_of_ref(ref, ret_path):
 * The file that changes when ${c}, which vk_policy_select() gave, or the secret of ${ref} does: the keystore, or the
 * file of a reference.  VK_ENOENT: it does not change while we live, as a variable's.
 */
enum vk_err vk_policy_place(struct vk_policy *p, const struct vk_cred *c, char **ret_path) VK_MUST;
enum vk_err vk_policy_place_of_ref(const char *ref, char **ret_path) VK_MUST;

/** vk_policy_profile(p): The name of the active profile; NULL: there is none.  Borrowed. */
const char *vk_policy_profile(const struct vk_policy *p) VK_MUST;

/** vk_policy_recipes(p, ret_v, ret_n): The profile's "with" list; n = 0 when it has none.  Borrowed. */
void vk_policy_recipes(struct vk_policy *p, const char *const **ret_v, size_t *ret_n);

/** vk_policy_tools(p, ret_v, ret_n): The config's [tool NAME] sections (config.h).  Borrowed. */
void vk_policy_tools(const struct vk_policy *p, const struct vk_tool **ret_v, size_t *ret_n);

/**
 * vk_policy_ref(p, ref, ret_secret):
 * One reference (source.h).
 */
enum vk_err vk_policy_ref(struct vk_policy *p, const char *ref, struct vk_secret *ret_secret)
    VK_MUST;

/** vk_policy_files(p, ret_v, ret_n): The files that references of the config and vk_policy_ref() name.  Borrowed. */
enum vk_err vk_policy_files(struct vk_policy *p, const char *const **ret_v, size_t *ret_n) VK_MUST;

/** vk_policy_store(p, ret_store): The opened and unlocked keystore, borrowed. */
enum vk_err vk_policy_store(struct vk_policy *p, struct vk_store **ret_store) VK_MUST;

/** vk_policy_offline(p): Is no program to be asked that asks somebody else? */
bool vk_policy_offline(const struct vk_policy *p) VK_MUST;

/** vk_policy_has_store(p): Does a keystore file exist?  (Not: can it be opened.) */
bool vk_policy_has_store(struct vk_policy *p) VK_MUST;

/**
 * vk_policy_scrub(p, name):
 * Must the environment variable ${name} be removed from a command that is run?  True for
 * VALETKEY_KEY*, every variable a reference of this config names or vk_policy_ref() has read, the CI
 * variables, any other variable that repeats the value of one of these, and the credential-bearing
 * ones of known tools (npm_config_//..., DOCKER_AUTH_CONFIG, GIT_CONFIG_PARAMETERS with a header ...).
 * Call it while the environment is still whole, after all references were resolved.
 */
bool vk_policy_scrub(struct vk_policy *p, const char *name) VK_MUST;

/**
 * vk_policy_scrub_git(key, value):
 * The same for one pair of GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n: an extra header, a web URL with
 * user information in key or value, or a credential helper that is a line of shell with a password.
 */
bool vk_policy_scrub_git(const char *key, const char *value) VK_MUST;

/**
 * vk_policy_hosts(p, npm, ret_list):
 * Scopes, user names and kinds (0: not known yet) of all config sections and pinned entries, for setup; not of those
 * with an npm scope, which neither git nor docker asks for.  ${npm}: for npm's relatives, so of these too, but
 * not of headers of their own, which none of them can send.  One place is there for each of its accounts.
 */
enum vk_err vk_policy_hosts(struct vk_policy *p, bool npm, struct vk_cred_list *ret_list) VK_MUST;

/*
 * The log (log.h has its lines).  It is where the config says ("log" in [valetkey]), else where $VALETKEY_LOG says:
 * the environment can start a log, and neither stop nor move one.  Without either, nothing is opened or asked of the
 * kernel.
 */
struct vk_log {
	char *to;      /* the file, or "journal"; NULL: there is no log */
	bool required; /* what cannot be logged is not given */
	bool bad;      /* ${to} is no place: only said when a line is due */
	char *program; /* who started us; NULL: not to be seen */
	char *profile;
	pid_t ppid;
	pid_t pid; /* 0: this process */
};

/**
 * vk_log_name(l, pid):
 * The process ${pid} is who asks or, when that is a shell that git or docker started for the helper's sake, those.
 * Nothing but ${l->program} and ${l->ppid} changes.
 */
void vk_log_name(struct vk_log *l, pid_t pid);

/**
 * vk_policy_log(p, ret), vk_log_read(opts, ret):
 * The log of an open policy, and of the config that ${opts} (may be NULL) names.  The caller clears it.
 */
enum vk_err vk_policy_log(const struct vk_policy *p, struct vk_log *ret) VK_MUST;
enum vk_err vk_log_read(const struct vk_policy_opts *opts, struct vk_log *ret) VK_MUST;
void vk_log_clear(struct vk_log *l);

/**
 * vk_log_write(l, v, n, tell):
 * ${n} lines in one piece, before what they tell about is done.  A file is made with mode 0600, and opened anew each
 * time; it must be regular, ours, not writable by others, and a log.  When a line cannot be written and the log is
 * required, nothing may be given: VK_EPOLICY.  Else, and for events that give nothing, that is told by ${tell}, once in
 * a process, and VK_OK.
 */
enum vk_err vk_log_write(const struct vk_log *l, const struct vk_log_entry *v, size_t n,
    void (*tell)(const char *text)) VK_MUST;

/**
 * vk_log_refusal(l, opts, v, tell):
 * One line about a failure, whose reason and hint stay as they are.  ${l} NULL: the config of ${opts} is read for it.
 */
void vk_log_refusal(const struct vk_log *l, const struct vk_policy_opts *opts, const struct vk_log_entry *v,
    void (*tell)(const char *text));

/** vk_log_check(l): Could a line be written now?  Makes nothing; the reason says why not. */
enum vk_err vk_log_check(const struct vk_log *l) VK_MUST;

/** vk_log_make(l): Make the file now, when it is not there; who cannot will hear of it when a line is due. */
void vk_log_make(const struct vk_log *l);

/** vk_log_is_journal(l): Is it systemd's journal? */
bool vk_log_is_journal(const struct vk_log *l) VK_MUST;

#endif
