/* SPDX-License-Identifier: ISC */
/* What a run gets, and which hosts setup registers. */
#include <string.h>
#include <time.h>

#include "policy/state.h"

enum {
	PINNED_MAX = 64,
	AGAIN_BEFORE_S = 30, /* before its end something fetched is fetched again */
};

static const char how_to_choose[] =
    "name the credentials with --credential, or make a [profile NAME] and use --profile";

/* Collects what tells pinned entries apart, and their names: an imported one may have none. */
static enum vk_err
visit_pinned(const struct vk_cred *c, void *arg)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *o = NULL;
	struct vk_cred_list *l = arg;
	struct vk_scope scope;
	enum vk_err e;

	if (!(c->flags & VK_CRED_PINNED))
		return VK_OK;
	if (l->n == PINNED_MAX) {
		vk_hint("%s", how_to_choose);
		return vk_fail(VK_ELIMIT, "the keystore has more than %d entries: not all of them are "
					  "given to one command", PINNED_MAX);
	}
	if (!(o = vk_cred_new()))
		return VK_ENOMEM;
	if ((e = vk_scope_copy(&c->scope, &scope)) != VK_OK)
		return e;
	vk_scope_clear(&o->scope);
	o->scope = scope;
	o->flags = c->flags & VK_CRED_DEFAULT;
	if ((e = vk_cred_set(&o->name, c->name)) != VK_OK ||
	    (e = vk_cred_set(&o->username, c->username)) != VK_OK ||
	    (e = vk_cred_list_add(l, o)) != VK_OK)
		return e;
	o = NULL;
	return VK_OK;
}

/* The first of two credentials for one account of one scope is what a helper would answer. */
static bool
have_same(const struct vk_cred_list *l, const struct vk_cred *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (vk_scope_same_origin(&l->v[i]->scope, &c->scope) &&
		    strcmp(l->v[i]->scope.path, c->scope.path) == 0 &&
		    strcmp(l->v[i]->username, c->username) == 0)
			return true;
	return false;
}

static enum vk_err
add(struct vk_cred_list *l, struct vk_cred *c)
{
	enum vk_err e = VK_OK;

	if (have_same(l, c))
		vk_cred_free(c);
	else if ((e = vk_cred_list_add(l, c)) != VK_OK)
		vk_cred_free(c);
	return e;
}

static enum vk_err
add_section(struct vk_policy *p, const struct vk_section *s, struct vk_cred_list *l)
{
	struct vk_cred *c = NULL;
	enum vk_err e = vk_policy_resolve(p, s, &c);

	return e == VK_OK ? add(l, c) : e;
}

/* A word of a command line that a person may copy, and an import may have chosen. */
static void
add_word(struct vk_buf *line, const char *option, const char *s)
{
	static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz@%_+:,./-";

	vk_buf_fmt(line, " %s", option);
	if (s[strspn(s, plain)])
		vk_buf_quote_sh(line, s);
	else
		vk_buf_str(line, s);
}

/* What puts a new secret in the place of ${c}'s: "add" knows nothing of the old entry but its name. */
static void
hint_replace(const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf line = VK_BUF(768);
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);

	vk_buf_str(&line, "valetkey add --replace");
	if (*c->username)
		add_word(&line, "--username ", c->username);
	if (*c->npm_scope)
		add_word(&line, "--scope ", c->npm_scope);
	if (c->kind == VK_KIND_BEARER && *c->username)
		vk_buf_str(&line, " --kind bearer");
	if (c->kind == VK_KIND_HEADER)
		add_word(&line, "--kind header --header ", c->header);
	add_word(&line, "", url ? url : "URL");
	vk_hint("%s; or %s", line.err == VK_OK ? line.p : "valetkey add --replace", how_to_choose);
}

/* ${c} becomes the list's. */
static enum vk_err
add_found(struct vk_policy *p, struct vk_cred *c, struct vk_cred_list *l)
{
	enum vk_err e = vk_policy_renew(p, &c);

	if (e == VK_OK && (e = vk_policy_not_expired(c)) == VK_OK)
		return add(l, c);
	if (e == VK_ENOENT)
		hint_replace(c);
	vk_cred_free(c);
	return e;
}

static enum vk_err
add_entry(struct vk_policy *p, const char *name, struct vk_cred_list *l)
{
	struct vk_cred *c = NULL;
	struct vk_store *st;
	enum vk_err e = vk_policy_store(p, &st);

	if (e == VK_OK && (e = vk_store_find_name(st, name, &c)) == VK_ENOENT)
		return vk_fail(VK_ENOENT, "neither the config nor the keystore has a credential called %s",
		    name);
	return e == VK_OK ? add_found(p, c, l) : e;
}

