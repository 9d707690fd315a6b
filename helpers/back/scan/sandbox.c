/* SPDX-License-Identifier: ISC */
/*
 * libarchive reads what strangers made, in a process that holds secrets.  So this process gives up first what it does
 * not need: a list of calls that it may make, everything else is answered with ENOSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "search.h"

/* What a decoder may be told to allocate. */
#define MEMORY_MAX ((rlim_t)1 << 30)

/* The sanitizers' own needs are not ours to list. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(SANITIZED)
const char *__asan_default_options(void);

/* Leaks cannot be looked for in a process that forbids being traced; and its environment is empty. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0:exitcode=99";
}
#endif

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* All of the first version (Linux 5.13), and what came later where the kernel knows it. */
static uint64_t
file_rights(long abi)
{
	uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	return rights | (abi >= 2 ? (uint64_t)1 << 13 : 0) | (abi >= 3 ? (uint64_t)1 << 14 : 0);
}

static void
allow(int rules, const char *path)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd };
	struct stat st;

	/* What is not there is reported when it is searched. */
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* Where the kernel has none, the list of calls alone has to do. */
static enum vk_err
confine_files(const char *const *paths, size_t n)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { .handled_access_fs = file_rights(abi) };
	VK_CLEANUP(vk_closep) int rules = -1;

	if (abi >= 1)
		rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (rules < 0)
		return VK_OK;
	for (size_t i = 0; i < n; i++)
		if (strcmp(paths[i], "-") != 0)
			allow(rules, paths[i]);
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return vk_fail_errno("cannot confine the search to its files");
	return VK_OK;
}

#if defined(OWN_ARCH) && !defined(SANITIZED)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOW(i) (offsetof(struct seccomp_data, args) + 8 * (i)) /* both machines are little-endian */
#define IF(how, k, yes, no) BPF_JUMP(BPF_JMP | (how) | BPF_K, (k), (yes), (no))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define ALLOW(call) IF(BPF_JEQ, SYS_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
/* Allowed when none of these bits is in argument ${i}. */
#define ALLOW_WITHOUT(call, i, bits) \
	IF(BPF_JEQ, SYS_##call, 0, 4), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW(i)), IF(BPF_JSET, (bits), 0, 1), \
	    RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW)
/* Allowed when argument ${i} is exactly this. */
#define ALLOW_WITH(call, i, value) \
	IF(BPF_JEQ, SYS_##call, 0, 4), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW(i)), IF(BPF_JEQ, (value), 1, 0), \
	    RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW)

static enum vk_err
confine_calls(void)
{
	struct sock_filter program[] = {
		LOAD(arch),
		IF(BPF_JEQ, OWN_ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		ALLOW(read),
		ALLOW(write),
		ALLOW_WITHOUT(openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC),
		ALLOW(fstat),
		ALLOW(close),
		ALLOW(lseek),
		ALLOW(newfstatat),
		ALLOW(statx),
		ALLOW(fstatfs),
		ALLOW(getdents64),
		ALLOW(readlinkat),
		ALLOW(dup),
		ALLOW(fcntl),
		ALLOW_WITHOUT(mmap, 2, PROT_EXEC),
		ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(madvise),
		ALLOW(mlock2),
		ALLOW(brk),
		ALLOW(pread64),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(clock_gettime),
		ALLOW(gettimeofday),
		ALLOW(getpid),
		ALLOW(gettid),
		ALLOW_WITH(tgkill, 0, (uint32_t)getpid()),
		ALLOW(rt_sigaction),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigreturn),
		ALLOW(sigaltstack),
		ALLOW(restart_syscall),
		ALLOW(exit),
		ALLOW(exit_group),
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog filter = { VK_COUNT(program), program };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 && errno != EINVAL && errno != ENOSYS)
		return vk_fail_errno("cannot confine the search");
	return VK_OK;
}
#endif

enum vk_err
vk_sandbox(const char *const *paths, size_t n)
{
	enum vk_err e;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot give up new privileges");
	if ((e = confine_files(paths, n)) != VK_OK)
		return e;
#if !defined(SANITIZED)
	struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

	if (setrlimit(RLIMIT_AS, &memory) < 0)
		return vk_fail_errno("cannot limit the memory of the search");
#if defined(OWN_ARCH)
	e = confine_calls();
#endif
#endif
	return e;
}
