/* SPDX-License-Identifier: ISC */
/* [server NAME] of the config. */
#include <string.h>

#include "policy/config_keys.h"

const struct vk_server *
vk_config_server(const struct vk_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_servers; i++)
		if (strcmp(c->servers[i].name, name) == 0)
			return &c->servers[i];
	return NULL;
}

enum vk_err
vk_config_server_begin(struct vk_config_at *at, const char *name)
{
	struct vk_config *c = at->config;
	struct vk_server *s = reallocarray(c->servers, c->n_servers + 1, sizeof(*s));

	if (!s)
		return VK_ENOMEM;
	c->servers = s;
	s += c->n_servers++;
	*s = (struct vk_server){ .name = vk_strdup(name), .line = at->line };
	return s->name ? VK_OK : VK_ENOMEM;
}

enum vk_err
vk_config_server_key(struct vk_config_at *at, const char *key, const char *value)
{
	struct vk_server *s = &at->config->servers[at->config->n_servers - 1];
	enum vk_err e;

	if (vk_names_have(&s->keys, key) || (strcmp(key, "store") == 0 && s->store))
		return vk_fail(VK_EPROTO, "there is a second %s in this section", key);
	if (strcmp(key, "store") == 0) {
		if (!(s->store = vk_remote_store(value)))
			return vk_fail(VK_EPROTO, "store is one of %s", vk_remote_names());
		return VK_OK;
	}
	if (s->keys.n == VK_SETTINGS_MAX)
		return vk_fail(VK_EPROTO, "there are too many keys in this section");
	if ((e = vk_names_push(&s->keys, key)) != VK_OK)
		return e;
	return vk_names_push(&s->values, value);
}

static enum vk_err
check_value(const struct vk_setting *setting, const char *value)
{
	struct vk_ref ref;

	if ((setting->kind == VK_SETTING_PATH || setting->kind == VK_SETTING_FILE) && *value != '/')
		return vk_fail(VK_EPROTO, "%s is an absolute path", setting->name);
	if (setting->kind != VK_SETTING_SECRET)
		return VK_OK;
	if (vk_ref_parse(value, &ref) != VK_OK)
		return vk_fail(VK_EPROTO, "%s is a secret: write where it is, such as env:NAME, file:/PATH or "
		    "keystore:NAME", setting->name);
	if (ref.kind == VK_SOURCE_REMOTE)
		return vk_fail(VK_EPROTO, "%s cannot come from another server", setting->name);
	return VK_OK;
}

enum vk_err
vk_server_files(const struct vk_server *s, struct vk_names *files)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < s->keys.n; i++) {
		const struct vk_setting *setting = vk_remote_setting(s->store, s->keys.v[i]);

		if (setting && setting->kind == VK_SETTING_FILE)
			e = vk_names_add(files, s->values.v[i]);
		if (e == VK_OK && strcmp(s->keys.v[i], "auth") == 0 && strcmp(s->values.v[i], "kubernetes") == 0)
			e = vk_names_add(files, VK_SERVICE_ACCOUNT);
	}
	return e;
}

enum vk_err
vk_config_server_end(struct vk_config_at *at)
{
	struct vk_server *s = &at->config->servers[at->config->n_servers - 1];
	enum vk_err e = VK_OK;

	at->line = s->line;
	if (!s->store && !(s->store = vk_remote_store(s->name)))
		return vk_fail(VK_EPROTO, "[server %s] has no store: one of %s", s->name, vk_remote_names());
	for (size_t i = 0; e == VK_OK && i < s->keys.n; i++) {
		const struct vk_setting *setting = vk_remote_setting(s->store, s->keys.v[i]);

		e = setting ? check_value(setting, s->values.v[i]) :
		    vk_fail(VK_EPROTO, "[server %s]: %s has no setting \"%s\"", s->name, s->store->name, s->keys.v[i]);
	}
	return e;
}
