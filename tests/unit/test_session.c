/* SPDX-License-Identifier: ISC */
/* Sessions in real kernel keyrings and, where those are refused, in real files in memory. */
#include <errno.h>
#include <fcntl.h>

#include "session_util.h"

static enum vk_err
get(const struct vk_store *st, unsigned char key[VK_STORE_KEY_LEN], enum vk_unlock_how *how)
{
	struct vk_store_anchor anchor;

	return vk_session_get(st, key, &anchor, how);
}

/* Whatever its record says: the kernel has to end it, also when nobody looks. */
static bool
key_lives(const struct vk_store *st)
{
	return find_key(st, "valetkey") > 0;
}

/* What /proc/keys says: "perm" is a key without an end. */
static unsigned
key_perm(long key, char ret_timeout[16])
{
	FILE *f = fopen("/proc/keys", "r");
	char line[512];
	unsigned serial, perm = 0, p;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%x %*s %*s %15s %x", &serial, ret_timeout, &p) == 3 && (long)serial == key) {
			perm = p;
			break;
		}
	fclose(f);
	return perm;
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
	assert_int_equal(get(st, key, &how), VK_ENOENT);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(info.how, VK_UNLOCK_KEYRING);
	assert_false(info.keyring_refused);
	assert_string_equal(info.place, "session keyring");
	assert_int_equal(get(st, key, &how), VK_OK);
	assert_memory_equal(key, want, sizeof(key));
	/* A second one replaces the first, with its own, shorter time: the kernel counts the seconds of the clock. */
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 2, &info), VK_OK);
	assert_int_equal(vk_session_describe(st, &info), VK_OK);
	assert_true(info.expires > 0);
	assert_true(key_lives(st));
	sleep(3);
	assert_false(key_lives(st));
	assert_int_equal(get(st, key, &how), VK_ENOENT);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 1000, &info), VK_OK);
	assert_int_equal(vk_session_drop(st, &n), VK_OK);
	assert_int_equal(n, 1);
	assert_int_equal(get(st, key, &how), VK_ENOENT);
	vk_store_close(st);
}

/* No write to the keystore takes the timeout away, or gives the key to anybody else. */
static void
timeout_survives_commits(void **state)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;
	char timeout[16];
	long key, anchor;

	(void)state;
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 2, &info), VK_OK);
	vk_session_follow(st);
	key = find_key(st, "valetkey");
	anchor = find_key(st, "valetkey-anchor");
	for (int i = 0; i < 3; i++)
		assert_int_equal(commit_one(st), VK_OK);
	assert_int_equal(find_key(st, "valetkey"), key);
	assert_int_equal(key_perm(key, timeout), 0x3b050000);
	assert_string_not_equal(timeout, "perm");
	assert_int_equal(find_key(st, "valetkey-anchor"), anchor);
	assert_int_equal(key_perm(anchor, timeout), 0x3f010000);
	assert_string_not_equal(timeout, "perm");
	sleep(3);
	assert_false(key_lives(st));
	assert_int_equal(vk_session_put(st, VK_SESSION_USER, 1000, &info), VK_OK);
	key = syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING);
	assert_int_equal(key, 0);
	assert_int_equal(key_perm(find_key(st, "valetkey"), timeout), 0x3b0f0000);
	assert_int_equal(key_perm(find_key(st, "valetkey-anchor"), timeout), 0x3f2f0000);
	vk_store_close(st);
}

static long their_key, their_anchor;

static bool
denied(int op, unsigned long a, unsigned long b, unsigned long c)
{
	return syscall(SYS_keyctl, op, a, b, c, 0) < 0 && errno == EACCES;
}

/* Whatever gives the secret, or gives it away. */
static bool
nothing_to_have(unsigned long key)
{
	char buf[256];

	return denied(KEYCTL_READ, key, (unsigned long)buf, sizeof(buf)) &&
	    denied(KEYCTL_LINK, key, (unsigned long)KEY_SPEC_SESSION_KEYRING, 0) &&
	    denied(KEYCTL_LINK, key, (unsigned long)KEY_SPEC_PROCESS_KEYRING, 0) &&
	    denied(KEYCTL_SETPERM, key, 0x3f3f0000, 0) &&
	    denied(KEYCTL_CHOWN, key, (unsigned long)geteuid(), (unsigned long)-1) &&
	    denied(KEYCTL_SET_TIMEOUT, key, 100000, 0) && denied(KEYCTL_INVALIDATE, key, 0, 0);
}

static void
child_same_user(void)
{
	char buf[256];

	new_session();
	CHECK(nothing_to_have((unsigned long)their_key));
	CHECK(nothing_to_have((unsigned long)their_anchor));
	CHECK(syscall(SYS_keyctl, KEYCTL_DESCRIBE, their_key, buf, sizeof(buf)) > 0);
	CHECK(denied(KEYCTL_UPDATE, (unsigned long)their_anchor, (unsigned long)"x", 1));
	CHECK(denied(KEYCTL_REVOKE, (unsigned long)their_anchor, 0, 0));
}

