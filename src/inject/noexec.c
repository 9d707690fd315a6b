/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"
#include "filter.h"
#include "noexec.h"

#ifdef VK_FILTER_OWN

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { HIGH = 0, LOW = 4 };
#else
enum { HIGH = 4, LOW = 0 };
#endif

#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define REFUSE_CALL(number) IF(BPF_JEQ, (number), 0, 1), REFUSE
#define HALF(i, half, k) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + (half)), \
	IF(BPF_JEQ, (k), 1, 0), REFUSE
#define ARGUMENT(i, pointer) \
	HALF(i, LOW, (uint32_t)(uintptr_t)(pointer)), HALF(i, HIGH, (uint32_t)((uint64_t)(uintptr_t)(pointer) >> 32))

static int
install(struct sock_filter *program, size_t n)
{
	struct sock_fprog filter = { (unsigned short)n, program };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static int
refuse_exec(const char *path, char *const *argv, char *const *envp)
{
	struct sock_filter program[] = {
		LOAD(arch),
		IF(BPF_JEQ, VK_FILTER_OWN, 1, 0), REFUSE,
		LOAD(nr),
		IF(BPF_JSET, VK_FILTER_X32_BIT, 0, 1), REFUSE,
		REFUSE_CALL(SYS_execveat),
		IF(BPF_JEQ, SYS_io_uring_setup, 0, 1), RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		IF(BPF_JEQ, SYS_execve, 1, 0), RETURN(SECCOMP_RET_ALLOW),
		ARGUMENT(0, path),
		ARGUMENT(1, argv),
		ARGUMENT(2, envp),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(program, VK_COUNT(program));
}

/* Of other architectures' calls the filter above has refused all. */
static int
refuse_links(void)
{
	struct sock_filter program[] = {
		LOAD(nr),
#ifdef SYS_link
		REFUSE_CALL(SYS_link),
		REFUSE_CALL(SYS_symlink),
#endif
		REFUSE_CALL(SYS_linkat),
		REFUSE_CALL(SYS_symlinkat),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(program, VK_COUNT(program));
}

enum vk_err
vk_noexec(const char *path, char *const *argv, char *const *envp)
{
	if (!vk_caps_has(CAP_SYS_ADMIN) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if (refuse_exec(path, argv, envp) < 0 || refuse_links() < 0)
		return vk_fail_errno("the kernel refuses a seccomp filter");
	return VK_OK;
}

#else

enum vk_err
vk_noexec(const char *path, char *const *argv, char *const *envp)
{
	(void)path;
	(void)argv;
	(void)envp;
	return vk_fail(VK_ESYS, "the command cannot be kept from starting programs on this architecture");
}

#endif
