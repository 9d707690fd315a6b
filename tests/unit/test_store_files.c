/* SPDX-License-Identifier: ISC */
/*
 * The keystore as a file: what lies beside it, limits and full disks, permissions and links, and handles whose file
 * is changed or replaced behind their backs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store_util.h"

/* Only files that are named, owned and unlocked as only ours can be are removed. */
static void
test_sweep(void **state)
{
	static const char *const keep[] = { "keystore.new", "keystore.new-12345", "keystore.new-1234567",
		"keystore-new.abcdef", "other.new-abcdef", "keystore.bak" };
	char path[160];
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct vk_store *st;
	int fd;

	(void)state;
	create_raw(store_file);
	for (size_t i = 0; i < VK_COUNT(keep); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch, keep[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	snprintf(path, sizeof(path), "%s/keystore.new-dirdir", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/keystore.new-linkli", scratch);
	assert_int_equal(symlink(store_file, path), 0);
	snprintf(path, sizeof(path), "%s/keystore.new-stale1", scratch);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/keystore.new-inuse1", scratch);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
	st = open_raw(store_file);
	/* a small change makes no new file, and sweeps all the same */
	assert_ok(put(st, "https://a.example", "u", "", "s"));
	assert_int_equal(files_in(scratch), 1 + VK_COUNT(keep) + 3);
	close(fd);
	assert_ok(vk_store_compact(st, NULL));
	assert_int_equal(files_in(scratch), 1 + VK_COUNT(keep) + 2);
	vk_store_close(st);
}

/* Commits of growing size until one fails; then the store must be as before it, and alone. */
static void
fill_until_error(enum vk_err want, const char *file, const char *dir)
{
	struct vk_store *st = open_raw(file);
	char url[64], secret[4001];
	enum vk_err e = VK_OK;
	unsigned n = 0;

	memset(secret, 's', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	for (; e == VK_OK && n < 1000; n++) {
		snprintf(url, sizeof(url), "https://h%u.example", n);
		e = put(st, url, "u", "", secret);
	}
	assert_int_equal(e, want);
	assert_true(n > 1);
	assert_int_equal(files_in(dir), 1);
	for (unsigned i = 0; i + 1 < n; i++) {
		snprintf(url, sizeof(url), "https://h%u.example", i);
		expect(st, url, NULL, secret);
	}
	snprintf(url, sizeof(url), "https://h%u.example", n - 1);
	expect(st, url, NULL, NULL);
	assert_ok(vk_store_verify(st, NULL));
	vk_store_close(st);
}

static void
test_file_size_limit(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was;
	struct rlimit old, limit;

	(void)state;
	create_raw(store_file);
	/* as vk_harden() does */
	assert_int_equal(sigaction(SIGXFSZ, &ignore, &was), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ 200 * 1024, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fill_until_error(VK_ESYS, store_file, scratch);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(sigaction(SIGXFSZ, &was, NULL), 0);
}

static bool
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A small file system of our own, in a namespace; false where that is not allowed. */
static bool
mount_small(const char *at)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
			return false;
		snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		if (!write_text("/proc/self/gid_map", map))
			return false;
	} else if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0) {
		return false;
	}
	return mount("tmpfs", at, "tmpfs", 0, "size=256k") == 0;
}

static void
test_full_disk(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		if (!mount_small(scratch))
			_exit(77);
		create_raw(store_file);
		fill_until_error(VK_ESYS, store_file, scratch);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The permissions a keystore may have, and what becomes of them. */
static void
test_files(void **state)
{
	char link[128], path[128];
	struct vk_store *st = NULL;
	struct stat s;

	(void)state;
	create_raw(store_file);
	assert_int_equal(chmod(store_file, 0644), 0); /* as a checkout from git makes it */
	st = open_raw(store_file);
	assert_ok(put(st, "https://a.example", "u", "", "s"));
	assert_int_equal(stat(store_file, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0644);
	vk_store_close(st);
	assert_int_equal(chmod(store_file, 0620), 0);
	assert_int_equal(vk_store_open(store_file, &st), VK_EPOLICY);
	assert_int_equal(chmod(store_file, 0602), 0);
	assert_int_equal(vk_store_open(store_file, &st), VK_EPOLICY);
	assert_int_equal(chmod(store_file, 0600), 0);
	/* through a link: the file behind it is replaced, the link stays */
	snprintf(link, sizeof(link), "%s/link", scratch);
	assert_int_equal(symlink("keystore", link), 0);
	st = open_raw(link);
	assert_ok(put(st, "https://a.example", "u", "", "t"));
	vk_store_close(st);
	assert_int_equal(lstat(link, &s), 0);
	assert_true(S_ISLNK(s.st_mode));
	st = open_raw(store_file);
	expect(st, "https://a.example", NULL, "t");
	vk_store_close(st);
	st = NULL;
	assert_int_equal(vk_store_open(scratch, &st), VK_EPOLICY);
	snprintf(path, sizeof(path), "%s/fifo", scratch);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(vk_store_open(path, &st), VK_EPOLICY);
	assert_int_equal(vk_store_open("/dev/null", &st), VK_EPOLICY);
	snprintf(path, sizeof(path), "%s/keystore/x", scratch);
	assert_int_equal(vk_store_open(path, &st), VK_ENOENT);
	if (geteuid() == 0) {
		assert_int_equal(chown(store_file, 12345, (gid_t)-1), 0);
		assert_int_equal(vk_store_open(store_file, &st), VK_EPOLICY);
	}
	assert_null(st);
}

/* A handle that was opened before others wrote still writes on top of their state. */
static void
test_old_handles(void **state)
{
	struct vk_store *a, *b;
	char other[128];

	(void)state;
	create_raw(store_file);
	a = open_raw(store_file);
	b = open_raw(store_file);
	assert_ok(put(a, "https://a.example", "u", "", "s"));
	assert_ok(put(b, "https://b.example", "u", "", "s"));
	expect(b, "https://a.example", NULL, "s");
	expect(a, "https://b.example", NULL, NULL); /* a snapshot, until it writes or opens again */
	assert_ok(put(a, "https://c.example", "u", "", "s"));
	expect(a, "https://b.example", NULL, "s");
	assert_ok(vk_store_verify(b, NULL));
	/* another keystore in its place is not written to */
	snprintf(other, sizeof(other), "%s/other", scratch);
	create_raw(other);
	assert_int_equal(rename(other, store_file), 0);
	assert_int_equal(put(a, "https://d.example", "u", "", "s"), VK_EKEY);
	assert_int_equal(unlink(store_file), 0);
	assert_int_equal(put(a, "https://d.example", "u", "", "s"), VK_ESYS);
	assert_int_equal(access(store_file, F_OK), -1);
	vk_store_close(a);
	vk_store_close(b);
}

static void
overwrite(const char *to, const char *from)
{
	char buf[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_TRUNC);
	size_t n;

	assert_true(in >= 0 && out >= 0);
	assert_ok(vk_read_upto(in, buf, sizeof(buf), &n));
	assert_true(n < sizeof(buf));
	assert_ok(vk_write_full(out, buf, n));
	close(in);
	close(out);
}

/* cp instead of mv: the same file with other contents, under the hands of a reader. */
static void
test_overwritten(void **state)
{
	char newer[128], foreign[128];
	struct vk_cred *c = NULL;
	struct vk_store *st, *w;

	(void)state;
	create_raw(store_file);
	st = open_raw(store_file);
	assert_ok(put(st, "https://a.example", "u", "n", "old"));
	vk_store_close(st);
	snprintf(newer, sizeof(newer), "%s/newer", scratch);
	close(open(newer, O_CREAT | O_WRONLY, 0600));
	overwrite(newer, store_file);
	w = open_raw(newer);
	assert_ok(put(w, "https://a.example", "u", "n", "new"));
	assert_ok(vk_store_compact(w, NULL)); /* or all that the old state needs would still be there */
	vk_store_close(w);

	st = open_raw(store_file);
	overwrite(store_file, newer);
	expect(st, "https://a.example", NULL, "new");
	vk_store_close(st);
	st = open_raw(store_file);
	overwrite(store_file, newer);
	assert_ok(vk_store_find_name(st, "n", &c));
	assert_string_equal(c->secret.p, "new");
	vk_cred_free(c);
	c = NULL;
	/* another keystore: not locked out for ever, not damaged, but none that this key opens */
	snprintf(foreign, sizeof(foreign), "%s/foreign", scratch);
	create_raw(foreign);
	vk_store_close(st);
	st = open_raw(store_file);
	overwrite(store_file, foreign);
	assert_int_equal(find(st, "https://a.example", NULL, &c), VK_EKEY);
	vk_store_close(st);
	/* the end is missing */
	overwrite(store_file, newer);
	st = open_raw(store_file);
	assert_int_equal(truncate(store_file, 3 * 4096), 0);
	assert_int_equal(find(st, "https://a.example", NULL, &c), VK_ETAMPER);
	assert_int_equal(truncate(store_file, 0), 0);
	assert_int_equal(find(st, "https://a.example", NULL, &c), VK_ETAMPER);
	vk_store_close(st);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_sweep),
		T(test_file_size_limit),
		T(test_full_disk),
		T(test_files),
		T(test_old_handles),
		T(test_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
