/* SPDX-License-Identifier: ISC */
/* Entries that a login made are had anew before they expire: once, however many ask. */
#include <string.h>
#include <time.h>

#include "policy/state.h"
#include "valetkey/oauth.h"
#include "valetkey/secret.h"

enum {
	BEFORE_S = 60,    /* before its end; */
	RECENT_S = 10,    /* one that ends so soon after it was renewed is used up first */
	WAITED_MS = 1000, /* with the keystore so long in other hands, and not changed, another has tried in vain */
};

struct renewal {
	const struct vk_cred *had;
	uint64_t generation;
	int64_t began;
	bool issued; /* by the server just now, not found */
	struct vk_cred *fresh;
};

static bool
is_near(const struct vk_cred *c)
{
	return c->expires != 0 && vk_cred_expired(c, (int64_t)time(NULL) + BEFORE_S);
}

static bool
is_due(const struct vk_cred *c, const struct vk_grant *g)
{
	int64_t now = (int64_t)time(NULL);

	return is_near(c) && (vk_cred_expired(c, now) || g->renewed > now || now - g->renewed > RECENT_S);
}

static enum vk_err
take(struct vk_cred *c, struct vk_grant *g, struct vk_tokens *t)
{
	vk_secret_clear(&c->secret);
	c->secret = t->access;
	t->access = (struct vk_secret){ NULL, 0 };
	if (t->refresh.p) {
		vk_secret_clear(&c->refresh);
		c->refresh = t->refresh;
		t->refresh = (struct vk_secret){ NULL, 0 };
	}
	c->expires = t->expires;
	c->refused = 0;
	g->renewed = (int64_t)time(NULL);
	return vk_grant_write(g, c);
}

/* Under the writer's lock, so that one process asks, and the others find what it has stored. */
static enum vk_err
renew(struct vk_store *st, void *arg)
{
	VK_CLEANUP(vk_tokens_clear) struct vk_tokens tokens = { .expires = 0 };
	VK_CLEANUP(vk_grant_clear) struct vk_grant g = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct renewal *r = arg;
	struct vk_query q = { &r->had->scope, r->had->username };
	enum vk_err e = vk_store_find(st, &q, &c);

	if (e == VK_OK && (strcmp(c->scope.path, r->had->scope.path) != 0 || !vk_grant_has(c) || !c->refresh.p))
		e = VK_ENOENT;
	if (e == VK_ENOENT)
		return vk_fail(VK_EBACKEND, "another process has just removed the entry");
	if (e != VK_OK || (e = vk_grant_read(c, &g)) != VK_OK)
		return e;
	if (is_due(c, &g)) {
		if (vk_now_ms() - r->began > WAITED_MS && vk_store_generation(st) == r->generation)
			return vk_fail(VK_EBACKEND, "another process has just tried");
		/* From here on the server may have taken back what is stored. */
		vk_death_hold();
		e = vk_oauth_refresh(&g, &c->refresh, !vk_cred_expired(c, (int64_t)time(NULL)), &tokens);
		if (e != VK_OK || (e = take(c, &g, &tokens)) != VK_OK)
			return e;
		r->issued = true;
		e = vk_store_stage_put(st, c);
	}
	if (e == VK_OK)
		r->fresh = VK_TAKE(c);
	return e;
}

static enum vk_err
not_renewed(const struct vk_cred *c, const struct vk_grant *g, enum vk_err e)
{
	VK_CLEANUP(vk_freep) char *why = vk_strdup(*vk_reason() ? vk_reason() : vk_err_text(e));
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	const char *https = "https://";
	char when[VK_STAMP_TEXT];

	if (!why || !url)
		return VK_ENOMEM;
	vk_stamp(c->expires, when);
	/* What login takes for https. */
	vk_hint("valetkey login %s", vk_str_starts(url, https) ? url + strlen(https) : url);
	return vk_fail(VK_EBACKEND, "the credential %s expired at %s, and %s does not renew it: %s", c->name, when,
	    g->issuer, why);
}

/* What came is still good; what it came for may have been good for one use. */
static enum vk_err
not_stored(struct vk_policy *p, const struct vk_cred *c, enum vk_err e)
{
	free(p->caution);
	p->caution = vk_asprintf("%s was renewed, but cannot be stored, so that its login may have ended: %s", c->name,
	    *vk_reason() ? vk_reason() : vk_err_text(e));
	vk_reason_clear();
	return p->caution ? VK_OK : VK_ENOMEM;
}

static enum vk_err
try_to(struct vk_policy *p, struct vk_cred **c)
{
	struct renewal r = { .had = *c, .began = vk_now_ms() };
	struct vk_store *st;
	enum vk_err e = vk_policy_store(p, &st);

	if (e == VK_OK && vk_policy_offline(p))
		e = vk_fail(VK_EBACKEND, "offline: it is not asked");
	if (e == VK_OK) {
		r.generation = vk_store_generation(st);
		e = vk_store_commit(st, renew, &r);
		vk_death_let();
	}
	if (e != VK_OK && r.issued && r.fresh)
		e = not_stored(p, r.fresh, e);
	/* It took longer to come than it lasts. */
	if (e == VK_OK && vk_cred_expired(r.fresh, (int64_t)time(NULL)))
		e = vk_fail(VK_EBACKEND, "the token that it gave had expired when it came");
	if (e != VK_OK) {
		vk_cred_free(r.fresh);
		return e;
	}
	r.fresh->flags |= (*c)->flags & VK_CRED_DEFAULT;
	vk_cred_free(*c);
	*c = r.fresh;
	return VK_OK;
}

enum vk_err
vk_policy_renew(struct vk_policy *p, struct vk_cred **c)
{
	VK_CLEANUP(vk_grant_clear) struct vk_grant g = { 0 };
	enum vk_err e;

	if (!vk_grant_has(*c) || !(*c)->refresh.p || !is_near(*c))
		return VK_OK;
	if ((e = vk_grant_read(*c, &g)) != VK_OK || !is_due(*c, &g) || (e = try_to(p, c)) == VK_OK)
		return e;
	if (e == VK_ENOMEM || vk_cred_expired(*c, (int64_t)time(NULL)))
		return e == VK_ENOMEM ? e : not_renewed(*c, &g, e);
	/* What can still be used is given, whatever the server does. */
	vk_reason_clear();
	return VK_OK;
}
