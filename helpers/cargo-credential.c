/* SPDX-License-Identifier: ISC */
/*
 * cargo's credential provider protocol, cargo 1.74.  We greet first, and answer each line until there is no more.
 * What went wrong is said in an answer and not by the exit code.
 */
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey --cargo-plugin\n\n"
    "cargo starts this; \"valetkey setup cargo\" registers it.  Behind the program's name in cargo's configuration\n"
    "may stand --config FILE and --profile NAME.\n";

struct answer {
	const struct vk_cargo_msg *m;
	const struct vk_scope *asked;
	struct vk_buf *out;
};

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	const struct answer *a = arg;

	if (!vk_cargo_serves(c, a->m, a->asked)) {
		if (!*c->scope.path && *a->asked->path)
			vk_hint("%s is for all of its host, and cargo would send it where the index says: add one with "
				"the URL of the index", *c->name ? c->name : "the entry");
		return VK_ENOENT;
	}
	return vk_cargo_answer(c, a->m, a->out);
}

/* "get"; and for the others, which change nothing here, whether it would be answered. */
static enum vk_err
find(const struct vk_policy_opts *opts, const struct vk_cargo_msg *m, struct vk_buf *out)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	struct answer a = { m, &asked, out };
	struct vk_query q = { &asked, NULL };
	enum vk_err e = vk_cargo_scope(m, &asked);

	/* What is no web server's name can have no entry. */
	if (e != VK_OK)
		return e == VK_EPROTO ? VK_ENOENT : e;
	if (strcmp(m->kind, "get") == 0)
		return vk_helper_answer(opts, &q, say, &a);
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

	if ((e = vk_policy_open(opts, &p)) == VK_OK)
		e = vk_policy_find(p, &q, &c);
	return e == VK_OK && !vk_cargo_serves(c, m, &asked) ? VK_ENOENT : e;
}

static enum vk_err
fail(enum vk_err e, struct vk_buf *out)
{
	vk_buf_clear(out);
	return vk_cargo_error("other", vk_helper_line(e), out);
}

/*
 * A registry of ours is a person's entry, which cargo neither replaces nor removes; one that is not is left to the
 * next provider.
 */
static enum vk_err
change(const struct vk_cargo_msg *m, enum vk_err found, struct vk_buf *out)
{
	if (found == VK_ENOENT)
		return vk_cargo_error("url-not-supported", NULL, out);
	if (found != VK_OK)
		return fail(found, out);
	if (strcmp(m->kind, "login") != 0 && strcmp(m->kind, "logout") != 0)
		return vk_cargo_error("operation-not-supported", NULL, out);
	return fail(vk_fail(VK_EPOLICY, "this registry's token is in valetkey's hands, where cargo %s changes nothing: "
		"use \"valetkey %s\"", m->kind, strcmp(m->kind, "login") == 0 ? "add" : "remove"), out);
}

static enum vk_err
reply(const char *line, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_cargo_msg_clear) struct vk_cargo_msg m = { 0 };
	struct vk_policy_opts opts = { .tool = "cargo" };
	static char name[] = "cargo";
	enum vk_err e = vk_cargo_parse(line, n, &m);

	if (e != VK_OK) {
		vk_helper_refused(NULL, &opts, NULL, e);
		return fail(e, out);
	}
	m.args[0] = name;
	/* Standard output is for answers, whatever is asked there. */
	if (vk_helper_options((int)m.n_args + 1, m.args, "", &opts) != (int)m.n_args + 1)
		return fail(vk_fail(VK_EUSAGE, "cargo's configuration has words that valetkey does not know"), out);
	e = find(&opts, &m, out);
	if (strcmp(m.kind, "get") != 0)
		return change(&m, e, out);
	if (e != VK_ENOENT)
		return e == VK_OK ? out->err : fail(e, out);
	/* cargo only says that no token was found; an entry that does not do, or is expired, is worth a line. */
	if (*vk_reason() || *vk_hint_text())
		vk_msg_note("%s", *vk_reason() ? vk_reason() : vk_hint_text());
	vk_buf_clear(out);
	return vk_cargo_error("not-found", NULL, out);
}

/* The next line of standard input is the first ${*ret_n} bytes of ${in}, with its LF; 0 at the end. */
static enum vk_err
next_line(struct vk_buf *in, size_t *ret_n)
{
	for (;;) {
		const char *lf = in->len ? memchr(in->p, '\n', in->len) : NULL;
		size_t n = 0;
		enum vk_err e;

		if (lf) {
			*ret_n = (size_t)(lf - in->p) + 1;
			return VK_OK;
		}
		if ((e = vk_buf_read_some(in, STDIN_FILENO, &n)) != VK_OK)
			return e;
		if (n == 0) {
			*ret_n = in->len;
			return VK_OK;
		}
	}
}

int
vk_cargo_credential(int argc, char **argv)
{
	static const char hello[] = "{\"v\":[1]}\n";
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF_SECRET(VK_MAX_INPUT);
	size_t n = 0;
	int status;
	enum vk_err e;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return vk_helper_write(usage, strlen(usage));
	if (argc != 2 || strcmp(argv[1], "--cargo-plugin") != 0)
		return vk_msg_usage("cargo-credential: cargo starts this with --cargo-plugin");
	status = vk_helper_write(hello, strlen(hello));
	while (status == 0 && (e = next_line(&in, &n)) == VK_OK && n > 0) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_INPUT);

		vk_reason_clear();
		if ((e = reply(in.p, n, &out)) != VK_OK)
			return vk_helper_fail(e);
		status = vk_helper_write(out.p, out.len);
		in.len -= n;
		memmove(in.p, in.p + n, in.len);
		vk_wipe(in.p + in.len, n);
	}
	return status != 0 || e == VK_OK ? status : vk_helper_fail(e);
}
