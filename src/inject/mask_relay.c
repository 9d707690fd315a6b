/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "mask_relay.h"

enum { CHUNK = 128 * 1024, LOOK_AGAIN = 100 /* ms */, HEED = 64 /* pieces */ };
enum { SHOW_AT_ONCE = 3, IDLE = 30 /* ms */ };

/* What a relay says, once: ${value} is one of these, ${code} the error. */
enum { DRAINED = 1, DONE, LEARNT /* and how often, on top of it */ };

enum { LEARN = 601 }; /* what it is told; else: the command has ended */
enum { SOON = 200 /* ms */ };

/* ---- the process ----------------------------------------------------------------------------------------------- */

struct relay {
	int sock, in, out;
	struct vk_mask *mask;
	struct vk_mask_stream stream;
	char *buf;
	size_t room; /* at ${buf} */
	long learnt;
	bool terminal;
	char shown[SHOW_AT_ONCE]; /* of the bytes that are held back, on a terminal */
	size_t n_shown;
	bool asked;     /* the command has ended: */
	size_t still;   /* so many bytes that it wrote are in the pipe */
	bool answered;
};

static void
answer(struct relay *r, int code, int what)
{
	struct vk_note n = VK_NOTE_INIT;

	if (r->answered)
		return;
	n.code = code;
	n.value = what;
	(void)!vk_note_send(r->sock, &n);
	r->answered = true;
}

/* The target may be somebody's who does not want to wait; we do. */
static int
write_out(const struct relay *r, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(r->out, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			struct pollfd wait = { .fd = r->out, .events = POLLOUT };

			(void)poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

static char *
make_room(size_t n)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, n, MADV_DONTDUMP);
	return p;
}

static void
free_room(char *p, size_t n)
{
	vk_wipe(p, n);
	munmap(p, n);
}

/* What was read already is looked at with the new one. */
static enum vk_err
take_on(struct relay *r, struct vk_mask *m)
{
	size_t room = vk_mask_longest(m) + CHUNK;

	if (room > r->room) {
		char *buf = make_room(room);

		if (!buf)
			return VK_ENOMEM;
		memcpy(buf, r->buf, r->room);
		free_room(r->buf, r->room);
		r->buf = buf;
		r->room = room;
	}
	return vk_mask_extend(&r->stream, m);
}

static void
learn(struct relay *r, struct vk_note *n)
{
	struct vk_mask *m = NULL;
	enum vk_err e = vk_mask_load(n->fds[0], &m);

	if (e == VK_OK && (e = take_on(r, m)) != VK_OK) {
		vk_mask_forget(m);
	} else if (e == VK_OK) {
		vk_mask_forget(r->mask);
		r->mask = m;
	}
	vk_note_clear(n);
	n->code = e;
	n->value = LEARNT + ++r->learnt;
	(void)!vk_note_send(r->sock, n);
}

/* For at most ${ms} (-1: for ever) until there is something to read.  false: nobody is there to read what we write. */
static bool
wait_for_input(struct relay *r, int ms)
{
	struct pollfd p[3] = {
		{ .fd = r->in, .events = POLLIN }, { .fd = r->out }, { .fd = r->sock, .events = POLLIN },
	};
	struct vk_note n = VK_NOTE_INIT;
	int left = 0;

	if (poll(p, 3, ms) <= 0)
		return true;
	if (p[2].revents) {
		if (vk_note_recv(r->sock, &n) != VK_OK) {
			vk_closep(&r->sock); /* valetkey is gone; poll() heeds no negative number */
			r->answered = true;
		} else if (n.code == LEARN) {
			learn(r, &n);
		} else {
			r->asked = true;
			r->still = ioctl(r->in, FIONREAD, &left) == 0 && left > 0 ? (size_t)left : 0;
			/* Of a terminal all that there is: what is on its way comes before the answer is "none". */
			if (r->terminal)
				r->still = SIZE_MAX;
		}
		vk_note_clear(&n);
	}
	/* The reader of a pipe has gone: as the command would hear at once, and not one line later. */
	return !(p[1].revents & POLLERR);
}

/*
 * On a terminal a letter that is typed has to appear even when a secret begins with it.  So few bytes are no secret;
 * what completes one is hidden still.
 */
