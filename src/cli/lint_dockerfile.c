/* SPDX-License-Identifier: ISC */
/* One Dockerfile: its stages, its context, ARG and ENV, and the order of what is found. */
#include <string.h>
#include <sys/stat.h>

#include "cli/lint_docker.h"

enum { MAX_LINKS = 4096 };

void
vk_lint_link(struct vk_lint_docker *c, size_t instruction)
{
	struct vk_lint_link *v = c->link;

	/* A file that needs more is nobody's. */
	if (c->n_links >= MAX_LINKS)
		return;
	if (!(v = reallocarray(v, c->n_links + 1, sizeof(*v)))) {
		c->l->d->failed = true;
		return;
	}
	c->link = v;
	v[c->n_links++] = (struct vk_lint_link){ c->l->d->n - 1, instruction };
}

const struct vk_lint_stage *
vk_lint_stage_of(const struct vk_lint_docker *c, size_t i)
{
	for (size_t k = 0; k < c->n_stages; k++)
		if (i >= c->stage[k].first && i <= c->stage[k].last)
			return &c->stage[k];
	return &c->stage[0];
}

void
vk_lint_give(struct vk_lint_plan *p, const struct vk_lint_kind *kind)
{
	for (size_t i = 0; i < p->n_kinds; i++)
		if (p->kinds[i] == kind)
			return;
	p->changed = true;
	if (p->n_kinds < VK_LINT_MOUNTS)
		p->kinds[p->n_kinds++] = kind;
	else
		p->impossible = true;
}

static void
give_var(struct vk_lint_plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_vars; i++)
		if (strcmp(p->vars[i], name) == 0)
			return;
	p->changed = true;
	if (p->n_vars < VK_LINT_MOUNTS)
		p->vars[p->n_vars++] = name;
	else
		p->impossible = true;
}

static bool
reads(const struct vk_lint_plan *p, const struct vk_lint_kind *kind)
{
	for (size_t k = 0; k < p->n_seg; k++)
		if (!p->seg[k].dropped && vk_lint_kind_reads(kind, &p->seg[k]))
			return true;
	return false;
}

void
vk_lint_need(struct vk_lint_docker *c, size_t from, const char *id)
{
	const struct vk_lint_kind *kind = vk_lint_kind_find(id);
	size_t last = vk_lint_stage_of(c, from)->last;

	for (size_t i = from; kind && i <= last && c->n_links < MAX_LINKS; i++) {
		if (!reads(&c->plan[i], kind))
			continue;
		vk_lint_give(&c->plan[i], kind);
		vk_lint_link(c, i);
	}
}

static bool
used(const struct vk_lint_plan *p, const char *name)
{
	for (size_t k = 0; k < p->n_seg; k++)
		if (vk_lint_uses(p->seg[k].p, p->seg[k].n, name))
			return true;
	return false;
}

/* Does what will be left of the step use the variable? */
static bool
still_uses(const struct vk_lint_plan *p, const char *name)
{
	for (size_t k = 0; k < p->n_seg; k++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_DOCKERFILE);
		const struct vk_segment *s = &p->seg[k];

		if (s->dropped)
			continue;
		if (s->url)
			vk_lint_without_urls(s->p, s->n, &b);
		else
			vk_buf_add(&b, s->p, s->n);
		if (b.p && vk_lint_uses(b.p, b.len, name))
			return true;
	}
	return false;
}

static void
need_var(struct vk_lint_docker *c, size_t from, const char *name)
{
	const char *id = vk_lint_secret_id(name);
	const struct vk_lint_kind *kind = id ? vk_lint_kind_find(id) : NULL;
	size_t last = vk_lint_stage_of(c, from)->last;

	for (size_t i = from + 1; i <= last && c->n_links < MAX_LINKS; i++) {
		struct vk_lint_plan *p = &c->plan[i];

		if (still_uses(p, name))
			give_var(p, name);
		else if (kind && reads(p, kind))
			vk_lint_give(p, kind);
		else if (!used(p, name))
			continue;
		vk_lint_link(c, i);
	}
}

static const char *
script_of(const struct vk_instruction *in, size_t *ret_n)
{
	const char *s = in->args, *first = s + strspn(s, " \t");

	if (in->json) {
		bool shell = in->n_words == 3 && (vk_str_ends(in->words[0], "sh")) && in->words[1][0] == '-';

		s = shell ? in->words[2] : NULL;
	} else if (in->n_docs > 0 && (*first == '<' || vk_str_starts(first, "sh ") || vk_str_starts(first, "bash "))) {
		s = in->docs[0].text;
	}
	*ret_n = s ? strlen(s) : 0;
	return s;
}

