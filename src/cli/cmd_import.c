/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/import.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/import_place.h"
#include "cli/json_out.h"
#include "cli/progress.h"
#include "cli/taking.h"
#include "cli/wipe_source.h"

static int run(int argc, char **argv);

enum { OPT_DRY_RUN = 1, OPT_REPLACE, OPT_WIPE, OPT_PROGRESS, OPT_JSON };

static const struct vk_opt opts[] = {
	{ OPT_DRY_RUN, "dry-run", NULL, "say what would be taken, and change nothing", false },
	{ OPT_REPLACE, "replace", NULL, "take also what the keystore has with another secret", false },
	{ OPT_WIPE, "wipe-source", NULL, "afterwards overwrite FILE and remove it, or its credentials", false },
	{ OPT_PROGRESS, "progress", NULL, "show the progress although stderr is no terminal", false },
	{ OPT_JSON, "json", NULL, "print the report as a JSON object", false },
};

const struct vk_cmd vk_cmd_import = {
	.name = "import",
	.args = "FORMAT [FILE]",
	.summary = "take the credentials of another program's file",
	.help = "FORMAT is netrc, git-credentials, npmrc, docker or pypirc; FILE is by default where that is\n"
		"usually found, and - is standard input.  All of them are stored, or after an error none.\n"
		"What cannot be taken is listed with its line and the reason.  No client can overwrite or\n"
		"erase what was imported.\n\n"
		"  valetkey import netrc --dry-run\n"
		"  valetkey import docker --wipe-source\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct importing {
	const char *format;
	bool dry_run, wipe, progress, json;
	bool compared; /* the keystore was there and open */
	bool wiped, removed;
	struct vk_infile in;
	struct vk_wiping wiping;
	struct vk_taking taking;
	struct vk_left_list left;
	struct vk_bar bar;
	uint64_t found;
};

static void
importing_clear(struct importing *im)
{
	vk_store_close(im->taking.st);
	vk_taking_clear(&im->taking);
	vk_left_clear(&im->left);
	vk_wipe_end(&im->wiping);
	vk_infile_clear(&im->in);
}

static enum vk_err
note_left(const struct vk_import_left *l, void *arg)
{
	struct importing *im = arg;

	return vk_left_add(&im->left, l->line, l->what, l->why, l->secret);
}

static enum vk_err
count(const struct vk_cred *c, uint64_t line, void *arg)
{
	struct importing *im = arg;

	(void)c;
	(void)line;
	im->found++;
	return VK_OK;
}

static enum vk_err
take(const struct vk_cred *c, uint64_t line, void *arg)
{
	struct importing *im = arg;

	im->found++;
	return vk_taking_put(&im->taking, c, line);
}

/* Read the whole file; ${cred} gets what it holds. */
static enum vk_err
read_file(struct importing *im, const char *label,
    enum vk_err (*cred)(const struct vk_cred *c, uint64_t line, void *arg))
{
	const struct vk_import_sink sink = { cred, note_left, im };
	VK_CLEANUP(vk_import_freep) struct vk_import *reader = NULL;
	size_t n = 0;
	enum vk_err e = vk_import_new(im->format, &sink, &reader);

	im->found = 0;
	vk_taking_reset(&im->taking);
	vk_infile_rewind(&im->in);
	vk_bar_begin(&im->bar, label, VK_BAR_BYTES, im->progress);
	while (e == VK_OK && (e = vk_infile_next(&im->in, &n)) == VK_OK && n > 0) {
		e = vk_import_feed(reader, im->in.piece, n);
		vk_bar_update(&im->bar, im->in.at, (uint64_t)im->in.st.st_size);
	}
	if (e == VK_OK)
		e = vk_import_end(reader);
	vk_bar_end(&im->bar);
	if (e == VK_EPROTO || e == VK_ELIMIT)
		return vk_fail(e, "%s: %s", im->in.path, vk_reason());
	return e;
}

/* Under the lock, so that nothing can come between the look at an entry and the change of it. */
static enum vk_err
decide(struct vk_store *st, void *arg)
{
	struct importing *im = arg;
	enum vk_err e;

	(void)st;
	im->taking.stage = true;
	if ((e = read_file(im, "importing", take)) == VK_OK)
		e = vk_infile_unchanged(&im->in);
	/* For the store, which goes on with it. */
	if (e == VK_OK)
		vk_bar_begin(&im->bar, "writing", VK_BAR_COUNT, im->progress);
	return e;
}

/* A keystore that is locked or missing is no obstacle to looking at a file. */
static enum vk_err
open_store(struct importing *im)
{
	enum vk_err e = vk_cli_open_unlocked(&im->taking.st);

	im->compared = e == VK_OK;
	if (!im->dry_run || (e != VK_ELOCKED && e != VK_ENOENT))
		return e;
	vk_msg_note("%s, so nothing is compared with it",
	    e == VK_ENOENT ? "there is no keystore" : "the keystore is locked");
	vk_reason_clear();
	return VK_OK;
}

static enum vk_err
import(struct importing *im)
{
	const struct vk_progress progress = { vk_bar_progress, &im->bar };
	enum vk_err e = open_store(im);

	if (e != VK_OK)
		return e;
	if (im->dry_run)
		return read_file(im, "reading", take);
	/* First without the lock: what is wrong with the file stops nobody else. */
	if ((e = read_file(im, "reading", count)) != VK_OK || im->found == 0)
		return e;
	vk_store_watch(im->taking.st, &progress);
	e = vk_store_commit(im->taking.st, decide, im);
	vk_store_watch(im->taking.st, NULL);
	vk_bar_end(&im->bar);
	return e;
}

