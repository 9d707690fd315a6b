/* SPDX-License-Identifier: ISC */
/* What git reports back: a credential that worked ("store") or did not ("erase"). */
#include <string.h>
#include <time.h>

#include "valetkey/broker.h"
#include "common.h"
#include "git.h"

static bool
same_secret(const struct vk_secret *a, const struct vk_secret *b)
{
	return (a->p != NULL) == (b->p != NULL) && a->n == b->n &&
	    (!a->p || vk_mem_eq(a->p, b->p, a->n));
}

/* Is ${c} what the policy already answers?  An older git hands no expiry and no refresh token back. */
static bool
already_known(const struct vk_cred *known, const struct vk_cred *c, const struct vk_git_msg *m)
{
	return known->kind == c->kind && same_secret(&known->secret, &c->secret) &&
	    strcmp(known->username, c->username) == 0 &&
	    (!m->has_expiry || known->expires == c->expires) &&
	    (!m->refresh.p || same_secret(&known->refresh, &c->refresh));
}

static enum vk_err
served_by_us(const struct git_request *r, const struct vk_cred *c, bool *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf state = VK_BUF(256);
	enum vk_err e;

	*ret = false;
	if (!r->msg.state)
		return VK_OK;
	if ((e = vk_git_state(&r->scope, c, &state)) == VK_OK)
		*ret = state.len == strlen(r->msg.state) &&
		    vk_mem_eq(state.p, r->msg.state, state.len);
	return e;
}

static enum vk_err
put(struct vk_store *st, void *arg)
{
	struct vk_cred *c = arg;
	enum vk_err e = vk_helper_claim(st, &(struct vk_query){ &c->scope, c->username }, VK_CRED_GIT, c);

	return e == VK_OK && c->flags ? vk_store_stage_put(st, c) : e;
}

static enum vk_err
store(const struct git_request *r, struct vk_cred *c)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *known = NULL;
	struct vk_query q = { &c->scope, c->username };
	struct vk_store *st;
	enum vk_err e;

	if ((e = vk_policy_open(&r->opts, &p)) != VK_OK)
		return e;
	e = vk_policy_find(p, &q, &known);
	if (e == VK_OK && already_known(known, c, &r->msg))
		return VK_OK;
	if (e != VK_OK && e != VK_ENOENT)
		return e;
	if ((e = vk_policy_store(p, &st)) == VK_OK)
		e = vk_store_commit(st, put, c);
	if (e != VK_OK) {
		vk_helper_refused(p, &r->opts, &r->scope, e);
		return e;
	}
	return vk_helper_changed(p, "git", VK_LOG_STORE, &r->scope, c, c->flags ? VK_OK : VK_EEXIST);
}

int
vk_git_store(const struct git_request *r)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	bool ours;
	enum vk_err e = vk_git_cred(&r->msg, &c);

	if (e == VK_ENOENT)
		return 0; /* incomplete: nothing to keep */
	if (e == VK_OK && (r->msg.ephemeral || (r->msg.has_expiry && c->expires <= time(NULL))))
		return 0;
	if (e == VK_OK)
		e = served_by_us(r, c, &ours);
	if (e == VK_OK && !ours)
		e = store(r, c);
	return e == VK_OK ? 0 : vk_helper_fail(e);
}

/* An entry that "erase" is about, noted during the walk and changed after it. */
struct target {
	struct vk_scope scope;
	char *username;
	bool pinned;
};

struct erasure {
	const struct git_request *r;
	struct target *v;
	size_t n;
	bool erased, kept; /* the outcome */
};

static void
erasure_clear(struct erasure *x)
{
	for (size_t i = 0; i < x->n; i++) {
		vk_scope_clear(&x->v[i].scope);
		free(x->v[i].username);
	}
	free(x->v);
	x->v = NULL;
	x->n = 0;
}

