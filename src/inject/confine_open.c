/* SPDX-License-Identifier: ISC */
/* An open in a walked directory, or beneath what came to one: what the gate has opened decides, never the name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "confine.h"

/* ---- where it lies --------------------------------------------------------------------------------------------- */

enum where { LISTED, HIDDEN, NEW };

static struct vk_gate_id
id_of(const struct stat *st)
{
	return (struct vk_gate_id){ .dev = st->st_dev, .ino = st->st_ino };
}

static bool
text_of(int fd, char path[VK_LOOK_MAX])
{
	char name[32];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, VK_LOOK_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	return *path == '/';
}

/* The deepest walked directory that it lies in. */
static const struct vk_walked *
walked_above(const struct vk_confine *c, const char *path)
{
	const struct vk_walked *best = NULL;
	size_t len = 0;

	for (size_t i = 0; i < c->n_walked; i++) {
		size_t n = strlen(c->walked[i].path);

		if (vk_str_starts(path, c->walked[i].path) && path[n] == '/' && (!best || n > len)) {
			best = &c->walked[i];
			len = n;
		}
	}
	return best;
}

/* Beneath a hidden directory, whatever that is called by now. */
static bool
is_beneath_hidden(const struct vk_confine *c, const char *path)
{
	VK_CLEANUP(vk_freep) char *above = vk_asprintf("%.*s/", (int)(strrchr(path, '/') - path), path);
	VK_CLEANUP(vk_closep) int dir = above ? open(above, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct vk_gate_id id, last = { 0 };
	struct stat st;

	/* The root is its own parent. */
	while (dir >= 0 && fstat(dir, &st) == 0) {
		int parent;

		id = id_of(&st);
		if (vk_confine_has(c, &id, NULL))
			return true;
		if (id.dev == last.dev && id.ino == last.ino)
			return false;
		last = id;
		parent = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = parent;
	}
	return true;
}

static bool
is_hidden(const struct vk_confine *c, const struct vk_gate_id *id, const char *path)
{
	bool near = false;

	if (vk_confine_has(c, id, &near))
		return true;
	/* Something else may have been put in its place. */
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->paths[i], path) == 0)
			return true;
	return near && is_beneath_hidden(c, path);
}

/*
 * Who renames directories meanwhile may have it look listed: then the kernel decides, as for all that is.  What no name
 * leads to by now is not ours to give.
 */
static enum where
where_is(const struct vk_confine *c, int fd, const struct stat *st)
{
	const struct vk_walked *w;
	struct vk_gate_id id = id_of(st), entry_id;
	char path[VK_LOOK_MAX], *end;
	struct stat entry;

	if (!text_of(fd, path))
		return LISTED;
	for (size_t i = 0; S_ISDIR(st->st_mode) && i < c->n_walked; i++)
		if (c->walked[i].id.dev == id.dev && c->walked[i].id.ino == id.ino)
			return NEW;
	if (!(w = walked_above(c, path)))
		return LISTED;
	if ((end = strchr(path + strlen(w->path) + 1, '/')))
		*end = '\0';
	if (lstat(path, &entry) < 0)
		return LISTED;
	entry_id = id_of(&entry);
	if (vk_confine_lists(c, &entry_id) || (!end && (entry_id.dev != id.dev || entry_id.ino != id.ino)))
		return LISTED;
	if (end)
		*end = '/';
	return is_hidden(c, &id, path) ? HIDDEN : NEW;
}

/* ---- for whom -------------------------------------------------------------------------------------------------- */

struct standing {
	char ids[1024]; /* the lines of its status about users and groups */
	uint64_t caps, user_ns;
	unsigned umask;
};

/* The line that begins with ${key}, from there to its end, is appended. */
static bool
copy_line(const char *status, const char *key, char *to, size_t size)
{
	const char *at = strstr(status, key);
	size_t have = strlen(to), n = at ? strcspn(at + 1, "\n") + 1 : 0;

	if (n == 0 || have + n >= size)
		return false;
	memcpy(to + have, at, n);
	to[have + n] = '\0';
	return true;
}

