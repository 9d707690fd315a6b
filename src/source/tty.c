/* SPDX-License-Identifier: ISC */
/*
 * Asking for a secret on the terminal.
 *
 * The terminal is read key by key, since in its line mode it silently drops what goes
 * beyond 4095 bytes, and tokens can be longer.  So the line editing is ours: backspace, ^U
 * and ^D.  Signals are blocked except while waiting in ppoll(), so that none can come
 * between looking for one and waiting; one that ends or stops us is first noted, then the terminal is
 * restored, then it is raised again with its own action.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/unlock.h"

static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGTSTP, SIGCONT };

static volatile sig_atomic_t pending; /* the signal that came, 0 for none */

struct tty {
	int fd;
	struct termios saved;
	struct sigaction actions[VK_COUNT(caught)];
	sigset_t mask;
};

static void
note(int sig)
{
	/* Several may come together; one that ends us wins over a stop. */
	if (!pending || (sig != SIGTSTP && sig != SIGCONT))
		pending = sig;
}

static void
say(const struct tty *t, const char *text)
{
	/* A terminal that cannot be written to will be noticed when it is read. */
	if (vk_write_full(t->fd, text, strlen(text)) != VK_OK)
		vk_reason_clear();
}

static enum vk_err
quiet(struct tty *t)
{
	struct termios raw;

	if (tcgetattr(t->fd, &t->saved) < 0)
		return vk_fail_errno("the terminal");
	raw = t->saved;
	raw.c_lflag &= (tcflag_t) ~(ECHO | ECHOE | ECHOK | ECHONL | ICANON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* In the background this stops us until we are brought to the front, as it should. */
	while (tcsetattr(t->fd, TCSAFLUSH, &raw) < 0)
		if (errno != EINTR)
			return vk_fail_errno("the terminal");
	return VK_OK;
}

static void
restore(const struct tty *t)
{
	sigset_t set, old;

	/* Without this a process that lost the foreground would be stopped here, echo still off. */
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (tcsetattr(t->fd, TCSAFLUSH, &t->saved) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
catch_signals(struct tty *t)
{
	struct sigaction sa = { .sa_handler = note };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < VK_COUNT(caught); i++)
		sigaddset(&block, caught[i]);
	sigprocmask(SIG_BLOCK, &block, &t->mask);
	pending = 0;
	for (size_t i = 0; i < VK_COUNT(caught); i++) {
		sigaction(caught[i], NULL, &t->actions[i]);
		/* nohup and the like: what was ignored stays ignored */
		if (t->actions[i].sa_handler != SIG_IGN)
			sigaction(caught[i], &sa, NULL);
	}
}

static void
release_signals(const struct tty *t)
{
	for (size_t i = 0; i < VK_COUNT(caught); i++)
		sigaction(caught[i], &t->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

/* One key.  VK_ENOENT: a signal came, see ${pending}. */
static enum vk_err
get_key(const struct tty *t, char *ret)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	for (;;) {
		ssize_t n;

		if (pending)
			return VK_ENOENT;
		if (ppoll(&p, 1, NULL, &t->mask) < 0) {
			if (errno == EINTR)
				continue;
			return vk_fail_errno("the terminal");
		}
		n = read(t->fd, ret, 1);
		if (n == 1)
			return VK_OK;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n == 0 ? vk_fail(VK_ELOCKED, "the terminal is gone") : vk_fail_errno("the terminal");
	}
}

static bool
is_key(const struct tty *t, int which, char c)
{
	cc_t key = t->saved.c_cc[which];

	return key != _POSIX_VDISABLE && c == (char)key;
}

static size_t
drop_char(const char *text, size_t n)
{
	if (n > 0)
		n--;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* the rest of a character in UTF-8 */
	return n;
}

/* Up to the end of the line, into ${text}.  Too long and unfit lines are read whole, then refused. */
static enum vk_err
get_line(const struct tty *t, char *text, size_t *ret_len)
{
	bool control = false, full = false;
	size_t n = 0;
	enum vk_err e;
	char c;

	for (;;) {
		if ((e = get_key(t, &c)) != VK_OK)
			return e;
		if (c == '\n' || c == '\r')
			break;
		if (is_key(t, VEOF, c)) {
			if (n == 0)
				return vk_fail(VK_EUSAGE, "nothing was entered");
			break;
		}
		if (is_key(t, VERASE, c) || c == 0x7f || c == '\b')
			n = drop_char(text, n);
		else if (is_key(t, VKILL, c))
			n = 0, control = full = false;
		else if (vk_str_has_control(&c, 1))
			control = true;
		else if (n == VK_MAX_SECRET)
			full = true;
		else
			text[n++] = c;
	}
	vk_wipe(&c, 1);
	if (control)
		return vk_fail(VK_EUSAGE, "a control character was typed, such as an arrow key's");
	if (full)
		return vk_fail(VK_ELIMIT, "a secret is larger than %d bytes", VK_MAX_SECRET);
	*ret_len = n;
	return VK_OK;
}

/* Ask once, and again after a stop.  A signal whose action lets us live is VK_ELOCKED. */
static enum vk_err
ask(struct tty *t, const char *prompt, struct vk_secret *ret)
{
	char *text = vk_arena_alloc(VK_MAX_SECRET);
	enum vk_err e;
	size_t n = 0;
	int sig;

	if (!text)
		return VK_ENOMEM;
	do {
		/* In this order, so that whatever ends or stops us finds the terminal as it was. */
		catch_signals(t);
		if ((e = quiet(t)) == VK_OK) {
			say(t, prompt);
			e = get_line(t, text, &n);
			restore(t);
			say(t, "\n");
		}
		sig = pending;
		release_signals(t);
		if (e == VK_ENOENT) {
			vk_wipe(text, VK_MAX_SECRET);
			if (sig != SIGCONT)
				raise(sig);
		}
	} while (e == VK_ENOENT && (sig == SIGTSTP || sig == SIGCONT));
	if (e == VK_ENOENT)
		e = vk_fail(VK_ELOCKED, "interrupted by a signal");
	if (e == VK_OK)
		e = vk_secret_set(ret, text, n);
	vk_arena_free(text);
	return e;
}

enum vk_err
vk_tty_secret(const char *prompt, bool confirm, struct vk_secret *ret)
{
	VK_CLEANUP(vk_closep) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct vk_secret first = { 0 }, second = { 0 };
	struct tty t = { .fd = fd };
	enum vk_err e;
	bool same = true;

	if (fd < 0)
		return vk_fail(VK_ELOCKED, "there is no terminal to ask on");
	e = ask(&t, prompt, &first);
	if (e == VK_OK && confirm) {
		e = ask(&t, "The same once more: ", &second);
		same = e == VK_OK && first.n == second.n && vk_mem_eq(first.p, second.p, first.n);
		vk_secret_clear(&second);
	}
	if (e == VK_OK && !same)
		e = vk_fail(VK_EUSAGE, "the two entries are not the same");
	if (e == VK_OK) {
		vk_secret_clear(ret);
		*ret = first;
	} else {
		vk_secret_clear(&first);
	}
	return e;
}
