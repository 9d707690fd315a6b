/* SPDX-License-Identifier: ISC */
/* Sessions in real kernel keyrings and, where those are refused, in real files in memory. */
#include <errno.h>
#include <fcntl.h>
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

/* Is there a live key, whatever its record says?  The kernel has to end it, also when nobody looks. */
static bool
key_lives(const struct vk_store *st)
{
	char desc[64] = "valetkey:";

	for (size_t i = 0; i < VK_STORE_ID_LEN; i++)
		snprintf(desc + 9 + 2 * i, 3, "%02x", vk_store_id(st)[i]);
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", desc, 0) > 0;
}

static void
keyring_session(void **state)
{
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN], want[VK_STORE_KEY_LEN];
	struct vk_session_info info;
	enum vk_unlock_how how;
	unsigned n;

	(void)state;
	assert_int_equal(vk_store_session_key(st, want), VK_OK);
	assert_int_equal(vk_session_get(st, key, &how), VK_ENOENT);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(info.how, VK_UNLOCK_KEYRING);
	assert_false(info.keyring_refused);
	assert_string_equal(info.place, "session keyring");
	assert_int_equal(vk_session_get(st, key, &how), VK_OK);
	assert_memory_equal(key, want, sizeof(key));
	/* A second one replaces the first, with its own, shorter time. */
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1, &info), VK_OK);
	assert_int_equal(vk_session_describe(st, &info), VK_OK);
	assert_true(info.expires > 0);
	assert_true(key_lives(st));
	sleep(2);
	assert_false(key_lives(st));
	assert_int_equal(vk_session_get(st, key, &how), VK_ENOENT);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(vk_session_drop(st, &n), VK_OK);
	assert_int_equal(n, 1);
	assert_int_equal(vk_session_get(st, key, &how), VK_ENOENT);
	vk_store_close(st);
}

static void
child_elsewhere(void)
{
	struct vk_store *st = opened();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_session_info info;
	enum vk_unlock_how how;

	new_session();
	CHECK(vk_session_get(st, key, &how) == VK_ENOENT);
	CHECK(vk_session_describe(st, &info) == VK_OK);
	CHECK(info.how == VK_UNLOCK_NONE && info.elsewhere);
}

static void
child_user_scope(void)
{
	struct vk_store *st = opened();
	struct vk_session_info info;
	enum vk_unlock_how how;
	unsigned n;

	new_session();
	CHECK(vk_unlock(st, &how) == VK_OK && how == VK_UNLOCK_KEYRING);
	CHECK(vk_session_describe(st, &info) == VK_OK && info.user_scope && !info.elsewhere);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
}

static void
session_scopes(void **state)
{
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_session_info info;
	enum vk_unlock_how how;

	(void)state;
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	assert_int_equal(vk_session_describe(st, &info), VK_OK);
	assert_false(info.elsewhere);
	assert_false(info.user_scope);
	in_child(child_elsewhere);
	assert_int_equal(vk_session_put(st, VK_SESSION_USER, 100, &info), VK_OK);
	assert_true(info.user_scope);
	in_child(child_user_scope);
	/* locked there, so locked here */
	assert_int_equal(vk_session_get(st, key, &how), VK_ENOENT);
	vk_store_close(st);
}

static long
find_other(void)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "vk-test-other", 0);
}

static void
child_isolated(void)
{
	struct vk_store *st = opened();
	unsigned char key[VK_STORE_KEY_LEN], text[16];
	enum vk_unlock_how how;
	long other;

	CHECK(vk_session_get(st, key, &how) == VK_OK);
	CHECK(vk_session_isolate() == VK_OK);
	CHECK(vk_session_get(st, key, &how) == VK_ENOENT);
	other = find_other();
	CHECK(other > 0 && syscall(SYS_keyctl, KEYCTL_READ, other, text, sizeof(text)) == 5);
	/* nor does the old keyring come back by its number */
	CHECK(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "vk-test-other", 0) < 0);
}

