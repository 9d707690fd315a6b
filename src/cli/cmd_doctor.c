/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/secret.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/lint.h"

static int run(int argc, char **argv);

enum { OPT_JSON = 1 };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print a JSON object", false },
};

const struct vk_cmd vk_cmd_doctor = {
	.name = "doctor",
	.args = "[PATH...]",
	.summary = "say what is protected here, and what lies around in clear",
	.help = "Without PATH: looks at the keystore, the session, the rung that \"valetkey run\" gets, the tools\n"
		"that are set up, and the usual places of credentials in clear.\n"
		"With PATH, files or directories: finds where Dockerfiles, build scripts, CI and compose files would\n"
		"leave a credential in a layer, the history or the build cache, and shows the lines that would not.\n"
		"A comment \"# valetkey: ignore VK-D04\" on the line before silences a rule.\n"
		"Never prints a secret, changes nothing.\n"
		"Exit code 0: nothing to put in order; 1: there are findings, marked \"!!\".\n"
		"\n"
		"  valetkey doctor .\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

void
vk_doctor_release(struct vk_doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		for (size_t k = 0; k < d->v[i].n_edits; k++) {
			free(d->v[i].edits[k].file);
			free(d->v[i].edits[k].text);
		}
		free(d->v[i].edits);
		free(d->v[i].text);
		free(d->v[i].file);
		free(d->v[i].host);
		free(d->v[i].key);
		free(d->v[i].fix);
	}
	free(d->v);
	*d = (struct vk_doctor){ 0 };
}

static struct vk_doctor_item *
append(struct vk_doctor *d, enum vk_doctor_level level, const char *area)
{
	struct vk_doctor_item *v = reallocarray(d->v, d->n + 1, sizeof(*v));

	if (!v) {
		d->failed = true;
		return NULL;
	}
	d->v = v;
	d->findings += level == VK_DOCTOR_FINDING;
	v[d->n] = (struct vk_doctor_item){ .level = level, .area = area };
	return &v[d->n++];
}

static char *VK_PRINTF(2, 0)
vtext(struct vk_doctor *d, const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		d->failed = true;
	else
		vk_str_printable(s, strlen(s));
	return s;
}

void
vk_doctor_add(struct vk_doctor *d, enum vk_doctor_level level, const char *area, const char *fmt, ...)
{
	struct vk_doctor_item *item = append(d, level, area);
	va_list ap;

	va_start(ap, fmt);
	if (item)
		item->text = vtext(d, fmt, ap);
	va_end(ap);
}

void
vk_doctor_fix(struct vk_doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (d->n > 0 && !d->v[d->n - 1].fix)
		d->v[d->n - 1].fix = vtext(d, fmt, ap);
	va_end(ap);
}

void
vk_doctor_edit(struct vk_doctor *d, size_t item, struct vk_doctor_edit edit)
{
	struct vk_doctor_item *it = &d->v[item];
	struct vk_doctor_edit *v = reallocarray(it->edits, it->n_edits + 1, sizeof(*v));

	if (!v || !edit.file || !edit.text) {
		d->failed = true;
		free(edit.file);
		free(edit.text);
		it->edits = v ? v : it->edits;
		return;
	}
	it->edits = v;
	v[it->n_edits++] = edit;
}

/* Files are read from start to end: what was counted need not be counted again. */
static size_t
line_of(struct vk_doctor *d, const char *at)
{
	if (!d->counted || at < d->counted) {
		d->counted = d->scanned;
		d->counted_line = 1;
	}
	for (; d->counted < at; d->counted++)
		d->counted_line += *d->counted == '\n';
	return d->counted_line;
}

void
vk_doctor_plaintext(struct vk_doctor *d, const char *file, const char *host, size_t n,
    const char *key)
{
	struct vk_doctor_item *item;
	bool variable = strcmp(file, "environment") == 0;
	const char *at = d->at;
	size_t line = 0;

	/* A file of many thousand entries is one problem. */
	if (n > 200)
		n = 200;
	if (!at)
		at = host;
	if (d->scanned && at >= d->scanned && at <= d->scanned + d->scanned_n)
		line = line_of(d, at);
	d->at = NULL;
	if (!(item = append(d, VK_DOCTOR_FINDING, variable ? "environment" : "plaintext")))
		return;
	item->line = line;
	item->file = vk_strdup(file);
	item->host = strndup(host, n);
	item->key = vk_strdup(key);
	if (!item->file || !item->host || !item->key) {
		d->failed = true;
		return;
	}
	vk_str_printable(item->file, strlen(item->file));
	vk_str_printable(item->host, strlen(item->host));
	vk_str_printable(item->key, strlen(item->key));
	item->text = variable
	    ? vk_asprintf("%s is set: every program that you start can read it", item->key)
	    : vk_asprintf("%s holds %s%s%s", item->file, item->key, *item->host ? " for " : "", item->host);
	if (!item->text)
		d->failed = true;
}

#define INDENT "                "

/* A tab is fine, other control characters are not the terminal's business. */
static void
untab(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\t')
			s[i] = ' ';
	vk_str_printable(s, n);
}