/* Does ${c} hold the secret that was refused?  Any, when the request names none. */
static bool
is_refused_secret(const struct vk_cred *c, const struct vk_git_msg *m)
{
	if (m->credential.p)
		return c->kind == VK_KIND_BEARER && same_secret(&c->secret, &m->credential);
	if (m->password.p)
		return c->kind == VK_KIND_BASIC && same_secret(&c->secret, &m->password);
	return true;
}

static enum vk_err
note(const struct vk_cred *c, void *arg)
{
	struct erasure *x = arg;
	const struct git_request *r = x->r;
	bool named = r->msg.credential.p || r->msg.password.p;
	bool answers = vk_path_covers(c->scope.path, r->scope.path);
	bool below = vk_path_covers(r->scope.path, c->scope.path);
	bool pinned = !(c->flags & VK_CRED_GIT);
	struct target *v;

	if (!vk_scope_same_origin(&c->scope, &r->scope) || (c->flags & (VK_CRED_DOCKER | VK_CRED_CARGO)) ||
	    (r->msg.username && strcmp(r->msg.username, c->username) != 0) ||
	    !is_refused_secret(c, &r->msg))
		return VK_OK;
	/* Without a secret, one for all of the host must survive the forgetting of one path. */
	if (pinned ? !answers : !below && !(named && answers))
		return VK_OK;
	if (!(v = reallocarray(x->v, x->n + 1, sizeof(*v))))
		return VK_ENOMEM;
	x->v = v;
	v = &x->v[x->n];
	*v = (struct target){ .username = vk_strdup(c->username), .pinned = pinned };
	x->n++;
	return v->username ? vk_scope_copy(&c->scope, &v->scope) : VK_ENOMEM;
}

/* A server's "no" is worth knowing, but what a person stored is not git's to delete. */
static enum vk_err
mark_refused(struct vk_store *st, const struct target *t)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_query q = { &t->scope, t->username };
	enum vk_err e = vk_store_find(st, &q, &c);

	if (e != VK_OK)
		return e;
	c->refused = time(NULL);
	return vk_store_stage_put(st, c);
}

static enum vk_err
erase(struct vk_store *st, void *arg)
{
	struct erasure *x = arg;
	enum vk_err e = vk_store_each(st, &x->r->scope, note, x);

	x->erased = x->kept = false;
	for (size_t i = 0; e == VK_OK && i < x->n; i++) {
		x->kept |= x->v[i].pinned;
		x->erased |= !x->v[i].pinned;
		e = x->v[i].pinned ? mark_refused(st, &x->v[i])
				   : vk_store_stage_remove(st, &x->v[i].scope, x->v[i].username);
	}
	erasure_clear(x);
	return e;
}

/* In a run nothing is erased: its source may have another by now. */
static int
tell_the_run(const struct git_request *r)
{
	struct vk_query q = { &r->scope, r->msg.username };
	enum vk_err e = vk_broker_refused(vk_broker_where(), r->opts.tool, &q);

	return e == VK_OK || e == VK_ENOENT ? 0 : vk_helper_fail(e);
}

int
vk_git_erase(const struct git_request *r)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(erasure_clear) struct erasure x = { .r = r };
	struct vk_store *st;
	enum vk_err e;

	if (vk_broker_where())
		return tell_the_run(r);
	if ((e = vk_policy_open(&r->opts, &p)) == VK_OK && !vk_policy_has_store(p))
		return 0;
	if (e == VK_OK)
		e = vk_policy_store(p, &st);
	if (e == VK_OK)
		e = vk_store_commit(st, erase, &x);
	if (e != VK_OK)
		vk_helper_refused(p, &r->opts, &r->scope, e);
	else if (x.erased || x.kept)
		e = vk_helper_changed(p, "git", VK_LOG_ERASE, &r->scope, NULL, x.erased ? VK_OK : VK_EPOLICY);
	return e == VK_OK ? 0 : vk_helper_fail(e);
}
