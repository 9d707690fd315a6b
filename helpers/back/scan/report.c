/* SPDX-License-Identifier: ISC */
/* What was found, in words that hold no secret: also a name or an error may contain one. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "search.h"

enum {
	FLUSH_AT = 32 * 1024,
	TELL_BYTES = 16 * 1024 * 1024, /* between two words of progress */
	TELL_FILES = 512,
};

/* Copies of the strings of one answer. */
struct clean {
	struct vk_search *s;
	struct vk_buf text[VK_SCAN_STEPS_MAX + 2];
	size_t n;
};

static void
hide(size_t at, size_t form, void *arg)
{
	struct clean *c = arg;

	memset(c->text[c->n].p + at, '*', c->s->ask->forms[form].n);
}

/* Longer ones are cut, behind what was hidden. */
static const char *
clean(struct clean *c, const char *text)
{
	struct vk_buf *b = &c->text[c->n];
	VK_CLEANUP(vk_freep) char *copy = vk_strdup(text);

	*b = (struct vk_buf)VK_BUF(1u << 20);
	if (!copy || vk_buf_str(b, text) != VK_OK)
		return "";
	/* What is found is overwritten, and another form may begin in it. */
	vk_match(&c->s->matcher, copy, b->len, 0, hide, c);
	vk_wipe(copy, b->len);
	if (b->len > VK_SCAN_STEP_MAX)
		b->p[VK_SCAN_STEP_MAX] = '\0';
	return c->text[c->n++].p;
}

static void
flush(struct vk_search *s)
{
	if (s->err == VK_OK && s->out.err != VK_OK)
		s->err = s->out.err;
	if (s->err == VK_OK && s->out.len > 0)
		s->err = vk_write_full(STDOUT_FILENO, s->out.p, s->out.len);
	s->out.len = 0;
}

static void
say(struct vk_search *s, const struct vk_place *place, struct vk_scan_answer *a)
{
	struct clean c = { .s = s };
	size_t n = 0;

	for (const struct vk_place *p = place; p; p = p->in)
		n += p->name != NULL;
	/* The levels are limited, so there is room for all. */
	a->n_steps = n = n > VK_SCAN_STEPS_MAX ? VK_SCAN_STEPS_MAX : n;
	for (const struct vk_place *p = place; p && n > 0; p = p->in)
		if (p->name)
			a->steps[--n] = clean(&c, p->name);
	if (place && !place->name)
		a->flags |= VK_SCAN_UNPACKED;
	if (a->text)
		a->text = clean(&c, a->text);
	if (vk_scan_answer_put(&s->out, a) != VK_OK || s->out.len >= FLUSH_AT)
		flush(s);
	for (size_t i = 0; i < c.n; i++)
		vk_buf_clear(&c.text[i]);
}

void
vk_say_found(struct vk_search *s, const struct vk_place *place, size_t form, uint64_t offset, unsigned flags)
{
	struct vk_scan_answer a = {
		.kind = VK_SCAN_FOUND, .form = (unsigned)form, .offset = offset, .flags = flags
	};

	say(s, place, &a);
}

void
vk_say_problem(struct vk_search *s, const struct vk_place *place, unsigned flags, const char *fmt, ...)
{
	struct vk_scan_answer a = { .kind = VK_SCAN_PROBLEM, .flags = flags };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a.text = text;
	say(s, place, &a);
}

void
vk_say_layer(struct vk_search *s, const struct vk_place *place, const struct vk_image_file *file)
{
	struct vk_scan_answer a = {
		.kind = VK_SCAN_LAYER, .index = file->index, .of = file->of, .text = file->command,
		.digest = file->digest,
	};

	say(s, place, &a);
}

void
vk_say_progress(struct vk_search *s, enum vk_scan_kind kind)
{
	struct vk_scan_answer a = { .kind = kind, .offset = s->bytes, .files = s->files, .members = s->members };

	if (kind == VK_SCAN_PROGRESS && s->bytes < s->told_bytes + TELL_BYTES && s->files < s->told_files + TELL_FILES)
		return;
	s->told_bytes = s->bytes;
	s->told_files = s->files;
	say(s, NULL, &a);
	flush(s);
}

struct in_name {
	struct vk_search *s;
	const struct vk_place *place;
	unsigned owner;
	bool any;
};

/* One word for each credential is enough here. */
static void
found_in_name(size_t at, size_t form, void *arg)
{
	struct in_name *n = arg;
	unsigned owner = n->s->ask->forms[form].owner;

	if (n->any && n->owner == owner)
		return;
	n->any = true;
	n->owner = owner;
	vk_say_found(n->s, n->place, form, at, VK_SCAN_IN_NAME);
}

void
vk_search_name(struct vk_search *s, const struct vk_place *place, const char *name)
{
	struct in_name n = { .s = s, .place = place };

	vk_match(&s->matcher, name, strlen(name), 0, found_in_name, &n);
}
