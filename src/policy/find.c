/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/broker.h"
#include "policy/state.h"

/* Could section ${s} answer?  Its user name may be known only once its entry is read. */
static bool
may_answer(const struct vk_policy *p, const struct vk_section *s, const struct vk_query *q)
{
	bool open = s->ref.kind == VK_SOURCE_KEYSTORE && !*s->username;

	return vk_policy_in_profile(p, s->name) && vk_scope_covers(&s->scope, q->scope) &&
	    (!q->username || open || strcmp(s->username, q->username) == 0);
}

/* Sections by length of path, longest first, then in the order of the file. */
static const struct vk_section *
next_section(const struct vk_policy *p, const struct vk_query *q, const struct vk_section *last)
{
	size_t last_len = last ? strlen(last->scope.path) : 0, best_len = 0;
	const struct vk_section *best = NULL;

	for (size_t i = 0; i < p->config.n_sections; i++) {
		const struct vk_section *s = &p->config.sections[i];
		size_t len = strlen(s->scope.path);

		if ((last && (len > last_len || (len == last_len && s <= last))) ||
		    (best && len <= best_len) || !may_answer(p, s, q))
			continue;
		best = s;
		best_len = len;
	}
	return best;
}

/* What is looked for: an answer to ${q}, of those that ${takes} does not turn down unless NULL. */
struct wish {
	const struct vk_query *q;
	bool (*takes)(const struct vk_cred *c);
};

static bool
is_wanted(const struct wish *w, const struct vk_cred *c)
{
	return vk_cred_matches(c, w->q) && (!w->takes || w->takes(c));
}

/* The three places.  None of them having one is VK_OK and no credential; VK_ENOENT says that it expired. */

/* ${ret_elsewhere}: a section failed whose secret does not lie in the keystore, and nothing answers in its place. */
static enum vk_err
find_section(struct vk_policy *p, const struct wish *w, struct vk_cred **ret, bool *ret_elsewhere)
{
	for (const struct vk_section *s = NULL; (s = next_section(p, w->q, s));) {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
		enum vk_err e = vk_policy_resolve(p, s, &c);

		*ret_elsewhere = s->ref.kind != VK_SOURCE_KEYSTORE;
		if (e != VK_OK)
			return e;
		if (is_wanted(w, c)) {
			*ret = VK_TAKE(c);
			return VK_OK;
		}
	}
	return VK_OK;
}

/* Only the entries that the profile names are looked at: it cannot be asked for another's. */
static enum vk_err
find_in_profile(struct vk_policy *p, struct vk_store *st, const struct wish *w, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *best = NULL;

	for (size_t i = 0; i < p->profile->credentials.n; i++) {
		const char *name = p->profile->credentials.v[i];
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
		enum vk_err e;

		if (vk_config_section(&p->config, name))
			continue;
		if ((e = vk_store_find_name(st, name, &c)) == VK_ENOENT)
			continue;
		if (e != VK_OK)
			return e;
		if (!is_wanted(w, c) ||
		    (best && strlen(best->scope.path) >= strlen(c->scope.path)))
			continue;
		vk_cred_free(best);
		best = VK_TAKE(c);
	}
	*ret = VK_TAKE(best);
	return VK_OK;
}

static bool
profile_names_entries(const struct vk_policy *p)
{
	for (size_t i = 0; i < p->profile->credentials.n; i++)
		if (!vk_config_section(&p->config, p->profile->credentials.v[i]))
			return true;
	return false;
}

/* The best of several accounts, by the order of vk_store_find(). */
struct choice {
	const struct wish *w;
	struct vk_scope scope;
	char *username; /* NULL: none yet */
	unsigned flags;
	int64_t created;
};

static void
choice_clear(struct choice *x)
{
	vk_scope_clear(&x->scope);
	free(x->username);
}

