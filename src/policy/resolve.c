/* SPDX-License-Identifier: ISC */
/* From a section of the config to a credential. */
#include <string.h>
#include <time.h>

#include "policy/state.h"

enum vk_err
vk_policy_not_expired(const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *url = NULL;
	char when[VK_STAMP_TEXT];

	/* Most have no expiry, and the first look at the clock of a process costs two page faults. */
	if (c->expires == 0 || !vk_cred_expired(c, (int64_t)time(NULL)))
		return VK_OK;
	if (!(url = vk_scope_url(&c->scope)))
		return VK_ENOMEM;
	vk_stamp(c->expires, when);
	return vk_fail(VK_ENOENT, "the credential %s%sfor %s expired at %s", c->name,
	    *c->name ? " " : "", url, when);
}

/*
 * Narrow, never widen: whoever can make somebody use a config must not get a keystore
 * entry sent to a host of his choice.
 */
static enum vk_err
narrow(const struct vk_section *s, struct vk_cred *c)
{
	struct vk_scope scope;
	enum vk_err e;

	if (!vk_scope_covers(&c->scope, &s->scope)) {
		vk_hint("a config may narrow where an entry goes, never widen it; see valetkey list");
		return vk_fail(VK_EPOLICY,
		    "the url of [%s] is not within the scope of the keystore entry %s", s->name,
		    s->ref.what);
	}
	if (*s->username && *c->username && strcmp(s->username, c->username) != 0)
		return vk_fail(VK_EPOLICY,
		    "the username of [%s] is not the one of the keystore entry %s", s->name,
		    s->ref.what);
	if ((e = vk_scope_copy(&s->scope, &scope)) != VK_OK)
		return e;
	vk_scope_clear(&c->scope);
	c->scope = scope;
	/* A refresh token is good for all that the entry is, so it does not go along. */
	vk_secret_clear(&c->refresh);
	c->flags = 0;
	return VK_OK;
}

static enum vk_err
from_store(struct vk_policy *p, const struct vk_section *s, struct vk_cred **ret)
{
	struct vk_store *st;
	enum vk_err e = vk_policy_store(p, &st);

	if (e == VK_OK)
		e = vk_store_find_name(st, s->ref.what, ret);
	/* Not "no such credential": the config says that there is one. */
	if (e == VK_ENOENT)
		e = vk_fail(VK_EBACKEND, "[%s] refers to the keystore entry %s, which is not there",
		    s->name, s->ref.what);
	if (e == VK_OK)
		e = vk_policy_renew(p, ret);
	return e == VK_OK ? narrow(s, *ret) : e;
}

static enum vk_err
from_elsewhere(struct vk_policy *p, const struct vk_section *s, struct vk_cred **ret)
{
	enum vk_err e;

	if (!(*ret = vk_cred_new()))
		return VK_ENOMEM;
	vk_scope_clear(&(*ret)->scope);
	if ((e = vk_scope_copy(&s->scope, &(*ret)->scope)) != VK_OK)
		return e;
	if (s->ref.kind == VK_SOURCE_REMOTE)
		e = vk_policy_remote(p, &s->ref, &(*ret)->secret, &(*ret)->expires);
	else if (s->ref.kind == VK_SOURCE_ENV)
		e = vk_source_env(s->ref.what, &(*ret)->secret);
	else
		e = vk_source_file(s->ref.what, &(*ret)->secret);
	if (e != VK_OK && *vk_reason())
		e = vk_fail(e, "[%s]: %s", s->name, vk_reason());
	return e;
}

enum vk_err
vk_policy_resolve(struct vk_policy *p, const struct vk_section *s, struct vk_cred **ret_cred)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e;

	e = s->ref.kind == VK_SOURCE_KEYSTORE ? from_store(p, s, &c) : from_elsewhere(p, s, &c);
	if (e != VK_OK || (e = vk_policy_not_expired(c)) != VK_OK ||
	    (e = vk_cred_set(&c->name, s->name)) != VK_OK)
		return e;
	if (*s->username && (e = vk_cred_set(&c->username, s->username)) != VK_OK)
		return e;
	if (*s->npm_scope && (e = vk_cred_set(&c->npm_scope, s->npm_scope)) != VK_OK)
		return e;
	if (s->kind != 0) {
		c->kind = s->kind;
		if ((e = vk_cred_set(&c->header, s->header)) != VK_OK ||
		    (e = vk_cred_set(&c->authtype, s->kind == VK_KIND_BEARER ? "Bearer" : "")) != VK_OK)
			return e;
	}
	*ret_cred = VK_TAKE(c);
	return VK_OK;
}
