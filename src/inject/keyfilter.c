/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"
#include "filter.h"
#include "keyfilter.h"

/* In both lists of calls the three follow one another.  Of any other architecture every call is refused. */
#if defined(__x86_64__)
#define OTHER AUDIT_ARCH_I386
#define OTHER_ADD_KEY 286
#elif defined(__aarch64__)
#define OTHER AUDIT_ARCH_ARM
#define OTHER_ADD_KEY 309
#else /* none: the same again */
#define OTHER VK_FILTER_OWN
#define OTHER_ADD_KEY SYS_add_key
#endif

_Static_assert(SYS_request_key == SYS_add_key + 1 && SYS_keyctl == SYS_add_key + 2, "one range");

enum vk_err
vk_keyfilter(void)
{
#ifdef VK_FILTER_OWN
	struct sock_filter program[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ IF(BPF_JEQ, VK_FILTER_OWN, 2, 0),
		/* 2 */ IF(BPF_JEQ, OTHER, 5, 0),
		/* 3 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		/* 4 */ LOAD(nr),
		/* 5 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~VK_FILTER_X32_BIT),
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
