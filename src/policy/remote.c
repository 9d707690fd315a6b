/* SPDX-License-Identifier: ISC */
/* A reference to what a program of its own fetches, with the settings of its server. */
#include <string.h>

#include "policy/state.h"

struct settings {
	struct vk_setting_value v[VK_SETTINGS_MAX];
	struct vk_secret secrets[VK_SETTINGS_MAX]; /* what ${v} borrows */
	size_t n;
};

static void
clear(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		vk_secret_clear(&s->secrets[i]);
}

static const char *
written(const struct vk_server *server, const char *key)
{
	for (size_t i = 0; server && i < server->keys.n; i++)
		if (strcmp(server->keys.v[i], key) == 0)
			return server->values.v[i];
	return NULL;
}

static const char *
variable(const struct vk_setting *setting, const char **ret_name)
{
	for (size_t i = 0; i < VK_VARIABLES_MAX && *setting->variables[i]; i++) {
		const char *v = getenv(setting->variables[i]);

		if (v && *v) {
			*ret_name = setting->variables[i];
			return v;
		}
	}
	return NULL;
}

static const char *
value_of(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].setting->name, name) == 0)
			return s->v[i].text;
	return NULL;
}

/* An entry goes where it is for, and to no server that a config names: narrow, never widen. */
static enum vk_err
from_store(struct vk_policy *p, const char *name, const struct settings *s, struct vk_secret *ret)
{
	const char *address = value_of(s, "address");
	VK_CLEANUP(vk_scope_clear) struct vk_scope place = { 0 };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_store *st;
	enum vk_err e;

	if (!address || value_of(s, "nodes"))
		return vk_fail(VK_EPOLICY, "a keystore entry serves a server with an address, and without nodes: use "
		    "env: or file:");
	if ((e = vk_scope_parse(address, &place, NULL)) != VK_OK || (e = vk_policy_store(p, &st)) != VK_OK)
		return e;
	if ((e = vk_store_find_name(st, name, &c)) == VK_ENOENT)
		return vk_fail(VK_EBACKEND, "the keystore has no entry called %s", name);
	if (e == VK_OK && !vk_scope_covers(&c->scope, &place)) {
		vk_hint("valetkey add %s --name NAME", address);
		e = vk_fail(VK_EPOLICY, "the keystore entry %s is not for %s", name, address);
	}
	if (e == VK_OK && vk_policy_not_expired(c) != VK_OK)
		e = vk_fail(VK_EBACKEND, "%s", vk_reason());
	return e == VK_OK ? vk_secret_set(ret, c->secret.p, c->secret.n) : e;
}

static enum vk_err
from_config(struct vk_policy *p, const char *text, const struct settings *s, struct vk_secret *ret)
{
	struct vk_ref ref;
	enum vk_err e = vk_ref_parse(text, &ref);

	if (e == VK_OK && ref.kind == VK_SOURCE_KEYSTORE)
		return from_store(p, ref.what, s, ret);
	return e == VK_OK ? vk_policy_ref(p, text, ret) : e;
}

/* The config, else the variables that the store's own tools read; a named server is what the config says, alone. */
static enum vk_err
add(struct vk_policy *p, const struct vk_server *server, bool named, const struct vk_setting *setting,
    struct settings *s)
{
	struct vk_secret *secret = &s->secrets[s->n];
	const char *name = NULL, *text = written(server, setting->name);
	const char *v = text || named ? NULL : variable(setting, &name);
	enum vk_err e = VK_OK;

	if (!text && !v)
		return VK_OK;
	/* A program of ours has another working directory. */
	if (setting->kind == VK_SETTING_PATH && v && *v != '/')
		return vk_fail(VK_EUSAGE, "%s is not an absolute path", name);
	if (setting->kind == VK_SETTING_SECRET && text)
		e = from_config(p, text, s, secret);
	else if (setting->kind == VK_SETTING_SECRET && (e = vk_names_add(&p->used_env, name)) == VK_OK)
		e = vk_source_env(name, secret);
	else if (setting->kind == VK_SETTING_FILE)
		e = vk_names_add(&p->used_files, text ? text : v);
	s->v[s->n++] = (struct vk_setting_value){ setting, setting->kind == VK_SETTING_SECRET ? NULL : text ? text : v,
		secret };
	return e;
}

