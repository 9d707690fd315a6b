/* SPDX-License-Identifier: ISC */
/*
 * syscall-names.h - names of the system calls and errors that tests/torture speaks about.
 * A call that is not listed is reported as "other" and cannot be made to fail.
 */
#ifndef VK_SYSCALL_NAMES_H
#define VK_SYSCALL_NAMES_H

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#define CALL(name) { #name, SYS_##name }
#define ERROR(name) { #name, name }

static const struct {
	const char *name;
	long nr;
} syscalls[] = {
	CALL(add_key), CALL(bind), CALL(brk), CALL(capget), CALL(capset), CALL(chdir),
	CALL(clock_gettime), CALL(clock_nanosleep), CALL(clone), CALL(clone3), CALL(close),
	CALL(close_range), CALL(connect), CALL(copy_file_range), CALL(dup), CALL(dup3),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_pwait), CALL(eventfd2), CALL(execve),
	CALL(execveat), CALL(exit), CALL(exit_group), CALL(faccessat), CALL(faccessat2),
	CALL(fallocate), CALL(fchdir), CALL(fchmod), CALL(fchmodat), CALL(fchown), CALL(fchownat),
	CALL(fcntl), CALL(fdatasync), CALL(flock), CALL(fsconfig), CALL(fsmount), CALL(fsopen),
	CALL(fstat), CALL(fstatfs), CALL(fsync), CALL(ftruncate), CALL(futex), CALL(getcwd),
	CALL(getdents64), CALL(getegid), CALL(geteuid), CALL(getgid), CALL(getgroups),
	CALL(getpgid), CALL(getpid), CALL(getppid), CALL(getrandom), CALL(getresgid),
	CALL(getresuid), CALL(getrlimit), CALL(getsid), CALL(getsockopt), CALL(gettid),
	CALL(getuid), CALL(ioctl), CALL(kill), CALL(landlock_add_rule),
	CALL(landlock_create_ruleset), CALL(landlock_restrict_self), CALL(linkat), CALL(listen),
	CALL(lseek), CALL(madvise), CALL(memfd_create), CALL(mkdirat), CALL(mlock), CALL(mlock2),
	CALL(mmap), CALL(mount), CALL(mount_setattr), CALL(move_mount), CALL(mprotect),
	CALL(mremap), CALL(munlock), CALL(munmap), CALL(newfstatat), CALL(openat), CALL(openat2),
	CALL(open_tree), CALL(pidfd_open), CALL(pidfd_send_signal), CALL(pipe2), CALL(pivot_root),
	CALL(ppoll), CALL(prctl), CALL(pread64), CALL(prlimit64), CALL(pselect6), CALL(ptrace),
	CALL(pwrite64), CALL(read), CALL(readlinkat), CALL(readv), CALL(recvfrom), CALL(recvmsg),
	CALL(renameat), CALL(renameat2), CALL(request_key), CALL(keyctl), CALL(rseq),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigsuspend),
	CALL(rt_sigtimedwait), CALL(sched_getaffinity), CALL(sched_yield), CALL(sendmsg),
	CALL(sendto), CALL(set_robust_list), CALL(set_tid_address), CALL(setgid), CALL(setgroups),
	CALL(setns), CALL(setpgid), CALL(setpriority), CALL(setresgid), CALL(setresuid),
	CALL(setrlimit), CALL(setsid), CALL(setsockopt), CALL(setuid), CALL(sigaltstack),
	CALL(signalfd4), CALL(socket), CALL(socketpair), CALL(splice), CALL(statfs), CALL(statx),
	CALL(symlinkat), CALL(sysinfo), CALL(tgkill), CALL(timer_create), CALL(timer_settime),
	CALL(timerfd_create), CALL(timerfd_settime), CALL(umask), CALL(umount2), CALL(uname),
	CALL(unlinkat), CALL(unshare), CALL(utimensat), CALL(wait4), CALL(waitid), CALL(write),
	CALL(writev),
#ifdef __x86_64__ /* the older half of the table; younger machines never had it */
	CALL(access), CALL(arch_prctl), CALL(chmod), CALL(chown), CALL(dup2), CALL(epoll_wait),
	CALL(fork), CALL(getpgrp), CALL(link), CALL(lstat), CALL(mkdir), CALL(open), CALL(pipe),
	CALL(poll), CALL(readlink), CALL(rename), CALL(rmdir), CALL(select), CALL(stat),
	CALL(symlink), CALL(unlink), CALL(vfork),
#endif
};

static const struct {
	const char *name;
	int value;
} errors[] = {
	ERROR(EPERM), ERROR(EINTR), ERROR(EIO), ERROR(EAGAIN), ERROR(ENOMEM), ERROR(EACCES),
	ERROR(EBUSY), ERROR(EMFILE), ERROR(EFBIG), ERROR(ENOSPC), ERROR(EROFS), ERROR(ENOSYS),
	ERROR(EDQUOT), ERROR(EINVAL), ERROR(ELOOP), ERROR(ENOENT), ERROR(EBADF),
};

static inline const char *
syscall_name(long nr)
{
	for (size_t i = 0; i < sizeof(syscalls) / sizeof(syscalls[0]); i++)
		if (syscalls[i].nr == nr)
			return syscalls[i].name;
	return "other";
}

static inline long
syscall_number(const char *name)
{
	for (size_t i = 0; i < sizeof(syscalls) / sizeof(syscalls[0]); i++)
		if (strcmp(syscalls[i].name, name) == 0)
			return syscalls[i].nr;
	return -1;
}

static inline int
error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].value;
	return -1;
}

#endif