/* The settings of the file, which stay. */
static enum vk_err
wipe_settings(struct importing *im)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_IMPORT_MAX_WHOLE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf rest = VK_BUF_SECRET(VK_IMPORT_MAX_WHOLE);
	enum vk_err e;
	size_t n;

	vk_infile_rewind(&im->in);
	while ((e = vk_infile_next(&im->in, &n)) == VK_OK && n > 0)
		if ((e = vk_buf_add(&text, im->in.piece, n)) != VK_OK)
			return e;
	if (e != VK_OK)
		return e;
	if ((e = vk_import_rest(im->format, text.p ? text.p : "", text.len, &rest)) != VK_OK)
		return vk_fail(e, "%s is not wiped: %s", im->in.path, vk_reason());
	im->removed = rest.len == 0;
	return vk_wipe_run(&im->wiping, rest.len ? rest.p : NULL, rest.len);
}

static enum vk_err
wipe(struct importing *im)
{
	bool rest = vk_import_has_rest(im->format);
	uint64_t in_the_way = rest ? im->left.secrets : im->left.n;
	enum vk_err e;

	if (in_the_way > 0 && im->left.first_secret)
		return vk_fail(VK_EPOLICY, "%s is not wiped: it holds what was not taken, first in line %" PRIu64,
		    im->in.path, im->left.first_secret);
	if (in_the_way > 0)
		return vk_fail(VK_EPOLICY, "%s is not wiped: it holds what was not taken", im->in.path);
	im->removed = !rest;
	e = rest ? wipe_settings(im) : vk_wipe_run(&im->wiping, NULL, 0);
	im->wiped = e == VK_OK;
	return e;
}

static void
print_json(const struct importing *im, struct vk_buf *b)
{
	vk_buf_str(b, "{\n\t");
	vk_json_member(b, "format", im->format);
	vk_buf_str(b, ",\n\t");
	vk_json_member(b, "file", im->in.path);
	vk_buf_fmt(b, ",\n\t\"dry_run\": %s,\n\t\"compared\": %s,\n\t\"wiped\": %s,\n\t",
	    im->dry_run ? "true" : "false", im->compared ? "true" : "false", im->wiped ? "true" : "false");
	vk_taking_json(&im->taking, im->found, b);
	vk_buf_str(b, "\n}\n");
}

static void
print_text(const struct importing *im, struct vk_buf *b)
{
	vk_printable_add(b, strcmp(im->in.path, "-") == 0 ? "standard input" : im->in.path, 0);
	vk_buf_str(b, ": ");
	vk_taking_text(&im->taking, im->dry_run, b);
	if (!im->dry_run && im->taking.taken > 0)
		vk_buf_fmt(b, "next: %s\n", vk_import_next_step(im->format));
}

static int
report(const struct importing *im)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF((size_t)512 * 1024 * 1024);

	if (im->json)
		print_json(im, &b);
	else
		print_text(im, &b);
	if (im->taking.clear)
		vk_msg_warn("%" PRIu64 " %s for http://, which sends secrets in the clear", im->taking.clear,
		    im->taking.clear == 1 ? "is" : "are");
	return vk_stdout_report(&b);
}

/* What was done, and how little that may be. */
static void
say_wiped(const struct importing *im)
{
	const char *remains = vk_wipe_remains(&im->wiping);

	if (im->wiping.by_link)
		vk_msg_note("%s is a symbolic link, and stays%s", im->in.path,
		    im->removed ? "; it leads nowhere now" : "");
	vk_msg_note("%s is overwritten%s", im->wiping.by_link ? im->wiping.target : im->in.path,
	    im->removed ? " and removed" : "; its settings are in a new file");
	vk_msg_note("copies may remain in journals, snapshots, backups and the spare blocks of an SSD%s%s; "
		    "what must not be found there has to be revoked", remains ? "; " : "",
	    remains ? remains : "");
}

static int
finish(struct importing *im)
{
	enum vk_err e = im->wipe && im->found > 0 ? wipe(im) : VK_OK;
	int status = report(im);

	if (im->wiped)
		say_wiped(im);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (status == 0 && im->found == 0) {
		vk_msg_note("there is no credential to take in %s", im->in.path);
		return 1;
	}
	return status;
}

static int
start(struct importing *im, const char *file)
{
	VK_CLEANUP(vk_freep) char *usual = NULL;
	const struct vk_import_sink nobody = { count, note_left, im };
	VK_CLEANUP(vk_import_freep) struct vk_import *reader = NULL;
	/* A wrong format is said before anything else. */
	enum vk_err e = vk_import_new(im->format, &nobody, &reader);

	if (e == VK_OK && !file)
		e = vk_import_place(im->format, &usual);
	if (e == VK_OK)
		e = vk_infile_open(file ? file : usual, &im->in);
	if (e == VK_OK && im->wipe)
		e = vk_wipe_begin(&im->in, &im->wiping);
	if (e == VK_OK)
		e = import(im);
	return e == VK_OK ? finish(im) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_import, argc, argv);
	VK_CLEANUP(importing_clear) struct importing im = { .in.fd = -1, .wiping.fd = -1 };
	bool *const flags[] = {
		[OPT_DRY_RUN] = &im.dry_run, [OPT_REPLACE] = &im.taking.replace, [OPT_WIPE] = &im.wipe,
		[OPT_PROGRESS] = &im.progress, [OPT_JSON] = &im.json,
	};

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		*flags[id] = true;
	}
	if (!vk_opts_operands(&o, 1, 2))
		return 2;
	if (im.dry_run && im.wipe)
		return vk_msg_usage("import: --dry-run changes nothing; leave --wipe-source out");
	im.format = argv[o.at];
	im.taking.left = &im.left;
	vk_left_begin(&im.left, im.json);
	return start(&im, o.at + 1 < argc ? argv[o.at + 1] : NULL);
}