static enum vk_err
find(struct vk_policy *p, const struct vk_ref *ref, const struct vk_remote_store *store, struct settings *s)
{
	const struct vk_server *server = vk_config_server(&p->config, *ref->server ? ref->server : store->name);
	enum vk_err e = VK_OK;

	if (*ref->server && store->program && !server)
		return vk_fail(VK_EUSAGE, "the config has no [server %s]", ref->server);
	if (server && server->store != store)
		return vk_fail(VK_EUSAGE, "[server %s] is a store of another kind: %s", server->name,
		    server->store->name);
	for (size_t i = 0; e == VK_OK && i < store->n_settings; i++)
		e = add(p, server, *ref->server, &store->settings[i], s);
	return e;
}

static enum vk_err
from(const struct vk_ref *ref, enum vk_err e)
{
	return vk_fail(e, "%s%s%s: %s", ref->store, *ref->server ? "@" : "", ref->server,
	    *vk_reason() ? vk_reason() : vk_err_text(e));
}

static enum vk_err
fetch(struct vk_policy *p, const struct vk_ref *ref, struct vk_secret *ret_secret, int64_t *ret_expires)
{
	const struct vk_remote_store *store = vk_remote_store(ref->store);
	VK_CLEANUP(clear) struct settings s = { .n = 0 };
	enum vk_err e = find(p, ref, store, &s);
	struct vk_remote r = {
		.store = store,
		.program = store->program ? NULL : ref->server,
		.what = ref->what,
		.values = s.v,
		.n_values = s.n,
		.alone = *ref->server && store->n_settings > 0,
		.hold = p->hold,
	};

	if (e == VK_OK && vk_policy_offline(p)) {
		vk_hint("leave out --offline and VALETKEY_OFFLINE, or take a credential that is in the keystore");
		e = vk_fail(VK_EBACKEND, "offline: it is not asked");
	}
	if (e == VK_OK)
		e = vk_remote_get(&r, ret_secret, ret_expires);
	/* What the config names and nobody has is no "there is none": a tool would go on without. */
	if (e == VK_ENOENT)
		return from(ref, VK_EBACKEND);
	return e == VK_OK || e == VK_ENOMEM ? e : from(ref, e);
}

static enum vk_err
remember(struct vk_policy *p, char *ref, const struct vk_secret *secret, int64_t expires)
{
	struct vk_fetched *v = reallocarray(p->fetched, p->n_fetched + 1, sizeof(*v));
	enum vk_err e;

	if (!v)
		return VK_ENOMEM;
	p->fetched = v;
	v += p->n_fetched;
	*v = (struct vk_fetched){ .expires = expires };
	if ((e = vk_secret_set(&v->secret, secret->p, secret->n)) != VK_OK)
		return e;
	v->ref = vk_strdup(ref);
	p->n_fetched++;
	return v->ref ? VK_OK : VK_ENOMEM;
}

enum vk_err
vk_policy_remote(struct vk_policy *p, const struct vk_ref *ref, struct vk_secret *ret_secret, int64_t *ret_expires)
{
	VK_CLEANUP(vk_freep) char *text = vk_asprintf("%s@%s:%s", ref->store, ref->server, ref->what);
	enum vk_err e = text ? VK_OK : VK_ENOMEM;

	for (size_t i = 0; e == VK_OK && i < p->n_fetched; i++)
		if (strcmp(p->fetched[i].ref, text) == 0) {
			*ret_expires = p->fetched[i].expires;
			return vk_secret_set(ret_secret, p->fetched[i].secret.p, p->fetched[i].secret.n);
		}
	if (e == VK_OK)
		e = fetch(p, ref, ret_secret, ret_expires);
	return e == VK_OK ? remember(p, text, ret_secret, *ret_expires) : e;
}

void
vk_policy_forget_fetched(struct vk_policy *p)
{
	for (size_t i = 0; i < p->n_fetched; i++) {
		free(p->fetched[i].ref);
		vk_secret_clear(&p->fetched[i].secret);
	}
	free(p->fetched);
	p->fetched = NULL;
	p->n_fetched = 0;
}
