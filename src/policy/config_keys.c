/* SPDX-License-Identifier: ISC */
/* What the keys of the config mean. */
#include <string.h>

#include "policy/config_keys.h"

enum {
	NAME_MAX_LEN = 40,
	NAMES_MAX = 256,
};

/* One bit each in vk_config_at.seen. */
enum key {
	KEY_URL,
	KEY_USERNAME,
	KEY_SCOPE,
	KEY_KIND,
	KEY_HEADER,
	KEY_SECRET,
	KEY_CREDENTIALS,
	KEY_WITH,
	KEY_WHEN_LOCKED,
	KEY_LOG,
	KEY_LOG_REQUIRED,
};

static const struct {
	const char *name;
	enum vk_config_where where;
} keys[] = {
	[KEY_URL] = { "url", VK_IN_SECTION },
	[KEY_USERNAME] = { "username", VK_IN_SECTION },
	[KEY_SCOPE] = { "scope", VK_IN_SECTION },
	[KEY_KIND] = { "kind", VK_IN_SECTION },
	[KEY_HEADER] = { "header", VK_IN_SECTION },
	[KEY_SECRET] = { "secret", VK_IN_SECTION },
	[KEY_CREDENTIALS] = { "credentials", VK_IN_PROFILE },
	[KEY_WITH] = { "with", VK_IN_PROFILE },
	[KEY_WHEN_LOCKED] = { "when-locked", VK_IN_SETTINGS },
	[KEY_LOG] = { "log", VK_IN_SETTINGS },
	[KEY_LOG_REQUIRED] = { "log-required", VK_IN_SETTINGS },
};

static bool
only(const char *s, const char *extra)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			(*s >= '0' && *s <= '9') || strchr(extra, *s)))
			return false;
	return true;
}

const struct vk_section *
vk_config_section(const struct vk_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_sections; i++)
		if (strcmp(c->sections[i].name, name) == 0)
			return &c->sections[i];
	return NULL;
}

const struct vk_profile *
vk_config_profile(const struct vk_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_profiles; i++)
		if (strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	return NULL;
}

static const struct vk_tool *
find_tool(const struct vk_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_tools; i++)
		if (strcmp(c->tools[i].name, name) == 0)
			return &c->tools[i];
	return NULL;
}

void
vk_config_clear(struct vk_config *c)
{
	for (size_t i = 0; i < c->n_sections; i++) {
		struct vk_section *s = &c->sections[i];

		vk_scope_clear(&s->scope);
		free(s->name);
		free(s->username);
		free(s->npm_scope);
		free(s->header);
		free(s->secret);
	}
	for (size_t i = 0; i < c->n_profiles; i++) {
		free(c->profiles[i].name);
		vk_names_clear(&c->profiles[i].credentials);
		vk_names_clear(&c->profiles[i].with);
	}
	for (size_t i = 0; i < c->n_tools; i++) {
		free(c->tools[i].name);
		vk_names_clear(&c->tools[i].vars);
	}
	for (size_t i = 0; i < c->n_servers; i++) {
		free(c->servers[i].name);
		vk_names_clear(&c->servers[i].keys);
		vk_names_clear(&c->servers[i].values);
	}
	free(c->sections);
	free(c->profiles);
	free(c->tools);
	free(c->servers);
	free(c->log);
	*c = (struct vk_config){ 0 };
}

static enum vk_err
check_name(const char *name)
{
	if (*name == '\0' || strlen(name) > NAME_MAX_LEN || !only(name, "._-"))
		return vk_fail(VK_EPROTO, "a name is 1 to %d letters, digits, '.', '_' or '-' "
					  "(hosts are values, as in url = https://HOST)", NAME_MAX_LEN);
	return VK_OK;
}

static enum vk_err
add_section(struct vk_config_at *at, const char *name)
{
	struct vk_config *c = at->config;
	struct vk_section *s = reallocarray(c->sections, c->n_sections + 1, sizeof(*s));

	if (!s)
		return VK_ENOMEM;
	c->sections = s;
	s += c->n_sections++;
	*s = (struct vk_section){ .name = vk_strdup(name), .username = vk_strdup(""),
		.npm_scope = vk_strdup(""), .header = vk_strdup(""), .secret = vk_strdup(""),
		.line = at->line };
	return s->name && s->username && s->npm_scope && s->header && s->secret ? VK_OK : VK_ENOMEM;
}

