/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_USERNAME = 1, OPT_JSON };

static const struct vk_opt opts[] = {
	{ OPT_USERNAME, "username", "USER", "which account, where the URL has several", false },
	{ OPT_JSON, "json", NULL, "print a JSON object", false },
};

const struct vk_cmd vk_cmd_show = {
	.name = "show",
	.args = "NAME|URL",
	.summary = "show one entry in detail, without its secret",
	.help = "Shows the entry of that name, or the one stored for exactly that URL.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

static void
line(struct vk_buf *b, const char *label, const char *value)
{
	if (!*value)
		return;
	vk_buf_fmt(b, "%-9s ", label);
	vk_printable_add(b, value, 0);
	vk_buf_char(b, '\n');
}

static void
time_line(struct vk_buf *b, const char *label, int64_t t)
{
	char stamp[VK_WHEN_TEXT];

	vk_when_stamp(t, stamp);
	line(b, label, t ? stamp : "");
}

static enum vk_err
login_lines(struct vk_buf *b, const struct vk_cred *c)
{
	VK_CLEANUP(vk_grant_clear) struct vk_grant g = { 0 };
	enum vk_err e = vk_grant_read(c, &g);

	if (e != VK_OK)
		return e == VK_ENOENT ? VK_OK : e;
	line(b, "login", g.issuer);
	line(b, "client", g.client_id);
	line(b, "asked for", g.scope);
	return b->err;
}

static enum vk_err
describe(struct vk_buf *b, const struct vk_cred *c, int64_t now)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	char left[VK_WHEN_TEXT], stamp[VK_WHEN_TEXT];

	if (!url)
		return VK_ENOMEM;
	line(b, "name", c->name);
	line(b, "url", url);
	line(b, "username", c->username);
	line(b, "kind", vk_kind_text(c->kind));
	line(b, "header", c->header);
	line(b, "authtype", c->authtype);
	line(b, "scope", c->npm_scope);
	line(b, "by", vk_entry_origin(c));
	line(b, "default", c->flags & VK_CRED_DEFAULT ? "yes" : "no");
	time_line(b, "created", c->created);
	if (c->expires) {
		vk_when_left(c->expires, now, left);
		vk_when_stamp(c->expires, stamp);
		vk_buf_fmt(b, "%-9s %s (%s)\n", "expires", stamp, left);
	}
	time_line(b, "refused", c->refused);
	return login_lines(b, c);
}

static enum vk_err
show(const struct vk_entry_sel *sel, bool json, struct vk_buf *out)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_cred_list_clear) struct vk_cred_list list = { 0 };
	int64_t now = vk_when_now();
	enum vk_err e = vk_cli_open_unlocked(&st);

	if (e == VK_OK)
		e = vk_entry_pick(st, sel, &list);
	if (e == VK_OK)
		e = vk_entry_exact(st, &list.v[0]->scope, list.v[0]->username, &c);
	if (e != VK_OK)
		return e;
	if (!json)
		return describe(out, c, now);
	vk_entry_json(out, c, now);
	return vk_buf_str(out, "}\n");
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_show, argc, argv);
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(64 * VK_MAX_FIELD);
	struct vk_entry_sel sel = { 0 };
	bool json = false;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_USERNAME:
			sel.username = o.arg;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	sel.what = argv[o.at];
	if ((e = show(&sel, json, &out)) != VK_OK)
		return vk_msg_fail(e);
	return vk_stdout_text(out.p, out.len);
}
