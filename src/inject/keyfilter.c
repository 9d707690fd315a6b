/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"
#include "keyfilter.h"

/*
 * A 64-bit kernel may also take the calls of its 32-bit ancestor, which have other numbers; in both lists the
 * three follow one another.  Of any other architecture every call is refused.
 */
#if defined(__x86_64__)
#define OWN AUDIT_ARCH_X86_64
#define OTHER AUDIT_ARCH_I386
#define OTHER_ADD_KEY 286
#elif defined(__aarch64__)
#define OWN AUDIT_ARCH_AARCH64
#define OTHER AUDIT_ARCH_ARM
#define OTHER_ADD_KEY 309
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define OWN AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OWN AUDIT_ARCH_S390X
#endif
#ifndef OTHER /* none: the same again */
#define OTHER OWN
#define OTHER_ADD_KEY SYS_add_key
#endif

#define X32_BIT 0x40000000U /* set in the numbers of x32, and in nobody else's */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(how, k, yes, no) BPF_JUMP(BPF_JMP | (how) | BPF_K, (k), (yes), (no))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))

_Static_assert(SYS_request_key == SYS_add_key + 1 && SYS_keyctl == SYS_add_key + 2, "one range");

enum vk_err
vk_keyfilter(void)
{
#ifdef OWN
	struct sock_filter program[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ IF(BPF_JEQ, OWN, 2, 0),
		/* 2 */ IF(BPF_JEQ, OTHER, 5, 0),
		/* 3 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		/* 4 */ LOAD(nr),
		/* 5 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32_BIT),
		/* 6 */ BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, SYS_add_key),
		/* 7 */ BPF_STMT(BPF_JMP | BPF_JA, 2),
		/* 8 */ LOAD(nr),
		/* 9 */ BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, OTHER_ADD_KEY),
		/* Smaller numbers have wrapped around. */
		/* 10 */ IF(BPF_JGT, SYS_keyctl - SYS_add_key, 0, 1),
		/* 11 */ RETURN(SECCOMP_RET_ALLOW),
		/* 12 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(program[0]), program };

	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return vk_fail_errno("cannot keep the command from the kernel's keys");
	return VK_OK;
#else
	return vk_fail(VK_ESYS, "the command cannot be kept from the kernel's keys on this architecture");
#endif
}