static enum vk_err
add_profile(struct vk_config_at *at, const char *name)
{
	struct vk_config *c = at->config;
	struct vk_profile *p = reallocarray(c->profiles, c->n_profiles + 1, sizeof(*p));

	if (!p)
		return VK_ENOMEM;
	c->profiles = p;
	p += c->n_profiles++;
	*p = (struct vk_profile){ .name = vk_strdup(name), .line = at->line };
	return p->name ? VK_OK : VK_ENOMEM;
}

static enum vk_err
add_tool(struct vk_config_at *at, const char *name)
{
	struct vk_config *c = at->config;
	struct vk_tool *t = reallocarray(c->tools, c->n_tools + 1, sizeof(*t));

	if (!t)
		return VK_ENOMEM;
	c->tools = t;
	t += c->n_tools++;
	*t = (struct vk_tool){ .name = vk_strdup(name), .line = at->line };
	return t->name ? VK_OK : VK_ENOMEM;
}

/* "WORD NAME" to the name; NULL when ${header} is of another kind. */
static const char *
named(const char *header, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(header, word, n) != 0 || (header[n] != ' ' && header[n] != '\0'))
		return NULL;
	return header + n + strspn(header + n, " ");
}

static enum vk_err
begin_settings(struct vk_config_at *at)
{
	if (at->had_settings)
		return vk_fail(VK_EPROTO, "there is a second section [valetkey]");
	at->had_settings = true;
	at->where = VK_IN_SETTINGS;
	return VK_OK;
}

/* The line of what has this name already; 0: nothing. */
static unsigned
line_of(const struct vk_config_at *at, const char *name)
{
	const struct vk_section *s = at->where == VK_IN_SECTION ? vk_config_section(at->config, name) : NULL;
	const struct vk_profile *p = at->where == VK_IN_PROFILE ? vk_config_profile(at->config, name) : NULL;
	const struct vk_tool *t = at->where == VK_IN_TOOL ? find_tool(at->config, name) : NULL;
	const struct vk_server *server = at->where == VK_IN_SERVER ? vk_config_server(at->config, name) : NULL;

	return s ? s->line : p ? p->line : t ? t->line : server ? server->line : 0;
}

enum vk_err
vk_config_begin(struct vk_config_at *at, const char *header)
{
	const char *profile = named(header, "profile"), *tool = named(header, "tool");
	const char *server = named(header, "server");
	const char *name = profile ? profile : tool ? tool : server ? server : header;
	unsigned line = at->line, earlier;
	enum vk_err e;

	if ((e = vk_config_end(at)) != VK_OK)
		return e;
	at->line = line;
	at->seen = 0;
	if (strcmp(header, "valetkey") == 0)
		return begin_settings(at);
	at->where = profile ? VK_IN_PROFILE : tool ? VK_IN_TOOL : server ? VK_IN_SERVER : VK_IN_SECTION;
	if (!*name)
		return vk_fail(VK_EPROTO, "it has no name: write [%s NAME]", header);
	if ((e = check_name(name)) != VK_OK)
		return e;
	if ((earlier = line_of(at, name)) != 0)
		return vk_fail(VK_EPROTO, "[%s] is already on line %u", header, earlier);
	return profile ? add_profile(at, name) : tool ? add_tool(at, name) :
	    server ? vk_config_server_begin(at, name) : add_section(at, name);
}

/* Keystore entries have any names without blanks and commas; ${extra} NULL stands for that. */
static enum vk_err
add_name(struct vk_names *l, const char *text, size_t n, const char *extra)
{
	VK_CLEANUP(vk_freep) char *name = strndup(text, n);

	if (!name)
		return VK_ENOMEM;
	if (n == 0)
		return vk_fail(VK_EPROTO, "a name is missing beside a comma");
	if (extra ? !only(name, extra) : strchr(name, ' ') != NULL)
		return vk_fail(VK_EPROTO, "names are separated by commas, and hold no blanks");
	if (vk_names_have(l, name))
		return vk_fail(VK_EPROTO, "%s is named twice", name);
	if (l->n == NAMES_MAX)
		return vk_fail(VK_EPROTO, "more than %d names", NAMES_MAX);
	return vk_names_add(l, name);
}

