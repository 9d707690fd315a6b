/* SPDX-License-Identifier: ISC */
/*
 * A NuGet plugin: .NET SDK 9.0.200 and later start any executable nuget-plugin-* of PATH, nuget.exe what setup puts
 * into its directory of plugins.  It lives as long as its client: messages are lines of JSON in both directions, and
 * each answer is looked for anew.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/broker.h"
#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: nuget-plugin-valetkey -Plugin\n\n"
    "NuGet starts this; \"valetkey setup nuget\" lets it find it.\n";

struct plugin {
	struct vk_policy_opts opts;
	struct vk_buf in; /* what is not answered yet */
	int client;       /* a pidfd of the process that is monitored; -1 */
};

struct answer {
	const struct vk_nuget_msg *m;
	struct vk_buf *out;
};

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	struct answer *a = arg;

	return vk_nuget_answer(a->m, c, a->out);
}

static enum vk_err
credentials(const struct plugin *p, const struct vk_nuget_msg *m, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *url = strndup(m->uri, strcspn(m->uri, "?#"));
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	struct vk_query q = { &asked, NULL };
	struct answer a = { m, out };
	enum vk_err e = url ? vk_scope_parse(url, &asked, NULL) : VK_ENOMEM;

	/* How that goes is seen at once. */
	if (e == VK_OK && m->is_retry && vk_broker_where() &&
	    vk_broker_refused(vk_broker_where(), p->opts.tool, &q) != VK_OK)
		vk_reason_clear();
	if (e == VK_OK)
		e = vk_helper_answer(&p->opts, &q, say, &a);
	else
		vk_helper_refused(NULL, &p->opts, NULL, e);
	if (e == VK_OK)
		return VK_OK;
	/* What was begun before it was found impossible. */
	vk_buf_clear(out);
	e = vk_nuget_respond(m, e == VK_ENOENT ? NULL : vk_helper_line(e), out);
	vk_reason_clear();
	return e;
}

static enum vk_err
respond(struct plugin *p, const struct vk_nuget_msg *m)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	enum vk_err e;

	if (!m->is_request)
		return VK_OK;
	if (m->method == VK_NUGET_MONITOR && p->client < 0 && m->pid > 0)
		p->client = (int)syscall(SYS_pidfd_open, (pid_t)m->pid, 0);
	e = m->method == VK_NUGET_CREDENTIALS ? credentials(p, m, &out) : vk_nuget_respond(m, NULL, &out);
	return e == VK_OK ? vk_write_full(STDOUT_FILENO, out.p, out.len) : e;
}

/* Answers the whole lines that have come; VK_ENOENT: the client says good-bye. */
static enum vk_err
answer_lines(struct plugin *p)
{
	enum vk_err e = VK_OK;
	size_t done = 0;

	while (e == VK_OK) {
		VK_CLEANUP(vk_nuget_msg_clear) struct vk_nuget_msg m = { 0 };
		const char *line = p->in.p + done, *lf = memchr(line, '\n', p->in.len - done);

		if (!lf)
			break;
		if ((e = vk_nuget_parse(line, (size_t)(lf - line), &m)) == VK_OK)
			e = m.is_request && m.method == VK_NUGET_CLOSE ? VK_ENOENT : respond(p, &m);
		done = (size_t)(lf + 1 - p->in.p);
	}
	memmove(p->in.p, p->in.p + done, p->in.len - done);
	p->in.len -= done;
	return e;
}

static enum vk_err
serve(struct plugin *p)
{
	size_t n = 1;
	enum vk_err e = VK_OK;

	while (e == VK_OK && n > 0) {
		struct pollfd fds[2] = { { STDIN_FILENO, POLLIN, 0 }, { p->client, POLLIN, 0 } };

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			break;
		if ((e = vk_buf_read_some(&p->in, STDIN_FILENO, &n)) == VK_ELIMIT)
			e = vk_fail(e, "a message is longer than %zu bytes", p->in.max);
		if (e == VK_OK && n > 0)
			e = answer_lines(p);
	}
	return e == VK_ENOENT ? VK_OK : e;
}

static enum vk_err
greet(void)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(1024);
	/* Of the one request that we make, so it need not be random. */
	enum vk_err e = vk_nuget_handshake("7a1e7ce1-0000-4000-8000-000000000001", &out);

	return e == VK_OK ? vk_write_full(STDOUT_FILENO, out.p, out.len) : e;
}

int
vk_nuget_plugin(int argc, char **argv)
{
	struct plugin p = { .opts = { .tool = "nuget" }, .in = VK_BUF(VK_MAX_INPUT), .client = -1 };
	enum vk_err e;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return vk_helper_write(usage, strlen(usage));
	if (argc != 2 || strcmp(argv[1], "-Plugin") != 0)
		return vk_msg_usage("nuget-plugin: exactly one argument, please: -Plugin");
	if ((e = greet()) == VK_OK)
		e = serve(&p);
	vk_buf_clear(&p.in);
	vk_closep(&p.client);
	return e == VK_OK ? 0 : vk_helper_fail(e);
}
