/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/helper.h"
#include "valetkey/io.h"
#include "cli/run_scan.h"
#include "cli/scan_wanted.h"

/* What it searched says so by its status; everything else has said why on standard error. */
enum { CLEAN = 0, FOUND = 1, UNTOLD = 120 };

/* Of all that valetkey knew when this process was made, the forms alone stay. */
static enum vk_err
keep_forms(struct vk_forms *f)
{
	size_t n = f->text.len;
	struct vk_buf text = VK_BUF_SECRET(f->text.max);
	char *shelter = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (shelter == MAP_FAILED)
		return VK_ENOMEM;
	(void)!mlock(shelter, n);
	memcpy(shelter, f->text.p, n);
	vk_arena_wipe();
	vk_wipe_stack();
	vk_buf_add(&text, shelter, n);
	vk_wipe(shelter, n);
	munmap(shelter, n);
	f->text = text;
	return text.err;
}

static int
search(struct vk_run_scan *s, struct vk_scan_wanted *w, struct vk_scan_report *r, int sock)
{
	struct vk_scan_call call = {
		.forms = &w->forms, .paths = s->paths, .n_paths = s->n, .answer = vk_scan_report_answer, .arg = r,
	};
	char go;

	/* The end of file: there is nothing to search. */
	if (read(sock, &go, 1) != 1)
		return CLEAN;
	return vk_scan_search(w, r, &call);
}

/*
 * A process with secrets beside the command: in a session of its own, so that the terminal's signals are not for it;
 * with none of the command's descriptors, whose readers would wait for it; and with the end of valetkey as its own.
 */
static void VK_NORETURN
wait_and_search(struct vk_run_scan *s, const struct vk_cred_list *creds, pid_t parent, int sock)
{
	struct vk_scan_wanted w = VK_SCAN_WANTED_NONE;
	struct vk_scan_report r = { .forms = &w.forms, .problems = VK_BUF(VK_SCAN_PROBLEMS_MAX) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = UNTOLD;

	setsid();
	prctl(PR_SET_NAME, "valetkey-waits");
	vk_arena_lock_again();
	if (vk_die_with(parent) && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
		vk_fds_drop(STDERR_FILENO + 1, true);
		enum vk_err e = vk_scan_want(&w, creds, &r);

		if (e == VK_OK && w.forms.n > 0)
			e = keep_forms(&w.forms);
		if (e == VK_OK)
			status = search(s, &w, &r, sock);
		else
			(void)!vk_msg_fail(e);
	}
	vk_arena_wipe();
	_exit(status);
}

enum vk_err
vk_run_scan_prepare(const struct vk_cred_list *creds, void *scan)
{
	struct vk_run_scan *s = scan;
	pid_t parent = getpid();
	int pair[2];

	if (s->n == 0)
		return VK_OK;
	if (creds->n == 0)
		return vk_fail(VK_EUSAGE, "--scan: the run has no credential to look for");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return vk_fail_errno("cannot make a socket pair");
	s->pid = fork();
	if (s->pid == 0) {
		close(pair[0]);
		wait_and_search(s, creds, parent, pair[1]);
	}
	close(pair[1]);
	s->go = pair[0];
	return s->pid < 0 ? vk_fail_errno("cannot start a process") : VK_OK;
}

enum vk_err
vk_run_scan_finish(struct vk_run_scan *s)
{
	int status;
	pid_t got;

	if (s->pid <= 0)
		return VK_OK;
	(void)!send(s->go, "", 1, MSG_NOSIGNAL);
	vk_closep(&s->go);
	kill(s->pid, SIGCONT); /* the command may have stopped it */
	while ((got = waitpid(s->pid, &status, 0)) < 0 && errno == EINTR)
		;
	s->pid = 0;
	if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == CLEAN)
		return VK_OK;
	if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == FOUND)
		return vk_fail(VK_EPOLICY, "the command left credentials in what was searched");
	return vk_fail(VK_EBACKEND, "what the command left could not be searched");
}

void
vk_run_scan_drop(struct vk_run_scan *s)
{
	if (s->pid <= 0)
		return;
	vk_closep(&s->go);
	kill(s->pid, SIGTERM);
	kill(s->pid, SIGCONT);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
}
