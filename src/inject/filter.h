/* SPDX-License-Identifier: ISC */
/* filter.h - words to write seccomp filters with (seccomp(2)). */
#ifndef VK_INJECT_FILTER_H
#define VK_INJECT_FILTER_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* A 64-bit kernel may also take the calls of its 32-bit ancestor, which have other numbers and another architecture. */
#if defined(__x86_64__)
#define VK_FILTER_OWN AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define VK_FILTER_OWN AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define VK_FILTER_OWN AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define VK_FILTER_OWN AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define VK_FILTER_OWN AUDIT_ARCH_S390X
#endif

#define VK_FILTER_X32_BIT 0x40000000U /* set in the numbers of x32, and in nobody else's */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(how, k, yes, no) BPF_JUMP(BPF_JMP | (how) | BPF_K, (k), (yes), (no))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))

#endif
