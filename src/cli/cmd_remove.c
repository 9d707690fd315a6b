/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/kept.h"

static int run(int argc, char **argv);

enum { OPT_USERNAME = 1, OPT_ALL, OPT_FROM };

static const struct vk_opt opts[] = {
	{ OPT_USERNAME, "username", "USER", "which account, where the URL has several", false },
	{ OPT_ALL, "all", NULL, "every account of the URL", false },
	{ OPT_FROM, "from", "STORE", "secret-service: from the desktop's keyring, not from the keystore", false },
};

const struct vk_cmd vk_cmd_remove = {
	.name = "remove",
	.args = "NAME|URL",
	.summary = "remove an entry from the keystore",
	.help = "Removes the entry of that name, or the one stored for exactly that URL.  Entries for paths\n"
		"below the URL stay.  Where several accounts fit, nothing is removed until --username or\n"
		"--all says which.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct removal {
	struct vk_entry_sel sel;
	struct vk_cred_list gone;
};

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	struct removal *r = arg;
	enum vk_err e;

	vk_cred_list_clear(&r->gone);
	if ((e = vk_entry_pick(st, &r->sel, &r->gone)) != VK_OK)
		return e;
	for (size_t i = 0; e == VK_OK && i < r->gone.n; i++)
		e = vk_store_stage_remove(st, &r->gone.v[i]->scope, r->gone.v[i]->username);
	return e;
}

static int
report(const struct vk_cred_list *gone)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(64 * 1024 * 1024);

	for (size_t i = 0; i < gone->n; i++) {
		VK_CLEANUP(vk_freep) char *label = vk_entry_label(gone->v[i]);

		if (!label)
			return vk_msg_fail(VK_ENOMEM);
		vk_buf_fmt(&b, "removed %s\n", label);
	}
	return vk_stdout_report(&b);
}

static int
remove_elsewhere(const char *store, const struct vk_entry_sel *sel)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(16 * VK_MAX_FIELD);
	enum vk_err e = vk_kept_remove(store, sel->what, sel->username, &b);

	return e == VK_OK ? vk_stdout_report(&b) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_remove, argc, argv);
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct removal r = { 0 };
	const char *from = NULL;
	enum vk_err e;
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_USERNAME:
			r.sel.username = o.arg;
			break;
		case OPT_ALL:
			r.sel.all = true;
			break;
		case OPT_FROM:
			from = o.arg;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	r.sel.what = argv[o.at];
	if (from && r.sel.all)
		return vk_msg_usage("remove: --all is for the keystore, not for --from");
	if (from)
		return remove_elsewhere(from, &r.sel);
	if ((e = vk_cli_open_unlocked(&st)) == VK_OK)
		e = vk_store_commit(st, decide, &r);
	status = e == VK_OK ? report(&r.gone) : vk_msg_fail(e);
	vk_cred_list_clear(&r.gone);
	return status;
}