/* ${name} is a section, the variable of a CI platform, or an entry of the keystore. */
static enum vk_err
add_named(struct vk_policy *p, const char *name, struct vk_cred_list *l)
{
	const struct vk_section *s = vk_config_section(&p->config, name);
	struct vk_cred_list ci = { 0 };
	enum vk_err e;
	bool found = false;

	if (s)
		return add_section(p, s, l);
	if (!p->profile && (e = vk_ci_all(&ci)) != VK_OK)
		return e;
	e = VK_OK;
	for (size_t i = 0; i < ci.n && e == VK_OK; i++)
		if (strcmp(ci.v[i]->name, name) == 0) {
			e = add(l, VK_TAKE(ci.v[i]));
			found = true;
		}
	vk_cred_list_clear(&ci);
	return e != VK_OK || found ? e : add_entry(p, name, l);
}

static enum vk_err
add_names(struct vk_policy *p, const char *const *names, size_t n, struct vk_cred_list *l)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < n && e == VK_OK; i++) {
		if (!vk_policy_in_profile(p, names[i]))
			return vk_fail(VK_EPOLICY, "the profile %s does not name the credential %s",
			    p->profile->name, names[i]);
		e = add_named(p, names[i], l);
	}
	return e;
}

static int
by_name(const void *a, const void *b)
{
	const struct vk_cred *x = *(struct vk_cred *const *)a, *y = *(struct vk_cred *const *)b;
	int d = strcmp(x->name, y->name);

	if (d == 0)
		d = strcmp(x->scope.host, y->scope.host);
	if (d == 0)
		d = strcmp(x->scope.path, y->scope.path);
	return d ? d : strcmp(x->username, y->username);
}

/* Sorted, since the order of entries in the keystore is that of a keyed hash. */
static enum vk_err
add_pinned(struct vk_policy *p, struct vk_cred_list *l)
{
	struct vk_cred_list pinned = { 0 };
	struct vk_store *st;
	enum vk_err e;

	if (!vk_policy_has_store(p))
		return VK_OK;
	if ((e = vk_policy_store(p, &st)) == VK_OK)
		e = vk_store_each(st, NULL, visit_pinned, &pinned);
	if (pinned.n > 1)
		qsort(pinned.v, pinned.n, sizeof(struct vk_cred *), by_name);
	for (size_t i = 0; i < pinned.n && e == VK_OK; i++) {
		struct vk_query q = { &pinned.v[i]->scope, pinned.v[i]->username };
		struct vk_cred *c = NULL;

		if ((e = vk_store_find(st, &q, &c)) != VK_OK)
			break;
		c->flags |= pinned.v[i]->flags;
		e = add_found(p, c, l);
	}
	vk_cred_list_clear(&pinned);
	return e;
}

/* Variables of the platform come last, as they do for helpers: only where nothing else answers. */
static enum vk_err
add_ci(struct vk_cred_list *l)
{
	struct vk_cred_list ci = { 0 };
	size_t before = l->n;
	enum vk_err e = vk_ci_all(&ci);

	for (size_t i = 0; i < ci.n && e == VK_OK; i++) {
		bool covered = false;

		for (size_t k = 0; k < before; k++)
			covered |= vk_scope_covers(&l->v[k]->scope, &ci.v[i]->scope);
		if (!covered)
			e = add(l, VK_TAKE(ci.v[i]));
	}
	vk_cred_list_clear(&ci);
	return e;
}

static enum vk_err
add_everything(struct vk_policy *p, struct vk_cred_list *l)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < p->config.n_sections && e == VK_OK; i++)
		e = add_section(p, &p->config.sections[i], l);
	if (e == VK_EBACKEND)
		vk_hint("%s", how_to_choose);
	if (e == VK_OK)
		e = add_pinned(p, l);
	return e == VK_OK ? add_ci(l) : e;
}

enum vk_err
vk_policy_select(struct vk_policy *p, const char *const *names, size_t n_names,
    struct vk_cred_list *ret_list)
{
	struct vk_cred_list l = { 0 };
	enum vk_err e;

	if (n_names > 0)
		e = add_names(p, names, n_names, &l);
	else if (p->profile)
		e = add_names(p, (const char *const *)p->profile->credentials.v,
		    p->profile->credentials.n, &l);
	else
		e = add_everything(p, &l);
	if (e != VK_OK) {
		vk_cred_list_clear(&l);
		return e;
	}
	*ret_list = l;
	return VK_OK;
}

