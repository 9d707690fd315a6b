/* SPDX-License-Identifier: ISC */
/*
 * inject.h - run one command with credentials that exist for it alone.
 *
 * A rung is a way to give the command files that leave nothing behind:
 *   R1  a private mount and PID namespace: the files lie on a ramfs that only the command and its
 *       descendants see, and are bound over the usual places.  When valetkey is killed, the kernel
 *       kills every descendant and drops the files.
 *   R2  sealed memory files held by a small process, reached as /proc/PID/fd/N.  When valetkey is
 *       killed, the holder dies and no name is left; descendants of the command live on.
 *   R3  files in a directory on a file system in memory, for where /proc shows other processes than ours.  A process
 *       of ours, the guard, removes them when valetkey is killed; when both are, the next run does.
 * Everything is resolved before anything starts, and R1 is tried where it would be used, not
 * guessed at, so that the fall to R2 comes before the command.
 */
#ifndef VALETKEY_INJECT_H
#define VALETKEY_INJECT_H

#include "valetkey/policy.h"

enum vk_rung {
	VK_RUNG_NONE = 0,
	VK_RUNG_R1 = 1,
	VK_RUNG_R2 = 2,
	VK_RUNG_R3 = 3,
};

/** vk_rung_name(rung): "R1" ... */
const char *vk_rung_name(enum vk_rung rung);

/** vk_rung_residue(rung): What is left when valetkey is killed, as doctor and the manual say it. */
const char *vk_rung_residue(enum vk_rung rung);

/* Which process gets a file of the run when it opens it; the others find it empty. */
enum vk_gate_rule {
	VK_GATE_OFF,   /* there is no gate: whoever opens it */
	VK_GATE_OWN,   /* the command itself, and not what it starts */
	VK_GATE_FIRST, /* whoever opens it first, once */
	VK_GATE_ALL,   /* every process of the command, and nobody outside */
};

/* What one rung can do here, for doctor and --verbose. */
struct vk_rung_probe {
	enum vk_rung rung;
	bool works;
	char how[160]; /* works: by which means.  Does not: why not. */
};

/**
 * vk_inject_probe(ret):
 * Try R1, R2 and R3, in this order, without starting a command or leaving anything.  Call it before
 * secrets are loaded: the processes it starts are copies of this one.
 */
enum { VK_RUNGS = 3 };
enum vk_err vk_inject_probe(struct vk_rung_probe ret[VK_RUNGS]) VK_MUST;

/* One --build-secret: the file that ${recipe} makes, or the secret of ${ref}, under ${id}. */
struct vk_build_secret {
	const char *id;
	const char *recipe; /* "npm", "netrc", or NULL */
	const char *ref;    /* "keystore:NAME" ..., or NULL */
};

/* One --env VAR=REF. */
struct vk_env_ref {
	const char *name;
	const char *ref;
};

/* One --template VAR=FILE: ${file} with its references replaced (proto.h) is a file of the run, its path in ${var}. */
struct vk_template {
	const char *var;
	const char *file;
};

/* Are the run's secrets hidden in what the command writes? */
enum vk_mask_rule {
	VK_MASK_AUTO, /* in CI, where standard output is not a terminal */
	VK_MASK_ON,
	VK_MASK_OFF,
};

struct vk_run_opts {
	struct vk_policy_opts policy;
	const char *const *names; /* --credential; none: what the policy selects */
	size_t n_names;
	const char *const *recipes; /* --with; none: the profile's, else git and npm */
	size_t n_recipes;
	const struct vk_env_ref *env;
	size_t n_env;
	const struct vk_build_secret *secrets;
	size_t n_secrets;
	const struct vk_template *templates;
	size_t n_templates;
	enum vk_rung require; /* refuse anything weaker; NONE: anything will do */
	enum vk_rung max;     /* do not try anything stronger; NONE: R1 */
	bool keep_own;        /* --keep-own-credentials */
	bool no_confine;      /* --no-confine */
	enum vk_gate_rule gate; /* --gate */
	bool two_phase;       /* --two-phase: fetch with the credentials, then go on without */
	unsigned ttl;         /* --ttl: seconds until the credentials are withdrawn; 0: when the command ends */
	bool readers_only;    /* without ${recipes}: no tool that asks */
	enum vk_mask_rule mask; /* --mask, --no-mask */
	bool verbose;
	char **command;       /* NULL-terminated, at least one word */
	/* Called with the credentials of the run when everything is resolved and nothing started; NULL: nothing. */
	enum vk_err (*resolved)(const struct vk_cred_list *creds, void *arg);
	void *arg;
	/* How lines for the user leave: this floor does not print. */
	void (*note)(const char *text);
	void (*warn)(const char *text);
};

/* How it ended. */
struct vk_run_end {
	bool started;  /* the command was executed; else ${status} is 125, 126 or 127 */
	bool signaled; /* ${status} is the number of the signal that ended it */
	int status;
};

/**
 * vk_run(opts, ret):
 * Resolve, place, start, supervise, wipe.  An error means that the command did not run or that it
 * is not known how it ended; ${ret->status} then is the exit status to give (125, 126, 127).
 * On VK_OK every file was overwritten and every process of ours is gone, but for one that hides secrets in the output
 * of a descendant that is still there (R2).
 */
enum vk_err vk_run(const struct vk_run_opts *opts, struct vk_run_end *ret) VK_MUST;

/**
 * vk_run_die(sig):
 * End this process by ${sig} without a core, as the command ended; returns only where that cannot
 * be (process 1 of a container), then exit with 128 + ${sig}.
 */
void vk_run_die(int sig);

/**
 * vk_render(opts, recipe, out):
 * The file that ${recipe} would inject, for "valetkey render"; of ${opts} only policy, names,
 * keep_own, note and warn count.  VK_ENOENT when the recipe takes none of the credentials.
 */
enum vk_err vk_render(const struct vk_run_opts *opts, const char *recipe, struct vk_buf *out)
    VK_MUST;

#endif
