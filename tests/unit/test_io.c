/* SPDX-License-Identifier: ISC */
/* Replacing files, reading and writing whole, and where files lie. */
#include <dirent.h>
#include <fcntl.h>

#include "store_util.h"

static char path[128];

static void
put_text(const char *at, const char *text, mode_t mode)
{
	int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_ok(vk_write_full(fd, text, strlen(text)));
	close(fd);
}

static void
assert_text(const char *at, const char *want)
{
	char got[64] = "";
	size_t n;
	int fd = open(at, O_RDONLY);

	assert_true(fd >= 0);
	assert_ok(vk_read_upto(fd, got, sizeof(got) - 1, &n));
	close(fd);
	assert_string_equal(got, want);
}

static unsigned
files(void)
{
	DIR *d = opendir(scratch);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
test_replace(void **state)
{
	struct vk_replace r;
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", scratch);
	put_text(path, "old", 0644);
	assert_ok(vk_replace_begin(path, 0600, &r));
	assert_ok(vk_write_full(r.fd, "new", 3));
	assert_text(path, "old");
	vk_replace_abort(&r);
	vk_replace_abort(&r);
	vk_replace_abort(NULL);
	assert_text(path, "old");
	assert_int_equal(files(), 1);
	assert_ok(vk_replace_begin(path, 0640, &r));
	assert_ok(vk_write_full(r.fd, "new", 3));
	assert_ok(vk_replace_commit(&r));
	vk_replace_abort(&r);
	assert_text(path, "new");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0640);
	assert_int_equal(files(), 1);
	/* a directory in the way: the error leaves nothing behind */
	snprintf(path, sizeof(path), "%s/dir", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_ok(vk_replace_begin(path, 0600, &r));
	assert_int_equal(vk_replace_commit(&r), VK_ESYS);
	assert_int_equal(files(), 2);
	snprintf(path, sizeof(path), "%s/none/file", scratch);
	assert_int_equal(vk_replace_begin(path, 0600, &r), VK_ESYS);
}

static void
test_replace_links(void **state)
{
	struct vk_replace r;
	char link[128];
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", scratch);
	snprintf(link, sizeof(link), "%s/link", scratch);
	put_text(path, "old", 0600);
	assert_int_equal(symlink("file", link), 0);
	assert_ok(vk_replace_begin(link, 0600, &r));
	assert_ok(vk_write_full(r.fd, "new", 3));
	assert_ok(vk_replace_commit(&r));
	assert_int_equal(lstat(link, &s), 0);
	assert_true(S_ISLNK(s.st_mode));
	assert_text(path, "new");
	assert_int_equal(files(), 2);
}

/* Killed in the middle there would be nothing; each of many replaces what another put there. */
static void
test_replace_unnamed(void **state)
{
	struct vk_replace r, second;
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", scratch);
	assert_ok(vk_replace_begin_unnamed(path, 0640, &r));
	assert_ok(vk_replace_begin_unnamed(path, 0600, &second));
	assert_int_equal(files(), 0);
	assert_ok(vk_write_full(r.fd, "first", 5));
	assert_ok(vk_write_full(second.fd, "second", 6));
	assert_ok(vk_replace_commit(&r));
	assert_text(path, "first");
	assert_ok(vk_replace_commit(&second));
	assert_text(path, "second");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0600);
	assert_ok(vk_replace_begin_unnamed(path, 0640, &r));
	vk_replace_abort(&r);
	assert_text(path, "second");
	assert_int_equal(files(), 1);
}

static void
test_replace_new(void **state)
{
	struct vk_replace r, second;
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", scratch);
	assert_ok(vk_replace_begin_new(path, 0640, &r));
	assert_ok(vk_replace_begin_new(path, 0600, &second));
	assert_ok(vk_write_full(r.fd, "first", 5));
	assert_ok(vk_replace_commit_new(&r));
	assert_int_equal(vk_replace_commit_new(&second), VK_EEXIST);
	assert_text(path, "first");
	assert_int_equal(files(), 1);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0640);
	assert_int_equal(vk_replace_begin_new(path, 0600, &second), VK_EEXIST);
	/* one that has a name from the start */
	snprintf(path, sizeof(path), "%s/other", scratch);
	assert_ok(vk_replace_begin(path, 0600, &r));
	assert_ok(vk_replace_begin(path, 0600, &second));
	assert_ok(vk_replace_commit_new(&r));
	assert_int_equal(vk_replace_commit_new(&second), VK_EEXIST);
	assert_int_equal(files(), 2);
	snprintf(path, sizeof(path), "%s/none/file", scratch);
	assert_int_equal(vk_replace_begin_new(path, 0600, &r), VK_ESYS);
	/* a link that leads nowhere is something */
	snprintf(path, sizeof(path), "%s/link", scratch);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(vk_replace_begin_new(path, 0600, &r), VK_EEXIST);
}