static enum vk_err
entry_again(struct vk_policy *p, const struct vk_cred *c, struct vk_cred **ret)
{
	struct vk_query q = { &c->scope, c->username };
	struct vk_store *st;
	enum vk_err e;

	/* What came from elsewhere, as a variable does, does not change. */
	if (!vk_policy_has_store(p))
		return VK_ENOENT;
	if ((e = vk_policy_store(p, &st)) != VK_OK)
		return e;
	e = *c->name ? vk_store_find_name(st, c->name, ret) : vk_store_find(st, &q, ret);
	return e == VK_OK ? vk_policy_renew(p, ret) : e;
}

bool
vk_policy_is_fetched(const struct vk_policy *p, const struct vk_cred *c)
{
	const struct vk_section *s = *c->name ? vk_config_section(&p->config, c->name) : NULL;

	return s && s->ref.kind == VK_SOURCE_REMOTE;
}

bool
vk_policy_ends_soon(const struct vk_cred *c)
{
	return c->expires != 0 && c->expires <= (int64_t)time(NULL) + AGAIN_BEFORE_S;
}

enum vk_err
vk_policy_again(struct vk_policy *p, const struct vk_cred *c, bool fetch, struct vk_cred **ret_cred)
{
	const struct vk_section *s = *c->name ? vk_config_section(&p->config, c->name) : NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *now = NULL;
	enum vk_err e = VK_OK;

	if (vk_policy_is_fetched(p, c)) {
		if (!fetch)
			return VK_ENOENT;
		vk_policy_forget_fetched(p);
	}
	e = s ? vk_policy_resolve(p, s, &now) : entry_again(p, c, &now);
	if (e == VK_OK)
		e = vk_policy_not_expired(now);
	if (e != VK_OK)
		return e;
	if (!vk_scope_same_origin(&now->scope, &c->scope) || strcmp(now->scope.path, c->scope.path) != 0)
		return VK_ENOENT;
	*ret_cred = VK_TAKE(now);
	return VK_OK;
}

struct hosts {
	const struct vk_policy *policy;
	bool npm;
	struct vk_cred_list *list;
};

static bool
is_for_setup(const struct hosts *h, const char *name, const char *npm_scope, enum vk_kind kind)
{
	return (h->npm ? kind != VK_KIND_HEADER : !*npm_scope) && vk_policy_in_profile(h->policy, name);
}

static enum vk_err
add_host(struct vk_cred_list *l, const struct vk_scope *scope, const char *username, enum vk_kind kind)
{
	struct vk_cred *c = vk_cred_new();
	struct vk_scope copy;

	if (!c || vk_scope_copy(scope, &copy) != VK_OK) {
		vk_cred_free(c);
		return VK_ENOMEM;
	}
	vk_scope_clear(&c->scope);
	c->scope = copy;
	c->kind = kind;
	if (vk_cred_set(&c->username, username) != VK_OK) {
		vk_cred_free(c);
		return VK_ENOMEM;
	}
	return add(l, c);
}

static enum vk_err
visit_host(const struct vk_cred *c, void *arg)
{
	struct hosts *h = arg;

	if (!(c->flags & VK_CRED_PINNED) || !is_for_setup(h, c->name, c->npm_scope, c->kind))
		return VK_OK;
	return add_host(h->list, &c->scope, c->username, c->kind);
}

static int
by_scope(const void *a, const void *b)
{
	const struct vk_scope *x = &(*(struct vk_cred *const *)a)->scope;
	const struct vk_scope *y = &(*(struct vk_cred *const *)b)->scope;
	int d = strcmp(x->host, y->host);

	if (d == 0)
		d = x->port < y->port ? -1 : x->port > y->port;
	if (d == 0)
		d = strcmp(x->path, y->path);
	return d ? d : strcmp(x->scheme, y->scheme);
}

enum vk_err
vk_policy_hosts(struct vk_policy *p, bool npm, struct vk_cred_list *ret_list)
{
	struct vk_cred_list l = { 0 };
	struct hosts h = { .policy = p, .npm = npm, .list = &l };
	struct vk_store *st;
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < p->config.n_sections && e == VK_OK; i++) {
		const struct vk_section *s = &p->config.sections[i];

		if (is_for_setup(&h, s->name, s->npm_scope, s->kind))
			e = add_host(&l, &s->scope, s->username, s->kind);
	}
	if (e == VK_OK && vk_policy_has_store(p) && (e = vk_policy_store(p, &st)) == VK_OK)
		e = vk_store_each(st, NULL, visit_host, &h);
	if (e != VK_OK) {
		vk_cred_list_clear(&l);
		return e;
	}
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(struct vk_cred *), by_scope);
	*ret_list = l;
	return VK_OK;
}
