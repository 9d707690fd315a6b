/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/rows.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_JSON = 1 };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print a JSON array", false },
};

const struct vk_cmd vk_cmd_list = {
	.name = "list",
	.args = "[URL]",
	.summary = "show the entries of the keystore, never their secrets",
	.help = "Shows every entry, or those that can answer for URL or for something below it.\n"
		"BY is who stored an entry: you, git, docker or cargo.  Clients can change only their own.\n"
		"REFUSED is when a client last reported that the server did not accept it.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

enum { JSON_MAX = 1024 * 1024 * 1024 };

static const struct vk_column columns[] = {
	{ "NAME", 24 }, { "URL", 36 }, { "USER", 14 }, { "KIND", 6 },
	{ "SCOPE", 8 }, { "EXPIRES", 14 }, { "BY", 6 }, { "REFUSED", 0 },
};

struct listing {
	struct vk_buf out;
	const struct vk_scope *under; /* NULL: everything */
	bool json;
	uint64_t n;
	int64_t now;
};

static enum vk_err
row(struct vk_buf *b, const struct vk_cred *c, int64_t now)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	char left[VK_WHEN_TEXT], refused[VK_WHEN_TEXT];

	if (!url)
		return VK_ENOMEM;
	vk_when_left(c->expires, now, left);
	vk_when_stamp(c->refused, refused);
	vk_rows_add(b, columns, VK_COUNT(columns), (const char *const[]){ c->name, url, c->username,
		     vk_kind_text(c->kind), c->npm_scope, left, vk_entry_origin(c), refused });
	return b->err;
}

static enum vk_err
visit(const struct vk_cred *c, void *arg)
{
	struct listing *l = arg;
	enum vk_err e;

	if (l->under && !vk_path_covers(c->scope.path, l->under->path) &&
	    !vk_path_covers(l->under->path, c->scope.path))
		return VK_OK;
	if (l->json) {
		vk_buf_str(&l->out, l->n++ ? ",\n" : "[\n");
		vk_entry_json(&l->out, c, l->now);
		return vk_buf_char(&l->out, '}');
	}
	if (l->n++ == 0)
		vk_rows_heading(&l->out, columns, VK_COUNT(columns));
	if ((e = row(&l->out, c, l->now)) != VK_OK)
		return e;
	return l->out.len >= VK_ROWS_FLUSH_AT ? vk_rows_flush(&l->out) : VK_OK;
}

static enum vk_err
print(struct listing *l, const struct vk_scope *under)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_cli_open_unlocked(&st);

	l->under = under;
	if (e == VK_OK)
		e = vk_store_each(st, under, visit, l);
	/* JSON is one document or none; a table that stops at a damaged page shows what came before. */
	if (e == VK_OK && l->json)
		vk_buf_str(&l->out, l->n ? "\n]\n" : "[]\n");
	if (e == VK_OK || !l->json) {
		enum vk_err f = vk_rows_flush(&l->out);

		e = e == VK_OK ? f : e;
	}
	vk_buf_clear(&l->out);
	return e;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_list, argc, argv);
	struct listing l = { .out = VK_BUF(VK_ROWS_FLUSH_AT + 16 * VK_MAX_FIELD), .now = vk_when_now() };
	struct vk_scope under = { 0 };
	const char *url = NULL;
	enum vk_err e = VK_OK;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id != OPT_JSON)
			return vk_opts_exit(id);
		l.json = true;
		l.out.max = JSON_MAX;
	}
	if (!vk_opts_operands(&o, 0, 1))
		return 2;
	if (o.at < argc) {
		url = argv[o.at];
		if ((e = vk_scope_parse(url, &under, NULL)) != VK_OK)
			return vk_msg_fail(e);
	}
	e = print(&l, url ? &under : NULL);
	vk_scope_clear(&under);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (l.n == 0 && !l.json)
		vk_msg_note(url ? "no entry for %s" : "the keystore is empty%s", url ? url : "");
	return l.n == 0 && url ? 1 : 0;
}
