/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/scan_report.h"

enum {
	ITEMS_MAX = 200 * 1000,   /* of one path; others are counted */
	ALIKE_MAX = 8,            /* of one form in one place */
	OUT_MAX = 512 * 1024 * 1024,
	COMMAND_SHOWN = 120,
	DIGEST_SHOWN = 19,        /* "sha256:" and twelve digits */
};

/* A finding or a layer, with copies of its strings. */
struct vk_scan_item {
	char *place; /* the steps, each with a NUL */
	size_t n, n_steps;
	unsigned flags, form, index, of;
	uint64_t offset;
	uint64_t more; /* like it, that were not kept */
	char *digest, *command;
};

static void
clear_items(struct vk_scan_item **v, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		free((*v)[i].place);
		free((*v)[i].digest);
		free((*v)[i].command);
	}
	free(*v);
	*v = NULL;
	*n = 0;
}

static enum vk_err
make_item(const struct vk_scan_answer *a, struct vk_scan_item *ret)
{
	struct vk_buf b = VK_BUF(VK_SCAN_ANSWER_MAX);
	struct vk_scan_item it = {
		.n_steps = a->n_steps, .flags = a->flags, .form = a->form, .index = a->index, .of = a->of,
		.offset = a->offset,
	};

	for (size_t i = 0; i < a->n_steps; i++)
		vk_buf_add(&b, a->steps[i], strlen(a->steps[i]) + 1);
	if (b.err == VK_OK && b.len > 0 && (it.place = malloc(b.len))) {
		memcpy(it.place, b.p, b.len);
		it.n = b.len;
	}
	vk_buf_clear(&b);
	if (a->kind == VK_SCAN_LAYER) {
		it.digest = vk_strdup(a->digest);
		it.command = vk_strdup(a->text);
	}
	if (!it.place || (a->kind == VK_SCAN_LAYER && (!it.digest || !it.command))) {
		free(it.place);
		free(it.digest);
		free(it.command);
		return VK_ENOMEM;
	}
	*ret = it;
	return VK_OK;
}

static enum vk_err
append(struct vk_scan_item **v, size_t *n, const struct vk_scan_item *new)
{
	struct vk_scan_item *larger = *v;

	/* Doubling: powers of two are full. */
	if ((*n & (*n - 1)) == 0 && !(larger = reallocarray(*v, *n ? *n * 2 : 1, sizeof(**v))))
		return VK_ENOMEM;
	*v = larger;
	(*v)[(*n)++] = *new;
	return VK_OK;
}

static bool
same_place(const struct vk_scan_item *a, const struct vk_scan_item *b)
{
	return a->n_steps == b->n_steps && a->n == b->n && memcmp(a->place, b->place, a->n) == 0;
}

/* A file that is full of one secret is one thing to know. */
static bool
count_alike(struct vk_scan_report *r, const struct vk_scan_item *new)
{
	struct vk_scan_item *last = NULL;
	size_t alike = 0;

	for (size_t i = r->n_items; i-- > 0 && r->n_items - i <= 64 && same_place(&r->items[i], new);) {
		if (r->items[i].form != new->form || r->items[i].flags != new->flags)
			continue;
		last = last ? last : &r->items[i];
		alike++;
	}
	if (r->n_items >= ITEMS_MAX)
		last = &r->items[r->n_items - 1];
	else if (alike < ALIKE_MAX)
		return false;
	last->more++;
	return true;
}

static enum vk_err
keep_item(struct vk_scan_report *r, const struct vk_scan_answer *a)
{
	struct vk_scan_item it;
	enum vk_err e = make_item(a, &it);
	bool layer = a->kind == VK_SCAN_LAYER;

	if (e != VK_OK)
		return e;
	r->n_found += !layer;
	if (!layer && count_alike(r, &it)) {
		free(it.place);
		return VK_OK;
	}
	e = layer ? append(&r->layers, &r->n_layers, &it) : append(&r->items, &r->n_items, &it);
	if (e != VK_OK) {
		free(it.place);
		free(it.digest);
		free(it.command);
	}
	return e;
}

/* The layer that the finding lies in: the innermost. */
static const struct vk_scan_item *
layer_of(const struct vk_scan_report *r, const struct vk_scan_item *it)
{
	const struct vk_scan_item *best = NULL;

	for (size_t i = 0; i < r->n_layers; i++) {
		const struct vk_scan_item *l = &r->layers[i];

		if (l->n_steps <= it->n_steps && l->n <= it->n && memcmp(l->place, it->place, l->n) == 0 &&
		    (!best || l->n > best->n))
			best = l;
	}
	return best;
}

static void
put_short(struct vk_buf *b, const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);
	VK_CLEANUP(vk_freep) char *text = strndup(s, n > max ? max : n);

	vk_printable_add(b, text ? text : "", 0);
	vk_buf_str(b, n > max ? "..." : "");
}

