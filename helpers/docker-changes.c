/* SPDX-License-Identifier: ISC */
/* docker login ("store") and docker logout ("erase"). */
#include <string.h>

#include "common.h"
#include "docker.h"

/* docker has one account per server: its own entries on exactly ${scope}, by user name. */
struct accounts {
	const struct vk_scope *scope;
	char **users;
	size_t n;
	char *pinned_default; /* another's default account there */
	bool had_default;     /* one of ${users} is the default */
};

static void
accounts_clear(struct accounts *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->users[i]);
	free(a->users);
	free(a->pinned_default);
}

static enum vk_err
note_account(const struct vk_cred *c, void *arg)
{
	struct accounts *a = arg;
	char **users;

	if (!vk_scope_same_origin(&c->scope, a->scope) || strcmp(c->scope.path, a->scope->path) != 0)
		return VK_OK;
	if (!(c->flags & VK_CRED_DOCKER)) {
		if ((c->flags & VK_CRED_DEFAULT) && !a->pinned_default &&
		    !(a->pinned_default = vk_strdup(c->username)))
			return VK_ENOMEM;
		return VK_OK;
	}
	if (!(users = reallocarray(a->users, a->n + 1, sizeof(*users))))
		return VK_ENOMEM;
	a->users = users;
	if (!(a->users[a->n] = vk_strdup(c->username)))
		return VK_ENOMEM;
	a->n++;
	a->had_default |= (c->flags & VK_CRED_DEFAULT) != 0;
	return VK_OK;
}

static enum vk_err
put(struct vk_store *st, void *arg)
{
	struct vk_cred *c = arg;
	VK_CLEANUP(accounts_clear) struct accounts a = { .scope = &c->scope };
	enum vk_err e = vk_helper_claim(st, &(struct vk_query){ &c->scope, c->username }, VK_CRED_DOCKER, c);

	if (e == VK_OK && !c->flags)
		return VK_OK;
	if (e == VK_OK)
		e = vk_store_each(st, &c->scope, note_account, &a);
	if (e == VK_OK && a.pinned_default && strcmp(a.pinned_default, c->username) != 0)
		return vk_fail(VK_EPOLICY, "the keystore has %s as the account for this server, so "
		    "a login as %s would have no effect; see \"valetkey list\"", a.pinned_default,
		    c->username);
	for (size_t i = 0; e == VK_OK && i < a.n; i++)
		if (strcmp(a.users[i], c->username) != 0)
			e = vk_store_stage_remove(st, &c->scope, a.users[i]);
	if (e == VK_OK)
		e = vk_store_stage_put(st, c);
	if (e == VK_OK && a.had_default)
		e = vk_store_stage_default(st, &c->scope, c->username);
	return e;
}

static enum vk_err
make_cred(struct vk_docker_msg *m, struct vk_cred **ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	struct vk_scope scope;
	enum vk_err e;

	if (!c)
		return VK_ENOMEM;
	if ((e = vk_docker_scope(m->server, &scope)) != VK_OK)
		return e;
	vk_scope_clear(&c->scope);
	c->scope = scope;
	if ((e = vk_cred_set(&c->username, m->username)) != VK_OK)
		return e;
	c->secret = m->secret;
	m->secret = (struct vk_secret){ NULL, 0 };
	*ret = VK_TAKE(c);
	return VK_OK;
}

int
vk_docker_store(void)
{
	VK_CLEANUP(vk_docker_msg_clear) struct vk_docker_msg m = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF_SECRET(VK_MAX_INPUT);
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_store *st;
	enum vk_err e = vk_helper_read(&in);

	if (e == VK_OK)
		e = vk_docker_parse_store(in.p ? in.p : "", in.len, &m);
	if (e == VK_OK)
		e = make_cred(&m, &c);
	if (e == VK_OK && (e = vk_docker_open_store(&p, &st)) == VK_ENOENT)
		e = vk_fail(e, "there is no keystore; make one with: valetkey init");
	if (e == VK_OK)
		e = vk_store_commit(st, put, c);
	if (e == VK_OK)
		e = vk_helper_changed(p, "docker", VK_LOG_STORE, &c->scope, c, c->flags ? VK_OK : VK_EEXIST);
	else
		vk_helper_refused(p, &vk_docker_opts, c ? &c->scope : NULL, e);
	return e == VK_OK ? 0 : vk_docker_fail(e);
}

struct removal {
	const struct vk_scope *scope;
	bool removed; /* the outcome */
};

static enum vk_err
remove_accounts(struct vk_store *st, void *arg)
{
	struct removal *x = arg;
	VK_CLEANUP(accounts_clear) struct accounts a = { .scope = x->scope };
	enum vk_err e = vk_store_each(st, a.scope, note_account, &a);

	for (size_t i = 0; e == VK_OK && i < a.n; i++)
		e = vk_store_stage_remove(st, a.scope, a.users[i]);
	x->removed = a.n > 0;
	return e;
}

int
vk_docker_erase(void)
{
	VK_CLEANUP(vk_docker_msg_clear) struct vk_docker_msg m = { 0 };
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	struct removal x = { .scope = &asked };
	struct vk_store *st;
	enum vk_err e = vk_docker_read_server(&m);

	if (e == VK_OK)
		e = vk_docker_scope(m.server, &asked);
	if (e == VK_OK && (e = vk_docker_open_store(&p, &st)) == VK_ENOENT)
		return 0;
	if (e == VK_OK)
		e = vk_store_commit(st, remove_accounts, &x);
	if (e != VK_OK)
		vk_helper_refused(p, &vk_docker_opts, &asked, e);
	else if (x.removed)
		e = vk_helper_changed(p, "docker", VK_LOG_ERASE, &asked, NULL, VK_OK);
	return e == VK_OK ? 0 : vk_docker_fail(e);
}
