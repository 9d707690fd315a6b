/* SPDX-License-Identifier: ISC */
/*
 * domain.h - R2: the command does not see into processes that are not of the run, and reads what is listed.
 *
 * A Landlock domain (landlock(7), Linux 5.19) that forbids nothing to do with files still bounds ptrace(2) and what
 * asks as it does: memory, environment, descriptors and root of a process outside of the domain, also as files below
 * /proc.  So the variables of whatever started us stay out of the command's reach where there is no PID namespace.
 */
#ifndef VK_INJECT_DOMAIN_H
#define VK_INJECT_DOMAIN_H

#include "valetkey/base.h"

/** vk_domain_can(): VK_EPOLICY, with the reason, where the kernel has no Landlock. */
enum vk_err vk_domain_can(void) VK_MUST;

/**
 * vk_domain_rules(reading, ret), vk_domain_allow(ruleset, fd):
 * A rule set that forbids nothing; or, ${reading}, to read files, except for what is allowed: ${fd}, and what is
 * beneath it when it is a directory.
 */
enum vk_err vk_domain_rules(bool reading, int *ret) VK_MUST;
enum vk_err vk_domain_allow(int ruleset, int fd) VK_MUST;

/**
 * vk_domain_enter(ruleset):
 * For us and what we start from here on; without CAP_SYS_ADMIN it takes "no new privileges".
 */
enum vk_err vk_domain_enter(int ruleset) VK_MUST;

#endif
