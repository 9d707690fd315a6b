/* SPDX-License-Identifier: ISC */
/* cargo login and cargo logout. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/broker.h"
#include "valetkey/unlock.h"
#include "cargo.h"
#include "common.h"

static enum vk_err
put(struct vk_store *st, void *arg)
{
	struct vk_cred *c = arg;
	/* Whatever its user name: the default account is who would be answered with. */
	enum vk_err e = vk_helper_claim(st, &(struct vk_query){ &c->scope, NULL }, VK_CRED_CARGO, c);

	if (e == VK_OK && !c->flags)
		return vk_fail(VK_EPOLICY, "the keystore has an entry for this registry that cargo did not store, so a "
			"login would have no effect; see \"valetkey list\"");
	return e == VK_OK ? vk_store_stage_put(st, c) : e;
}

/* What the request brings; else the protocol leaves it to us to ask, and standard input is not for that. */
static enum vk_err
take_token(struct vk_cargo_msg *m, struct vk_secret *ret)
{
	VK_CLEANUP(vk_freep) char *prompt = NULL;
	const char *name = m->name ? m->name : m->index, *from = m->login_url;
	enum vk_err e = VK_OK;

	if (m->token.p) {
		*ret = m->token;
		m->token = (struct vk_secret){ NULL, 0 };
	} else {
		prompt = from ? vk_asprintf("Token for %s (from %s): ", name, from)
			      : vk_asprintf("Token for %s: ", name);
		if (!prompt)
			return VK_ENOMEM;
		vk_str_printable(prompt, strlen(prompt));
		e = vk_tty_secret(prompt, false, ret);
	}
	return e == VK_OK && ret->n == 0 ? vk_fail(VK_EUSAGE, "the token is empty") : e;
}

/* A token is the whole value of its field, with or without the name of a scheme, and cargo knows no user names. */
static enum vk_err
make_cred(struct cargo_request *r, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(VK_MAX_INPUT);
	enum vk_err e;

	if (!c)
		return VK_ENOMEM;
	vk_scope_clear(&c->scope);
	c->kind = VK_KIND_HEADER;
	if ((e = vk_scope_copy(&r->scope, &c->scope)) != VK_OK ||
	    (e = vk_cred_set(&c->header, "Authorization")) != VK_OK || (e = take_token(&r->msg, &c->secret)) != VK_OK)
		return e;
	/* What "get" could not say is not worth keeping. */
	if ((e = vk_cargo_answer(c, &r->msg, &answer)) == VK_OK)
		*ret = VK_TAKE(c);
	return e;
}

/* Asked before a person is asked for a token: the next provider may be able to keep it. */
static bool
can_keep(struct vk_policy *p, struct vk_store *st)
{
	if (vk_policy_has_store(p) && faccessat(AT_FDCWD, vk_store_file(st), W_OK, AT_EACCESS) == 0)
		return true;
	vk_msg_note("%s: this login is left to cargo's next provider", st ? "the keystore cannot be written to"
		: "there is no keystore (\"valetkey init\" makes one)");
	return false;
}

static enum vk_err
login(struct cargo_request *r, struct vk_policy *p, struct vk_buf *out)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_store *st = NULL;
	enum vk_err e = vk_policy_has_store(p) ? vk_policy_store(p, &st) : VK_OK;

	if (e != VK_OK)
		return e;
	if (!can_keep(p, st))
		return vk_cargo_error("url-not-supported", NULL, out);
	if ((e = make_cred(r, &c)) == VK_OK)
		e = vk_store_commit(st, put, c);
	if (e == VK_OK)
		e = vk_helper_changed(p, "cargo", VK_LOG_STORE, &c->scope, c, VK_OK);
	return e == VK_OK ? vk_buf_str(out, "{\"Ok\":{\"kind\":\"login\"}}\n") : e;
}

struct removal {
	const struct vk_scope *scope;
	bool removed; /* the outcome */
};

/* One for an index above this one survives: that was another login. */
static enum vk_err
take_out(struct vk_store *st, void *arg)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	struct removal *x = arg;
	enum vk_err e = vk_store_find(st, &(struct vk_query){ x->scope, NULL }, &old);

	x->removed = e == VK_OK && strcmp(old->scope.path, x->scope->path) == 0 && (old->flags & VK_CRED_CARGO);
	if (x->removed)
		return vk_store_stage_remove(st, x->scope, old->username);
	return e == VK_ENOENT ? VK_OK : e;
}

static enum vk_err
logout(const struct cargo_request *r, struct vk_policy *p, struct vk_buf *out)
{
	struct removal x = { .scope = &r->scope };
	struct vk_store *st;
	enum vk_err e;

	if (!vk_policy_has_store(p))
		return vk_cargo_error("url-not-supported", NULL, out);
	if ((e = vk_policy_store(p, &st)) == VK_OK)
		e = vk_store_commit(st, take_out, &x);
	if (e == VK_OK && !x.removed)
		return vk_cargo_error("not-found", NULL, out);
	if (e == VK_OK)
		e = vk_helper_changed(p, "cargo", VK_LOG_ERASE, x.scope, NULL, VK_OK);
	return e == VK_OK ? vk_buf_str(out, "{\"Ok\":{\"kind\":\"logout\"}}\n") : e;
}

static bool
is_login(const struct cargo_request *r)
{
	return strcmp(r->msg.kind, "login") == 0;
}

static bool
is_logout(const struct cargo_request *r)
{
	return strcmp(r->msg.kind, "logout") == 0;
}

/* ${known} answers "get" for this registry, or is NULL. */
static enum vk_err
change(struct cargo_request *r, struct vk_policy *p, const struct vk_cred *known, struct vk_buf *out)
{
	const char *profile = vk_policy_profile(p);
	bool in = is_login(r);

	if (!in && !is_logout(r))
		return vk_cargo_error(known ? "operation-not-supported" : "url-not-supported", NULL, out);
	if (profile && in)
		return vk_fail(VK_EPOLICY, "a login is not part of the profile %s, so it would have no effect",
			profile);
	if (profile && !known)
		return vk_cargo_error("not-found", NULL, out);
	if (known && !(known->flags & VK_CRED_CARGO))
		return vk_fail(VK_EPOLICY, "this registry's token is in valetkey's hands, where cargo %s changes "
			"nothing: use \"valetkey %s\"", r->msg.kind, in ? "add" : "remove");
	return in ? login(r, p, out) : logout(r, p, out);
}

enum vk_err
vk_cargo_change(struct cargo_request *r, struct vk_buf *out)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e = VK_OK;

	/* Were it left to the next provider, the token would be in a file in clear. */
	if (vk_broker_within() && (is_login(r) || is_logout(r)))
		e = vk_fail(VK_EPOLICY, "inside valetkey run nothing is stored or removed: use cargo %s outside of it",
			r->msg.kind);
	if (e == VK_OK)
		e = vk_policy_open(&r->opts, &p);
	if (e == VK_OK)
		e = vk_policy_find(p, &(struct vk_query){ &r->scope, NULL }, &c);
	if (e == VK_OK || e == VK_ENOENT)
		e = change(r, p, c && vk_cargo_serves(c, &r->msg, &r->scope) ? c : NULL, out);
	if (e != VK_OK)
		vk_helper_refused(p, &r->opts, &r->scope, e);
	return e;
}
