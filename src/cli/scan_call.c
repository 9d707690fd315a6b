/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/helper_call.h"
#include "valetkey/io.h"
#include "cli/scan_call.h"

/* Above the descriptors that the program gets. */
enum { ABOVE = 10 };

struct running {
	pid_t pid;
	int out;
	bool done; /* it said so */
	unsigned paths_ended;
};

static void VK_NORETURN
child(const struct vk_scan_call *c, const char *path, pid_t parent, int ask, int out)
{
	char *argv[] = { vk_strdup(path), NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool reads = false;

	vk_arena_wipe();
	for (size_t i = 0; i < c->n_paths; i++)
		reads |= strcmp(c->paths[i], "-") == 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vk_harden_revert();
	ask = fcntl(ask, F_DUPFD_CLOEXEC, ABOVE);
	out = fcntl(out, F_DUPFD_CLOEXEC, ABOVE);
	if (getppid() == parent && argv[0] && null >= 0 && ask >= 0 && out >= 0 &&
	    (reads || dup2(null, STDIN_FILENO) >= 0) && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(ask, VK_SCAN_ASK_FD) >= 0) {
		vk_fds_drop(VK_SCAN_ASK_FD + 1, false);
		execve(path, argv, envp);
	}
	_exit(127);
}

/* The question is larger than what a pipe holds; it is read whole before anything is answered. */
static enum vk_err
hand_over(const struct vk_scan_call *c, int fd)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf ask = VK_BUF_SECRET(VK_SCAN_ASK_MAX);
	enum vk_err e = vk_scan_ask_put(&ask, c->forms, c->paths, c->n_paths, c->flags);

	vk_buf_clear(&c->forms->text);
	if (e == VK_OK && (e = vk_write_full(fd, ask.p, ask.len)) != VK_OK)
		e = VK_EBACKEND; /* its end tells more */
	return e;
}

static enum vk_err
start(const struct vk_scan_call *c, struct running *r)
{
	char path[VK_HELPER_PATH];
	int ask[2] = { -1, -1 }, out[2] = { -1, -1 };
	pid_t parent = getpid();
	enum vk_err e = vk_helper_program(VK_SCAN_PROGRAM, path);

	if (e == VK_EBACKEND)
		vk_hint("it is built where libarchive is installed (meson option \"scan\")");
	if (e == VK_OK && (pipe2(ask, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0))
		e = vk_fail_errno("cannot make a pipe");
	if (e == VK_OK && (r->pid = fork()) < 0)
		e = vk_fail_errno("cannot start %s", path);
	if (e == VK_OK && r->pid == 0)
		child(c, path, parent, ask[0], out[1]);
	vk_closep(&ask[0]);
	vk_closep(&out[1]);
	if (e == VK_OK)
		e = hand_over(c, ask[1]);
	vk_closep(&ask[1]);
	r->out = out[0];
	return e;
}

static enum vk_err
take(const struct vk_scan_call *c, struct running *r, const struct vk_scan_answer *a)
{
	if (r->done || ((a->kind == VK_SCAN_FOUND) && a->form >= c->forms->n) ||
	    (a->n_steps == 0 && (a->kind == VK_SCAN_FOUND || a->kind == VK_SCAN_PROBLEM || a->kind == VK_SCAN_LAYER)))
		return vk_fail(VK_EBACKEND, "valetkey-scan says what makes no sense");
	r->paths_ended += a->kind == VK_SCAN_PATH_END;
	r->done = a->kind == VK_SCAN_END;
	if (r->done && r->paths_ended != c->n_paths)
		return vk_fail(VK_EBACKEND, "valetkey-scan did not search everything");
	return c->answer(a, c->arg);
}

/* All whole answers in ${text}; the rest stays. */
static enum vk_err
take_all(const struct vk_scan_call *c, struct running *r, struct vk_buf *text)
{
	size_t at = 0, used = 0;
	struct vk_scan_answer a;
	enum vk_err e;

	while ((e = vk_scan_answer_parse(text->p + at, text->len - at, &a, &used)) == VK_OK) {
		if ((e = take(c, r, &a)) != VK_OK)
			return e;
		at += used;
	}
	if (e != VK_ENOENT)
		return vk_fail(VK_EBACKEND, "valetkey-scan says what makes no sense");
	memmove(text->p, text->p + at, text->len - at);
	text->len -= at;
	text->p[text->len] = '\0';
	return VK_OK;
}

static enum vk_err
hear(const struct vk_scan_call *c, struct running *r)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(2 * VK_SCAN_ANSWER_MAX);
	enum vk_err e = VK_OK;

	for (size_t n = 1; e == VK_OK && n > 0;) {
		e = vk_buf_read_some(&text, r->out, &n);
		if (e == VK_OK && n > 0)
			e = take_all(c, r, &text);
	}
	return e;
}

/* What it wrote about its failure went to standard error. */
static enum vk_err
finish(struct running *r, enum vk_err e)
{
	int status = 0;

	vk_closep(&r->out);
	if (r->pid <= 0)
		return e;
	if (e != VK_OK && e != VK_EBACKEND)
		kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (e == VK_OK && WIFSIGNALED(status))
		return vk_fail(VK_EBACKEND, "valetkey-scan was ended by signal %d; not everything was searched",
		    WTERMSIG(status));
	if (e == VK_OK && (!r->done || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return vk_fail(VK_EBACKEND, "valetkey-scan failed; not everything was searched");
	if (e == VK_EBACKEND && !*vk_reason())
		return vk_fail(e, "valetkey-scan ended before it was told what to look for");
	return e;
}

enum vk_err
vk_scan_call(const struct vk_scan_call *c)
{
	struct sigaction reap = { .sa_handler = SIG_DFL }, saved;
	struct running r = { .out = -1 };
	enum vk_err e;

	/* Were it ignored, as some parents leave it, the kernel would not tell how the program ended. */
	sigaction(SIGCHLD, &reap, &saved);
	if ((e = start(c, &r)) == VK_OK)
		e = hear(c, &r);
	e = finish(&r, e);
	sigaction(SIGCHLD, &saved, NULL);
	return e;
}