/* "layer 3 of 5 (sha256:0123..., "RUN npm ci")" */
static void
put_layer(struct vk_buf *b, const struct vk_scan_item *l, const char *name)
{
	if (l->index == 0) {
		vk_buf_str(b, "configuration of the image (");
		vk_printable_add(b, name, 0);
		vk_buf_char(b, ')');
		return;
	}
	vk_buf_fmt(b, "layer %u of %u (", l->index, l->of);
	if (*l->digest)
		put_short(b, l->digest, DIGEST_SHOWN);
	else
		vk_printable_add(b, name, 0);
	if (*l->command) {
		vk_buf_str(b, ", \"");
		put_short(b, l->command, COMMAND_SHOWN);
		vk_buf_char(b, '"');
	}
	vk_buf_char(b, ')');
}

static void
put_place(struct vk_buf *b, const struct vk_scan_item *it, const struct vk_scan_item *layer)
{
	const char *step = it->place;

	for (size_t i = 0; i < it->n_steps; i++, step += strlen(step) + 1) {
		bool is_layer = layer && i + 1 == layer->n_steps;

		/* A file on disk keeps its name, of which one wants to know. */
		if (!is_layer || i == 0) {
			vk_printable_add(b, i == 0 && strcmp(step, "-") == 0 ? "standard input" : step, 0);
			vk_buf_str(b, ": ");
		}
		if (is_layer) {
			put_layer(b, layer, step);
			vk_buf_str(b, ": ");
		}
	}
}

static void
put_line(struct vk_scan_report *r, struct vk_buf *b, const struct vk_scan_item *it)
{
	const struct vk_form *f = &r->forms->v[it->form];

	put_place(b, it, layer_of(r, it));
	vk_buf_str(b, "credential ");
	vk_printable_add(b, r->names[f->owner], 0);
	if (it->flags & VK_SCAN_IN_NAME)
		vk_buf_fmt(b, ", %s, in the name itself", f->how);
	else
		vk_buf_fmt(b, ", %s, at byte %" PRIu64 "%s", f->how, it->offset,
		    it->flags & VK_SCAN_UNPACKED ? " unpacked" : "");
	if (it->more > 0)
		vk_buf_fmt(b, ", and %" PRIu64 " times more", it->more);
	vk_buf_char(b, '\n');
}

static void
put_json_layer(struct vk_buf *b, const struct vk_scan_item *l)
{
	if (l->index == 0) {
		vk_buf_str(b, ", \"configuration\": true");
		return;
	}
	vk_buf_fmt(b, ", \"layer\": {\"index\": %u, \"of\": %u, ", l->index, l->of);
	vk_json_member(b, "digest", l->digest);
	vk_buf_str(b, ", ");
	vk_json_member(b, "command", l->command);
	vk_buf_char(b, '}');
}

static void
put_json(struct vk_scan_report *r, struct vk_buf *b, const struct vk_scan_item *it, bool first)
{
	const struct vk_form *f = &r->forms->v[it->form];
	const struct vk_scan_item *layer = layer_of(r, it);
	const char *step = it->place;

	vk_buf_str(b, first ? "\n{" : ",\n{");
	vk_json_member(b, "path", step);
	vk_buf_str(b, ", \"members\": [");
	for (size_t i = 1; i < it->n_steps; i++) {
		step += strlen(step) + 1;
		vk_buf_str(b, i > 1 ? ", " : "");
		vk_json_str(b, step, strlen(step));
	}
	vk_buf_char(b, ']');
	if (layer)
		put_json_layer(b, layer);
	vk_buf_str(b, ", ");
	vk_json_member(b, "credential", r->names[f->owner]);
	vk_buf_str(b, ", ");
	vk_json_member(b, "form", f->how);
	vk_buf_fmt(b, ", \"in_name\": %s, \"unpacked\": %s, \"offset\": %" PRIu64 ", \"more\": %" PRIu64 "}",
	    it->flags & VK_SCAN_IN_NAME ? "true" : "false", it->flags & VK_SCAN_UNPACKED ? "true" : "false", it->offset,
	    it->more);
}

static enum vk_err
write_out(struct vk_buf *b)
{
	enum vk_err e = b->err;

	if (e == VK_OK && b->len > 0)
		e = vk_write_full(STDOUT_FILENO, b->p, b->len);
	vk_buf_clear(b);
	return e;
}

