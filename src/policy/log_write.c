/* SPDX-License-Identifier: ISC */
/*
 * Lines into a file or systemd's journal.
 *
 * No lock: a file opened with O_APPEND gets the bytes of one write() in one piece at its end, whoever else writes.  No
 * descriptor is kept, so that a file that was renamed is left alone from the next line on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "policy/log.h"

#define JOURNAL "/run/systemd/journal/socket"

/* A run may give 64 credentials in a dozen ways. */
enum { TEXT_MAX = 16 * 1024 * 1024 };

/* Whatever else says where the log is, our own shell's startup file is not one. */
static enum vk_err
check_beginning(const char *path, int fd, const struct stat *st)
{
	static const char begin[] = VK_LOG_BEGIN;
	size_t n = sizeof(begin) - 1;
	char found[sizeof(begin)];

	if ((size_t)st->st_size < n)
		n = (size_t)st->st_size;
	if (pread(fd, found, n, 0) != (ssize_t)n)
		return vk_fail_errno("cannot read the log %s", path);
	if (memcmp(found, begin, n) == 0)
		return VK_OK;
	vk_hint("name a file of its own for the log");
	return vk_fail(VK_EPOLICY, "%s is not a log of valetkey's: it begins with something else", path);
}

static enum vk_err
check_file(const char *path, int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return vk_fail_errno("cannot look at the log %s", path);
	if (!S_ISREG(st->st_mode))
		return vk_fail(VK_EPOLICY, "the log %s is not a regular file", path);
	if (st->st_uid != geteuid())
		return vk_fail(VK_EPOLICY, "the log %s belongs to another user", path);
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		vk_hint("chmod go-w %s", path);
		return vk_fail(VK_EPOLICY, "others can write the log %s", path);
	}
	return check_beginning(path, fd, st);
}

/* O_NONBLOCK: a FIFO is refused, not waited for. */
static enum vk_err
open_file(const char *path, int more, int *ret_fd, struct stat *st)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
	    O_NONBLOCK | more, 0600);
	enum vk_err e;

	if (fd < 0 && errno == ELOOP)
		return vk_fail(VK_EPOLICY, "the log %s is a symbolic link", path);
	if (fd < 0)
		return vk_fail_errno("cannot open the log %s", path);
	if ((e = check_file(path, fd, st)) != VK_OK)
		return e;
	*ret_fd = fd;
	fd = -1;
	return VK_OK;
}

/*
 * Somebody's line may have been cut short by a full disk: then ours begins with the line end that it lacks.  A line
 * that is being written looks the same for a moment; should it do so for longer, an empty line is between us.
 */
static bool
is_cut_short(int fd)
{
	struct stat st;
	char last = '\n';

	for (int i = 0; i < 8; i++) {
		if (fstat(fd, &st) < 0 || st.st_size == 0 || pread(fd, &last, 1, st.st_size - 1) != 1 || last == '\n')
			return false;
		sched_yield();
	}
	return true;
}

static enum vk_err
append(const char *path, struct vk_buf *b)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	const char *from = b->p + 1;
	struct stat st;
	ssize_t n;
	enum vk_err e = open_file(path, O_CREAT, &fd, &st);

	if (e != VK_OK)
		return e;
	if (st.st_size > 0 && is_cut_short(fd))
		from--;
	while ((n = write(fd, from, b->len - (size_t)(from - b->p))) < 0 && errno == EINTR)
		;
	if (n < 0)
		return vk_fail_errno("cannot write the log %s", path);
	/* No second try: the rest would stand behind somebody else's line. */
	if ((size_t)n < b->len - (size_t)(from - b->p))
		return vk_fail(VK_ESYS, "the log %s took a part of the line only: is the disk full?", path);
	return VK_OK;
}

static enum vk_err
connect_journal(int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	/* A journal that hangs must not hang a build. */
	struct timeval limit = { .tv_sec = 1 };
	VK_CLEANUP(vk_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return vk_fail_errno("cannot reach the journal at %s", JOURNAL);
	*ret_fd = fd;
	fd = -1;
	return VK_OK;
}

static enum vk_err
send_all(const struct vk_log_who *w, const struct vk_log_entry *v, size_t n)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e = connect_journal(&fd);

	for (size_t i = 0; e == VK_OK && i < n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_LOG_LINE_MAX);

		if ((e = vk_log_datagram(w, &v[i], &b)) == VK_OK && send(fd, b.p, b.len, MSG_NOSIGNAL) < 0)
			e = vk_fail_errno("cannot write to the journal");
	}
	return e;
}

enum vk_err
vk_log_put(const struct vk_log *l, const struct vk_log_entry *v, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(TEXT_MAX);
	struct vk_log_who w = {
		.program = l->program, .profile = l->profile, .ppid = l->ppid, .pid = l->pid ? l->pid : getpid(),
		.uid = getuid(),
	};
	struct timespec now;
	enum vk_err e = VK_OK;

	if (l->bad)
		return vk_fail(VK_EUSAGE, "VALETKEY_LOG must be an absolute path, or journal");
	clock_gettime(CLOCK_REALTIME, &now);
	w.ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (vk_log_is_journal(l))
		return send_all(&w, v, n);
	vk_buf_char(&b, '\n');
	for (size_t i = 0; e == VK_OK && i < n; i++)
		e = vk_log_line(&w, &v[i], &b);
	return e == VK_OK ? append(l->to, &b) : e;
}

/* The file that is not there yet will lie in this directory. */
static enum vk_err
check_directory(const char *file)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(file);

	if (!dir)
		return VK_ENOMEM;
	strrchr(dir, '/')[strrchr(dir, '/') == dir ? 1 : 0] = '\0';
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
		return vk_fail_errno("the log cannot be made in %s", dir);
	return VK_OK;
}

enum vk_err
vk_log_check(const struct vk_log *l)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;

	if (l->bad)
		return vk_fail(VK_EUSAGE, "VALETKEY_LOG must be an absolute path, or journal");
	if (vk_log_is_journal(l))
		return connect_journal(&fd);
	if (lstat(l->to, &st) < 0 && errno == ENOENT)
		return check_directory(l->to);
	return open_file(l->to, 0, &fd, &st);
}

void
vk_log_make(const struct vk_log *l)
{
	VK_CLEANUP(vk_closep) int fd = -1;
	struct stat st;

	if (!l->to || l->bad || vk_log_is_journal(l))
		return;
	if (open_file(l->to, O_CREAT, &fd, &st) != VK_OK)
		vk_reason_clear();
}
