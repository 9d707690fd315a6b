/* SPDX-License-Identifier: ISC */
/* Trees on disk.  Links are not followed, except the one that is named itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "search.h"

/* File systems that hold what the kernel says, and no files; from linux/magic.h. */
static const unsigned long not_files[] = {
	0x9fa0,     /* proc */
	0x62656572, /* sysfs */
	0x27e0eb,   /* cgroup */
	0x63677270, /* cgroup2 */
	0x64626720, /* debugfs */
	0x74726163, /* tracefs */
	0x73636673, /* securityfs */
	0xcafe4a11, /* bpf */
	0x6165676c, /* pstore */
	0x62656570, /* configfs */
	0xf97cff8c, /* selinux */
	0xde5e81e4, /* efivarfs */
	0x42494e4d, /* binfmt_misc */
	0x19800202, /* mqueue */
};

struct file {
	struct vk_source source; /* first, so that a source is one of these */
	int fd;
	bool sized, sparse;
	off_t size, at, data_end; /* sparse: up to where there is data */
};

struct walk {
	struct vk_search *search;
	struct vk_buf path;
	dev_t dev; /* of the tree's root */
	unsigned depth;
	struct vk_documents *documents; /* of the directory that may be an image; NULL */
	size_t documents_at;            /* where in the path names below it begin */
};

struct entry {
	char *name;
	unsigned char type; /* DT_* */
};

struct entries {
	struct entry *v;
	size_t n, room;
};

static void walk_directory(struct walk *w, int fd);

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Past the hole at ${f->at}, if there is one: where the next data is, and how far it goes. */
static bool
pass_hole(struct file *f)
{
	off_t data = lseek(f->fd, f->at, SEEK_DATA), end;

	if (data < 0) {
		/* None any more: the rest is a hole.  Or this file system cannot tell. */
		f->sparse = false;
		return errno != ENXIO && lseek(f->fd, f->at, SEEK_SET) == f->at;
	}
	end = lseek(f->fd, data, SEEK_HOLE);
	f->sparse = end > data;
	f->source.hole += (uint64_t)(data - f->at);
	f->at = data;
	f->data_end = end;
	return lseek(f->fd, data, SEEK_SET) == data;
}

static ssize_t
read_file(struct vk_source *source, char *p, size_t n)
{
	struct file *f = (struct file *)(void *)source;
	ssize_t r;

	if (f->sized && f->at >= f->size)
		return 0;
	if (f->sparse && source->whole) {
		f->sparse = false;
	} else if (f->sparse && f->at >= f->data_end && !pass_hole(f)) {
		return 0;
	}
	if (f->sparse && (off_t)n > f->data_end - f->at)
		n = (size_t)(f->data_end - f->at);
	while ((r = read(f->fd, p, n)) < 0 && errno == EINTR)
		;
	if (r < 0) {
		vk_say_problem(source->search, source->place, 0, "cannot be read further: %s", strerror(errno));
		return -1;
	}
	f->at += r;
	source->search->read += (uint64_t)r;
	return r;
}

static void
search_file(struct vk_search *s, int fd, const struct stat *st, const struct vk_place *place, struct vk_buf *document)
{
	struct file f = {
		.source = { .read = read_file, .search = s, .place = place }, .fd = fd, .size = st->st_size,
		.sized = S_ISREG(st->st_mode) && st->st_size > 0,
		.sparse = S_ISREG(st->st_mode) && st->st_blocks < st->st_size / 512,
	};

	s->files++;
	s->read = s->unpacked = 0;
	s->stopped = false;
	vk_search_stream(s, &f.source, place, 0, document, NULL);
}

/* ---- directories ----------------------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
add_entry(struct entries *l, const struct dirent *d)
{
	struct entry *v;

	if (l->n == l->room) {
		if (!(v = reallocarray(l->v, l->room ? l->room * 2 : 64, sizeof(*v))))
			return false;
		l->v = v;
		l->room = l->room ? l->room * 2 : 64;
	}
	l->v[l->n].type = d->d_type;
	return (l->v[l->n].name = vk_strdup(d->d_name)) != NULL && ++l->n;
}

static void
clear_entries(struct entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
}

static void
problem(struct walk *w, const char *what)
{
	const struct vk_place place = { NULL, w->path.p };
	int err = errno;

	vk_say_problem(w->search, &place, 0, "%s: %s", what, strerror(err));
}

static void
search_in_tree(struct walk *w, int fd, const struct stat *st)
{
	const struct vk_place place = { NULL, w->path.p };
	const char *name = w->path.p + w->documents_at;
	bool wanted = w->documents && vk_document_wanted(name);
	struct vk_buf document = VK_BUF(VK_DOCUMENT_MAX);

	if (st->st_nlink > 1 && vk_seen_before(&w->search->seen, st))
		return;
	search_file(w->search, fd, st, &place, wanted ? &document : NULL);
	if (wanted)
		vk_document_keep(w->documents, name, &document);
	vk_buf_clear(&document);
}

/* Not blocking: between the listing and this a pipe may have come in its place. */
static void
visit_file(struct walk *w, int dir, const char *name)
{
	VK_CLEANUP(vk_closep) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		/* Gone since, or a link or socket now. */
		if (errno != ENOENT && errno != ELOOP && errno != ENXIO)
			problem(w, "cannot be opened");
	} else if (fstat(fd, &st) < 0) {
		problem(w, "cannot be examined");
	} else if (S_ISREG(st.st_mode)) {
		search_in_tree(w, fd, &st);
	}
}

