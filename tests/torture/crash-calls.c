/* SPDX-License-Identifier: ISC */
/* The library's system calls, as the linker's --wrap brings them here: made, broken, or made in vain. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash-disk.h"
#include "store/inplace.h"

/* Nobody's calls are simply made: between writers, and from within disk_on_event. */
static bool writing;
static struct disk_plan plan;
static struct disk_report done;

enum disk_mutant disk_mutant;
void (*disk_on_event)(bool sure);

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __real_mkostemp64(char *path, int flags);
int __wrap_mkostemp64(char *path, int flags);
enum vk_err __wrap_vk_random(void *p, size_t n);
int64_t __wrap_vk_store_now(void);
enum vk_err __real_vk_pages_begin(struct vk_inplace *w, struct vk_store *st);
enum vk_err __wrap_vk_pages_begin(struct vk_inplace *w, struct vk_store *st);

enum vk_err
__wrap_vk_random(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = (unsigned char)disk_draw(256);
	return VK_OK;
}

int64_t
__wrap_vk_store_now(void)
{
	return 1700000000;
}

void
disk_writer(const struct disk_plan *p)
{
	plan = *p;
	done = (struct disk_report){ 0 };
	writing = true;
}

void
disk_writer_end(struct disk_report *ret)
{
	writing = false;
	*ret = done;
}

enum act { MAKE, BREAK, VAIN };

/* The next call of the writer.  ${ret_last}: it is in this call that it is killed or fails. */
static enum act
next(bool sync, bool *ret_last)
{
	*ret_last = false;
	if (done.dead)
		return VAIN;
	done.calls++;
	done.syncs += sync;
	*ret_last = true;
	if (plan.kill_call == done.calls || (sync && plan.kill_sync == done.syncs)) {
		disk_note("the writer is killed");
		done.dead = true;
		return VAIN;
	}
	if (plan.fail_call == done.calls || (sync && plan.fail_syncs >> done.syncs & 1)) {
		done.failed = true;
		return BREAK;
	}
	*ret_last = false;
	return MAKE;
}

static void
event(bool sure)
{
	writing = false;
	if (disk_on_event)
		disk_on_event(sure);
	writing = true;
}

/* A write that lasts can end in the middle, at the border of two pages. */
static size_t
cut(size_t n)
{
	return n > VK_PAGE ? disk_draw((unsigned)(n / VK_PAGE)) * VK_PAGE : 0;
}

static void
witness_at_once(struct disk_file *f, int fd, const unsigned char *raw)
{
	uint64_t generation = vk_get64(raw + 32);
	unsigned char w[VK_WITNESS_LEN];
	off_t at = vk_witness_at(generation);

	vk_witness_encode(generation, vk_header_tag(raw), w);
	disk_must(__real_pwrite64(fd, w, sizeof(w), at) == (ssize_t)sizeof(w), "pwrite");
	disk_written(f, fd, (size_t)at, sizeof(w));
}

/* Is this a write that ${disk_mutant} leaves out? */
static bool
left_out(int fd, const void *p, size_t n, off_t at)
{
	unsigned char now[VK_HEADER_LEN];

	return disk_mutant == MUTANT_REWRITE && n == sizeof(now) &&
	    pread(fd, now, n, at) == (ssize_t)n && memcmp(now, p, n) == 0;
}

static ssize_t
put(struct disk_file *f, int fd, const void *p, size_t n, off_t at)
{
	bool last, is_header = disk_is_named(f) && n == VK_HEADER_LEN;
	enum act act;
	size_t some, told = n;

	if (disk_mutant == MUTANT_SUSPECT && n == VK_SUSPECT_AT + 1)
		n = VK_HEADER_LEN; /* without the mark behind it */
	some = n;
	if (left_out(fd, p, n, at))
		return (ssize_t)n;
	act = next(false, &last);
	if (act != MAKE)
		some = last ? cut(n) : 0;
	if (some) {
		disk_must(__real_pwrite64(fd, p, some, at) == (ssize_t)some, "pwrite");
		disk_written(f, fd, (size_t)at, some);
		disk_note("%zu bytes are written at %lld%s", some, (long long)at,
		    disk_is_named(f) ? "" : " of a new file");
		if (is_header && disk_mutant == MUTANT_WITNESS)
			witness_at_once(f, fd, p);
		event(false);
	}
	if (act != BREAK)
		return (ssize_t)told;
	disk_note("writing %zu bytes at %lld fails", n, (long long)at);
	errno = ENOSPC;
	return some ? (ssize_t)some : -1;
}