static void
isolation(void **state)
{
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_session_info info;
	enum vk_unlock_how how;

	(void)state;
	assert_true(syscall(SYS_add_key, "user", "vk-test-other", "other", (size_t)5,
			KEY_SPEC_SESSION_KEYRING) > 0);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	in_child(child_isolated);
	assert_int_equal(vk_session_get(st, key, &how), VK_OK);
	vk_store_close(st);
}

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

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char c;

	CHECK(pread(fd, &c, 1, at) == 1);
	c ^= 1;
	CHECK(pwrite(fd, &c, 1, at) == 1);
	close(fd);
}

static void
file_session(void)
{
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN], want[VK_STORE_KEY_LEN];
	struct vk_session_info info, later;
	enum vk_unlock_how how;
	struct stat sb;
	char other[300];
	unsigned n;

	CHECK(vk_store_session_key(st, want) == VK_OK);
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(info.how == VK_UNLOCK_SESSION_FILE && info.keyring_refused);
	CHECK(strncmp(info.place, dir, strlen(dir)) == 0);
	CHECK(stat(info.place, &sb) == 0 && (sb.st_mode & 07777) == 0600);
	CHECK(vk_session_get(st, key, &how) == VK_OK && how == VK_UNLOCK_SESSION_FILE);
	CHECK(memcmp(key, want, sizeof(key)) == 0);
	CHECK(vk_session_describe(st, &later) == VK_OK && strcmp(later.place, info.place) == 0);
	for (off_t at = 0; at < sb.st_size; at++) {
		flip(info.place, at);
		CHECK(vk_session_get(st, key, &how) == VK_ELOCKED);
		flip(info.place, at);
	}
	CHECK(chmod(info.place, 0640) == 0);
	CHECK(vk_session_get(st, key, &how) == VK_ELOCKED);
	CHECK(chmod(info.place, 0600) == 0);
	snprintf(other, sizeof(other), "%s.link", info.place);
	CHECK(link(info.place, other) == 0);
	CHECK(vk_session_get(st, key, &how) == VK_ELOCKED); /* a second name somebody keeps */
	CHECK(unlink(other) == 0);
	CHECK(rename(info.place, other) == 0 && symlink(other, info.place) == 0);
	CHECK(vk_session_get(st, key, &how) == VK_ELOCKED);
	CHECK(rename(other, info.place) == 0);
	CHECK(vk_session_get(st, key, &how) == VK_OK);
	for (off_t len = sb.st_size - 1; len >= 0; len--) {
		CHECK(truncate(info.place, len) == 0);
		CHECK(vk_session_get(st, key, &how) == VK_ELOCKED);
	}
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 1, &info) == VK_OK);
	sleep(2);
	CHECK(vk_session_get(st, key, &how) == VK_ENOENT);
	CHECK(access(info.place, F_OK) < 0);
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	CHECK(access(info.place, F_OK) < 0);
	CHECK(vk_session_isolate() == VK_OK);
}

static void
child_eperm(void)
{
	refuse(0, EPERM);
	file_session();
}

static void
child_enosys(void)
{
	refuse(0, ENOSYS);
	file_session();
}

static void
child_no_add(void)
{
	refuse(SYS_add_key, EPERM);
	file_session();
}

/* A run-time directory on a disk, or that others can write, is passed over. */
static void
child_bad_places(void)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;
	unsigned n;

	refuse(0, EPERM);
	setenv("XDG_RUNTIME_DIR", "/var/tmp", 1);
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(strncmp(info.place, "/var/tmp/", 9) != 0);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	CHECK(chmod(dir, 0777) == 0);
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(strncmp(info.place, dir, strlen(dir)) != 0);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	CHECK(chmod(dir, 0700) == 0);
}

static void
refused_keyring(void **state)
{
	(void)state;
	in_child(child_eperm);
	in_child(child_enosys);
	in_child(child_no_add);
	in_child(child_bad_places);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keyring_session, setup, teardown),
		cmocka_unit_test_setup_teardown(session_scopes, setup, teardown),
		cmocka_unit_test_setup_teardown(isolation, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_keyring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
