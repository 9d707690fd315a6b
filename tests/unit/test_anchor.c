/* SPDX-License-Identifier: ISC */
/* What is remembered of a keystore's state, and the older copies that this gives away. */
#include <errno.h>
#include <fcntl.h>

#include "session_util.h"

/* The whole file, kept and put back. */
struct copy {
	char bytes[1 << 16];
	ssize_t n;
};

static void
keep(struct copy *c)
{
	int fd = open(store_path, O_RDONLY | O_CLOEXEC);

	c->n = fd < 0 ? -1 : read(fd, c->bytes, sizeof(c->bytes));
	close(fd);
	if (c->n <= 0 || c->n == sizeof(c->bytes))
		abort();
}

/* As a new file, or as new contents of the one that is there. */
static void
put_back(const struct copy *c, bool in_place)
{
	int fd;

	if (!in_place)
		unlink(store_path);
	fd = open(store_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, c->bytes, (size_t)c->n) != c->n)
		abort();
	close(fd);
}

static bool
says_older(enum vk_err e)
{
	return e == VK_ETAMPER && strstr(vk_reason(), "an older copy of the keystore was put back") &&
	    strstr(vk_hint_text(), "valetkey lock");
}

static void
expectations(void **state)
{
	struct vk_store *st = unlocked(), *other = unlocked();
	struct vk_store_anchor first, second, twin;
	static struct copy old;

	(void)state;
	vk_store_anchor(st, &first);
	assert_int_equal(first.generation, vk_store_generation(st));
	keep(&old);
	assert_int_equal(commit_one(other), VK_OK);
	vk_store_anchor(other, &second);
	assert_true(second.generation > first.generation);
	assert_memory_not_equal(first.tag, second.tag, sizeof(first.tag));
	assert_int_equal(vk_store_expect(other, &first), VK_OK);
	assert_int_equal(vk_store_expect(other, &second), VK_OK);
	/* A commit between our reading and that of the anchor is no rollback. */
	assert_int_equal(vk_store_generation(st), first.generation);
	assert_int_equal(vk_store_expect(st, &second), VK_OK);
	assert_int_equal(vk_store_generation(st), second.generation);
	assert_string_equal(vk_reason(), "");
	/* Two histories meet in one generation. */
	twin = second;
	twin.tag[15] ^= 1;
	assert_int_equal(vk_store_expect(other, &twin), VK_ETAMPER);
	assert_non_null(strstr(vk_reason(), "another copy of the keystore"));
	twin = second;
	twin.generation++;
	assert_true(says_older(vk_store_expect(other, &twin)));
	/* It holds from here on, for whatever the handle goes over to. */
	for (int in_place = 0; in_place < 2; in_place++) {
		put_back(&old, in_place);
		assert_true(says_older(commit_one(st)));
		keep(&old); /* nothing was written */
	}
	vk_store_close(other);
	vk_store_close(st);
}

static uint64_t follower_saw;

static void
follower(const struct vk_store *st)
{
	follower_saw = vk_store_generation(st);
}

static enum vk_err
put_nothing(struct vk_store *st, void *arg)
{
	(void)st;
	(void)arg;
	return VK_OK;
}

static enum vk_err
put_failing(struct vk_store *st, void *arg)
{
	enum vk_err e = put_one(st, arg);

	return e == VK_OK ? vk_fail(VK_EUSAGE, "no") : e;
}

static void
followers(void **state)
{
	struct vk_store *st = unlocked();
	uint64_t before = vk_store_generation(st);
	int n = 1000;

	(void)state;
	vk_store_on_commit(st, follower);
	assert_int_equal(vk_store_commit(st, put_nothing, NULL), VK_OK);
	assert_int_equal(vk_store_commit(st, put_failing, &n), VK_EUSAGE);
	assert_int_equal(follower_saw, 0);
	assert_int_equal(commit_one(st), VK_OK);
	assert_true(follower_saw > before && follower_saw == vk_store_generation(st));
	vk_store_close(st);
}

static enum vk_err
unlock_again(void)
{
	struct vk_store *st = NULL;
	enum vk_unlock_how how;
	enum vk_err e = vk_store_open(store_path, &st);

	if (e == VK_OK)
		e = vk_unlock(st, &how);
	vk_store_close(st);
	return e;
}

/* With a session in whichever place. */
static void
rollback(void)
{
	struct vk_store *st = unlocked(), *writer = unlocked();
	struct vk_session_info info;
	static struct copy old, new;
	unsigned n;

	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(unlock_again() == VK_OK);
	keep(&old);
	/* Who writes with another key moves the anchor as well. */
	vk_session_follow(writer);
	CHECK(commit_one(writer) == VK_OK);
	CHECK(commit_one(writer) == VK_OK);
	CHECK(unlock_again() == VK_OK);
	keep(&new);
	for (int in_place = 0; in_place < 2; in_place++) {
		put_back(&old, in_place);
		CHECK(says_older(unlock_again()));
		vk_store_close(st);
		st = unlocked();
		CHECK(says_older(vk_session_put(st, VK_SESSION_LOGIN, 100, &info)));
		CHECK(says_older(unlock_again()));
		put_back(&new, in_place);
		CHECK(unlock_again() == VK_OK);
	}
	/* Another history: a writer with another key goes on with the older file, and comes as far. */
	put_back(&old, false);
	vk_store_close(writer);
	writer = unlocked();
	vk_session_follow(writer);
	CHECK(commit_one(writer) == VK_OK);
	CHECK(says_older(unlock_again()));
	CHECK(commit_one(writer) == VK_OK);
	CHECK(unlock_again() == VK_ETAMPER && strstr(vk_reason(), "another copy"));
	/* On purpose. */
	vk_store_close(st);
	put_back(&old, false);
	st = unlocked();
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	CHECK(unlock_again() == VK_OK);
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	vk_store_close(writer);
	vk_store_close(st);
}