static void
child_other_user(void)
{
	char buf[256];

	new_session();
	CHECK(setresgid(12345, 12345, 12345) == 0 && setresuid(12345, 12345, 12345) == 0);
	CHECK(nothing_to_have((unsigned long)their_key));
	CHECK(denied(KEYCTL_DESCRIBE, (unsigned long)their_key, (unsigned long)buf, sizeof(buf)));
	CHECK(denied(KEYCTL_UPDATE, (unsigned long)their_key, (unsigned long)"x", 1));
	CHECK(denied(KEYCTL_REVOKE, (unsigned long)their_key, 0, 0));
}

static size_t junk_len;

static void
child_overwrites(void)
{
	static char junk[4096];

	new_session();
	CHECK(syscall(SYS_keyctl, KEYCTL_UPDATE, their_key, junk, junk_len) == 0);
}

/* What the others of this user can do is to end the session, not to have or to be it. */
static void
others_of_this_user(void **state)
{
	static const size_t lengths[] = { 1, 16, 103, 104, 105, 168, 4096 };
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_session_info info;
	enum vk_unlock_how how;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < VK_COUNT(lengths); i++) {
		assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
		their_key = find_key(st, "valetkey");
		their_anchor = find_key(st, "valetkey-anchor");
		in_child(child_same_user);
		if (geteuid() == 0)
			in_child(child_other_user);
		assert_int_equal(get(st, key, &how), VK_OK);
		junk_len = lengths[i];
		in_child(child_overwrites);
		assert_int_equal(get(st, key, &how), VK_ELOCKED);
		assert_non_null(strstr(vk_reason(), "the session is damaged"));
		assert_int_equal(vk_session_describe(st, &info), VK_OK);
		assert_true(info.how == VK_UNLOCK_NONE && info.damaged && !info.elsewhere);
	}
	assert_int_equal(vk_session_drop(st, &n), VK_OK);
	assert_int_equal(n, 1);
	assert_int_equal(vk_session_describe(st, &info), VK_OK);
	assert_false(info.damaged);
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
	CHECK(get(st, key, &how) == VK_ENOENT);
	CHECK(vk_session_describe(st, &info) == VK_OK);
	CHECK(info.how == VK_UNLOCK_NONE && info.elsewhere && !info.unseen);
}

static void
child_ends_it(void)
{
	struct vk_store *st = opened();
	struct vk_session_info info;
	unsigned n;

	new_session();
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	CHECK(vk_session_describe(st, &info) == VK_OK && !info.elsewhere);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 0);
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
	in_child(child_ends_it);
	assert_int_equal(get(st, key, &how), VK_ENOENT);
	assert_false(key_lives(st));
	assert_int_equal(vk_session_put(st, VK_SESSION_USER, 100, &info), VK_OK);
	assert_true(info.user_scope);
	in_child(child_user_scope);
	/* locked there, so locked here */
	assert_int_equal(get(st, key, &how), VK_ENOENT);
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

	CHECK(get(st, key, &how) == VK_OK);
	CHECK(find_key(st, "valetkey-anchor") > 0);
	CHECK(vk_session_isolate() == VK_OK);
	CHECK(get(st, key, &how) == VK_ENOENT);
	CHECK(find_key(st, "valetkey") < 0 && find_key(st, "valetkey-anchor") < 0);
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
	assert_int_equal(get(st, key, &how), VK_OK);
	vk_store_close(st);
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
	CHECK(get(st, key, &how) == VK_OK && how == VK_UNLOCK_SESSION_FILE);
	CHECK(memcmp(key, want, sizeof(key)) == 0);
	CHECK(vk_session_describe(st, &later) == VK_OK && strcmp(later.place, info.place) == 0);
	for (off_t at = 0; at < sb.st_size; at++) {
		flip(info.place, at);
		CHECK(get(st, key, &how) == VK_ELOCKED);
		flip(info.place, at);
	}
	CHECK(chmod(info.place, 0640) == 0);
	CHECK(get(st, key, &how) == VK_ELOCKED);
	CHECK(chmod(info.place, 0600) == 0);
	snprintf(other, sizeof(other), "%s.link", info.place);
	CHECK(link(info.place, other) == 0);
	CHECK(get(st, key, &how) == VK_ELOCKED); /* a second name somebody keeps */
	CHECK(unlink(other) == 0);
	CHECK(rename(info.place, other) == 0 && symlink(other, info.place) == 0);
	CHECK(get(st, key, &how) == VK_ELOCKED);
	CHECK(rename(other, info.place) == 0);
	CHECK(get(st, key, &how) == VK_OK);
	for (off_t len = sb.st_size - 1; len >= 0; len--) {
		CHECK(truncate(info.place, len) == 0);
		CHECK(get(st, key, &how) == VK_ELOCKED);
	}
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 1, &info) == VK_OK);
	sleep(2);
	CHECK(get(st, key, &how) == VK_ENOENT);
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
		cmocka_unit_test_setup_teardown(timeout_survives_commits, setup, teardown),
		cmocka_unit_test_setup_teardown(others_of_this_user, setup, teardown),
		cmocka_unit_test_setup_teardown(session_scopes, setup, teardown),
		cmocka_unit_test_setup_teardown(isolation, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_keyring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
