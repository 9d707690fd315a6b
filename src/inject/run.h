/* SPDX-License-Identifier: ISC */
/* run.h - what the parts of one run share: run.c prepares and cleans up, course.c is between. */
#ifndef VK_INJECT_RUN_H
#define VK_INJECT_RUN_H

#include <signal.h>

#include "command.h"
#include "gate.h"
#include "hide.h"
#include "masking.h"
#include "menu.h"
#include "phases.h"
#include "refresh.h"
#include "rung1.h"
#include "rung2.h"
#include "rung3.h"
#include "run_log.h"

enum { VK_RUN_ENV_MAX = 64 };

struct run {
	const struct vk_run_opts *opts;
	char *path; /* of the command */
	char self[4096];
	char **argv;
	struct vk_rung1_plan plan;
	struct vk_rung1 rung1;
	struct vk_rung2 rung2;
	struct vk_rung3 rung3;
	struct vk_gate gate;
	struct vk_hidden hidden;
	bool try_rung1;
	bool in_domain; /* R2: Landlock's */
	bool hides; /* R2 and R3: that domain hides files, with the gate */
	char why_open[320]; /* it does not */
	bool no_keys; /* key calls of the command are refused */
	char why_not[320]; /* R1 was not reached */
	struct vk_policy *policy;
	struct vk_cred_list creds;
	struct vk_secret env[VK_RUN_ENV_MAX];
	struct vk_menu menu;
	struct vk_broker broker;
	bool broker_was; /* it was there when the command started */
	struct vk_masking masking;
	struct vk_refresh refresh;
	struct vk_kitchen kitchen;
	struct vk_run_log log;
	struct vk_phases phases; /* n = 0: the command as it is */
	bool withdrawn; /* the credentials are */
	struct sigaction on_sigchld; /* as our parent left it, */
	sigset_t mask;               /* and this too */
};

/** vk_run_around(): The rung of the run that we are in; NULL: none. */
const char *vk_run_around(void) VK_MUST;

/** vk_run_is_within(o, rung): Is there nothing to do for a run of its own? */
bool vk_run_is_within(const struct vk_run_opts *o, const char *rung) VK_MUST;

/** vk_run_go_on(r, rung, ret): Become the command, with what the run around us gave; returns when that cannot be. */
enum vk_err vk_run_go_on(struct run *r, const char *rung, struct vk_run_end *ret) VK_MUST;

/**
 * vk_run_choose_domain(r):
 * For R2 and R3: enter the domain that only bounds what is seen of processes, or leave it to vk_run_hide(), or
 * neither; ${r} says which and why.  --two-phase brings a gate along for it.  VK_EPOLICY: the gate that was asked for
 * would be blind.
 */
enum vk_err vk_run_choose_domain(struct run *r) VK_MUST;

/** vk_run_hide(r): When there is nothing left that only we may read: hide files, and start R2's holder. */
enum vk_err vk_run_hide(struct run *r) VK_MUST;

/** vk_run_course(r, ret): Start the command, or its parts one after the other, and wait until it has ended. */
enum vk_err vk_run_course(struct run *r, struct vk_run_end *ret) VK_MUST;

/** vk_run_refresh(run): For vk_supervise(): hear what the process that looks at the sources has to say. */
void vk_run_refresh(void *run);

/** vk_run_end_refresh(r): From here on no file is rewritten; twice is fine. */
void vk_run_end_refresh(struct run *r);

/** vk_run_end_broker(r): End it, and say what it has seen; twice is fine. */
void vk_run_end_broker(struct run *r);

#endif