static void
child_keyring(void)
{
	new_session();
	rollback();
}

static void
child_no_keyring(void)
{
	refuse(0, EPERM);
	rollback();
}

static void
child_no_add(void)
{
	refuse(SYS_add_key, EPERM);
	rollback();
}

static void
rollbacks(void **state)
{
	(void)state;
	in_child(child_keyring);
	in_child(child_no_keyring);
	in_child(child_no_add);
}

static void
junk_and_absence(void **state)
{
	static const size_t lengths[] = { 1, 63, 64, 65, 4096 };
	static char junk[4096];
	struct vk_store *st = unlocked();
	struct vk_session_info info;
	long anchor;

	(void)state;
	vk_session_follow(st);
	for (size_t i = 0; i <= VK_COUNT(lengths); i++) {
		assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
		assert_int_equal(commit_one(st), VK_OK);
		assert_int_equal(unlock_again(), VK_OK);
		anchor = find_key(st, "valetkey-anchor");
		if (i < VK_COUNT(lengths))
			assert_int_equal(syscall(SYS_keyctl, KEYCTL_UPDATE, anchor, junk, lengths[i]), 0);
		else
			assert_int_equal(syscall(SYS_keyctl, KEYCTL_REVOKE, anchor), 0);
		assert_int_equal(unlock_again(), VK_ELOCKED);
		assert_non_null(strstr(vk_reason(), "its anchor"));
		/* A writer with another key does not make good what somebody did to it. */
		assert_int_equal(commit_one(st), VK_OK);
		assert_int_equal(unlock_again(), VK_ELOCKED);
	}
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	assert_int_equal(unlock_again(), VK_OK);
	vk_store_close(st);
}

/* What is left in this session when another one locked, here made useless, does not hide the user's session. */
static void
child_user_scope(void)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;
	unsigned n;

	new_session();
	CHECK(vk_session_drop(st, &n) == VK_OK && n == 1);
	CHECK(vk_session_put(st, VK_SESSION_USER, 100, &info) == VK_OK);
}

static uint64_t written;

static void
child_remembers(void)
{
	struct vk_store *st = opened();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_store_anchor known;
	enum vk_unlock_how how;

	new_session();
	CHECK(vk_session_get(st, key, &known, &how) == VK_OK && known.generation == written);
}

static void
left_behind(void **state)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;
	long anchor;

	(void)state;
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING), 0);
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	anchor = find_key(st, "valetkey-anchor");
	in_child(child_user_scope);
	assert_int_equal(find_key(st, "valetkey-anchor"), anchor);
	assert_int_equal(unlock_again(), VK_OK);
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_UPDATE, anchor, "of an older key", 15), 0);
	assert_int_equal(unlock_again(), VK_OK);
	/* And the one in the user keyring follows. */
	vk_session_follow(st);
	assert_int_equal(commit_one(st), VK_OK);
	assert_int_equal(unlock_again(), VK_OK);
	written = vk_store_generation(st);
	in_child(child_remembers);
	vk_store_close(st);
}

enum { WRITERS = 4, COMMITS = 25, RENEWALS = 200 };

static void
child_writes(void)
{
	struct vk_store *st = unlocked();

	vk_session_follow(st);
	for (int i = 0; i < COMMITS; i++) {
		int n = (int)getpid() * COMMITS + i;

		CHECK(vk_store_commit(st, put_one, &n) == VK_OK);
	}
	vk_store_close(st);
}

static void
child_renews(void)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;

	for (int i = 0; i < RENEWALS; i++)
		CHECK(vk_session_put(st, VK_SESSION_LOGIN, 100, &info) == VK_OK);
	vk_store_close(st);
}

static void
start(void (*fn)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
}

/* Until ${n} children have ended, well. */
static void
read_beside(int n)
{
	int status;

	while (n > 0) {
		assert_int_equal(unlock_again(), VK_OK);
		if (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			n--;
		}
	}
}

/* Readers beside writers never hear a false alarm, and in the end the newest state is remembered. */
static void
storm(void **state)
{
	struct vk_store *st = unlocked();
	unsigned char key[VK_STORE_KEY_LEN];
	struct vk_store_anchor known, newest;
	struct vk_session_info info;
	enum vk_unlock_how how;

	(void)state;
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	for (int i = 0; i < WRITERS; i++)
		start(child_writes);
	read_beside(WRITERS);
	vk_store_close(st);
	st = unlocked();
	vk_store_anchor(st, &newest);
	assert_int_equal(vk_session_get(st, key, &known, &how), VK_OK);
	assert_int_equal(known.generation, newest.generation);
	assert_memory_equal(known.tag, newest.tag, sizeof(known.tag));
	vk_store_close(st);
}

/* Nor, nor "locked", while the session is put anew. */
static void
renewals(void **state)
{
	struct vk_store *st = unlocked();
	struct vk_session_info info;

	(void)state;
	assert_int_equal(vk_session_put(st, VK_SESSION_LOGIN, 100, &info), VK_OK);
	start(child_renews);
	start(child_writes);
	start(child_writes);
	read_beside(3);
	vk_store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(expectations, setup, teardown),
		cmocka_unit_test_setup_teardown(followers, setup, teardown),
		cmocka_unit_test_setup_teardown(rollbacks, setup, teardown),
		cmocka_unit_test_setup_teardown(junk_and_absence, setup, teardown),
		cmocka_unit_test_setup_teardown(left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(storm, setup, teardown),
		cmocka_unit_test_setup_teardown(renewals, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