static int
show_held(struct relay *r)
{
	struct pollfd p = { .fd = r->in, .events = POLLIN };

	if (!r->terminal || r->n_shown > 0 || r->stream.held == 0 || r->stream.held > SHOW_AT_ONCE ||
	    poll(&p, 1, IDLE) != 0)
		return 0;
	memcpy(r->shown, r->buf, r->stream.held);
	r->n_shown = r->stream.held;
	return write_out(r, r->shown, r->n_shown);
}

/* Without what is there already. */
static int
write_ready(struct relay *r, size_t ready)
{
	size_t skip = 0;

	while (skip < r->n_shown && skip < ready && r->buf[skip] == r->shown[skip])
		skip++;
	if (ready > 0)
		r->n_shown = 0;
	return write_out(r, r->buf + skip, ready - skip);
}

/* Returns the error that it ended with; EPIPE is an end like any other. */
static int
copy(struct relay *r)
{
	struct vk_mask_stream *s = &r->stream;

	for (unsigned i = 0;; i++) {
		ssize_t got = read(r->in, r->buf + s->held, CHUNK);
		size_t ready, n = s->held + (got > 0 ? (size_t)got : 0);
		int err;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EIO && r->terminal) {
			got = 0; /* nobody has it open */
			n = s->held;
		}
		if (got < 0 && errno == EAGAIN && r->terminal) {
			if ((err = show_held(r)) != 0)
				return err;
			errno = EAGAIN;
			if (r->asked)
				r->still = 0;
		}
		if (got < 0 && errno != EAGAIN)
			return errno;
		/* Who writes without end must not keep us from hearing that the command has ended. */
		if ((got < 0 || i % HEED == 0) && !wait_for_input(r, got < 0 ? -1 : 0))
			return EPIPE;
		if (got >= 0) {
			vk_mask_feed(s, r->buf, n, got == 0, &ready);
			if ((err = write_ready(r, ready)) != 0 || got == 0)
				return err;
			memmove(r->buf, r->buf + n - s->held, s->held);
			if (!r->terminal)
				r->still -= (size_t)got < r->still ? (size_t)got : r->still;
		}
		if (r->asked && r->still == 0)
			answer(r, 0, DRAINED);
	}
}

static void
relay_main(int sock, const void *mask)
{
	struct vk_note n = VK_NOTE_INIT;
	struct relay r = { .sock = sock };
	int err;

	/* Not even with valetkey: what the command wrote before is still to be written. */
	vk_child_outlive();
	prctl(PR_SET_NAME, "valetkey-mask");
	if (vk_mask_rescue(mask, &r.mask) != VK_OK || vk_mask_begin(r.mask, &r.stream) != VK_OK ||
	    vk_note_recv(sock, &n) != VK_OK || n.n_fds != 2)
		return;
	r.in = n.fds[0];
	r.out = n.fds[1];
	r.terminal = n.value != 0;
	r.room = vk_mask_longest(r.mask) + CHUNK;
	r.buf = make_room(r.room);
	if (!r.buf || fcntl(r.in, F_SETFL, (r.terminal ? O_RDWR : O_RDONLY) | O_NONBLOCK) < 0)
		return;
	/* Whoever starts us may not say it before the fork. */
	n.n_fds = 0;
	if (vk_note_send(sock, &n) != VK_OK)
		return;
	err = copy(&r);
	close(r.in);
	free_room(r.buf, r.room);
	vk_mask_forget(r.mask);
	vk_wipe_registers();
	answer(&r, err == EPIPE ? 0 : err, DONE);
	vk_mask_end(&r.stream);
}

/* ---- our side -------------------------------------------------------------------------------------------------- */

enum vk_err
vk_relay_start(const struct vk_mask *m, int terminal, int target, struct vk_relay *ret)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	int pair[2] = { -1, -1 };
	enum vk_err e;

	if (terminal >= 0)
		pair[0] = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
	else if (pipe2(pair, O_CLOEXEC) < 0)
		return vk_fail_errno("cannot make a pipe");
	n.value = terminal >= 0;
	n.fds[0] = pair[0];
	n.fds[1] = fcntl(target, F_DUPFD_CLOEXEC, 3);
	n.n_fds = 2;
	ret->pipe = pair[1];
	ret->was = true;
	if (n.fds[0] < 0 || n.fds[1] < 0)
		return vk_fail_errno("cannot copy a descriptor");
	e = vk_child_start(0, relay_main, m, &ret->child);
	if (e == VK_OK)
		e = vk_note_send(ret->child.sock, &n);
	vk_note_clear(&n);
	return e == VK_OK ? vk_note_recv(ret->child.sock, &n) : e;
}

