/* SPDX-License-Identifier: ISC */
/*
 * The "auths" of docker's config.json, as docker's own reader takes them: without regard to the case
 * of a key.  An identity token is the account "<token>", which is how docker hands one to a helper.
 */
#include <string.h>

#include "proto/import.h"
#include "proto/json.h"
#include "valetkey/proto.h"

/* Where in the text we are: jansson keeps the order of members, and tells no lines. */
struct place {
	const char *text;
	size_t n, at;
	uint64_t line;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The line of the next key that is spelt ${key}; 0 when it is written in another way, and from there on. */
static uint64_t
line_of(struct place *p, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = p->at; i + len + 2 <= p->n; i++) {
		const char *s = p->text + i;
		size_t colon = i + len + 2;

		if (*s != '"' || memcmp(s + 1, key, len) != 0 || s[1 + len] != '"')
			continue;
		while (colon < p->n && is_blank(p->text[colon]))
			colon++;
		if (colon == p->n || p->text[colon] != ':')
			continue;
		for (; p->at < colon; p->at++)
			p->line += p->text[p->at] == '\n';
		return p->line;
	}
	p->at = p->n;
	return 0;
}

/* A member without regard to case; VK_EPROTO when there are two. */
static enum vk_err
member(json_t *object, const char *name, json_t **ret)
{
	const char *key;
	json_t *value, *found = NULL;

	json_object_foreach(object, key, value) {
		if (!vk_str_ieq(key, name))
			continue;
		if (found)
			return vk_fail(VK_EPROTO, "it has \"%s\" twice", name);
		found = value;
	}
	*ret = found;
	return VK_OK;
}

/* A member that is text, and not empty; else NULL. */
static enum vk_err
text_member(json_t *object, const char *name, json_t **ret)
{
	enum vk_err e = member(object, name, ret);

	if (e == VK_OK && json_string_length(*ret) == 0)
		*ret = NULL;
	return e;
}

static enum vk_err
begin(struct vk_import_entry *entry, uint64_t line, const char *server)
{
	struct vk_scope scope = { 0 };
	enum vk_err e = vk_import_entry_new(entry, line, server);

	if (e != VK_OK)
		return e;
	return vk_import_scope(entry, vk_docker_scope(server, &scope), &scope);
}

/* What a server has. */
struct auth {
	const char *server;
	uint64_t line;
	json_t *pair, *user, *password, *identity, *registry;
};

static enum vk_err
emit_identity(struct vk_import *im, const struct auth *a)
{
	VK_CLEANUP(vk_import_entry_clear) struct vk_import_entry entry = { 0 };
	enum vk_err e = begin(&entry, a->line, a->server);

	if (e == VK_OK)
		e = vk_import_user(&entry, "<token>", strlen("<token>"));
	if (e == VK_OK)
		e = vk_import_secret(&entry, json_string_value(a->identity),
		    json_string_length(a->identity));
	return e == VK_OK ? vk_import_emit(im, &entry) : e;
}

static enum vk_err
emit_account(struct vk_import *im, const struct auth *a)
{
	VK_CLEANUP(vk_import_entry_clear) struct vk_import_entry entry = { 0 };
	enum vk_err e = begin(&entry, a->line, a->server);

	if (e != VK_OK)
		return e;
	if (a->pair) {
		e = vk_import_pair(&entry, json_string_value(a->pair), json_string_length(a->pair));
	} else {
		e = vk_import_user(&entry, a->user ? json_string_value(a->user) : "",
		    json_string_length(a->user));
		if (e == VK_OK)
			e = vk_import_secret(&entry, json_string_value(a->password),
			    json_string_length(a->password));
	}
	if (e != VK_OK)
		return e;
	/* Beside an identity token docker writes the user name alone, as "user:" in base64. */
	if (a->identity && entry.why && strcmp(entry.why, "its secret is empty") == 0)
		return VK_OK;
	return vk_import_emit(im, &entry);
}

