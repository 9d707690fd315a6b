/* SPDX-License-Identifier: ISC */
/* What is on the disk, and what may be after a power failure. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash-disk.h"

enum { FILES = 8, LOG = 150, LOG_LINE = 80, CACHE_PAGE = 4096 };

/* One sector as one write made it. */
struct pending {
	size_t sector;
	unsigned char data[DISK_SECTOR];
};

struct disk_file {
	bool used, live; /* live: there is such a file in the page cache, with this inode */
	ino_t ino;
	unsigned char *disk;
	size_t disk_len;        /* allocated, and zero behind what is on the disk */
	size_t disk_size, size; /* of the file, on the disk and in the page cache */
	struct pending *v;
	size_t n, cap;
};

static char store[128];
static struct disk_file files[FILES];
/* What the name may lead to on the disk, in the order of the renames; the last is what it leads to now. */
static struct disk_file *names[FILES];
static size_t names_n;
static char log_lines[LOG][LOG_LINE];
static unsigned long logged;
static uint64_t chance;

void
disk_must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

void
disk_seed(uint64_t seed)
{
	chance = seed;
}

unsigned
disk_draw(unsigned below)
{
	uint64_t x = chance += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((x ^ x >> 31) >> 32) % below;
}

void
disk_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(log_lines[logged++ % LOG], LOG_LINE, fmt, ap);
	va_end(ap);
}

void
disk_print_log(void)
{
	for (unsigned long i = logged > LOG ? logged - LOG : 0; i < logged; i++)
		printf("#   %s\n", log_lines[i % LOG]);
}

static void
grow(struct disk_file *f, size_t n)
{
	if (n <= f->disk_len)
		return;
	disk_must((f->disk = realloc(f->disk, n)) != NULL, "realloc");
	memset(f->disk + f->disk_len, 0, n - f->disk_len);
	f->disk_len = n;
}

static void
drop(struct disk_file *f)
{
	free(f->disk);
	free(f->v);
	*f = (struct disk_file){ 0 };
}

bool
disk_is_named(const struct disk_file *f)
{
	for (size_t i = 0; i < names_n; i++)
		if (names[i] == f)
			return true;
	return false;
}

/* Those that the name cannot lead to are of writers that are gone. */
void
disk_file_new(ino_t ino)
{
	struct disk_file *f = NULL;

	for (size_t i = 0; i < FILES && !f; i++)
		if (!disk_is_named(&files[i]))
			f = &files[i];
	disk_must(f != NULL, "too many renames");
	drop(f);
	*f = (struct disk_file){ .used = true, .live = true, .ino = ino };
}

static struct disk_file *
file_of_inode(ino_t ino)
{
	for (size_t i = 0; i < FILES; i++)
		if (files[i].used && files[i].live && files[i].ino == ino)
			return &files[i];
	return NULL;
}

struct disk_file *
disk_file_of(int fd)
{
	struct stat s;

	return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? file_of_inode(s.st_ino) : NULL;
}

void
disk_written(struct disk_file *f, int fd, size_t at, size_t n)
{
	if (f->size < at + n)
		f->size = at + n;
	for (size_t sector = at / DISK_SECTOR; sector * DISK_SECTOR < at + n; sector++) {
		struct pending *p;

		if (f->n == f->cap) {
			f->cap = f->cap ? f->cap * 2 : 64;
			disk_must((f->v = reallocarray(f->v, f->cap, sizeof(*f->v))) != NULL, "realloc");
		}
		p = &f->v[f->n++];
		*p = (struct pending){ .sector = sector };
		disk_must(pread(fd, p->data, DISK_SECTOR, (off_t)(sector * DISK_SECTOR)) > 0, "pread");
	}
}

void
disk_settle(struct disk_file *f, bool fails)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct pending *p = &f->v[i];

		if (fails && disk_draw(2))
			continue;
		grow(f, (p->sector + 1) * DISK_SECTOR);
		memcpy(f->disk + p->sector * DISK_SECTOR, p->data, DISK_SECTOR);
	}
	f->n = 0;
	/* The size is the file system's own affair, which has a journal for it. */
	if (!fails)
		f->disk_size = f->size;
}

void
disk_renamed(ino_t ino)
{
	struct disk_file *f = file_of_inode(ino);

	disk_must(f != NULL, "rename");
	if (names_n == FILES - 1)
		(void)disk_sync_name(); /* by itself, sooner or later */
	names[names_n - 1]->live = false; /* its inode's number may be given to another file */
	names[names_n++] = f;
}

bool
disk_sync_name(void)
{
	names[0] = names[names_n - 1];
	names_n = 1;
	return names[0]->n == 0;
}

