/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "confine.h"
#include "domain.h"

static bool
identify(int fd, struct vk_gate_id *ret, mode_t *ret_mode)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	*ret = (struct vk_gate_id){ .dev = st.st_dev, .ino = st.st_ino };
	*ret_mode = st.st_mode;
	return true;
}

static bool
is_same(const struct vk_gate_id *a, const struct vk_gate_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* Asked anew each time: on overlayfs a file may change its number when it is first written to. */
bool
vk_confine_has(const struct vk_confine *c, const struct vk_gate_id *id, bool *ret_near)
{
	for (size_t i = 0; i < c->n; i++) {
		struct vk_gate_id pin;
		mode_t mode;

		if (!identify(c->pins[i], &pin, &mode))
			continue;
		if (is_same(&pin, id))
			return true;
		if (ret_near && S_ISDIR(mode) && pin.dev == id->dev)
			*ret_near = true;
	}
	return false;
}

/* Its files could be moved to where their directory does not tell. */
static enum vk_err
hide_entries(struct vk_confine *c, int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	enum vk_err e = VK_OK;

	if (!d)
		vk_closep(&copy);
	for (struct dirent *f; e == VK_OK && d && (f = readdir(d));) {
		int entry;

		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
			continue;
		if ((entry = openat(fd, f->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) >= 0)
			e = vk_confine_hide(c, entry);
	}
	if (d)
		closedir(d);
	return e;
}

enum vk_err
vk_confine_hide(struct vk_confine *c, int fd)
{
	char name[32], path[VK_LOOK_MAX];
	struct vk_gate_id id;
	ssize_t n;
	mode_t mode;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path) - 1);
	if (n <= 0 || !identify(fd, &id, &mode) || c->n == VK_CONFINE_MAX) {
		enum vk_err e = c->n < VK_CONFINE_MAX ? vk_fail_errno("cannot look at what is to be hidden") :
		    vk_fail(VK_ELIMIT, "more than %d files are to be hidden from the command", VK_CONFINE_MAX);

		close(fd);
		return e;
	}
	path[n] = '\0';
	c->pins[c->n] = fd;
	if (!(c->paths[c->n++] = vk_strdup(path)))
		return VK_ENOMEM;
	return S_ISDIR(mode) ? hide_entries(c, fd) : VK_OK;
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

static enum vk_err
walk(struct vk_confine *c, const char *path, size_t len)
{
	VK_CLEANUP(vk_freep) char *dir = vk_asprintf("%.*s", (int)len, path);
	struct vk_walked *v;
	struct stat st;

	if (!dir)
		return VK_ENOMEM;
	for (size_t i = 0; i < c->n_walked; i++)
		if (strcmp(c->walked[i].path, dir) == 0)
			return VK_OK;
	if (stat(len > 0 ? dir : "/", &st) < 0)
		return vk_fail_errno("cannot look at %s", dir);
	if (!(v = reallocarray(c->walked, c->n_walked + 1, sizeof(*v))))
		return VK_ENOMEM;
	c->walked = v;
	v[c->n_walked++] = (struct vk_walked){ VK_TAKE(dir), { .dev = st.st_dev, .ino = st.st_ino } };
	return VK_OK;
}

static bool
is_hidden_path(const struct vk_confine *c, const char *path, size_t len)
{
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->paths[i]) == len && strncmp(c->paths[i], path, len) == 0)
			return true;
	return false;
}

/* The directories above ${path}, down to one that is hidden itself. */
static enum vk_err
walk_to(struct vk_confine *c, const char *path)
{
	enum vk_err e = VK_OK;

	for (const char *slash = path; e == VK_OK && (slash = strchr(slash, '/')); slash++) {
		if (is_hidden_path(c, path, (size_t)(slash - path)))
			return VK_OK;
		e = walk(c, path, (size_t)(slash - path));
	}
	return e;
}

static bool
is_walked(const struct vk_confine *c, const struct vk_gate_id *id)
{
	for (size_t i = 0; i < c->n_walked; i++)
		if (is_same(&c->walked[i].id, id))
			return true;
	return false;
}

/* A rule is about what a name leads to: another name of a hidden file, or of a directory on the way, gets none. */
static enum vk_err
list_entry(struct vk_confine *c, int ruleset, int fd)
{
	struct vk_gate_id id, *v;
	mode_t mode;

	if (!identify(fd, &id, &mode) || S_ISLNK(mode) || is_walked(c, &id) || vk_confine_has(c, &id, NULL))
		return VK_OK;
	if (c->n_listed == c->room) {
		if (!(v = reallocarray(c->listed, c->room * 2 + 64, sizeof(*v))))
			return VK_ENOMEM;
		c->listed = v;
		c->room = c->room * 2 + 64;
	}
	c->listed[c->n_listed++] = id;
	return vk_domain_allow(ruleset, fd);
}

/* Of one that may be passed but not be read nothing is listed: the gate opens what the user knows the name of. */
static enum vk_err
list_directory(struct vk_confine *c, int ruleset, const char *path)
{
	DIR *d = opendir(*path ? path : "/");
	enum vk_err e = VK_OK;

	for (struct dirent *f; e == VK_OK && d && (f = readdir(d));) {
		VK_CLEANUP(vk_closep) int fd = -1;

		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
			continue;
		if ((fd = openat(dirfd(d), f->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) >= 0)
			e = list_entry(c, ruleset, fd);
	}
	if (d)
		closedir(d);
	return e;
}

static int
compare(const void *one, const void *other)
{
	const struct vk_gate_id *a = one, *b = other;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

bool
vk_confine_lists(const struct vk_confine *c, const struct vk_gate_id *id)
{
	return c->n_listed > 0 && bsearch(id, c->listed, c->n_listed, sizeof(*c->listed), compare);
}

enum vk_err
vk_confine_rules(struct vk_confine *c, int *ret_ruleset)
{
	VK_CLEANUP(vk_closep) int ruleset = -1;
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < c->n; i++)
		e = walk_to(c, c->paths[i]);
	if (e == VK_OK)
		e = vk_domain_rules(c->n > 0, &ruleset);
	for (size_t i = 0; e == VK_OK && i < c->n_walked; i++)
		e = list_directory(c, ruleset, c->walked[i].path);
	if (e != VK_OK)
		return e;
	if (c->n_listed > 0)
		qsort(c->listed, c->n_listed, sizeof(*c->listed), compare);
	*ret_ruleset = ruleset;
	ruleset = -1;
	return VK_OK;
}
