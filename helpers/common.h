/* SPDX-License-Identifier: ISC */
/*
 * common.h - what several helpers do the same way.
 */
#ifndef VK_HELPERS_COMMON_H
#define VK_HELPERS_COMMON_H

#include "valetkey/helper.h"
#include "valetkey/log.h"
#include "valetkey/policy.h"

/* The protocols, one each; rows of table.c. */
int vk_git_credential(int argc, char **argv);
int vk_docker_credential(int argc, char **argv);
int vk_goauth(int argc, char **argv);
int vk_bazel_credential(int argc, char **argv);
int vk_terraform_credentials(int argc, char **argv);
int vk_aws_credential(int argc, char **argv);
int vk_nuget_plugin(int argc, char **argv);
int vk_keyring(int argc, char **argv);
int vk_cargo_credential(int argc, char **argv);
int vk_pnpm_token(int argc, char **argv);
int vk_yarn_header(int argc, char **argv);

/**
 * vk_helper_options(argc, argv, usage, opts):
 * "--config FILE" and "--profile NAME" in front of a protocol's own words, for tools that pass on what they
 * are told to.  Returns the index of the first of those words; 0 when ${usage} was asked for and printed, -1 after
 * an error message.
 */
int vk_helper_options(int argc, char **argv, const char *usage, struct vk_policy_opts *opts);

/**
 * vk_helper_answer(opts, q, say, arg):
 * Find the credential for ${q}, have ${say} put it into the tool's words, and log who got it, in this order: what
 * cannot be said or logged is not given.  Errors are logged as well, ${say}'s among them.
 */
typedef enum vk_err vk_helper_say(const struct vk_cred *c, void *arg);
enum vk_err vk_helper_answer(const struct vk_policy_opts *opts, const struct vk_query *q, vk_helper_say *say,
    void *arg) VK_MUST;

/**
 * vk_helper_one_url(argc, argv, usage, tool, say):
 * The whole of a helper that is given one URL, perhaps with a user name, and for which "none" is a failure.
 */
int vk_helper_one_url(int argc, char **argv, const char *usage, const char *tool, vk_helper_say *say);

/** vk_helper_refused(p, opts, asked, e): Log that nothing is given or changed.  ${p} and ${asked} may be NULL. */
void vk_helper_refused(const struct vk_policy *p, const struct vk_policy_opts *opts, const struct vk_scope *asked,
    enum vk_err e);

/**
 * vk_helper_claim(st, q, client, c):
 * In a transaction: may ${client} (its flag, cred.h) put ${c}?  Only where ${q} finds nothing at just ${c}'s scope, or
 * what ${client} stored itself, whose flags and time of creation ${c} then has.  Else ${c->flags} is 0: that is a
 * person's, or another client's.
 */
enum vk_err vk_helper_claim(struct vk_store *st, const struct vk_query *q, unsigned client, struct vk_cred *c) VK_MUST;

/**
 * vk_helper_changed(p, tool, event, asked, c, result):
 * Log a change.  It is done by now: what cannot be logged is only warned about.  ${c} may be NULL.
 */
enum vk_err vk_helper_changed(const struct vk_policy *p, const char *tool, enum vk_log_event event,
    const struct vk_scope *asked, const struct vk_cred *c, enum vk_err result) VK_MUST;

/** vk_helper_read(b): All of stdin into ${b}, which has a ceiling.  VK_ELIMIT: the request is longer. */
enum vk_err vk_helper_read(struct vk_buf *b) VK_MUST;

/** vk_helper_write(text, n): The whole answer to stdout; the exit code. */
int vk_helper_write(const char *text, size_t n);

/**
 * vk_helper_line(e):
 * Fold reason and hint into one line and return it: tools show a helper's words as they
 * come, some of them many times over.
 */
const char *vk_helper_line(enum vk_err e);

/** vk_helper_fail(e): Print that line to stderr and return the exit code of ${e}. */
int vk_helper_fail(enum vk_err e);

#endif
