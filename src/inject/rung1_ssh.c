/* SPDX-License-Identifier: ISC */
/*
 * ssh under an identity map.
 *
 * Root's files look like nobody's there, and ssh refuses an included settings file that belongs
 * neither to root nor to the user; git over ssh then fails.  So every file that ssh's system
 * settings include gets a copy that belongs to the user bound over it.  There is no secret in them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "rung1.h"

static const char settings_dir[] = "/etc/ssh";
static const char settings[] = "/etc/ssh/ssh_config";

enum { MAX_DEPTH = 8, MAX_COPIES = 64, MAX_SETTINGS = 256 * 1024 };

struct copies {
	int dir;
	const char *place;
	unsigned n;
};

static enum vk_err follow(struct copies *c, const char *file, int depth);

static enum vk_err
read_all(const char *file, struct vk_buf *b, struct stat *ret_st)
{
	VK_CLEANUP(vk_closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode))
		return VK_ENOENT; /* ssh cannot read it either */
	return vk_buf_read(b, fd);
}

static enum vk_err
bind_copy(struct copies *c, const char *file, const struct vk_buf *text)
{
	VK_CLEANUP(vk_freep) char *copy = NULL;
	VK_CLEANUP(vk_closep) int fd = -1;
	char name[32];

	if (c->n == MAX_COPIES)
		return vk_fail(VK_ELIMIT, "ssh's system settings include more than %d files",
		    MAX_COPIES);
	snprintf(name, sizeof(name), "ssh-%u", c->n++);
	fd = openat(c->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0)
		return vk_fail_errno("cannot copy %s", file);
	if (text->len > 0 && vk_write_full(fd, text->p, text->len) != VK_OK)
		return VK_ESYS;
	if (!(copy = vk_asprintf("%s/%s", c->place, name)))
		return VK_ENOMEM;
	if (mount(copy, file, NULL, MS_BIND, NULL) < 0)
		return vk_fail_errno("cannot bind a copy over %s", file);
	return VK_OK;
}

static enum vk_err expand(struct copies *c, const char *done, const char *rest, int depth);

/* Each name in the directory ${done} that ${part} is a pattern for. */
static enum vk_err
expand_part(struct copies *c, const char *done, const char *part, const char *rest, int depth)
{
	DIR *d = opendir(*done ? done : "/");
	enum vk_err e = VK_OK;

	for (struct dirent *entry; d && e == VK_OK && (entry = readdir(d));) {
		VK_CLEANUP(vk_freep) char *path = NULL;

		if (fnmatch(part, entry->d_name, FNM_PERIOD) != 0)
			continue;
		path = vk_asprintf("%s/%s", done, entry->d_name);
		e = path ? expand(c, path, rest, depth) : VK_ENOMEM;
	}
	if (d)
		closedir(d);
	return e;
}

/* As ssh does with glob(3), which would bring the whole of name resolution along. */
static enum vk_err
expand(struct copies *c, const char *done, const char *rest, int depth)
{
	VK_CLEANUP(vk_freep) char *part = NULL;
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct stat st;
	size_t n;

	rest += strspn(rest, "/");
	if (!*rest)
		return stat(done, &st) == 0 ? follow(c, done, depth + 1) : VK_OK;
	n = strcspn(rest, "/");
	if (!(part = strndup(rest, n)))
		return VK_ENOMEM;
	if (strpbrk(part, "*?[\\"))
		return expand_part(c, done, part, rest + n, depth);
	path = vk_asprintf("%s/%s", done, part);
	return path ? expand(c, path, rest + n, depth) : VK_ENOMEM;
}

static enum vk_err
include_one(struct copies *c, const char *pattern, size_t n, int depth)
{
	VK_CLEANUP(vk_freep) char *path = pattern[0] == '/' ?
	    vk_asprintf("%.*s", (int)n, pattern) :
	    vk_asprintf("%s/%.*s", settings_dir, (int)n, pattern);

	return path ? expand(c, "", path, depth) : VK_ENOMEM;
}

/* "Include a b", "include = a", with quotes around a word. */
static enum vk_err
include_line(struct copies *c, const char *line, int depth)
{
	static const char separators[] = " \t=\"";
	char word[8] = "";
	enum vk_err e = VK_OK;

	line += strspn(line, " \t");
	snprintf(word, sizeof(word), "%.7s", line);
	if (!vk_str_ieq(word, "include") || !line[7] || !strchr(separators, line[7]))
		return VK_OK;
	for (line += 7; e == VK_OK && *line;) {
		size_t n;

		line += strspn(line, separators);
		if ((n = strcspn(line, " \t\"")) > 0)
			e = include_one(c, line, n, depth);
		line += n;
	}
	return e;
}

static enum vk_err
follow(struct copies *c, const char *file, int depth)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(MAX_SETTINGS);
	struct stat st;
	enum vk_err e = read_all(file, &b, &st);

	if (e == VK_ENOENT || depth > MAX_DEPTH)
		return VK_OK;
	if (e == VK_OK && depth > 0 && st.st_uid != geteuid())
		e = bind_copy(c, file, &b);
	for (char *line = b.p, *next; e == VK_OK && line; line = next) {
		if ((next = strchr(line, '\n')))
			*next++ = '\0';
		e = include_line(c, line, depth);
	}
	return e;
}

enum vk_err
vk_rung1_ssh(int dir, const char *place)
{
	struct copies c = { .dir = dir, .place = place };

	return follow(&c, settings, 0);
}