static enum vk_err
end_path(struct vk_scan_report *r)
{
	struct vk_buf b = VK_BUF(OUT_MAX);
	enum vk_err e = VK_OK;

	vk_bar_end(&r->bar);
	for (size_t i = 0; i < r->n_items && e == VK_OK; i++) {
		if (r->json)
			put_json(r, &b, &r->items[i], !r->printed);
		else
			put_line(r, &b, &r->items[i]);
		r->printed = true;
		if (b.len > 1u << 20)
			e = write_out(&b);
	}
	if (e == VK_OK)
		e = write_out(&b);
	vk_buf_clear(&b);
	clear_items(&r->items, &r->n_items);
	clear_items(&r->layers, &r->n_layers);
	vk_bar_begin(&r->bar, "searching", VK_BAR_BYTES, false);
	return e;
}

enum vk_err
vk_scan_report_begin(struct vk_scan_report *r)
{
	static const char begin[] = "{\"findings\": [";

	vk_bar_begin(&r->bar, "searching", VK_BAR_BYTES, false);
	return r->json ? vk_write_full(STDOUT_FILENO, begin, sizeof(begin) - 1) : VK_OK;
}

void
vk_scan_report_problem(struct vk_scan_report *r, const char *what, const char *why)
{
	struct vk_buf *b = &r->problems;

	if (b->len > VK_SCAN_PROBLEMS_MAX / 2) {
		r->n_problems++;
		return;
	}
	if (r->json) {
		vk_buf_str(b, r->n_problems > 0 ? ",\n{" : "\n{");
		vk_json_member(b, "where", what);
		vk_buf_str(b, ", ");
		vk_json_member(b, "reason", why);
		vk_buf_char(b, '}');
	} else {
		vk_buf_str(b, "valetkey: warning: ");
		vk_printable_add(b, what, 0);
		vk_buf_str(b, ": ");
		vk_printable_add(b, why, 0);
		vk_buf_char(b, '\n');
	}
	r->n_problems++;
}

static void
answer_problem(struct vk_scan_report *r, const struct vk_scan_answer *a)
{
	struct vk_buf place = VK_BUF(VK_SCAN_ANSWER_MAX);

	for (size_t i = 0; i < a->n_steps; i++) {
		vk_buf_str(&place, i > 0 ? ": " : "");
		vk_buf_str(&place, a->steps[i]);
	}
	vk_scan_report_problem(r, place.err == VK_OK ? place.p : a->steps[0], a->text);
	vk_buf_clear(&place);
}

enum vk_err
vk_scan_report_answer(const struct vk_scan_answer *a, void *report)
{
	struct vk_scan_report *r = report;

	switch (a->kind) {
	case VK_SCAN_FOUND:
	case VK_SCAN_LAYER:
		return keep_item(r, a);
	case VK_SCAN_PROBLEM:
		answer_problem(r, a);
		return VK_OK;
	case VK_SCAN_PATH_END:
		return end_path(r);
	case VK_SCAN_PROGRESS:
	case VK_SCAN_END:
		break;
	}
	r->bytes = a->offset;
	r->files = a->files;
	r->members = a->members;
	vk_bar_update(&r->bar, r->bytes, 0);
	return VK_OK;
}

static void
tell_end(const struct vk_scan_report *r, bool complete)
{
	(void)!vk_write_full(STDERR_FILENO, r->problems.p, r->problems.len);
	vk_msg_note("%" PRIu64 " found; searched %" PRIu64 " files, %" PRIu64 " members of archives, %.1f MiB%s",
	    r->n_found, r->files, r->members, (double)r->bytes / (1024 * 1024),
	    r->n_problems > 0 || !complete ? "; not everything was searched" : "");
}

int
vk_scan_report_end(struct vk_scan_report *r, bool complete)
{
	struct vk_buf b = VK_BUF(OUT_MAX);
	enum vk_err e = end_path(r);

	vk_bar_end(&r->bar);
	if (!r->json) {
		tell_end(r, complete);
	} else if (e == VK_OK) {
		vk_buf_fmt(&b, "%s],\n\"problems\": [%s%s],\n\"complete\": %s, \"found\": %" PRIu64
		    ", \"files\": %" PRIu64 ", \"members\": %" PRIu64 ", \"bytes\": %" PRIu64 "}\n",
		    r->printed ? "\n" : "",
		    r->problems.len > 0 ? r->problems.p : "", r->problems.len > 0 ? "\n" : "",
		    complete && r->n_problems == 0 ? "true" : "false", r->n_found, r->files, r->members, r->bytes);
		e = write_out(&b);
	}
	if (e != VK_OK)
		return vk_msg_fail(e);
	return r->n_found > 0 ? 1 : complete && r->n_problems == 0 ? 0 : vk_err_exit(VK_EBACKEND);
}

void
vk_scan_report_clear(struct vk_scan_report *r)
{
	vk_bar_end(&r->bar);
	clear_items(&r->items, &r->n_items);
	clear_items(&r->layers, &r->n_layers);
	vk_buf_clear(&r->problems);
}