static bool
holds_files(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < VK_COUNT(not_files); i++)
		if ((unsigned long)fs.f_type == not_files[i])
			return false;
	return true;
}

static void
visit_directory(struct walk *w, int dir, const char *name)
{
	VK_CLEANUP(vk_closep) int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct vk_place place = { NULL, w->path.p };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			problem(w, "the directory cannot be opened");
		return;
	}
	if (st.st_dev != w->dev &&
	    ((w->search->ask->flags & VK_SCAN_ONE_FILE_SYSTEM) || !holds_files(fd)))
		return;
	if (w->depth >= VK_DIRECTORIES_MAX) {
		vk_say_problem(w->search, &place, VK_SCAN_LIMIT,
		    "not searched: more than %d directories in one another", VK_DIRECTORIES_MAX);
		return;
	}
	w->depth++;
	walk_directory(w, fd);
	w->depth--;
}

static void
visit_link(struct walk *w, int dir, const char *name)
{
	const struct vk_place place = { NULL, w->path.p };
	char target[4096];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n > 0) {
		target[n] = '\0';
		vk_search_name(w->search, &place, target);
	}
}

static void
visit(struct walk *w, int dir, const struct entry *e)
{
	const struct vk_place place = { NULL, w->path.p };
	unsigned char type = e->type;
	struct stat st;

	vk_search_name(w->search, &place, e->name);
	if (type == DT_UNKNOWN) {
		if (fstatat(dir, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				problem(w, "cannot be examined");
			return;
		}
		type = IFTODT(st.st_mode);
	}
	if (type == DT_REG)
		visit_file(w, dir, e->name);
	else if (type == DT_DIR)
		visit_directory(w, dir, e->name);
	else if (type == DT_LNK)
		visit_link(w, dir, e->name);
}

static bool
is_in(const struct entries *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return true;
	return false;
}

static bool
list(struct walk *w, int fd, struct entries *l)
{
	int copy = dup(fd);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e = NULL;
	bool ok = d != NULL;

	if (!d) {
		problem(w, "the directory cannot be read");
		vk_closep(&copy);
		return false;
	}
	while (ok && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ok = add_entry(l, e);
	if (errno != 0)
		problem(w, "the directory cannot be read further");
	closedir(d);
	return true;
}

static void
visit_all(struct walk *w, int fd, const struct entries *l)
{
	size_t len = w->path.len;

	for (size_t i = 0; i < l->n && w->search->err == VK_OK; i++) {
		if (w->path.p[len - 1] != '/')
			vk_buf_char(&w->path, '/');
		if (vk_buf_str(&w->path, l->v[i].name) == VK_OK)
			visit(w, fd, &l->v[i]);
		else
			w->search->err = w->path.err;
		w->path.len = len;
		w->path.p[len] = '\0';
	}
}

static void
walk_directory(struct walk *w, int fd)
{
	struct vk_documents own = { 0 }, *outer = w->documents;
	size_t outer_at = w->documents_at;
	struct entries l = { 0 };
	bool image;

	if (list(w, fd, &l) && l.n > 0) {
		qsort(l.v, l.n, sizeof(*l.v), by_name);
		image = is_in(&l, "oci-layout") || is_in(&l, "manifest.json");
		if (image) {
			w->documents = &own;
			w->documents_at = w->path.len + (w->path.p[w->path.len - 1] != '/');
		}
		visit_all(w, fd, &l);
		if (image) {
			VK_CLEANUP(vk_freep) char *prefix = vk_asprintf("%s%s", w->path.p,
			    w->path.p[w->path.len - 1] == '/' ? "" : "/");

			if (prefix)
				vk_documents_tell(w->search, &own, NULL, prefix);
			vk_documents_clear(&own);
		}
		w->documents = outer;
		w->documents_at = outer_at;
	}
	clear_entries(&l);
}

/* ---- what was named -------------------------------------------------------------------------------------------- */

static void
search_named(struct vk_search *s, int fd, const char *path)
{
	struct walk w = { .search = s, .path = VK_BUF(1u << 20) };
	const struct vk_place place = { NULL, path };
	struct stat st;

	if (fstat(fd, &st) < 0) {
		vk_say_problem(s, &place, 0, "cannot be examined: %s", strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		w.dev = st.st_dev;
		vk_buf_str(&w.path, path);
		walk_directory(&w, fd);
		vk_buf_clear(&w.path);
	} else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || (fd == STDIN_FILENO && !S_ISCHR(st.st_mode))) {
		search_file(s, fd, &st, &place, NULL);
	} else if (fd == STDIN_FILENO) {
		/* Closed, it would be /dev/null: not to have searched anything is no success. */
		vk_say_problem(s, &place, 0, "standard input is neither a file nor a pipe");
	} else {
		vk_say_problem(s, &place, 0, "neither a file nor a directory; use - for a pipe");
	}
}

void
vk_search_path(struct vk_search *s, const char *path)
{
	const struct vk_place place = { NULL, path };
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0 && (fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0) {
		vk_say_problem(s, &place, 0, "cannot be opened: %s", strerror(errno));
	} else {
		search_named(s, fd, path);
		if (fd != STDIN_FILENO)
			close(fd);
	}
	vk_say_progress(s, VK_SCAN_PATH_END);
}