static enum vk_err
consider(const struct vk_cred *c, void *arg)
{
	struct choice *x = arg;
	size_t n = strlen(c->scope.path), best = x->username ? strlen(x->scope.path) : 0;
	bool first = (c->flags & VK_CRED_DEFAULT) || (!(x->flags & VK_CRED_DEFAULT) && c->created < x->created);

	if (!is_wanted(x->w, c) || (x->username && (n < best || (n == best && !first))))
		return VK_OK;
	choice_clear(x);
	*x = (struct choice){ x->w, { 0 }, vk_strdup(c->username), c->flags, c->created };
	return x->username ? vk_scope_copy(&c->scope, &x->scope) : VK_ENOMEM;
}

static enum vk_err
find_taken(struct vk_store *st, const struct wish *w, struct vk_cred **ret)
{
	VK_CLEANUP(choice_clear) struct choice x = { .w = w };
	enum vk_err e = vk_store_each(st, w->q->scope, consider, &x);

	if (e != VK_OK)
		return e;
	return x.username ? vk_store_find(st, &(struct vk_query){ &x.scope, x.username }, ret) : VK_ENOENT;
}

static enum vk_err
find_entry(struct vk_policy *p, const struct wish *w, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_store *st;
	enum vk_err e;

	/* A profile of config sections only does not need the keystore, locked or not. */
	if (p->profile && !profile_names_entries(p))
		return VK_OK;
	if ((e = vk_policy_store(p, &st)) == VK_OK)
		e = p->profile ? find_in_profile(p, st, w, &c)
		    : w->takes ? find_taken(st, w, &c) : vk_store_find(st, w->q, &c);
	if (e == VK_ENOENT) {
		vk_reason_clear();
		return VK_OK;
	}
	if (e != VK_OK || !c || (e = vk_policy_renew(p, &c)) != VK_OK || (e = vk_policy_not_expired(c)) != VK_OK)
		return e;
	/* It is ours to use: who else used it would end the login for us. */
	if (vk_grant_has(c))
		vk_secret_clear(&c->refresh);
	*ret = VK_TAKE(c);
	return VK_OK;
}

/* Who named a keystore should hear that it is not there; who has none yet has no use for that. */
static enum vk_err
none(struct vk_policy *p)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	const char *file = getenv("VALETKEY_KEYSTORE"), *id = getenv("VALETKEY_STORE_ID");

	if (((file && *file) || (id && *id)) && (!p->profile || profile_names_entries(p)) &&
	    !vk_policy_has_store(p) && vk_store_path(&path) == VK_OK)
		return vk_fail(VK_ENOENT, "there is no keystore at %s", path);
	return VK_ENOENT;
}

static enum vk_err
find(struct vk_policy *p, const struct wish *w, struct vk_cred **ret_cred)
{
	struct vk_cred *c = NULL;
	bool elsewhere = false;
	enum vk_err e = find_section(p, w, &c, &elsewhere), ci = VK_OK;

	if (e != VK_OK && elsewhere)
		return e;
	if (e == VK_OK && !c)
		e = find_entry(p, w, &c);
	if (e == VK_ELOCKED && p->config.locked_is_miss) {
		vk_reason_clear();
		e = VK_OK;
	}
	/* VK_EUSAGE: no home, hence no keystore; the platform's variables need neither. */
	if ((e == VK_OK || e == VK_EUSAGE) && !c && !p->profile)
		ci = vk_ci_find(w->q, &c);
	if (ci != VK_OK)
		return ci;
	if (!c)
		return e == VK_OK ? none(p) : e;
	vk_reason_clear();
	*ret_cred = c;
	return VK_OK;
}

enum vk_err
vk_policy_find(struct vk_policy *p, const struct vk_query *q, struct vk_cred **ret_cred)
{
	enum vk_err e;

	if (p->broker)
		return vk_broker_ask(p->broker, p->tool, q, ret_cred);
	e = find(p, &(struct wish){ q, p->takes }, ret_cred);
	/* What there is all the same is for the helper to refuse, with its reason. */
	return e == VK_ENOENT && p->takes && !*vk_reason() ? find(p, &(struct wish){ q, NULL }, ret_cred) : e;
}
