/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/broker.h"
#include "policy/state.h"

static enum vk_err
choose_profile(struct vk_policy *p, const char *name)
{
	if (!name)
		name = getenv("VALETKEY_PROFILE");
	if (!name || !*name)
		return VK_OK;
	p->profile = vk_config_profile(&p->config, name);
	if (p->profile)
		return VK_OK;
	vk_hint("profiles are sections [profile NAME] of the config, see valetkey-config(5)");
	return vk_fail(VK_EUSAGE, "there is no profile \"%s\"", name);
}

enum vk_err
vk_policy_open(const struct vk_policy_opts *opts, struct vk_policy **ret)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = calloc(1, sizeof(*p));
	enum vk_err e;

	if (!p)
		return VK_ENOMEM;
	if (opts && opts->tool && (p->broker = vk_broker_where())) {
		p->tool = opts->tool;
		*ret = VK_TAKE(p);
		return VK_OK;
	}
	p->offline = opts && opts->offline;
	if ((e = vk_config_read(opts ? opts->config : NULL, &p->config)) != VK_OK ||
	    (e = choose_profile(p, opts ? opts->profile : NULL)) != VK_OK)
		return e;
	p->takes = opts ? opts->takes : NULL;
	*ret = VK_TAKE(p);
	return VK_OK;
}

void
vk_policy_close(struct vk_policy *p)
{
	if (!p)
		return;
	vk_store_close(p->store);
	vk_config_clear(&p->config);
	vk_names_clear(&p->used_files);
	vk_names_clear(&p->used_env);
	vk_policy_forget_fetched(p);
	free(p->caution);
	free(p);
}

const char *
vk_policy_caution(const struct vk_policy *p)
{
	return p->caution;
}

void
vk_policy_hold(struct vk_policy *p)
{
	p->hold = true;
}

void
vk_policy_closep(struct vk_policy **p)
{
	vk_policy_close(*p);
	*p = NULL;
}

bool
vk_policy_in_profile(const struct vk_policy *p, const char *name)
{
	return !p->profile || vk_names_have(&p->profile->credentials, name);
}

enum vk_err
vk_policy_store(struct vk_policy *p, struct vk_store **ret_store)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e;

	if (!p->store) {
		if ((e = vk_store_path(&path)) != VK_OK)
			return e;
		if ((e = vk_store_open(path, &st)) == VK_ENOENT) {
			vk_hint("valetkey init");
			return vk_fail(VK_ENOENT, "there is no keystore at %s", path);
		}
		if (e != VK_OK || (e = vk_unlock(st, NULL)) != VK_OK)
			return e;
		vk_session_follow(st);
		p->store = VK_TAKE(st);
	}
	*ret_store = p->store;
	return VK_OK;
}

bool
vk_policy_has_store(struct vk_policy *p)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct stat st;

	if (p->store)
		return true;
	if (vk_store_path(&path) != VK_OK) {
		vk_reason_clear();
		return false;
	}
	/* One that cannot be looked at is there: that is an error to report, not an absence. */
	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

const char *
vk_policy_profile(const struct vk_policy *p)
{
	return p->profile ? p->profile->name : NULL;
}

void
vk_policy_recipes(struct vk_policy *p, const char *const **ret_v, size_t *ret_n)
{
	*ret_v = p->profile ? (const char *const *)p->profile->with.v : NULL;
	*ret_n = p->profile ? p->profile->with.n : 0;
}

void
vk_policy_tools(const struct vk_policy *p, const struct vk_tool **ret_v, size_t *ret_n)
{
	*ret_v = p->config.tools;
	*ret_n = p->config.n_tools;
}

bool
vk_policy_offline(const struct vk_policy *p)
{
	const char *v = getenv("VALETKEY_OFFLINE");

	return p->offline || (v && *v);
}

enum vk_err
vk_policy_files(struct vk_policy *p, const char *const **ret_v, size_t *ret_n)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < p->config.n_sections; i++)
		if (p->config.sections[i].ref.kind == VK_SOURCE_FILE)
			e = vk_names_add(&p->used_files, p->config.sections[i].ref.what);
	for (size_t i = 0; e == VK_OK && i < p->config.n_servers; i++)
		e = vk_server_files(&p->config.servers[i], &p->used_files);
	*ret_v = (const char *const *)p->used_files.v;
	*ret_n = p->used_files.n;
	return e;
}

enum vk_err
vk_policy_ref(struct vk_policy *p, const char *text, struct vk_secret *ret_secret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_store *st;
	struct vk_ref ref;
	int64_t expires = 0;
	enum vk_err e;

	if ((e = vk_ref_parse(text, &ref)) != VK_OK)
		return e;
	if (ref.kind == VK_SOURCE_FILE) {
		if ((e = vk_names_add(&p->used_files, ref.what)) != VK_OK)
			return e;
		return vk_source_file(ref.what, ret_secret);
	}
	if (ref.kind == VK_SOURCE_ENV) {
		if ((e = vk_names_add(&p->used_env, ref.what)) != VK_OK)
			return e;
		return vk_source_env(ref.what, ret_secret);
	}
	if (ref.kind == VK_SOURCE_REMOTE)
		return vk_policy_remote(p, &ref, ret_secret, &expires);
	if ((e = vk_policy_store(p, &st)) != VK_OK)
		return e;
	if ((e = vk_store_find_name(st, ref.what, &c)) == VK_ENOENT)
		return vk_fail(VK_ENOENT, "the keystore has no entry called %s", ref.what);
	if (e != VK_OK || (e = vk_policy_renew(p, &c)) != VK_OK || (e = vk_policy_not_expired(c)) != VK_OK)
		return e;
	*ret_secret = c->secret;
	c->secret = (struct vk_secret){ NULL, 0 };
	return VK_OK;
}
