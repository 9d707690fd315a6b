/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/log.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/export.h"
#include "cli/json_out.h"

static int run(int argc, char **argv);

enum {
	OPT_CLEAR = 1,
	OPT_TO_STORE,
	OPT_KEY_FILE,
	OPT_TO_RECIPIENT,
	OPT_OUTPUT,
	OPT_REPLACE,
	OPT_REVEAL,
	OPT_PROGRESS,
	OPT_JSON,
};

static const struct vk_opt opts[] = {
	{ OPT_CLEAR, "clear", NULL, "secrets in clear: one JSON object per line", false },
	{ OPT_TO_STORE, "to-store", "PATH", "into the keystore PATH", false },
	{ OPT_KEY_FILE, "key-file", "FILE", "the raw key that opens it", false },
	{ OPT_TO_RECIPIENT, "to-recipient", "RECIPIENT", "into a new keystore for this recipient (vkr1-...)", false },
	{ OPT_OUTPUT, "output", "FILE", "write to FILE, which must not exist", false },
	{ OPT_REPLACE, "replace", NULL, "take also what that keystore has with another secret", false },
	{ OPT_REVEAL, "reveal", NULL, "print secrets even to a terminal", false },
	{ OPT_PROGRESS, "progress", NULL, "show the progress although stderr is no terminal", false },
	{ OPT_JSON, "json", NULL, "print the report as a JSON object", false },
};

const struct vk_cmd vk_cmd_export = {
	.name = "export",
	.args = "[URL...]",
	.summary = "copy entries into another keystore, or print them in clear",
	.help = "Exports every entry, or those below the URLs, with their names, times and secrets.  Another\n"
		"keystore gets all of them, or after an error none.  A recipient gets a keystore of his own in\n"
		"--output FILE, which only his identity opens: see \"valetkey slot --help\".\n\n"
		"  valetkey export --to-store /srv/ci/keystore --key-file /srv/ci/key https://git.example\n"
		"  valetkey export --to-recipient vkr1-... --output for-bob https://npm.example\n"
		"  valetkey export --clear | less\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct walk {
	struct vk_exporting *ex;
	struct vk_bar *bar;
	vk_store_visit *fn;
	void *arg;
	const struct vk_scope *under; /* NULL: everything */
	uint64_t at, total;
};

/* Is ${c} below one of the scopes before ${end}? */
static bool
is_below(const struct vk_exporting *ex, const struct vk_scope *end, const struct vk_cred *c)
{
	for (const struct vk_scope *s = ex->under; s != end; s++)
		if (vk_scope_covers(s, &c->scope))
			return true;
	return false;
}

static enum vk_err
visit(const struct vk_cred *c, void *arg)
{
	struct walk *w = arg;

	vk_bar_update(w->bar, w->at++, w->total);
	if (w->under && (!vk_scope_covers(w->under, &c->scope) || is_below(w->ex, w->under, c)))
		return VK_OK;
	w->ex->n++;
	return w->fn(c, w->arg);
}

enum vk_err
vk_export_each(struct vk_exporting *ex, const char *label, vk_store_visit *fn, void *arg)
{
	struct vk_bar bar;
	struct walk w = { .ex = ex, .bar = &bar, .fn = fn, .arg = arg };
	enum vk_err e = ex->n_under ? VK_OK : vk_store_count(ex->st, &w.total);

	ex->n = 0;
	vk_bar_begin(&bar, label, VK_BAR_COUNT, ex->progress);
	if (e == VK_OK && ex->n_under == 0)
		e = vk_store_each(ex->st, NULL, visit, &w);
	for (size_t i = 0; e == VK_OK && i < ex->n_under; i++) {
		w.under = &ex->under[i];
		e = vk_store_each(ex->st, w.under, visit, &w);
	}
	vk_bar_end(&bar);
	if (e == VK_OK && ex->n == 0 && ex->n_under > 0)
		return vk_fail(VK_ENOENT, "there is no entry below %s", ex->n_under == 1 ? "this URL" : "these URLs");
	return e;
}

struct wishes {
	bool clear, reveal, json;
	const char *to_store, *to_recipient, *key_file, *output;
	struct vk_exporting ex;
	struct vk_taking taking;
	struct vk_left_list left;
};

static void
wishes_clear(struct wishes *w)
{
	for (size_t i = 0; i < w->ex.n_under; i++)
		vk_scope_clear(&w->ex.under[i]);
	free(w->ex.under);
	vk_store_close(w->ex.st);
	vk_taking_clear(&w->taking);
	vk_left_clear(&w->left);
}

