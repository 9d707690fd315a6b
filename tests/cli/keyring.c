/* SPDX-License-Identifier: ISC */
/*
 * keyring.c - run a command in a kernel keyring setting of its own:
 *	keyring new COMMAND...      with a new, empty session keyring, as ssh, login and systemd start one
 *	keyring default COMMAND...  with the user's default one, as what cron starts without pam_keyinit
 *	keyring revoked COMMAND...  with a new one that was revoked, as when a login session ends
 *	keyring expired COMMAND...  with a new one whose time has run out
 *	keyring full COMMAND...     with a new one, and not a key left of the user's quota
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

static int
join(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0;
}

static int
join_default(void)
{
	char name[32];

	/* It is made when it is first asked for. */
	syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 1);
	snprintf(name, sizeof(name), "_uid_ses.%u", (unsigned)geteuid());
	return join(name);
}

static int
join_expired(void)
{
	if (join(NULL) || syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, KEY_SPEC_SESSION_KEYRING, 1) < 0)
		return 1;
	sleep(2);
	return 0;
}

static int
fill(void)
{
	char name[32];
	int i;

	if (join(NULL))
		return 1;
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "filler %d", i);
		if (syscall(SYS_add_key, "user", name, "x", (size_t)1, KEY_SPEC_SESSION_KEYRING) < 0)
			break;
	}
	return errno != EDQUOT;
}

int
main(int argc, char **argv)
{
	int bad = 1;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "new") == 0)
		bad = join(NULL);
	else if (strcmp(argv[1], "default") == 0)
		bad = join_default();
	else if (strcmp(argv[1], "revoked") == 0)
		bad = join(NULL) || syscall(SYS_keyctl, KEYCTL_REVOKE, KEY_SPEC_SESSION_KEYRING) < 0;
	else if (strcmp(argv[1], "expired") == 0)
		bad = join_expired();
	else if (strcmp(argv[1], "full") == 0)
		bad = fill();
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