static bool
look_standing(pid_t tid, struct standing *ret)
{
	char name[48], text[4096];
	const char *umask_at, *caps_at;
	struct stat st;
	ssize_t n;

	*ret = (struct standing){ .umask = 077 };
	snprintf(name, sizeof(name), "/proc/%d/ns/user", (int)tid);
	if (stat(name, &st) < 0)
		return false;
	ret->user_ns = st.st_ino;
	snprintf(name, sizeof(name), "/proc/%d/status", (int)tid);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		return false;
	text[n] = '\0';
	/* The name in the first line has its newlines escaped. */
	if (!(umask_at = strstr(text, "\nUmask:")) || !(caps_at = strstr(text, "\nCapEff:")))
		return false;
	ret->umask = (unsigned)strtoul(umask_at + strlen("\nUmask:"), NULL, 8);
	ret->caps = strtoull(caps_at + strlen("\nCapEff:"), NULL, 16);
	return copy_line(text, "\nUid:", ret->ids, sizeof(ret->ids)) &&
	    copy_line(text, "\nGid:", ret->ids, sizeof(ret->ids)) &&
	    copy_line(text, "\nGroups:", ret->ids, sizeof(ret->ids));
}

/* Whoever gave up something must not get it from us; the kernel refuses it instead. */
static bool
stands_as_we(pid_t tid, struct standing *ret)
{
	static struct standing own; /* which we never change */

	if (!*own.ids && !look_standing(getpid(), &own)) {
		*own.ids = '\0';
		return false;
	}
	return look_standing(tid, ret) && strcmp(own.ids, ret->ids) == 0 &&
	    own.user_ns == ret->user_ns && (own.caps & ~ret->caps) == 0;
}

/* ---- the open -------------------------------------------------------------------------------------------------- */

/* It was opened so as never to wait. */
static int
finish(const struct vk_look *l, int fd)
{
	int flags;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO || errno == EWOULDBLOCK ? VK_CONFINE_GO_ON : -errno;
	if ((l->flags & O_NONBLOCK) || ((flags = fcntl(fd, F_GETFL)) >= 0 &&
					   fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0))
		return fd;
	close(fd);
	return VK_CONFINE_GO_ON;
}

/* A new file, with a name or, of O_TMPFILE, without. */
static int
make(const struct vk_confine *c, const struct vk_look *l, bool nameless)
{
	const int extra = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	const char *slash = strrchr(l->path, '/'), *name = nameless ? "." : slash ? slash + 1 : l->path;
	VK_CLEANUP(vk_freep) char *above = vk_asprintf("%.*s/.",
	    (int)(nameless ? strlen(l->path) : (size_t)(name - l->path)), l->path);
	VK_CLEANUP(vk_closep) int dir = -1;
	struct standing asks;
	struct stat st;
	bool sure;
	int fd;

	if (!above || !*l->path || !*name || (!nameless && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)))
		return VK_CONFINE_GO_ON;
	/* Where a relative path begins, "/." would be the root. */
	dir = vk_look_open(l, !nameless && name == l->path ? "." : above, 0, &sure);
	if (dir < 0 || !sure || fstat(dir, &st) < 0 || where_is(c, dir, &st) != NEW || !stands_as_we(l->tid, &asks))
		return VK_CONFINE_GO_ON;
	umask((mode_t)asks.umask);
	fd = openat(dir, name, (int)l->flags | extra, (mode_t)(l->mode & 07777));
	umask(077);
	/* Something else may have come there before it. */
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (!nameless && where_is(c, fd, &st) != NEW))) {
		close(fd);
		return VK_CONFINE_GO_ON;
	}
	return finish(l, fd);
}

int
vk_confine_answer(const struct vk_confine *c, const struct vk_look *l, int name, const struct stat *st)
{
	const unsigned new_only = O_CREAT | O_EXCL;
	struct standing asks;
	char link[32];

	if (l->bounded || (l->flags & (O_PATH | O_WRONLY)))
		return VK_CONFINE_GO_ON;
	if ((l->flags & O_TMPFILE) == O_TMPFILE)
		return make(c, l, true);
	if (l->flags & O_DIRECTORY)
		return VK_CONFINE_GO_ON;
	if (name < 0)
		return l->flags & O_CREAT ? make(c, l, false) : VK_CONFINE_GO_ON;
	if (!S_ISREG(st->st_mode) || (l->flags & new_only) == new_only || where_is(c, name, st) != NEW ||
	    !stands_as_we(l->tid, &asks))
		return VK_CONFINE_GO_ON;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", name);
	return finish(l, open(link, (int)(l->flags & ~(new_only | O_NOFOLLOW)) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}
