/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "child.h"

enum { PATIENCE_MS = 2000 };
enum { CHILD_SOCK = 0 }; /* where a child's end of the socket lies; nothing else is open */

static bool
is_of_a_policy(const char *variable)
{
	if (vk_str_starts(variable, "VALETKEY_KEY=") || vk_str_starts(variable, "VALETKEY_IDENTITY="))
		return false;
	return vk_str_starts(variable, "HOME=") || vk_str_starts(variable, "XDG_") ||
	    vk_str_starts(variable, "VALETKEY_");
}

/* In place, as /proc/PID/environ shows them. */
static void
wipe_environment(char **environment, bool policy)
{
	size_t kept = 0;

	for (size_t i = 0; environment && environment[i]; i++)
		if (policy && is_of_a_policy(environment[i]))
			environment[kept++] = environment[i];
		else
			vk_wipe(environment[i], strlen(environment[i]));
	if (environment)
		environment[kept] = NULL;
}

struct birth {
	int namespaces;
	bool late, policy;
	void (*shed)(const void *arg); /* an heir's: the arena stays but for this */
	vk_child_body *body;
	const void *arg;
};

static void VK_NORETURN
child_main(pid_t parent, int sock, const struct birth *b)
{
	extern char **environ;
	sigset_t all;

	/* Before anything is asked of the kernel. */
	wipe_environment(environ, b->policy);
	vk_wipe_registers(); /* to measure a variable's length is to load it */
	if (b->shed)
		b->shed(b->arg);
	else if (b->late)
		vk_arena_wipe();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* In a PID namespace of its own it has no number for us; there the socket must do. */
	if (!(b->namespaces & CLONE_NEWPID) && getppid() != parent)
		_exit(0);
	/* Not in the command's process group: a terminal's or a group's signal is not for us. */
	setsid();
	if (sock != CHILD_SOCK && dup2(sock, CHILD_SOCK) < 0)
		_exit(125);
	vk_fds_drop(CHILD_SOCK + 1, false);
	/* What a library might write must not go to whatever gets these numbers. */
	for (int fd = CHILD_SOCK + 1; fd <= STDERR_FILENO; fd++)
		(void)!open("/dev/null", O_RDWR | O_CLOEXEC);
	if (b->late)
		vk_arena_lock_again();
	b->body(CHILD_SOCK, b->arg);
	vk_arena_wipe();
	_exit(0);
}

static enum vk_err
start(const struct birth *b, struct vk_child *ret)
{
	int pair[2];
	pid_t parent = getpid(), pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return vk_fail_errno("cannot make a socket pair");
	if (b->namespaces) /* the C library's fork() takes no flags */
		pid = (pid_t)syscall(SYS_clone, (unsigned long)b->namespaces | SIGCHLD, NULL, NULL, NULL, 0L);
	else
		pid = fork();
	if (pid == 0)
		child_main(parent, pair[1], b);
	close(pair[1]);
	if (pid < 0) {
		enum vk_err e = vk_fail_errno("the kernel refuses %s",
		    b->namespaces & CLONE_NEWUSER ? "a user namespace" :
		    b->namespaces ? "a mount and PID namespace" : "a new process");

		close(pair[0]);
		return e;
	}
	ret->pid = pid;
	ret->sock = pair[0];
	return VK_OK;
}

enum vk_err
vk_child_start(int namespaces, vk_child_body *body, const void *arg, struct vk_child *ret)
{
	return start(&(struct birth){ .namespaces = namespaces, .body = body, .arg = arg }, ret);
}

enum vk_err
vk_child_start_late(vk_child_body *body, const void *arg, struct vk_child *ret)
{
	return start(&(struct birth){ .late = true, .body = body, .arg = arg }, ret);
}

enum vk_err
vk_child_start_policy(vk_child_body *body, const void *arg, struct vk_child *ret)
{
	return start(&(struct birth){ .late = true, .policy = true, .body = body, .arg = arg }, ret);
}

enum vk_err
vk_child_start_heir(vk_child_body *body, void (*shed)(const void *arg), const void *arg, struct vk_child *ret)
{
	return start(&(struct birth){ .late = true, .policy = true, .shed = shed, .body = body, .arg = arg }, ret);
}

void
vk_child_outlive(void)
{
	prctl(PR_SET_PDEATHSIG, SIGCONT);
}

void
vk_child_stop(struct vk_child *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->pid = 0;
}

struct wire {
	int code;
	long value;
	char text[VK_NOTE_TEXT];
};

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int) * VK_NOTE_FDS)];
};

enum vk_err
vk_note_send(int sock, const struct vk_note *n)
{
	struct wire w = { .code = n->code, .value = n->value };
	struct iovec io = { .iov_base = &w, .iov_len = sizeof(w) };
	union control c = { 0 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	memcpy(w.text, n->text, sizeof(w.text));
	if (n->n_fds > 0) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n->n_fds);
		c.head.cmsg_level = SOL_SOCKET;
		c.head.cmsg_type = SCM_RIGHTS;
		c.head.cmsg_len = CMSG_LEN(sizeof(int) * n->n_fds);
		memcpy(CMSG_DATA(&c.head), n->fds, sizeof(int) * n->n_fds);
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return vk_fail_errno("cannot reach a helper process");
	return VK_OK;
}

enum vk_err
vk_note_recv(int sock, struct vk_note *ret)
{
	struct wire w;
	struct iovec io = { .iov_base = &w, .iov_len = sizeof(w) };
	union control c = { 0 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	ssize_t got;

	while ((got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC)) < 0)
		if (errno != EINTR)
			return vk_fail_errno("cannot hear a helper process");
	if (got != (ssize_t)sizeof(w))
		return vk_fail(VK_ENOENT, "a helper process ended early");
	*ret = (struct vk_note)VK_NOTE_INIT;
	ret->code = w.code;
	ret->value = w.value;
	memcpy(ret->text, w.text, sizeof(ret->text));
	ret->text[sizeof(ret->text) - 1] = '\0';
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			ret->n_fds = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(ret->fds, CMSG_DATA(h), ret->n_fds * sizeof(int));
		}
	return VK_OK;
}

enum vk_err
vk_note_recv_soon(int sock, struct vk_note *ret)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) == 0)
		return vk_fail(VK_ESYS, "a helper process does not answer");
	return vk_note_recv(sock, ret);
}

void
vk_note_clear(struct vk_note *n)
{
	for (size_t i = 0; i < VK_NOTE_FDS; i++)
		vk_closep(&n->fds[i]);
	*n = (struct vk_note)VK_NOTE_INIT;
}

void
vk_note_fail(int sock, enum vk_err e)
{
	struct vk_note n = VK_NOTE_INIT;
	const char *why = *vk_reason() ? vk_reason() : vk_err_text(e);
	size_t len = strlen(why);

	n.code = (int)e;
	if (len >= sizeof(n.text))
		len = sizeof(n.text) - 1;
	memcpy(n.text, why, len);
	(void)!vk_note_send(sock, &n);
}
