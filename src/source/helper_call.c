/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source/helper_call.h"
#include "valetkey/io.h"

extern char **environ;

enum { LET_GO_MS = 5000 };

/* What a program needs to find the session's services, to speak the user's language, and to get out of here. */
static const char *const passed_on[] = {
	"HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",
	"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
};

struct call {
	char path[VK_HELPER_PATH];
	const struct vk_helper *h;
	char *envp[VK_COUNT(passed_on) + 2];
	pid_t pid, guard;
	int in;   /* what is asked */
	bool asked;
	int out;  /* its answer */
	int life; /* open as long as we live; the guard has the other end */
	int64_t deadline;
};

static void
make_environment(struct call *c)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	size_t n = 0;

	c->envp[n++] = path;
	for (size_t i = 0; i < VK_COUNT(passed_on); i++) {
		size_t len = strlen(passed_on[i]);

		for (char **e = environ; e && *e; e++)
			if (strncmp(*e, passed_on[i], len) == 0 && (*e)[len] == '=') {
				c->envp[n++] = *e;
				break;
			}
	}
	c->envp[n] = NULL;
}

/* None of them may be in the place that another is to have. */
enum { ABOVE = STDERR_FILENO + 1 + VK_HELPER_FDS_MAX };

static bool
hand_on(const struct vk_helper *h)
{
	int from[VK_HELPER_FDS_MAX];

	for (size_t i = 0; i < h->n_fds; i++)
		if ((from[i] = fcntl(h->fds[i], F_DUPFD_CLOEXEC, ABOVE)) < 0)
			return false;
	for (size_t i = 0; i < h->n_fds; i++)
		if (dup2(from[i], STDERR_FILENO + 1 + (int)i) < 0)
			return false;
	return true;
}

