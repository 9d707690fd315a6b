/* SPDX-License-Identifier: ISC */
/* run_log.h - what a run puts into the log: a line for each credential and way when it begins, one when it ends. */
#ifndef VK_INJECT_RUN_LOG_H
#define VK_INJECT_RUN_LOG_H

#include "menu.h"

struct vk_run_log {
	struct vk_log log;
	bool known;        /* ${log} was read from the policy */
	unsigned unserved; /* opens that the gate answered with an empty file */
};

/** vk_run_log_know(l, p): Where the log is and who started us, which cannot be seen any more inside the namespaces. */
enum vk_err vk_run_log_know(struct vk_run_log *l, const struct vk_policy *p) VK_MUST;

/**
 * vk_run_log_given(l, k, menu, command):
 * Before ${command} starts: everything that it is given, in one write.  VK_EPOLICY: it may not be, unlogged.
 */
enum vk_err vk_run_log_given(const struct vk_run_log *l, struct vk_kitchen *k, const struct vk_menu *menu,
    const char *command) VK_MUST;

/** vk_run_log_again(l, k, f, run, tell): ${f}, of the run that is the process ${run}, is about to be rewritten. */
enum vk_err vk_run_log_again(const struct vk_run_log *l, struct vk_kitchen *k, const struct vk_file *f, pid_t run,
    void (*tell)(const char *text)) VK_MUST;

/**
 * vk_run_log_asked(b, pid, v, tell):
 * For the broker: the process ${pid} was answered, or not.  When that is valetkey as a helper, its parent is named.
 */
enum vk_err vk_run_log_asked(const struct vk_broker *b, pid_t pid, struct vk_log_entry *v,
    void (*tell)(const char *text)) VK_MUST;

/** vk_run_log_end(l, opts, rung, command, end, e): How it ended, or (${end->started} is false) that it was refused. */
void vk_run_log_end(struct vk_run_log *l, const struct vk_run_opts *opts, enum vk_rung rung, const char *command,
    const struct vk_run_end *end, enum vk_err e);

/** vk_run_log_render(p, opts, r, taken): ${taken} is about to be printed in clear. */
enum vk_err vk_run_log_render(const struct vk_policy *p, const struct vk_run_opts *opts, const struct vk_recipe *r,
    const struct vk_cred_list *taken) VK_MUST;

#endif