static enum vk_err
check(const struct wishes *w)
{
	if (w->clear + (w->to_store != NULL) + (w->to_recipient != NULL) != 1) {
		vk_hint("see \"valetkey export --help\"");
		return vk_fail(VK_EUSAGE, "export needs one of --clear, --to-store and --to-recipient");
	}
	if (w->to_store && !w->key_file)
		return vk_fail(VK_EUSAGE, "--to-store needs --key-file with the key of that keystore");
	if (w->to_recipient && !w->output)
		return vk_fail(VK_EUSAGE, "--to-recipient needs --output with the name of the new keystore");
	if (!w->to_store && (w->key_file || w->taking.replace))
		return vk_fail(VK_EUSAGE, "--key-file and --replace go with --to-store");
	if (w->to_store && w->output)
		return vk_fail(VK_EUSAGE, "--output does not go with --to-store");
	if (w->clear ? w->json : w->reveal)
		return vk_fail(VK_EUSAGE, "--reveal goes with --clear, and --json does not");
	if (w->clear && !w->output && !w->reveal && isatty(STDOUT_FILENO)) {
		vk_hint("pipe the output to where it is needed, or add --reveal");
		return vk_fail(VK_EPOLICY, "secrets are not printed to a terminal");
	}
	return VK_OK;
}

static enum vk_err
parse_urls(struct vk_exporting *ex, char **urls, size_t n)
{
	enum vk_err e = VK_OK;

	if (n > 0 && !(ex->under = calloc(n, sizeof(*ex->under))))
		return VK_ENOMEM;
	while (e == VK_OK && ex->n_under < n)
		if ((e = vk_scope_parse(urls[ex->n_under], &ex->under[ex->n_under], NULL)) == VK_OK)
			ex->n_under++;
	return e;
}

/* The report about a copy. */
static int
report(const struct wishes *w)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF((size_t)512 * 1024 * 1024);
	const char *to = w->to_store ? w->to_store : w->output;

	if (w->json) {
		vk_buf_str(&b, "{\n\t");
		vk_json_member(&b, "to", to);
		vk_buf_str(&b, ",\n\t");
		vk_taking_json(&w->taking, w->ex.n, &b);
		vk_buf_str(&b, "\n}\n");
	} else {
		vk_printable_add(&b, to, 0);
		vk_buf_str(&b, ": ");
		vk_taking_text(&w->taking, false, &b);
	}
	return vk_stdout_report(&b);
}

/* One line, or one for each URL; before the first secret leaves. */
static enum vk_err
log_export(const struct wishes *w)
{
	struct vk_log_entry v = {
		.event = VK_LOG_EXPORT, .via = "export",
		.way = w->clear ? "clear" : w->to_store ? "store" : "recipient",
		.to = w->to_store ? w->to_store : w->to_recipient ? w->to_recipient : w->output,
	};
	VK_CLEANUP(vk_freep) struct vk_log_entry *lines = calloc(w->ex.n_under ? w->ex.n_under : 1, sizeof(v));

	if (!lines)
		return VK_ENOMEM;
	lines[0] = v;
	for (size_t i = 0; i < w->ex.n_under; i++) {
		lines[i] = v;
		lines[i].asked = &w->ex.under[i];
	}
	return vk_msg_log(NULL, NULL, lines, w->ex.n_under ? w->ex.n_under : 1);
}

static int
export(struct wishes *w)
{
	enum vk_err e = vk_cli_open_unlocked(&w->ex.st);

	if (e == VK_OK)
		e = log_export(w);
	if (e == VK_OK && w->clear)
		e = vk_export_clear(&w->ex, w->output);
	else if (e == VK_OK && w->to_recipient)
		e = vk_export_recipient(&w->ex, w->to_recipient, w->output, &w->taking);
	else if (e == VK_OK)
		e = vk_export_store(&w->ex, w->to_store, w->key_file, &w->taking);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (w->clear && w->output)
		vk_msg_note("%s holds secrets in clear; only you can read it", w->output);
	return w->clear ? 0 : report(w);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_export, argc, argv);
	VK_CLEANUP(wishes_clear) struct wishes w = { 0 };
	bool *const flags[] = {
		[OPT_CLEAR] = &w.clear, [OPT_REPLACE] = &w.taking.replace, [OPT_REVEAL] = &w.reveal,
		[OPT_PROGRESS] = &w.ex.progress, [OPT_JSON] = &w.json,
	};
	const char **const texts[] = {
		[OPT_TO_STORE] = &w.to_store, [OPT_KEY_FILE] = &w.key_file,
		[OPT_TO_RECIPIENT] = &w.to_recipient, [OPT_OUTPUT] = &w.output, [OPT_JSON] = NULL,
	};
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if (texts[id])
			*texts[id] = o.arg;
		else
			*flags[id] = true;
	}
	w.taking.left = &w.left;
	vk_left_begin(&w.left, w.json);
	if ((e = check(&w)) != VK_OK || (e = parse_urls(&w.ex, argv + o.at, (size_t)(argc - o.at))) != VK_OK)
		return vk_msg_fail(e);
	return export(&w);
}