static enum vk_err
tell(struct vk_relay *r, int fd)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	if ((n.fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return vk_fail_errno("cannot copy a descriptor");
	n.code = LEARN;
	n.n_fds = 1;
	if ((e = vk_note_send(r->child.sock, &n)) == VK_OK)
		r->told++;
	return e;
}

enum vk_err
vk_relay_learn(struct vk_relay *r, int fd)
{
	struct pollfd p = { .fd = r->child.sock, .events = POLLIN };
	struct vk_note n = VK_NOTE_INIT;

	if (!r->was || r->early || r->child.pid == 0)
		return VK_OK;
	if (r->told == r->learnt && tell(r, fd) != VK_OK) {
		vk_reason_clear();
		return VK_OK;
	}
	if (poll(&p, 1, SOON) <= 0)
		return VK_EEXIST;
	if (vk_note_recv(r->child.sock, &n) != VK_OK) {
		vk_reason_clear();
		return VK_OK;
	}
	if (n.value > LEARNT) {
		r->learnt = n.value - LEARNT;
		return n.code == VK_OK ? VK_OK : vk_fail((enum vk_err)n.code, "a process that hides secrets in the "
			"command's output cannot learn another");
	}
	r->early = true;
	r->last = n;
	return VK_OK;
}

/* Once, an error that our own word met a closed door stands before what was said. */
static enum vk_err
last_word(struct vk_relay *r, struct vk_note *ret)
{
	enum vk_err e;

	*ret = r->last;
	if (r->early)
		return VK_OK;
	do {
		if ((e = vk_note_recv(r->child.sock, ret)) == VK_ESYS)
			e = vk_note_recv(r->child.sock, ret);
	} while (e == VK_OK && ret->value > LEARNT);
	return e;
}

void
vk_relay_let_go(struct vk_relay *r)
{
	vk_closep(&r->pipe);
}

void
vk_relay_stop(struct vk_relay *r)
{
	vk_closep(&r->pipe);
	vk_child_stop(&r->child);
	r->was = false;
}

/* It lives on as long as somebody has the pipe; whoever takes in our children will reap it. */
static void
leave(struct vk_relay *r)
{
	vk_closep(&r->child.sock);
	r->child.pid = 0;
	r->was = false;
}

/* While we wait for somebody who does not read, a terminal may stop its job, which we are part of. */
static void
heed_stops(void)
{
	static const int stops[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	sigset_t waiting, one;

	if (sigpending(&waiting) < 0)
		return;
	for (size_t i = 0; i < VK_COUNT(stops); i++)
		if (sigismember(&waiting, stops[i])) {
			sigemptyset(&one);
			sigaddset(&one, stops[i]);
			sigprocmask(SIG_UNBLOCK, &one, NULL);
			sigprocmask(SIG_BLOCK, &one, NULL);
		}
}

enum vk_err
vk_relay_finish(struct vk_relay *r)
{
	struct vk_note n = VK_NOTE_INIT;
	struct pollfd p = { .fd = r->child.sock, .events = POLLIN };
	enum vk_err e;

	if (!r->was)
		return VK_OK;
	vk_relay_let_go(r);
	/* It may have ended, and have said before how. */
	if (vk_note_send(r->child.sock, &n) != VK_OK)
		vk_reason_clear();
	while (!r->early && poll(&p, 1, LOOK_AGAIN) == 0) {
		if (vk_death_waits()) {
			vk_relay_stop(r);
			return VK_OK;
		}
		heed_stops();
	}
	e = last_word(r, &n);
	if (e == VK_OK && n.value == DRAINED) {
		leave(r);
		return VK_OK;
	}
	vk_relay_stop(r);
	if (e != VK_OK)
		return vk_fail(VK_ENOENT, "a process that hides secrets in the command's output died");
	if (n.code != 0) {
		errno = n.code;
		return vk_fail_errno("cannot write the command's output");
	}
	return VK_OK;
}