bool
disk_name_is_sure(void)
{
	return names_n == 1;
}

enum style { NOTHING, EVERYTHING, HALF, FEW, MOST, IN_ORDER, ALL_BUT_ONE, ONE, STYLES };

static size_t
image_size(const struct disk_file *f, enum style style)
{
	if (style == NOTHING || f->size <= f->disk_size)
		return f->disk_size;
	if (style == EVERYTHING || disk_draw(3))
		return f->size;
	return f->disk_size + disk_draw((unsigned)(f->size - f->disk_size));
}

/* Which of the pending sectors reach the disk. */
static void
make_image(const struct disk_file *f, enum style style, unsigned char **ret, size_t *ret_len)
{
	static const unsigned eighths[] = { [EVERYTHING] = 8, [HALF] = 4, [FEW] = 1, [MOST] = 7 };
	size_t one = f->n ? disk_draw((unsigned)f->n) : 0, size = image_size(f, style);
	unsigned char *p;

	disk_must((p = calloc(1, size + DISK_SECTOR)) != NULL, "calloc");
	memcpy(p, f->disk, f->disk_len < size ? f->disk_len : size);
	for (size_t i = 0; i < f->n; i++) {
		size_t at = f->v[i].sector * DISK_SECTOR;
		bool lands;

		if (style == IN_ORDER)
			lands = i <= one;
		else if (style == ALL_BUT_ONE)
			lands = i != one;
		else if (style == ONE)
			lands = i == one;
		else
			lands = disk_draw(8) < eighths[style];
		if (lands && at < size)
			memcpy(p + at, f->v[i].data, DISK_SECTOR);
	}
	*ret = p;
	*ret_len = size;
}

void
disk_image(unsigned char **ret, size_t *ret_len)
{
	make_image(names[disk_draw((unsigned)names_n)], disk_draw(STYLES), ret, ret_len);
}

void
disk_put(const char *path, const unsigned char *bytes, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	disk_must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0, path);
}

void
disk_clear(const char *dir)
{
	DIR *d = opendir(dir);

	disk_must(d != NULL, dir);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			disk_must(unlinkat(dirfd(d), e->d_name, 0) == 0, e->d_name);
	closedir(d);
}

/* All bytes of the file that has the name now are on the disk. */
static void
adopt(const unsigned char *bytes, size_t n)
{
	struct stat s;

	names_n = 0;
	for (size_t i = 0; i < FILES; i++)
		drop(&files[i]);
	disk_must(stat(store, &s) == 0, store);
	disk_file_new(s.st_ino);
	names[names_n++] = &files[0];
	grow(&files[0], n);
	memcpy(files[0].disk, bytes, n);
	files[0].disk_size = files[0].size = n;
	logged = 0;
}

void
disk_cache(unsigned char **ret, size_t *ret_len)
{
	unsigned char *p = NULL;
	struct stat s;
	int fd = open(store, O_RDONLY | O_CLOEXEC);

	disk_must(fd >= 0 && fstat(fd, &s) == 0 && (p = malloc((size_t)s.st_size)) &&
	    pread(fd, p, (size_t)s.st_size, 0) == s.st_size && close(fd) == 0, store);
	*ret = p;
	*ret_len = (size_t)s.st_size;
}

void
disk_attach(const char *path)
{
	unsigned char *p;
	size_t n;

	snprintf(store, sizeof(store), "%s", path);
	disk_cache(&p, &n);
	adopt(p, n);
	free(p);
}

void
disk_detach(void)
{
	names_n = 0;
	for (size_t i = 0; i < FILES; i++)
		drop(&files[i]);
}

void
disk_crash(void)
{
	unsigned char *p;
	size_t n;

	disk_image(&p, &n);
	disk_must(unlink(store) == 0, "unlink");
	disk_put(store, p, n);
	adopt(p, n);
	free(p);
}

void
disk_lose(void)
{
	struct disk_file *f = names[names_n - 1];

	disk_note("%zu sectors are written back, and nobody sees that some are not", f->n);
	disk_settle(f, true);
}

void
disk_forget(void)
{
	unsigned char *p;
	size_t n;
	int fd = open(store, O_RDWR | O_CLOEXEC);

	make_image(names[names_n - 1], EVERYTHING, &p, &n);
	disk_must(fd >= 0, store);
	for (size_t at = 0; at < n; at += CACHE_PAGE) {
		size_t some = n - at < CACHE_PAGE ? n - at : CACHE_PAGE;

		if (disk_draw(2))
			disk_must(pwrite(fd, p + at, some, (off_t)at) == (ssize_t)some, "pwrite");
	}
	close(fd);
	free(p);
	disk_note("half of the page cache is dropped");
}
