/* SPDX-License-Identifier: ISC */
/*
 * noexec.h - a command that can start no other program.
 *
 * For the part of a run that has the credentials and must run nothing that it fetches.  A seccomp filter refuses
 * execve(2) and execveat(2) with EPERM, except for the one execve() that starts the command itself: that whose
 * three pointers are ours.  When it has been made, the address space in which they pointed to something is gone.  They
 * are numbers then, which a program would have to meet by chance, all three; and to pass them on purpose, with
 * memory of its own behind them, foreign code would have to run already, which is what it needs an exec for.
 *
 * That holds for tools that never load what they fetch into their own process, or the filter is of no use.  pip is one
 * while it downloads: it starts build back ends as processes.  But it loads modules of its own late, and some that need
 * not be there, such as keyring; so nothing may be written where it looks for them: it must not install, and an archive
 * must not lead out of the directory that it is unpacked into, by links that come first and files below them.
 * link(2) and symlink(2) are refused too, therefore.
 *
 * fork(2) is left alone, since the child is the same program.  io_uring_setup(2) is refused with ENOSYS, since requests
 * there are not seen by filters, and every call of another architecture, x32 among them, with EPERM.
 */
#ifndef VK_INJECT_NOEXEC_H
#define VK_INJECT_NOEXEC_H

#include "valetkey/base.h"

/**
 * vk_noexec(path, argv, envp):
 * From here on, for this process and its descendants: nothing but execve(path, argv, envp), and no links.  Without
 * CAP_SYS_ADMIN it takes no_new_privs, with which setuid programs have no effect.
 */
enum vk_err vk_noexec(const char *path, char *const *argv, char *const *envp) VK_MUST;

#endif