/* What docker does not read, and what would go with the rest. */
static enum vk_err
others(struct vk_import *im, const struct auth *a, json_t *value)
{
	static const char *const known[] = { "auth", "username", "password", "identitytoken", "registrytoken" };
	const char *key;
	json_t *v;
	bool secret = a->pair && a->password;

	json_object_foreach(value, key, v) {
		bool is_known = false;

		for (size_t i = 0; i < VK_COUNT(known); i++)
			is_known |= vk_str_ieq(key, known[i]);
		secret |= !is_known && json_string_length(v) > 0 && vk_import_looks_secret(key, strlen(key));
	}
	if (!secret)
		return VK_OK;
	return vk_import_leave(im, a->line, a->server, "a member of it that docker does not read looks like a "
	    "credential", true);
}

static enum vk_err
server(struct vk_import *im, const char *name, uint64_t line, json_t *value)
{
	struct auth a = { .server = name, .line = line };
	const struct {
		const char *name;
		json_t **to;
	} members[] = {
		{ "auth", &a.pair }, { "username", &a.user }, { "password", &a.password },
		{ "identitytoken", &a.identity }, { "registrytoken", &a.registry },
	};
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(members); i++)
		e = text_member(value, members[i].name, members[i].to);
	if (e == VK_OK && a.identity)
		e = emit_identity(im, &a);
	if (e == VK_OK && (a.pair || a.password))
		e = emit_account(im, &a);
	if (e == VK_OK && a.registry)
		e = vk_import_leave(im, line, name, "a registry token is not something that a helper can "
						    "give docker", true);
	if (e == VK_OK)
		e = others(im, &a, value);
	if (e == VK_OK && !a.identity && !a.pair && !a.password && !a.registry)
		e = vk_import_leave(im, line, name, "it holds no secret", false);
	return e;
}

static enum vk_err
servers(struct vk_import *im, json_t *root, struct place *p)
{
	json_t *auths, *value;
	const char *key;
	enum vk_err e = member(root, "auths", &auths);

	if (e != VK_OK || !auths)
		return e;
	if (!json_is_object(auths))
		return vk_fail(VK_EPROTO, "\"auths\" in it is not an object");
	(void)line_of(p, "auths");
	json_object_foreach(auths, key, value)
		if ((e = server(im, key, line_of(p, key), value)) != VK_OK)
			return e;
	return VK_OK;
}

/* What other helpers keep is theirs to give. */
static enum vk_err
helpers(struct vk_import *im, json_t *root, struct place *p)
{
	static const char why[] = "another credential helper keeps it";
	json_t *map, *value, *all;
	const char *key;
	enum vk_err e = member(root, "credHelpers", &map);

	if (e == VK_OK)
		e = member(root, "credsStore", &all);
	if (e != VK_OK)
		return e;
	*p = (struct place){ .text = p->text, .n = p->n, .line = 1 };
	if (map)
		(void)line_of(p, "credHelpers");
	json_object_foreach(map, key, value) {
		uint64_t line = line_of(p, key);

		if (json_is_string(value) && strcmp(json_string_value(value), "valetkey") == 0)
			continue;
		if ((e = vk_import_leave(im, line, key, why, false)) != VK_OK)
			return e;
	}
	if (!json_is_string(all) || !*json_string_value(all) ||
	    strcmp(json_string_value(all), "valetkey") == 0)
		return VK_OK;
	*p = (struct place){ .text = p->text, .n = p->n, .line = 1 };
	return vk_import_leave(im, line_of(p, "credsStore"), "credsStore",
	    "another credential helper keeps all that is not here", false);
}

static enum vk_err
end(struct vk_import *im)
{
	VK_CLEANUP(vk_json_freep) json_t *root = NULL;
	struct place p = { .text = im->text.p ? im->text.p : "", .n = im->text.len, .line = 1 };
	enum vk_err e;

	for (size_t i = 0; i < p.n && is_blank(p.text[i]); i++)
		if (i + 1 == p.n)
			p.n = 0;
	if (p.n == 0)
		return VK_OK;
	if ((e = vk_json_parse_large(p.text, p.n, VK_IMPORT_MAX_KEYS, &root)) != VK_OK)
		return e;
	if (!json_is_object(root))
		return vk_fail(VK_EPROTO, "the JSON is not an object");
	e = servers(im, root, &p);
	return e == VK_OK ? helpers(im, root, &p) : e;
}

const struct vk_import_format vk_import_docker = {
	.name = "docker",
	.max = VK_IMPORT_MAX_WHOLE,
	.keep = VK_IMPORT_MAX_WHOLE,
	.end = end,
};
