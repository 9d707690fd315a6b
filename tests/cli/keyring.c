/* SPDX-License-Identifier: ISC */
/*
 * keyring.c - run a command in a kernel keyring setting of its own:
 *	keyring new COMMAND...      with a new, empty session keyring
 *	keyring eperm COMMAND...    where all key calls are refused, as Docker does
 *	keyring enosys COMMAND...   where the kernel has none
 *	keyring noadd COMMAND...    where keys can be read and not added, as podman does
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
refuse(int other, unsigned err)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)other, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0;
}

int
main(int argc, char **argv)
{
	int bad = 1;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "new") == 0)
		bad = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0;
	else if (strcmp(argv[1], "eperm") == 0)
		bad = refuse(SYS_keyctl, EPERM);
	else if (strcmp(argv[1], "enosys") == 0)
		bad = refuse(SYS_keyctl, ENOSYS);
	else if (strcmp(argv[1], "noadd") == 0)
		bad = refuse(SYS_add_key, EPERM);
	if (bad) {
		perror(argv[1]);
		return 125;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