static enum vk_err
set_names(struct vk_names *l, const char *value, const char *extra)
{
	for (const char *s = value, *end; s; s = *end ? end + 1 : NULL) {
		size_t n;
		enum vk_err e;

		s += strspn(s, " ");
		end = strchrnul(s, ',');
		n = (size_t)(end - s);
		while (n > 0 && s[n - 1] == ' ')
			n--;
		if ((e = add_name(l, s, n, extra)) != VK_OK)
			return e;
	}
	return VK_OK;
}

static enum vk_err
set_url(struct vk_config_at *at, struct vk_section *s, const char *value)
{
	VK_CLEANUP(vk_freep) char *user = NULL;
	enum vk_err e = vk_scope_parse(value, &s->scope, &user);

	if (e != VK_OK)
		return vk_fail(e, "url: %s", vk_reason());
	if (!user)
		return VK_OK;
	if (at->seen >> KEY_USERNAME & 1)
		return vk_fail(VK_EPROTO, "there is a user name in the url and one of its own");
	at->seen |= 1u << KEY_USERNAME;
	return vk_cred_set(&s->username, user);
}

static enum vk_err
set_kind(struct vk_section *s, const char *value)
{
	static const char *const names[] = { "", "basic", "bearer", "header" };

	for (unsigned i = VK_KIND_BASIC; i <= VK_KIND_HEADER; i++)
		if (strcmp(value, names[i]) == 0) {
			s->kind = (enum vk_kind)i;
			return VK_OK;
		}
	return vk_fail(VK_EPROTO, "kind is basic, bearer or header");
}

static enum vk_err
set_secret(struct vk_section *s, const char *value)
{
	enum vk_err e = vk_cred_set(&s->secret, value);

	if (e == VK_OK && (e = vk_ref_parse(s->secret, &s->ref)) == VK_EUSAGE)
		e = vk_fail(VK_EPROTO, "secret: %s", vk_reason());
	return e;
}

static enum vk_err
set_section_key(struct vk_config_at *at, enum key key, const char *value)
{
	struct vk_section *s = &at->config->sections[at->config->n_sections - 1];

	switch (key) {
	case KEY_URL:
		return set_url(at, s, value);
	case KEY_USERNAME:
		return vk_cred_set(&s->username, value);
	case KEY_SCOPE:
		if (value[0] != '@' || value[1] == '\0' || !only(value + 1, "._~-"))
			return vk_fail(VK_EPROTO, "scope is an npm scope, such as @corp");
		return vk_cred_set(&s->npm_scope, value);
	case KEY_KIND:
		return set_kind(s, value);
	case KEY_HEADER:
		if (!only(value, "!#$%&'*+-.^_`|~"))
			return vk_fail(VK_EPROTO, "header is the name of a header, without a colon");
		return vk_cred_set(&s->header, value);
	default:
		return set_secret(s, value);
	}
}

static enum vk_err
set_setting(struct vk_config *c, enum key key, const char *value)
{
	if (key == KEY_LOG) {
		if (*value != '/' && strcmp(value, "journal") != 0)
			return vk_fail(VK_EPROTO, "log is an absolute path, or journal");
		return (c->log = vk_strdup(value)) ? VK_OK : VK_ENOMEM;
	}
	if (key == KEY_LOG_REQUIRED) {
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return vk_fail(VK_EPROTO, "log-required is yes or no");
		c->log_required = strcmp(value, "yes") == 0;
		return VK_OK;
	}
	if (strcmp(value, "error") != 0 && strcmp(value, "miss") != 0)
		return vk_fail(VK_EPROTO, "when-locked is error or miss");
	c->locked_is_miss = strcmp(value, "miss") == 0;
	return VK_OK;
}

bool
vk_config_guards(const char *variable)
{
	return strcmp(variable, "PATH") == 0 || vk_str_starts(variable, "LD_") || vk_str_starts(variable, "VALETKEY_");
}

