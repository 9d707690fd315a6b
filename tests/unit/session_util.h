/* SPDX-License-Identifier: ISC */
/* session_util.h - for the tests of sessions: processes of their own, with and without key calls. */
#ifndef VK_TESTS_SESSION_UTIL_H
#define VK_TESTS_SESSION_UTIL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "unlock_util.h"

static struct vk_store *
unlocked(void)
{
	struct vk_store *st = opened();
	unsigned char key[VK_STORE_KEY_LEN];

	assert_int_equal(vk_raw_key_parse(KEY_HEX, strlen(KEY_HEX), key), VK_OK);
	assert_int_equal(vk_store_unlock_raw(st, key), VK_OK);
	return st;
}

/* Run ${fn} in a process of its own; its assertions must not unwind into ours. */
static void
in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		/* Not _exit(): valgrind would call our caller's store a leak of this process. */
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child: the line that failed is its exit status. */
#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #c, vk_reason());  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* As containers do: ${number} calls (0: all three key calls) fail with ${err}. */
static void
refuse(int number, int err)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(number ? number : SYS_keyctl), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
	};
	struct sock_fprog prog = { VK_COUNT(f), f };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

/* Another entry with every call. */
static enum vk_err
put_one(struct vk_store *st, void *arg)
{
	struct vk_cred *c = vk_cred_new();
	char url[64];
	enum vk_err e;

	snprintf(url, sizeof(url), "https://h%d.example", *(int *)arg);
	if (!c)
		abort();
	vk_scope_clear(&c->scope);
	if (vk_scope_parse(url, &c->scope, NULL) != VK_OK ||
	    vk_cred_set(&c->username, "alice") != VK_OK || vk_secret_set(&c->secret, "s", 1) != VK_OK)
		abort();
	e = vk_store_stage_put(st, c);
	vk_cred_free(c);
	return e;
}

static enum vk_err
commit_one(struct vk_store *st)
{
	static int n;

	n++;
	return vk_store_commit(st, put_one, &n);
}

/* The key of this kind that this process finds in its session keyring; negative when there is none. */
static long
find_key(const struct vk_store *st, const char *kind)
{
	char desc[64];
	size_t n = (size_t)snprintf(desc, sizeof(desc), "%s:", kind);

	for (size_t i = 0; i < VK_STORE_ID_LEN; i++)
		n += (size_t)snprintf(desc + n, sizeof(desc) - n, "%02x", vk_store_id(st)[i]);
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", desc, 0);
}

#endif