static void
test_litter(void **state)
{
	char dir[128], inner[160], kept[128];
	int fd;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/d-XXXXXX", scratch);
	snprintf(kept, sizeof(kept), "%s/k-XXXXXX", scratch);
	assert_true((fd = vk_litter_file(kept)) >= 0);
	close(fd);
	assert_true(vk_litter_dir(dir));
	snprintf(inner, sizeof(inner), "%s/f", dir);
	put_text(inner, "x", 0600);
	vk_litter_add(inner);
	assert_int_equal(files(), 2);
	vk_litter_forget(kept);
	vk_litter_remove();
	assert_int_equal(files(), 1);
	assert_text(kept, "");
	vk_litter_forget(inner);
	vk_litter_forget(dir);
}

static void
test_reads(void **state)
{
	char b[8];
	size_t n = 99;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", scratch);
	put_text(path, "123456", 0600);
	fd = open(path, O_RDONLY);
	assert_ok(vk_read_upto(fd, b, 4, &n));
	assert_int_equal(n, 4);
	assert_ok(vk_read_upto(fd, b, 4, &n));
	assert_int_equal(n, 2);
	assert_ok(vk_pread_full(fd, b, 3, 3));
	assert_memory_equal(b, "456", 3);
	assert_int_equal(vk_pread_full(fd, b, 4, 3), VK_ETAMPER);
	assert_int_equal(vk_pread_full(fd, b, 1, 100), VK_ETAMPER);
	close(fd);
	assert_int_equal(vk_read_upto(-1, b, 1, &n), VK_ESYS);
	assert_int_equal(vk_pread_full(-1, b, 1, 0), VK_ESYS);
	fd = open("/dev/full", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(vk_write_full(fd, "x", 1), VK_ESYS);
	close(fd);
}

static void
test_parents(void **state)
{
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/a/b/c/file", scratch);
	assert_ok(vk_mkdir_parents(path, 0700));
	assert_ok(vk_mkdir_parents(path, 0700));
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &s), 0);
	assert_true(S_ISDIR(s.st_mode));
	assert_ok(vk_mkdir_parents("", 0700));
	assert_ok(vk_mkdir_parents("file", 0700));
	assert_ok(vk_mkdir_parents("/file", 0700));
	snprintf(path, sizeof(path), "%s/plain", scratch);
	put_text(path, "x", 0600);
	snprintf(path, sizeof(path), "%s/plain/x/file", scratch);
	assert_int_equal(vk_mkdir_parents(path, 0700), VK_ESYS);
}

static void
test_user_path(void **state)
{
	char *p = NULL;

	(void)state;
	unsetenv("VK_T_FILE");
	unsetenv("VK_T_DIR");
	setenv("HOME", "/home/u", 1);
	assert_ok(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p));
	assert_string_equal(p, "/home/u/.local/share/v/k");
	free(p);
	setenv("VK_T_DIR", "relative", 1); /* to be ignored, says the specification */
	assert_ok(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p));
	assert_string_equal(p, "/home/u/.local/share/v/k");
	free(p);
	setenv("VK_T_DIR", "/data", 1);
	assert_ok(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p));
	assert_string_equal(p, "/data/v/k");
	free(p);
	setenv("VK_T_FILE", "", 1);
	assert_ok(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p));
	assert_string_equal(p, "/data/v/k");
	free(p);
	setenv("VK_T_FILE", "/f", 1);
	assert_ok(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p));
	assert_string_equal(p, "/f");
	free(p);
	p = NULL;
	setenv("VK_T_FILE", "f", 1);
	assert_int_equal(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p), VK_EUSAGE);
	unsetenv("VK_T_FILE");
	unsetenv("VK_T_DIR");
	setenv("HOME", "home", 1);
	assert_int_equal(vk_user_path("VK_T_FILE", "VK_T_DIR", ".local/share", "v/k", &p), VK_EUSAGE);
	unsetenv("HOME");
	assert_int_equal(vk_user_path("VK_T_FILE", NULL, ".local/share", "v/k", &p), VK_EUSAGE);
	assert_null(p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(test_replace),
		T(test_replace_links),
		T(test_replace_unnamed),
		T(test_replace_new),
		T(test_litter),
		T(test_reads),
		T(test_parents),
		T(test_user_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