/* "pip-index-url" stands for PIP_INDEX_URL: keys are lower-case words. */
static enum vk_err
set_variable(struct vk_tool *t, const char *key, const char *value)
{
	VK_CLEANUP(vk_freep) char *var = vk_asprintf("%s=%s", key, value);
	const char *at = strstr(value, "://");
	size_t n = strlen(key);

	if (!var)
		return VK_ENOMEM;
	if (at && memchr(at + 3, '@', strcspn(at + 3, "/")))
		return vk_fail(VK_EPROTO, "a URL with a user or a secret in it, which belongs in a credential");
	for (size_t i = 0; i < n; i++)
		var[i] = var[i] == '-' ? '_' : (char)(var[i] - 'a' + 'A');
	var[n] = '\0';
	if (vk_config_guards(var))
		return vk_fail(VK_EPROTO, "%s is not for tools", var);
	var[n] = '=';
	for (size_t i = 0; i < t->vars.n; i++)
		if (strncmp(t->vars.v[i], var, n + 1) == 0)
			return vk_fail(VK_EPROTO, "there is a second %s in this section", key);
	return vk_names_push(&t->vars, var);
}

enum vk_err
vk_config_key(struct vk_config_at *at, const char *key, const char *value)
{
	struct vk_config *c = at->config;
	size_t k;

	if (at->where == VK_IN_TOOL)
		return set_variable(&c->tools[c->n_tools - 1], key, value);
	if (at->where == VK_IN_SERVER)
		return vk_config_server_key(at, key, value);
	for (k = 0; k < VK_COUNT(keys); k++)
		if (keys[k].where == at->where && strcmp(keys[k].name, key) == 0)
			break;
	if (at->where == VK_IN_NOTHING)
		return vk_fail(VK_EPROTO, "a key before the first [SECTION]");
	if (k == VK_COUNT(keys))
		return vk_fail(VK_EPROTO, "there is no key \"%s\" in this kind of section", key);
	if (at->seen >> k & 1)
		return vk_fail(VK_EPROTO, "there is a second %s in this section", key);
	at->seen |= 1u << k;
	if (at->where == VK_IN_SECTION)
		return set_section_key(at, (enum key)k, value);
	if (k == KEY_CREDENTIALS)
		return set_names(&c->profiles[c->n_profiles - 1].credentials, value, NULL);
	if (k == KEY_WITH)
		return set_names(&c->profiles[c->n_profiles - 1].with, value, "-");
	return set_setting(c, (enum key)k, value);
}

static enum vk_err
end_section(struct vk_config_at *at, struct vk_section *s)
{
	bool stored = s->ref.kind == VK_SOURCE_KEYSTORE;

	at->line = s->line;
	if (!(at->seen >> KEY_URL & 1) || !(at->seen >> KEY_SECRET & 1))
		return vk_fail(VK_EPROTO, "[%s] has no %s", s->name,
		    at->seen >> KEY_URL & 1 ? "secret" : "url");
	/* What the entry of the keystore says holds unless this section says something else. */
	if (s->kind == 0 && !*s->username && *s->header)
		s->kind = VK_KIND_HEADER;
	else if (s->kind == 0 && !stored)
		s->kind = *s->username ? VK_KIND_BASIC : VK_KIND_BEARER;
	if ((s->kind == VK_KIND_HEADER) != (*s->header != '\0'))
		return vk_fail(VK_EPROTO, "[%s]: kind header and the key header need each other",
		    s->name);
	if (s->kind == VK_KIND_BASIC && !*s->username && !stored)
		return vk_fail(VK_EPROTO, "[%s]: kind basic needs a username", s->name);
	return VK_OK;
}

enum vk_err
vk_config_end(struct vk_config_at *at)
{
	struct vk_config *c = at->config;

	if (at->where == VK_IN_SECTION)
		return end_section(at, &c->sections[c->n_sections - 1]);
	if (at->where == VK_IN_SERVER)
		return vk_config_server_end(at);
	if (at->where == VK_IN_SETTINGS && c->log_required && !c->log)
		return vk_fail(VK_EPROTO, "log-required = yes needs a log");
	if (at->where == VK_IN_PROFILE && !(at->seen >> KEY_CREDENTIALS & 1)) {
		at->line = c->profiles[c->n_profiles - 1].line;
		return vk_fail(VK_EPROTO, "[profile %s] has no credentials",
		    c->profiles[c->n_profiles - 1].name);
	}
	return VK_OK;
}
