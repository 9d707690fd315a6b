/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "broker.h"
#include "run_log.h"

/* The lines of one beginning. */
struct lines {
	struct vk_log_entry common;
	struct vk_log_entry *v;
	size_t n;
};

static const char *
rung_text(enum vk_rung rung)
{
	return rung == VK_RUNG_NONE ? NULL : vk_rung_name(rung);
}

static enum vk_err
add(struct lines *l, const char *way, const char *to, struct vk_log_entry **ret)
{
	struct vk_log_entry *v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return VK_ENOMEM;
	l->v = v;
	*ret = &v[l->n++];
	**ret = l->common;
	(*ret)->way = way;
	(*ret)->to = to;
	return VK_OK;
}

static enum vk_err
add_taken(struct lines *l, const char *way, const char *to, const struct vk_cred_list *taken)
{
	struct vk_log_entry *v;
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < taken->n; i++)
		if ((e = add(l, way, to, &v)) == VK_OK) {
			v->asked = &taken->v[i]->scope;
			vk_log_cred(v, taken->v[i]);
		}
	return e;
}

static enum vk_err
add_recipe(struct lines *l, struct vk_kitchen *k, const struct vk_recipe *r, const char *way, const char *to)
{
	struct vk_cred_list taken = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	enum vk_err e = vk_recipe_select(k, r, &taken);

	list = taken.v;
	return e == VK_OK ? add_taken(l, way, to, &taken) : e;
}

/* "keystore:NAME" is a credential's name, the others say where a secret comes from. */
static enum vk_err
add_ref(struct lines *l, const char *way, const char *to, const char *ref)
{
	static const char stored[] = "keystore:";
	struct vk_log_entry *v;
	enum vk_err e = add(l, way, to, &v);

	if (e == VK_OK)
		v->credential = vk_str_starts(ref, stored) ? ref + sizeof(stored) - 1 : ref;
	return e;
}

static enum vk_err
add_build_secret(struct lines *l, struct vk_kitchen *k, const struct vk_build_secret *b)
{
	const struct vk_recipe *r;
	enum vk_err e;

	if (!b->recipe)
		return add_ref(l, "build-secret", b->id, b->ref ? b->ref : b->id);
	e = vk_recipe_find(b->recipe, &r);
	return e == VK_OK ? add_recipe(l, k, r, "build-secret", b->id) : e;
}

enum vk_err
vk_run_log_know(struct vk_run_log *l, const struct vk_policy *p)
{
	l->known = true;
	return vk_policy_log(p, &l->log);
}

enum vk_err
vk_run_log_given(const struct vk_run_log *l, struct vk_kitchen *k, const struct vk_menu *menu,
    const char *command)
{
	VK_CLEANUP(vk_freep) void *list = NULL;
	struct lines lines = {
		.common = { .event = VK_LOG_INJECT, .via = "run", .rung = rung_text(k->rung), .command = command },
	};
	enum vk_err e = VK_OK;

	if (!l->log.to)
		return VK_OK;
	for (size_t i = 0; e == VK_OK && i < menu->n; i++)
		e = add_recipe(&lines, k, menu->v[i], menu->v[i]->asks ? "broker" : "recipe", menu->v[i]->name);
	for (size_t i = 0; e == VK_OK && i < k->opts->n_env; i++)
		e = add_ref(&lines, "env", k->opts->env[i].name, k->opts->env[i].ref);
	for (size_t i = 0; e == VK_OK && i < k->opts->n_secrets; i++)
		e = add_build_secret(&lines, k, &k->opts->secrets[i]);
	list = lines.v;
	return e == VK_OK ? vk_log_write(&l->log, lines.v, lines.n, k->opts->warn) : e;
}

enum vk_err
vk_run_log_again(const struct vk_run_log *l, struct vk_kitchen *k, const struct vk_file *f, pid_t run,
    void (*tell)(const char *text))
{
	VK_CLEANUP(vk_freep) void *list = NULL;
	struct lines lines = {
		.common = { .event = VK_LOG_INJECT, .via = "run", .rung = rung_text(k->rung) },
	};
	struct vk_log log = l->log;
	enum vk_err e;

	if (!log.to || (!f->secret && !f->recipe))
		return VK_OK;
	log.pid = run;
	e = f->secret ? add_build_secret(&lines, k, f->secret) :
	    add_recipe(&lines, k, f->recipe, "recipe", f->recipe->name);
	list = lines.v;
	return e == VK_OK ? vk_log_write(&log, lines.v, lines.n, tell) : e;
}

enum vk_err
vk_run_log_asked(const struct vk_broker *b, pid_t pid, struct vk_log_entry *v, void (*tell)(const char *text))
{
	struct vk_log l = *b->log, us = { 0 };
	enum vk_err e;

	if (!l.to)
		return VK_OK;
	l.pid = b->run;
	v->rung = rung_text(b->rung);
	vk_log_name(&us, getpid());
	l.program = NULL;
	vk_log_name(&l, pid);
	if (l.program && us.program && strcmp(l.program, us.program) == 0)
		vk_log_name(&l, vk_parent(pid));
	e = vk_log_write(&l, v, 1, tell);
	free(l.program);
	vk_log_clear(&us);
	return e;
}

/* A command that cannot be executed was not refused a credential. */
static bool
is_refusal(const struct vk_run_end *end, enum vk_err e)
{
	return e != VK_OK && e != VK_EUSAGE && !end->started && end->status == 125;
}

void
vk_run_log_end(struct vk_run_log *l, const struct vk_run_opts *opts, enum vk_rung rung, const char *command,
    const struct vk_run_end *end, enum vk_err e)
{
	struct vk_log_entry v = {
		.event = end->started ? VK_LOG_END : VK_LOG_REFUSE, .via = "run", .rung = rung_text(rung),
		.command = command, .result = e,
	};

	if (end->started) {
		v.status = end->signaled ? NULL : &end->status;
		v.sig = end->signaled ? &end->status : NULL;
		v.unserved = opts->gate != VK_GATE_OFF ? &l->unserved : NULL;
	}
	/* A run that was refused early has not seen its policy. */
	if (end->started || is_refusal(end, e))
		vk_log_refusal(l->known ? &l->log : NULL, &opts->policy, &v, opts->warn);
	vk_log_clear(&l->log);
}

enum vk_err
vk_run_log_render(const struct vk_policy *p, const struct vk_run_opts *opts, const struct vk_recipe *r,
    const struct vk_cred_list *taken)
{
	VK_CLEANUP(vk_log_clear) struct vk_log log = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	struct lines lines = { .common = { .event = VK_LOG_EXPORT, .via = "render" } };
	enum vk_err e = vk_policy_log(p, &log);

	if (e != VK_OK || !log.to)
		return e;
	e = add_taken(&lines, "recipe", r->name, taken);
	list = lines.v;
	return e == VK_OK ? vk_log_write(&log, lines.v, lines.n, opts->warn) : e;
}
