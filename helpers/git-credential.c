/* SPDX-License-Identifier: ISC */
/* git's credential helper protocol: gitcredentials(7), git-credential(1). */
#include <string.h>
#include <unistd.h>

#include "valetkey/broker.h"
#include "valetkey/io.h"
#include "common.h"
#include "git.h"

/*
 * git closes the pipe after its request, but other programs that speak the
 * protocol send the blank line and wait, so reading stops there.
 */
static enum vk_err
read_request(struct vk_buf *b)
{
	enum vk_err e = VK_OK;
	size_t n = 1;

	while (e == VK_OK && n > 0 && vk_git_block(b->p, b->len) == 0)
		e = vk_buf_read_some(b, STDIN_FILENO, &n);
	if (e == VK_ELIMIT)
		return vk_fail(e, "the request is longer than %zu bytes", b->max);
	return e;
}

/* Refuse what git, or somebody through git, sent: no answer, one line, exit 1. */
static int
refuse(const struct git_request *r, enum vk_err e)
{
	vk_helper_refused(NULL, &r->opts, &r->scope, e);
	vk_helper_fail(e);
	return 1;
}

struct answer {
	const struct git_request *r;
	struct vk_buf out;
	bool found;
};

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf state = VK_BUF(256);
	struct answer *a = arg;
	/* What comes from a variable, a file or a run's own answers is not for others to keep. */
	bool ephemeral = !(c->flags & (VK_CRED_PINNED | VK_CRED_GIT | VK_CRED_DOCKER | VK_CRED_CARGO));
	enum vk_err e;

	a->found = true;
	if ((a->r->msg.caps & VK_GIT_CAP_STATE) && (e = vk_git_state(&a->r->scope, c, &state)) != VK_OK)
		return e;
	return vk_git_answer(c, &a->r->msg, state.p, ephemeral, &a->out);
}

static int
get(const struct git_request *r)
{
	struct answer a = { .r = r, .out = VK_BUF_SECRET(VK_MAX_INPUT) };
	struct vk_query q = { &r->scope, r->msg.username };
	enum vk_err e = vk_helper_answer(&r->opts, &q, say, &a);
	int status = e == VK_OK ? vk_helper_write(a.out.p, a.out.len) : 0;

	vk_buf_clear(&a.out);
	if (e == VK_OK || e == VK_ENOENT)
		return status;
	/* git minds no exit status, and would go on to ask the person for a password that there is. */
	if (e == VK_ELOCKED || e == VK_EKEY || e == VK_EBACKEND)
		vk_helper_write("quit=1\n", strlen("quit=1\n"));
	status = vk_helper_fail(e);
	return e == VK_EPROTO && a.found ? 1 : status;
}

/* Protocol and host; or the file of a client certificate, which has no host. */
static bool
names_a_place(const struct vk_git_msg *m)
{
	if (!m->protocol || !*m->protocol || !m->host)
		return false;
	return *m->host || (vk_str_ieq(m->protocol, "cert") && m->path && *m->path);
}

static int
act(struct git_request *r, const char *action)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF_SECRET(VK_MAX_INPUT);
	bool is_get = strcmp(action, "get") == 0;
	enum vk_err e;

	if ((e = read_request(&in)) != VK_OK)
		return refuse(r, e);
	/* A run has nothing that could be changed. */
	if (vk_broker_where() && strcmp(action, "store") == 0)
		return 0;
	if ((e = vk_git_parse(in.p ? in.p : "", in.len, &r->msg)) != VK_OK)
		return refuse(r, e);
	vk_buf_clear(&in);
	if (!names_a_place(&r->msg)) {
		/* A pattern that is blank here once meant "any host" to other helpers. */
		return is_get ? 0
			      : refuse(r, vk_fail(VK_EPROTO, "%s needs a protocol and a host", action));
	}
	e = vk_scope_make(r->msg.protocol, r->msg.host, r->msg.path, &r->scope);
	if (e != VK_OK)
		return refuse(r, e);
	if (is_get)
		return get(r);
	return strcmp(action, "store") == 0 ? vk_git_store(r) : vk_git_erase(r);
}

static const char usage[] =
    "usage: git-credential-valetkey [--config FILE] [--profile NAME] get|store|erase|capability\n\n"
    "git starts this; \"valetkey setup git\" registers it.\n";

int
vk_git_credential(int argc, char **argv)
{
	static const char capabilities[] = "version 0\ncapability authtype\ncapability state\n";
	struct git_request r = { .opts = { .tool = "git" } };
	const char *action;
	int at = vk_helper_options(argc, argv, usage, &r.opts), status;

	if (at <= 0)
		return at < 0 ? 2 : 0;
	if (argc - at != 1)
		return vk_msg_usage("git-credential: exactly one action, please: get, store, erase "
				    "or capability");
	action = argv[at];
	if (strcmp(action, "capability") == 0)
		return vk_helper_write(capabilities, sizeof(capabilities) - 1);
	if (strcmp(action, "get") != 0 && strcmp(action, "store") != 0 &&
	    strcmp(action, "erase") != 0)
		return 0; /* git may learn new ones, and asks helpers to ignore them */
	status = act(&r, action);
	vk_git_msg_clear(&r.msg);
	vk_scope_clear(&r.scope);
	return status;
}