/* What a value of ARG may be without being a secret's default. */
static bool
is_switch(const char *v)
{
	static const char *const plain[] = { "yes", "no", "true", "false", "0", "1", "on", "off" };

	for (size_t i = 0; i < VK_COUNT(plain); i++)
		if (strcmp(v, plain[i]) == 0)
			return true;
	return false;
}

static void
declare(struct vk_lint_docker *c, size_t i, size_t k)
{
	const struct vk_instruction *in = &c->f->v[i];
	const char *word = in->words[k], *eq = strchr(word, '=');
	size_t name_n = eq ? (size_t)(eq - word) : strlen(word), n;
	bool arg = strcmp(in->name, "ARG") == 0, image = vk_lint_stage_of(c, i)->in_image;
	bool secret = vk_lint_secret_name(word, name_n) &&
	    (arg ? !eq || !is_switch(eq + 1) : eq && !vk_lint_no_secret(eq + 1, strlen(eq + 1)));
	VK_CLEANUP(vk_freep) char *name = strndup(word, name_n);
	struct vk_lint_plan *p = &c->plan[i];

	if (!name)
		return;
	if (eq && vk_lint_token(eq + 1, strlen(eq + 1), &n)) {
		if (!vk_lint_add(c->l, VK_LINT_LITERAL, in->line, "%s %s has a token as its value", in->name, name))
			return;
		vk_doctor_fix(c->l->d, "replace the token where it is valid: it counts as published");
	} else if (secret) {
		if (!vk_lint_add(c->l, image ? VK_LINT_ARG : VK_LINT_ARG_STAGE, in->line, arg
			? "%s %s takes a secret as a build argument"
			    : "%s %s puts a secret into the environment of the image", in->name, name))
			return;
	} else {
		if (eq && vk_lint_url(eq + 1, strlen(eq + 1), &n) &&
		    vk_lint_add(c->l, VK_LINT_URL, in->line, "%s %s has a credential in a URL", in->name, name)) {
			p->changed = p->url = true;
			vk_lint_link(c, i);
			vk_lint_need(c, i, "netrc");
		}
		return;
	}
	p->changed = true;
	if (k < VK_COUNT(p->words_dropped))
		p->words_dropped[k] = true;
	vk_lint_link(c, i);
	/* The name lives as long as the plan: it is the start of the word, which ends there from now on. */
	in->words[k][name_n] = '\0';
	need_var(c, i, in->words[k]);
}

static void
declarations(struct vk_lint_docker *c)
{
	for (size_t i = 0; i < c->f->n; i++) {
		const struct vk_instruction *in = &c->f->v[i];
		bool pairs = strcmp(in->name, "ARG") == 0 || strcmp(in->name, "ENV") == 0;
		bool run = strcmp(in->name, "RUN") == 0;
		size_t n, script;

		for (size_t k = 0; pairs && k < in->n_words; k++)
			declare(c, i, k);
		if (pairs || (run && script_of(in, &script)))
			continue;
		if (vk_lint_token(in->joined, strlen(in->joined), &n) &&
		    vk_lint_add(c->l, VK_LINT_LITERAL, in->line, "%s has what looks like a token in it", in->name))
			vk_doctor_fix(c->l->d, "replace the token where it is valid: it counts as published");
		if (vk_lint_url(in->joined, strlen(in->joined), &n))
			(void)!vk_lint_add(c->l, VK_LINT_URL, in->line, "%s has a credential in a URL", in->name);
	}
}

/* The stage of this name, before the ${n}th; they are compared without regard to case. */
static size_t
stage_named(const struct vk_lint_docker *c, size_t n, const char *name)
{
	for (size_t k = n; k-- > 0;) {
		const struct vk_instruction *from = &c->f->v[c->stage[k].first];

		if (strcmp(from->name, "FROM") == 0 && from->n_words == 3 && vk_str_ieq(from->words[2], name))
			return k;
	}
	return n;
}

static bool
find_stages(struct vk_lint_docker *c)
{
	const struct vk_instruction *from;

	if (!(c->stage = calloc(c->f->n + 1, sizeof(*c->stage))))
		return false;
	for (size_t i = 0; i < c->f->n; i++) {
		if (i == 0 || strcmp(c->f->v[i].name, "FROM") == 0)
			c->stage[c->n_stages++].first = i;
		c->stage[c->n_stages - 1].last = i;
	}
	for (size_t k = c->n_stages - 1, next;; k = next) {
		c->stage[k].in_image = true;
		from = &c->f->v[c->stage[k].first];
		next = k;
		if (strcmp(from->name, "FROM") == 0 && from->n_words > 0)
			next = stage_named(c, k, from->words[0]);
		if (next == k)
			return true;
	}
}