static void
put_edit(struct vk_buf *b, const struct vk_doctor_item *it, const struct vk_doctor_edit *e)
{
	vk_buf_str(b, INDENT "-> ");
	if (!it->file || strcmp(e->file, it->file) != 0) {
		vk_printable_add(b, e->file, 0);
		vk_buf_str(b, ", ");
	}
	if (e->first == 0)
		vk_buf_str(b, "at its end:\n");
	else if (e->last < e->first)
		vk_buf_fmt(b, "before line %zu:\n", e->first);
	else if (e->first == e->last)
		vk_buf_fmt(b, "line %zu %s\n", e->first, *e->text ? "becomes:" : "goes");
	else
		vk_buf_fmt(b, "lines %zu to %zu %s\n", e->first, e->last, *e->text ? "become:" : "go");
	for (const char *s = e->text; *s;) {
		size_t n = strcspn(s, "\n"), at;

		vk_buf_str(b, INDENT "     ");
		at = b->len;
		vk_buf_add(b, s, n);
		if (b->err == VK_OK)
			untab(b->p + at, n);
		vk_buf_char(b, '\n');
		s += n + (s[n] == '\n');
	}
}

static void
put_text(const struct vk_doctor *d, struct vk_buf *b)
{
	static const struct {
		const char *mark, *colour;
	} levels[] = { { "ok", "\033[32m" }, { "--", "" }, { "!!", "\033[1;31m" } };
	bool colour = vk_use_colour(STDOUT_FILENO);

	vk_buf_str(b, "valetkey " VK_VERSION "\n");
	for (size_t i = 0; i < d->n; i++) {
		const struct vk_doctor_item *it = &d->v[i];
		bool c = colour && *levels[it->level].colour;

		vk_buf_fmt(b, "%s%s%s  ", c ? levels[it->level].colour : "", levels[it->level].mark,
		    c ? "\033[0m" : "");
		vk_printable_add(b, it->rule ? it->rule : it->area, 12);
		if (it->rule && it->line)
			vk_buf_fmt(b, "%s:%zu: ", it->file, it->line);
		vk_printable_add(b, it->text ? it->text : "", 0);
		vk_buf_char(b, '\n');
		if (it->why)
			vk_buf_fmt(b, INDENT "%s\n", it->why);
		if (it->fix)
			vk_buf_fmt(b, INDENT "-> %s\n", it->fix);
		for (size_t k = 0; k < it->n_edits; k++)
			put_edit(b, it, &it->edits[k]);
	}
	if (d->findings == 0)
		vk_buf_str(b, "nothing to put in order\n");
	else
		vk_buf_fmt(b, "%zu to put in order\n", d->findings);
}

static void
put_json_edits(const struct vk_doctor_item *it, struct vk_buf *b)
{
	for (size_t k = 0; k < it->n_edits; k++) {
		const struct vk_doctor_edit *e = &it->edits[k];

		vk_buf_str(b, k ? ",\n    {" : ", \"edits\": [\n    {");
		vk_json_member(b, "file", e->file);
		vk_buf_fmt(b, ", \"first\": %zu, \"last\": %zu, ", e->first, e->last);
		vk_json_member(b, "text", e->text);
		vk_buf_char(b, '}');
	}
	if (it->n_edits > 0)
		vk_buf_char(b, ']');
}

static void
put_json(const struct vk_doctor *d, struct vk_buf *b)
{
	static const char *const levels[] = { "ok", "note", "finding" };

	vk_buf_str(b, "{\"version\": \"" VK_VERSION "\", ");
	vk_buf_fmt(b, "\"findings\": %zu, \"items\": [", d->findings);
	for (size_t i = 0; i < d->n; i++) {
		const struct vk_doctor_item *it = &d->v[i];
		const struct {
			const char *key, *value;
		} more[] = { { "file", it->file }, { "host", it->host }, { "key", it->key },
			{ "rule", it->rule }, { "severity", it->severity }, { "why", it->why }, { "fix", it->fix } };

		vk_buf_fmt(b, "%s{\"level\": \"%s\", \"area\": \"%s\", ", i ? ",\n  " : "\n  ",
		    levels[it->level], it->area);
		vk_json_member(b, "text", it->text ? it->text : "");
		for (size_t k = 0; k < VK_COUNT(more); k++)
			if (more[k].value) {
				vk_buf_str(b, ", ");
				vk_json_member(b, more[k].key, more[k].value);
			}
		if (it->line)
			vk_buf_fmt(b, ", \"line\": %zu", it->line);
		put_json_edits(it, b);
		vk_buf_char(b, '}');
	}
	vk_buf_str(b, "]}\n");
}

static void
look_at_machine(struct vk_doctor *d)
{
	vk_doctor_rungs(d);
	vk_doctor_install(d);
	vk_doctor_keystore(d);
	vk_doctor_config(d);
	vk_doctor_log(d);
	vk_doctor_setups(d);
	vk_doctor_files(d);
	vk_doctor_environment(d);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_doctor, argc, argv);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF((size_t)16 * VK_MAX_FILE);
	VK_CLEANUP(vk_doctor_release) struct vk_doctor d = { 0 };
	bool json = false;
	enum vk_err e;
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id != OPT_JSON)
			return vk_opts_exit(id);
		json = true;
	}
	if (!vk_opts_operands(&o, 0, -1))
		return 2;
	for (int i = o.at; i < argc; i++)
		if ((e = vk_lint_path(&d, argv[i])) != VK_OK)
			return vk_msg_fail(e);
	if (o.at == argc)
		look_at_machine(&d);
	json ? put_json(&d, &b) : put_text(&d, &b);
	if (d.failed || b.err != VK_OK)
		return vk_msg_fail(d.failed ? VK_ENOMEM : b.err);
	status = vk_stdout_text(b.p, b.len);
	return status ? status : d.findings > 0;
}
