/* SPDX-License-Identifier: ISC */
/*
 * masking.h - whether and where the secrets of a run are hidden in what the command writes.
 *
 * A stream is masked when --mask says so or, without a word, in CI (CI=true or 1) when standard output is no terminal;
 * never when the run has no secret, a stream is closed or is /dev/null.  On a terminal only --mask does it, and the
 * command gets one of its own.  Where both streams are one open file, so they
 * are for the command, by one relay: their order stays.
 *
 * Under GitHub Actions the runner is told each secret ("::add-mask::", docs.github.com, "Workflow commands"), line by
 * line, on standard error before the command starts: only when that is the very pipe that the runner gave to the step,
 * since in any other file or pipe the secrets would stay.
 */
#ifndef VK_INJECT_MASKING_H
#define VK_INJECT_MASKING_H

#include "mask_relay.h"
#include "pty.h"
#include "recipe.h"

struct vk_masking {
	struct vk_relay out, err; /* ${err} is not started where ${out} has both */
	bool both;
	bool wanted; /* whether or not there was something to hide */
	struct vk_pty pty; /* --mask on a terminal; ${out} reads from it */
};
#define VK_MASKING_NONE { .out = VK_RELAY_NONE, .err = VK_RELAY_NONE, .pty = VK_PTY_NONE }

/**
 * vk_masking_start(m, k, env, n):
 * For the credentials and the build secrets of ${k}, and ${n} more.  Outside of the namespaces, and before signals are
 * held.  VK_EUSAGE when --mask asks for what cannot be.
 */
enum vk_err vk_masking_start(struct vk_masking *m, const struct vk_kitchen *k, const struct vk_secret *env, size_t n)
    VK_MUST;

/**
 * vk_masking_forms(k, env, n, f):
 * What is looked for, always in one order.  With more at the end it is for vk_masking_learn().
 */
enum vk_err vk_masking_forms(const struct vk_kitchen *k, const struct vk_secret *env, size_t n, struct vk_forms *f)
    VK_MUST;

/** vk_masking_add(f, p, n, user): One more secret; what is too short has no form. */
enum vk_err vk_masking_add(struct vk_forms *f, const char *p, size_t n, const char *user) VK_MUST;

/** vk_masking_relays(m): Is anything hidden anywhere? */
bool vk_masking_relays(const struct vk_masking *m) VK_MUST;

/** vk_masking_learn(m, fd): As vk_relay_learn(), for all. */
enum vk_err vk_masking_learn(struct vk_masking *m, int fd) VK_MUST;

/** vk_masking_streams(m, ret_out, ret_err): For struct vk_launch. */
void vk_masking_streams(const struct vk_masking *m, int *ret_out, int *ret_err);

/** vk_masking_let_go(m, command): The command has started, as that process; 0: it has not. */
void vk_masking_let_go(struct vk_masking *m, pid_t command);

/** vk_masking_tell(m, opts): For --verbose. */
void vk_masking_tell(const struct vk_masking *m, const struct vk_run_opts *opts);

/**
 * vk_masking_end(m, opts, end):
 * When the command and, in R1, its descendants are gone: all of its output is out.  When that failed it is an error
 * where the command knows of none, and else a warning.
 */
enum vk_err vk_masking_end(struct vk_masking *m, const struct vk_run_opts *opts, const struct vk_run_end *end) VK_MUST;

#endif
