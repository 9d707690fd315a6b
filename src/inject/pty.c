/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "pty.h"

/* What the process that passes input is told; the command's number with the first. */
enum { PASS = 401, HOLD };

/* ---- the process that passes input ----------------------------------------------------------------------------- */

struct input {
	int sock, tty, master;
	struct termios saved;
	bool passing;
	pid_t command;
};

/* Has the command left it to the terminal, and is it not a shell that has a job there? */
static bool
suspends(const struct input *in, unsigned char c)
{
	struct termios t;

	return tcgetattr(in->master, &t) == 0 && (t.c_lflag & ISIG) && t.c_cc[VSUSP] != _POSIX_VDISABLE &&
	    c == t.c_cc[VSUSP] && tcgetpgrp(in->master) == in->command;
}

/* The other end may not be read for a while. */
static bool
pass(const struct input *in, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(in->master, p, n);
		struct pollfd wait[2] = { { in->master, POLLOUT, 0 }, { in->sock, POLLIN, 0 } };

		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (done < 0 && errno != EAGAIN && errno != EINTR) {
			return false;
		} else if (poll(wait, 2, -1) > 0 && (wait[1].revents & POLLHUP)) {
			return false;
		}
	}
	return true;
}

/* false: nothing more will come. */
static bool
take_input(struct input *in)
{
	char text[512];
	ssize_t n = read(in->tty, text, sizeof(text));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	for (ssize_t i = 0; i < n; i++)
		if (suspends(in, (unsigned char)text[i])) {
			/* What was typed after it goes with it, as a terminal flushes its input. */
			in->passing = false;
			if (!pass(in, text, (size_t)i))
				return false;
			kill(getppid(), VK_PTY_SUSPEND);
			return true;
		}
	return pass(in, text, (size_t)n);
}

/* It outlives valetkey for as long as it takes to put the terminal right. */
static void
input_main(int sock, const void *arg)
{
	const struct vk_pty *p = arg;
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	struct input in = { .sock = sock, .saved = p->saved };
	bool open = true, taken = false;

	vk_child_outlive();
	prctl(PR_SET_NAME, "valetkey-tty");
	if (vk_note_recv(sock, &n) != VK_OK || n.n_fds != 2)
		return;
	in.tty = n.fds[0];
	in.master = n.fds[1];
	for (;;) {
		VK_CLEANUP(vk_note_clear) struct vk_note told = VK_NOTE_INIT;
		struct pollfd wait[2] = { { sock, POLLIN, 0 }, { open && in.passing ? in.tty : -1, POLLIN, 0 } };

		if (poll(wait, 2, -1) < 0)
			continue;
		if (wait[1].revents)
			open = take_input(&in);
		if (!wait[0].revents)
			continue;
		if (vk_note_recv(sock, &told) != VK_OK)
			break;
		in.passing = told.code == PASS;
		taken |= in.passing;
		in.command = told.code == PASS ? (pid_t)told.value : in.command;
	}
	if (taken && in.passing)
		tcsetattr(in.tty, TCSADRAIN, &in.saved);
}

/* ---- our side -------------------------------------------------------------------------------------------------- */

static bool
is_terminal(int fd, const struct stat *tty)
{
	struct stat st;

	return isatty(fd) && fstat(fd, &st) == 0 && (st.st_rdev == tty->st_rdev || tty->st_rdev == 0);
}

static enum vk_err
make_pair(struct vk_pty *p)
{
	struct winsize size;
	const char *name;

	if ((p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || grantpt(p->master) < 0 ||
	    unlockpt(p->master) < 0 || !(name = ptsname(p->master)) ||
	    (p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot make a terminal for the command");
	if (tcgetattr(p->tty, &p->saved) < 0 || tcsetattr(p->slave, TCSANOW, &p->saved) < 0)
		return vk_fail_errno("cannot copy the terminal's settings");
	if (ioctl(p->tty, TIOCGWINSZ, &size) == 0)
		(void)ioctl(p->slave, TIOCSWINSZ, &size);
	return VK_OK;
}

enum vk_err
vk_pty_open(struct vk_pty *p)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	struct stat st = { 0 };
	enum vk_err e;

	if ((p->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) < 0) {
		vk_hint("pipe it: valetkey run --mask ... 2>&1 | cat");
		return vk_fail(VK_EUSAGE, "--mask on a terminal needs that to be the controlling one");
	}
	/* "/dev/tty" has a number of its own. */
	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd) && st.st_rdev == 0 && fstat(fd, &st) < 0)
			st.st_rdev = 0;
	for (int fd = 0; fd < 3; fd++)
		p->on[fd] = is_terminal(fd, &st);
	if ((e = make_pair(p)) != VK_OK || (e = vk_child_start(0, input_main, p, &p->input)) != VK_OK)
		return e;
	n.fds[0] = fcntl(p->tty, F_DUPFD_CLOEXEC, 3);
	n.fds[1] = fcntl(p->master, F_DUPFD_CLOEXEC, 3);
	n.n_fds = 2;
	return vk_note_send(p->input.sock, &n);
}

enum vk_err
vk_pty_enter(const struct vk_pty *p)
{
	if (setsid() < 0 || ioctl(p->slave, TIOCSCTTY, 0) < 0)
		return vk_fail_errno("the command cannot have the terminal");
	for (int fd = 0; fd < 3; fd++)
		if (p->on[fd] && dup2(p->slave, fd) < 0)
			return vk_fail_errno("the command cannot have the terminal");
	return VK_OK;
}

static void
tell_input(const struct vk_pty *p, int code)
{
	struct vk_note n = VK_NOTE_INIT;

	n.code = code;
	n.value = p->command;
	if (p->input.sock >= 0)
		(void)!vk_note_send(p->input.sock, &n);
}

void
vk_pty_let_go(struct vk_pty *p, pid_t command)
{
	vk_closep(&p->slave);
	p->command = command;
	if (p->raw && command > 0)
		tell_input(p, PASS);
}

void
vk_pty_take(struct vk_pty *p)
{
	struct termios raw = p->saved;

	if (p->tty < 0 || p->raw || tcgetpgrp(p->tty) != getpgrp())
		return;
	cfmakeraw(&raw);
	if (tcgetattr(p->tty, &p->saved) < 0 || tcsetattr(p->tty, TCSADRAIN, &raw) < 0)
		return;
	p->raw = true;
	vk_pty_resize(p);
	if (p->command > 0)
		tell_input(p, PASS);
}

void
vk_pty_give_back(struct vk_pty *p)
{
	if (!p->raw)
		return;
	tell_input(p, HOLD);
	/* What the command may still write comes before. */
	tcsetattr(p->tty, TCSADRAIN, &p->saved);
	p->raw = false;
}

void
vk_pty_resize(const struct vk_pty *p)
{
	struct winsize size;

	if (p->master >= 0 && ioctl(p->tty, TIOCGWINSZ, &size) == 0)
		(void)ioctl(p->master, TIOCSWINSZ, &size);
}

void
vk_pty_end(struct vk_pty *p)
{
	vk_pty_give_back(p);
	vk_child_stop(&p->input);
	vk_closep(&p->slave);
	vk_closep(&p->master);
	vk_closep(&p->tty);
	p->command = 0;
}