ssize_t
__wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	struct disk_file *f = writing ? disk_file_of(fd) : NULL;

	return f ? put(f, fd, p, n, at) : __real_pwrite64(fd, p, n, at);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	struct disk_file *f = writing ? disk_file_of(fd) : NULL;
	off_t at = f ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t r;

	if (!f)
		return __real_write(fd, p, n);
	if ((r = put(f, fd, p, n, at)) > 0)
		disk_must(lseek(fd, at + r, SEEK_SET) >= 0, "lseek");
	return r;
}

static int
sync_file(struct disk_file *f)
{
	bool last;
	enum act act = next(true, &last);
	bool skip = disk_mutant == (!disk_is_named(f) ? MUTANT_FILE : done.syncs == 1 ? MUTANT_PAGES : MUTANT_HEADER);

	if (act == VAIN || (act == MAKE && skip))
		return 0;
	disk_note("%s%s", disk_is_named(f) ? "sync" : "sync of a new file", act == BREAK ? " fails" : "");
	disk_settle(f, act == BREAK);
	event(act == MAKE && disk_is_named(f) && disk_name_is_sure());
	errno = EIO;
	return act == BREAK ? -1 : 0;
}

int
__wrap_fdatasync(int fd)
{
	struct disk_file *f = writing ? disk_file_of(fd) : NULL;

	return f ? sync_file(f) : __real_fdatasync(fd);
}

static int
sync_directory(void)
{
	bool last;
	enum act act = next(true, &last);

	if (act == VAIN || (act == MAKE && disk_mutant == MUTANT_DIRECTORY))
		return 0;
	disk_note("sync of the directory%s", act == BREAK ? " fails" : "");
	if (act == MAKE) {
		event(disk_sync_name());
	}
	errno = EIO;
	return act == BREAK ? -1 : 0;
}

int
__wrap_fsync(int fd)
{
	struct disk_file *f = writing ? disk_file_of(fd) : NULL;
	struct stat s;

	if (!writing || fstat(fd, &s) < 0)
		return __real_fsync(fd);
	if (S_ISDIR(s.st_mode))
		return sync_directory();
	disk_must(f != NULL, "fsync of an unknown file");
	return sync_file(f);
}

int
__wrap_rename(const char *from, const char *to)
{
	struct stat s;
	bool last;
	enum act act;

	if (!writing)
		return __real_rename(from, to);
	if ((act = next(false, &last)) == VAIN)
		return 0;
	errno = EIO;
	if (act == BREAK)
		return -1;
	disk_must(stat(from, &s) == 0 && __real_rename(from, to) == 0, "rename");
	disk_renamed(s.st_ino);
	disk_note("rename");
	event(false);
	return 0;
}

int
__wrap_unlink(const char *path)
{
	bool last;
	enum act act = writing ? next(false, &last) : MAKE;

	errno = EIO;
	return act == MAKE ? __real_unlink(path) : act == BREAK ? -1 : 0;
}

int
__wrap_unlinkat(int dir, const char *path, int flags)
{
	bool last;
	enum act act = writing ? next(false, &last) : MAKE;

	errno = EIO;
	return act == MAKE ? __real_unlinkat(dir, path, flags) : act == BREAK ? -1 : 0;
}

int
__wrap_mkostemp64(char *path, int flags)
{
	struct stat s;
	bool last;
	enum act act;
	int fd;

	if (!writing)
		return __real_mkostemp64(path, flags);
	act = next(false, &last);
	errno = ENOSPC;
	if (act == BREAK)
		return -1;
	if ((fd = __real_mkostemp64(path, flags)) < 0 || fstat(fd, &s) < 0)
		return fd;
	disk_file_new(s.st_ino);
	/* A dead writer's file is there for itself alone. */
	if (act == VAIN)
		__real_unlink(path);
	return fd;
}

enum vk_err
__wrap_vk_pages_begin(struct vk_inplace *w, struct vk_store *st)
{
	enum vk_err e = __real_vk_pages_begin(w, st);

	if (e != VK_OK || disk_mutant != MUTANT_QUARANTINE)
		return e;
	/* The quarantine is over, and what was in it goes first. */
	disk_must((w->ready.v = reallocarray(w->ready.v, w->ready.n + w->waiting.n + 1, sizeof(*w->ready.v))) != NULL,
	    "realloc");
	for (size_t i = 0; i < w->waiting.n; i++)
		w->ready.v[w->ready.n++] = w->waiting.v[i];
	w->ready.cap = w->ready.n + 1;
	w->waiting.n = 0;
	return VK_OK;
}