static void VK_NORETURN
child(struct call *c, pid_t parent, int in, int out)
{
	char *argv[] = { c->path, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	/* What it should know is in the pipe. */
	vk_arena_wipe();
	/* No terminal, so it cannot ask there; a group of its own, so that all it starts can be killed. */
	setsid();
	if (!c->h->hold)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	if (getppid() == parent && null >= 0 && chdir("/") == 0 && dup2(in, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 && hand_on(c->h)) {
		vk_fds_drop(STDERR_FILENO + 1 + (int)c->h->n_fds, false);
		execve(c->path, argv, c->envp);
	}
	_exit(127);
}

/*
 * The kernel ends the program with us, but not what the program has started.  So another process waits for our end,
 * whatever that is, in a group of its own, which no signal for ours reaches.
 */
static void VK_NORETURN
guard(int life)
{
	sigset_t all;
	pid_t group = 0;
	char more;

	vk_arena_wipe();
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (dup2(life, STDIN_FILENO) < 0)
		_exit(1);
	vk_fds_drop(STDIN_FILENO + 1, false);
	if (read(STDIN_FILENO, &group, sizeof(group)) == (ssize_t)sizeof(group) && group > 0 &&
	    read(STDIN_FILENO, &more, 1) == 0)
		kill(-group, SIGKILL);
	_exit(0);
}

static enum vk_err
start_guard(struct call *c)
{
	int life[2];

	if (pipe2(life, O_CLOEXEC) < 0)
		return vk_fail_errno("cannot make a pipe");
	if ((c->guard = fork()) == 0)
		guard(life[0]);
	vk_closep(&life[0]);
	c->life = life[1];
	return c->guard < 0 ? vk_fail_errno("cannot start %s", c->path) : VK_OK;
}

static enum vk_err
start(struct call *c)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	pid_t parent = getpid();
	enum vk_err e = VK_OK;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		e = vk_fail_errno("cannot make a pipe");
	if (e == VK_OK && (c->pid = fork()) < 0)
		e = vk_fail_errno("cannot start %s", c->path);
	if (e == VK_OK && c->pid == 0)
		child(c, parent, in[0], out[1]);
	if (e == VK_OK && c->life >= 0)
		e = vk_write_full(c->life, &c->pid, sizeof(c->pid));
	vk_closep(&in[0]);
	vk_closep(&out[1]);
	c->in = in[1];
	c->out = out[0];
	return e;
}

static enum vk_err
too_late(const struct call *c)
{
	return vk_fail(VK_EBACKEND, "valetkey-%s did not answer within %d seconds, and was stopped", c->h->program,
	    c->h->deadline_ms / 1000);
}

/* It may answer, or end, without having read everything; a pipe without a reader is no error then. */
static enum vk_err
write_some(struct call *c, const struct vk_buf *request, size_t *at)
{
	ssize_t n = write(c->in, request->p + *at, request->len - *at);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return VK_OK;
	if (n < 0 && errno != EPIPE)
		return vk_fail_errno("cannot ask valetkey-%s", c->h->program);
	if (n < 0) {
		/* The signal is blocked; it is not to come later. */
		sigset_t pipes;

		sigemptyset(&pipes);
		sigaddset(&pipes, SIGPIPE);
		(void)!sigtimedwait(&pipes, NULL, &(struct timespec){ 0, 0 });
	}
	*at = n < 0 ? request->len : *at + (size_t)n;
	if (*at < request->len)
		return VK_OK;
	/* Its end says that nothing is needed any more. */
	if (c->h->hold)
		c->asked = true;
	else
		vk_closep(&c->in);
	return VK_OK;
}

/* They go as they come, or they would fill the answer. */
static enum vk_err
take_progress(const struct vk_helper *h, struct vk_buf *answer)
{
	char *lf;

	while (h->progress && vk_str_starts(answer->p, "progress ") && (lf = strchr(answer->p, '\n'))) {
		char *text = answer->p + strlen("progress "), *blank = strchr(text, ' ');
		uint64_t done, total;

		*lf = '\0';
		if (!blank || blank > lf)
			return vk_fail(VK_EBACKEND, "valetkey-%s answers what is not understood", h->program);
		*blank = '\0';
		if (vk_str_u64(text, UINT64_MAX, &done) != VK_OK || vk_str_u64(blank + 1, UINT64_MAX, &total) != VK_OK)
			return vk_fail(VK_EBACKEND, "valetkey-%s answers what is not understood", h->program);
		h->progress(done, total, h->arg);
		answer->len -= (size_t)(lf + 1 - answer->p);
		memmove(answer->p, lf + 1, answer->len + 1);
	}
	return VK_OK;
}

/* Both at once: neither side's pipe has room for everything. */
static enum vk_err
talk(struct call *c, const struct vk_buf *request, struct vk_buf *answer)
{
	size_t at = 0;

	if (fcntl(c->in, F_SETFL, O_NONBLOCK) < 0)
		return vk_fail_errno("cannot ask valetkey-%s", c->h->program);
	for (;;) {
		struct pollfd p[] = { { .fd = c->out, .events = POLLIN },
			{ .fd = c->asked ? -1 : c->in, .events = POLLOUT } };
		int64_t left = c->deadline - vk_now_ms();
		size_t n = 0;
		enum vk_err e = VK_OK;

		if (left <= 0)
			return too_late(c);
		if (poll(p, 2, (int)left) <= 0)
			continue;
		if (p[1].revents && (e = write_some(c, request, &at)) != VK_OK)
			return e;
		if (!p[0].revents)
			continue;
		e = vk_buf_read_some(answer, c->out, &n);
		if (e == VK_ELIMIT)
			return vk_fail(VK_EBACKEND, "valetkey-%s answers more than %zu bytes", c->h->program,
			    answer->max);
		if (e != VK_OK || n == 0 || (e = take_progress(c->h, answer)) != VK_OK)
			return e;
	}
}

static enum vk_err
wait_end(struct call *c, int *ret_status)
{
	struct timespec pause = { 0, 1000000 };
	int status;

	for (;;) {
		pid_t r = waitpid(c->pid, &status, WNOHANG);

		if (r == c->pid)
			break;
		if (r < 0 && errno != EINTR)
			return vk_fail_errno("cannot wait for valetkey-%s", c->h->program);
		if (vk_now_ms() >= c->deadline)
			return too_late(c);
		nanosleep(&pause, NULL);
	}
	c->pid = 0;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return VK_OK;
}

/* ---- what is held ----------------------------------------------------------------------------------------------- */

static struct held {
	pid_t pid;
	int in;
} *held;
static size_t n_held;

/* It has closed its output, so its answer is whole; it ends when its input does. */
static enum vk_err
keep(struct call *c)
{
	struct held *more = reallocarray(held, n_held + 1, sizeof(*more));

	if (!more)
		return VK_ENOMEM;
	held = more;
	held[n_held++] = (struct held){ c->pid, c->in };
	c->pid = 0;
	c->in = -1;
	return VK_OK;
}

void
vk_helper_let_go(void)
{
	struct timespec pause = { 0, 5000000 };
	int64_t until = vk_now_ms() + LET_GO_MS;

	for (size_t i = 0; i < n_held; i++)
		vk_closep(&held[i].in);
	for (size_t i = 0; i < n_held; i++)
		while (waitpid(held[i].pid, NULL, WNOHANG) == 0 && vk_now_ms() < until)
			nanosleep(&pause, NULL);
	free(held);
	held = NULL;
	n_held = 0;
}

/* ---- from start to end ------------------------------------------------------------------------------------------ */

static void
end_process(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
stop(struct call *c)
{
	/* Its group is not there yet if it has just been started. */
	if (c->pid > 0)
		kill(-c->pid, SIGKILL);
	end_process(c->pid);
	/* Before it could take our end of the pipe, closed, for our end. */
	end_process(c->guard);
	vk_closep(&c->life);
	vk_closep(&c->in);
	vk_closep(&c->out);
}

enum vk_err
vk_helper_call(const struct vk_helper *h, const struct vk_buf *request, struct vk_buf *answer, int *ret_status)
{
	struct call c = { .h = h, .in = -1, .out = -1, .life = -1, .deadline = vk_now_ms() + h->deadline_ms };
	struct sigaction reap = { .sa_handler = SIG_DFL }, saved;
	enum vk_err e;

	if (request->err != VK_OK)
		return request->err;
	if (request->len > VK_HELPER_REQUEST_MAX)
		return vk_fail(VK_ELIMIT, "a request is larger than %d bytes", VK_HELPER_REQUEST_MAX);
	if ((e = vk_helper_program(h->program, c.path)) != VK_OK)
		return e;
	make_environment(&c);
	/* Were it ignored, as some parents leave it, the kernel would not tell how the program ended. */
	sigaction(SIGCHLD, &reap, &saved);
	e = h->hold ? VK_OK : start_guard(&c);
	if (e == VK_OK && (e = start(&c)) == VK_OK)
		e = talk(&c, request, answer);
	if (e == VK_OK && h->hold && answer->len > 0 && (e = keep(&c)) == VK_OK)
		*ret_status = 0;
	else if (e == VK_OK)
		e = wait_end(&c, ret_status);
	stop(&c);
	sigaction(SIGCHLD, &saved, NULL);
	return e;
}
