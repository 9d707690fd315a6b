/* SPDX-License-Identifier: ISC */
/*
 * cargo's credential provider protocol, cargo 1.74.  We greet first, and answer each line until there is no more.
 * What went wrong is said in an answer and not by the exit code.
 */
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cargo.h"
#include "common.h"

static const char usage[] =
    "usage: valetkey --cargo-plugin\n\n"
    "cargo starts this; \"valetkey setup cargo\" registers it.  Behind the program's name in cargo's configuration\n"
    "may stand --config FILE and --profile NAME.\n";

struct answer {
	const struct cargo_request *r;
	struct vk_buf *out;
};

static enum vk_err
say(const struct vk_cred *c, void *arg)
{
	const struct answer *a = arg;

	if (!vk_cargo_serves(c, &a->r->msg, &a->r->scope)) {
		if (!*c->scope.path && *a->r->scope.path)
			vk_hint("%s is for all of its host, and cargo would send it where the index says: add one with "
				"the URL of the index", *c->name ? c->name : "the entry");
		return VK_ENOENT;
	}
	return vk_cargo_answer(c, &a->r->msg, a->out);
}

static enum vk_err
fail(enum vk_err e, struct vk_buf *out)
{
	vk_buf_clear(out);
	return vk_cargo_error("other", vk_helper_line(e), out);
}

static enum vk_err
get(const struct cargo_request *r, struct vk_buf *out)
{
	struct answer a = { r, out };
	enum vk_err e = vk_helper_answer(&r->opts, &(struct vk_query){ &r->scope, NULL }, say, &a);

	if (e != VK_ENOENT)
		return e == VK_OK ? out->err : e;
	/* cargo only says that no token was found; an entry that does not do, or is expired, is worth a line. */
	if (*vk_reason() || *vk_hint_text())
		vk_msg_note("%s", *vk_reason() ? vk_reason() : vk_hint_text());
	vk_buf_clear(out);
	return vk_cargo_error("not-found", NULL, out);
}

static enum vk_err
act(struct cargo_request *r, struct vk_buf *out)
{
	bool is_get = strcmp(r->msg.kind, "get") == 0;
	static char name[] = "cargo";
	enum vk_err e;

	r->msg.args[0] = name;
	/* Standard output is for answers, whatever is asked there. */
	if (vk_helper_options((int)r->msg.n_args + 1, r->msg.args, "", &r->opts) != (int)r->msg.n_args + 1)
		return vk_fail(VK_EUSAGE, "cargo's configuration has words that valetkey does not know");
	/* What is no web server's name can have no entry. */
	if ((e = vk_cargo_scope(&r->msg, &r->scope)) == VK_EPROTO)
		return vk_cargo_error(is_get ? "not-found" : "url-not-supported", NULL, out);
	if (e != VK_OK)
		return e;
	return is_get ? get(r, out) : vk_cargo_change(r, out);
}

static enum vk_err
reply(const char *line, size_t n, struct vk_buf *out)
{
	struct cargo_request r = { .opts = { .tool = "cargo", .takes = vk_cargo_takes } };
	enum vk_err e = vk_cargo_parse(line, n, &r.msg);

	if (e != VK_OK)
		vk_helper_refused(NULL, &r.opts, NULL, e);
	else
		e = act(&r, out);
	vk_cargo_msg_clear(&r.msg);
	vk_scope_clear(&r.scope);
	return e == VK_OK ? e : fail(e, out);
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
