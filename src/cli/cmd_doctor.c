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

static int run(int argc, char **argv);

enum { OPT_JSON = 1 };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print a JSON object", false },
};

const struct vk_cmd vk_cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "say what is protected here, and what lies around in clear",
	.help = "Looks at the keystore, the session, the rung that \"valetkey run\" gets, the tools that are set\n"
		"up, and the usual places of credentials in clear.  Never prints a secret, changes nothing.\n"
		"Exit code 0: nothing to put in order; 1: there are findings, marked \"!!\".\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

static void
clear(struct vk_doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
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
vk_doctor_plaintext(struct vk_doctor *d, const char *file, const char *host, size_t n,
    const char *key)
{
	struct vk_doctor_item *item;
	bool variable = strcmp(file, "environment") == 0;

	/* A file of many thousand entries is one problem. */
	if (n > 200)
		n = 200;
	if (!(item = append(d, VK_DOCTOR_FINDING, variable ? "environment" : "plaintext")))
		return;
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
		vk_printable_add(b, it->area, 12);
		vk_printable_add(b, it->text ? it->text : "", 0);
		vk_buf_char(b, '\n');
		if (it->fix)
			vk_buf_fmt(b, "                  -> %s\n", it->fix);
	}
	if (d->findings == 0)
		vk_buf_str(b, "nothing to put in order\n");
	else
		vk_buf_fmt(b, "%zu to put in order\n", d->findings);
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
			{ "fix", it->fix } };

		vk_buf_fmt(b, "%s{\"level\": \"%s\", \"area\": \"%s\", ", i ? ",\n  " : "\n  ",
		    levels[it->level], it->area);
		vk_json_member(b, "text", it->text ? it->text : "");
		for (size_t k = 0; k < VK_COUNT(more); k++)
			if (more[k].value) {
				vk_buf_str(b, ", ");
				vk_json_member(b, more[k].key, more[k].value);
			}
		vk_buf_char(b, '}');
	}
	vk_buf_str(b, "]}\n");
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_doctor, argc, argv);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(clear) struct vk_doctor d = { 0 };
	bool json = false;
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id != OPT_JSON)
			return vk_opts_exit(id);
		json = true;
	}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	vk_doctor_rungs(&d);
	vk_doctor_install(&d);
	vk_doctor_keystore(&d);
	vk_doctor_config(&d);
	vk_doctor_log(&d);
	vk_doctor_setups(&d);
	vk_doctor_files(&d);
	vk_doctor_environment(&d);
	json ? put_json(&d, &b) : put_text(&d, &b);
	if (d.failed || b.err != VK_OK)
		return vk_msg_fail(d.failed ? VK_ENOMEM : b.err);
	status = vk_stdout_text(b.p, b.len);
	return status ? status : d.findings > 0;
}