static bool
make_plans(struct vk_lint_docker *c)
{
	if (!(c->plan = calloc(c->f->n, sizeof(*c->plan))))
		return false;
	for (size_t i = 0; i < c->f->n; i++) {
		const struct vk_instruction *in = &c->f->v[i];
		const char *s;
		size_t n;

		if (strcmp(in->name, "RUN") != 0)
			continue;
		if ((s = script_of(in, &n)) && !(c->plan[i].seg = vk_segments(s, n, &c->plan[i].n_seg)))
			return false;
	}
	return true;
}

/* What is found is said in the order of the lines; what does not fit the program's lists goes in order of arrival. */
static void
sort_items(struct vk_doctor_item *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct vk_doctor_item it = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1].line > it.line; k--)
			v[k] = v[k - 1];
		v[k] = it;
	}
}

static void
clear(struct vk_lint_docker *c)
{
	for (size_t i = 0; c->plan && i < c->f->n; i++) {
		free(c->plan[i].seg);
		free(c->plan[i].before);
	}
	free(c->plan);
	free(c->stage);
	free(c->link);
	free(c->context);
	free(c->ignore_path);
	vk_ignore_clear(&c->ignore);
}

static void
put_edit(struct vk_lint_docker *c, size_t item, size_t i)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_DOCKERFILE);
	const struct vk_instruction *in = &c->f->v[i];

	if (vk_lint_compose(c, i, &b) && b.err == VK_OK)
		vk_lint_edit(c->l, item, c->l->file->path, in->line, in->end_line, b.p ? b.p : "");
}

static void
add_arg(struct vk_buf *b, const char *id, const char *from)
{
	VK_CLEANUP(vk_freep) char *arg = vk_asprintf("--build-secret %s%s%s ", id, *from ? "=" : "", from);

	if (arg && !(b->p && strstr(b->p, arg)))
		vk_buf_str(b, arg);
}

/* How the build is run that gets what the steps of a finding ask for. */
static void
say_command(struct vk_lint_docker *c, size_t item)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(8192);
	struct vk_doctor_item *it = &c->l->d->v[item];

	for (size_t i = 0; i < c->n_links; i++) {
		const struct vk_lint_plan *p = &c->plan[c->link[i].instruction];

		if (c->link[i].item != item)
			continue;
		for (size_t k = 0; k < p->n_kinds; k++)
			add_arg(&b, p->kinds[k]->id, strcmp(p->kinds[k]->id, "settings.xml") ? ""
			    : "file:/where/it/is");
		for (size_t k = 0; k < p->n_vars; k++) {
			VK_CLEANUP(vk_freep) char *from = vk_asprintf("env:%s", p->vars[k]);

			add_arg(&b, p->vars[k], from ? from : "");
		}
	}
	if (b.len > 0 && !it->fix)
		it->fix = vk_asprintf("valetkey run %s-- docker build {secrets} .", b.p);
}

static void
put_edits(struct vk_lint_docker *c)
{
	for (size_t i = 0; i < c->n_links; i++) {
		const struct vk_lint_link *link = &c->link[i];

		put_edit(c, link->item, link->instruction);
		if (c->plan[link->instruction].gone && c->plan[link->instruction].moved_to)
			put_edit(c, link->item, c->plan[link->instruction].moved_to);
		if (i + 1 == c->n_links || link[1].item != link->item)
			say_command(c, link->item);
	}
}

void
vk_lint_dockerfile(struct vk_lint *l)
{
	VK_CLEANUP(vk_dockerfile_clear) struct vk_dockerfile f = { 0 };
	VK_CLEANUP(clear) struct vk_lint_docker c = { .l = l, .f = &f };
	size_t before = l->d->n;

	if (vk_dockerfile_parse(l->file->text, l->file->n, &f) != VK_OK) {
		vk_doctor_add(l->d, VK_DOCTOR_NOTE, "lint", "%s cannot be read as a Dockerfile: %s", l->file->path,
		    vk_reason());
		vk_reason_clear();
		return;
	}
	if (!find_stages(&c) || !make_plans(&c) || !vk_lint_find_context(&c)) {
		l->d->failed = true;
		return;
	}
	vk_lint_runs(&c);
	vk_lint_copies(&c);
	declarations(&c);
	vk_lint_order(&c);
	put_edits(&c);
	sort_items(l->d->v + before, l->d->n - before);
}
