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

static int
reply(const char *text, size_t n)
{
	if (n == 0 || vk_write_full(STDOUT_FILENO, text, n) == VK_OK)
		return 0;
	return vk_helper_fail(VK_ESYS);
}

void
vk_git_refused(const struct git_request *r, const struct vk_policy *p, enum vk_err e)
{
	struct vk_log_entry v = {
		.event = VK_LOG_REFUSE, .via = "git", .asked = r->scope.host ? &r->scope : NULL, .result = e,
	};

	vk_msg_log_refusal(p, &r->opts, &v);
}

/* Refuse what git, or somebody through git, sent: no answer, one line, exit 1. */
static int
refuse(const struct git_request *r, enum vk_err e)
{
	vk_git_refused(r, NULL, e);
	vk_helper_fail(e);
	return 1;
}

static enum vk_err
answer(const struct git_request *r, const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf state = VK_BUF(256);
	/* What comes from a variable, a file or a run's own answers is not for others to keep. */
	bool ephemeral = !(c->flags & (VK_CRED_PINNED | VK_CRED_GIT | VK_CRED_DOCKER));
	enum vk_err e;

	if ((r->msg.caps & VK_GIT_CAP_STATE) &&
	    (e = vk_git_state(&r->scope, c, &state)) != VK_OK)
		return e;
	return vk_git_answer(c, &r->msg, state.p, ephemeral, out);
}

static enum vk_err
find(const struct git_request *r, struct vk_policy **p, struct vk_cred **ret)
{
	struct vk_query q = { &r->scope, r->msg.username };
	enum vk_err e;

	if ((e = vk_policy_open(&r->opts, p)) != VK_OK)
		return e;
	return vk_policy_find(*p, &q, ret);
}

static enum vk_err
log_answer(const struct git_request *r, const struct vk_policy *p, const struct vk_cred *c)
{
	struct vk_log_entry v = { .event = VK_LOG_ANSWER, .via = "git", .asked = &r->scope };

	vk_log_cred(&v, c);
	return vk_msg_log(p, NULL, &v, 1);
}

static int
get(const struct git_request *r)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);
	enum vk_err e = find(r, &p, &c);

	if (e == VK_OK)
		e = answer(r, c, &out);
	if (e == VK_OK)
		e = log_answer(r, p, c);
	else
		vk_git_refused(r, p, e);
	if (e == VK_ENOENT)
		return 0;
	if (e == VK_ELOCKED || e == VK_EKEY) {
		/* git minds no exit status, and would go on to ask the person for a password. */
		reply("quit=1\n", strlen("quit=1\n"));
		return vk_helper_fail(e);
	}
	if (e == VK_EPROTO && c) {
		vk_helper_fail(e);
		return 1;
	}
	return e == VK_OK ? reply(out.p, out.len) : vk_helper_fail(e);
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
	if (!is_get && vk_broker_where())
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

static int
usage(void)
{
	static const char text[] =
	    "usage: git-credential-valetkey [--config FILE] [--profile NAME] "
	    "get|store|erase|capability\n\n"
	    "git starts this; \"valetkey setup git\" registers it.\n";

	return reply(text, sizeof(text) - 1);
}

/* The value of option ${name} at ${argv[*at]}, as "--name VALUE" or "--name=VALUE". */
static const char *
option(int argc, char **argv, int *at, const char *name)
{
	const char *word = argv[*at];
	size_t n = strlen(name);

	if (strncmp(word, name, n) != 0)
		return NULL;
	if (word[n] == '=')
		return word + n + 1;
	if (word[n] != '\0' || *at + 1 >= argc)
		return NULL;
	return argv[++*at];
}

int
vk_git_credential(int argc, char **argv)
{
	static const char capabilities[] = "version 0\ncapability authtype\ncapability state\n";
	struct git_request r = { .opts = { .tool = "git" } };
	const char *v, *action;
	int at, status;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return usage();
		if ((v = option(argc, argv, &at, "--config")))
			r.opts.config = v;
		else if ((v = option(argc, argv, &at, "--profile")))
			r.opts.profile = v;
		else
			return vk_msg_usage("git-credential: no such option, or its value is "
					    "missing: %s", argv[at]);
	}
	if (argc - at != 1)
		return vk_msg_usage("git-credential: exactly one action, please: get, store, erase "
				    "or capability");
	action = argv[at];
	if (strcmp(action, "capability") == 0)
		return reply(capabilities, sizeof(capabilities) - 1);
	if (strcmp(action, "get") != 0 && strcmp(action, "store") != 0 &&
	    strcmp(action, "erase") != 0)
		return 0; /* git may learn new ones, and asks helpers to ignore them */
	status = act(&r, action);
	vk_git_msg_clear(&r.msg);
	vk_scope_clear(&r.scope);
	return status;
}
