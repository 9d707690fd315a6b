/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "valetkey/proto.h"
#include "json.h"

/* The public registry is named by an index that has not been its own for years; its tokens go to crates.io. */
static const char public_index[] = "https://github.com/rust-lang/crates.io-index";

static enum vk_err
take_text(const json_t *object, const char *name, bool needed, char **ret)
{
	const json_t *v = json_object_get(object, name);

	if ((!v || json_is_null(v)) && !needed)
		return VK_OK;
	if (!json_is_string(v))
		return vk_fail(VK_EPROTO, "the request has no %s that is a string", name);
	if (json_string_length(v) > VK_MAX_FIELD)
		return vk_fail(VK_ELIMIT, "the request's %s is longer than %d bytes", name, VK_MAX_FIELD);
	return (*ret = vk_strdup(json_string_value(v))) ? VK_OK : VK_ENOMEM;
}

/* Absent and null are the same: cargo writes both. */
static enum vk_err
take_token(const json_t *v, struct vk_secret *ret)
{
	if (!v || json_is_null(v))
		return VK_OK;
	if (!json_is_string(v))
		return vk_fail(VK_EPROTO, "the request's token is no string");
	if (json_string_length(v) > VK_MAX_SECRET)
		return vk_fail(VK_ELIMIT, "the request's token is larger than %d bytes", VK_MAX_SECRET);
	return vk_secret_set(ret, json_string_value(v), json_string_length(v));
}

static enum vk_err
take_args(const json_t *list, struct vk_cargo_msg *m)
{
	size_t n = json_array_size(list);

	if (list && !json_is_array(list))
		return vk_fail(VK_EPROTO, "the request's args are no list");
	if (n > VK_COUNT(m->args) - 2)
		return vk_fail(VK_ELIMIT, "the request has more than %zu args", VK_COUNT(m->args) - 2);
	for (size_t i = 0; i < n; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word)
			return vk_fail(VK_EPROTO, "one of the request's args is no string");
		/* The first place is for the name of the program. */
		if (!(m->args[1 + i] = vk_strdup(word)))
			return VK_ENOMEM;
	}
	m->n_args = n;
	return VK_OK;
}

enum vk_err
vk_cargo_parse(const char *text, size_t n, struct vk_cargo_msg *ret)
{
	VK_CLEANUP(vk_cargo_msg_clear) struct vk_cargo_msg m = { 0 };
	VK_CLEANUP(vk_json_freep) json_t *object = NULL;
	enum vk_err e = vk_json_parse(text, n, &object);

	if (e != VK_OK)
		return e;
	if (!json_is_integer(json_object_get(object, "v")) || json_integer_value(json_object_get(object, "v")) != 1)
		return vk_fail(VK_EVERSION, "the request is not of version 1");
	e = take_text(object, "kind", true, &m.kind);
	if (e == VK_OK)
		e = take_text(json_object_get(object, "registry"), "index-url", true, &m.index);
	if (e == VK_OK)
		e = take_text(json_object_get(object, "registry"), "name", false, &m.name);
	if (e == VK_OK)
		e = take_text(object, "login-url", false, &m.login_url);
	if (e == VK_OK)
		e = take_token(json_object_get(object, "token"), &m.token);
	if (e == VK_OK)
		e = take_args(json_object_get(object, "args"), &m);
	if (e == VK_OK) {
		*ret = m;
		m = (struct vk_cargo_msg){ 0 };
	}
	return e;
}

void
vk_cargo_msg_clear(struct vk_cargo_msg *m)
{
	free(m->kind);
	free(m->index);
	free(m->name);
	free(m->login_url);
	vk_secret_clear(&m->token);
	for (size_t i = 1; i <= m->n_args; i++)
		free(m->args[i]);
	*m = (struct vk_cargo_msg){ 0 };
}

static bool
is_public(const char *index)
{
	return strcmp(index, public_index) == 0;
}

enum vk_err
vk_cargo_scope(const struct vk_cargo_msg *m, struct vk_scope *ret)
{
	static const char sparse[] = "sparse+";
	const char *url = is_public(m->index) ? "https://crates.io" :
	    vk_str_starts(m->index, sparse) ? m->index + strlen(sparse) : m->index;

	return vk_scope_parse(url, ret, NULL);
}

bool
vk_cargo_takes(const struct vk_cred *c)
{
	return !*c->npm_scope && vk_str_ieq(vk_auth_field(c), "Authorization");
}

bool
vk_cargo_serves(const struct vk_cred *c, const struct vk_cargo_msg *m, const struct vk_scope *asked)
{
	if (!vk_cargo_takes(c) || !vk_scope_covers(&c->scope, asked))
		return false;
	return strcmp(c->scope.path, asked->path) == 0 || (*c->scope.path && vk_str_starts(m->index, "sparse+"));
}

/* The value of the field, whole; the public registry wants its tokens bare. */
static enum vk_err
add_token(const struct vk_cred *c, const struct vk_cargo_msg *m, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_INPUT);
	bool bare = c->kind == VK_KIND_BEARER && is_public(m->index);
	enum vk_err e = bare ? vk_buf_add(&value, c->secret.p, c->secret.n) : vk_auth_value(c, &value);

	if (e != VK_OK)
		return e;
	if (vk_str_has_control(value.p, value.len))
		return vk_fail(VK_EPOLICY, "its secret holds what the field of an HTTP request cannot");
	return vk_json_add_string(out, value.p, value.len);
}

enum vk_err
vk_cargo_answer(const struct vk_cred *c, const struct vk_cargo_msg *m, struct vk_buf *out)
{
	enum vk_err e;

	vk_buf_str(out, "{\"Ok\":{\"kind\":\"get\",\"token\":");
	if ((e = add_token(c, m, out)) != VK_OK)
		return e;
	if (c->expires)
		vk_buf_fmt(out, ",\"cache\":\"expires\",\"expiration\":%" PRId64, c->expires);
	else
		vk_buf_str(out, ",\"cache\":\"session\"");
	return vk_buf_str(out, ",\"operation_independent\":true}}\n");
}

enum vk_err
vk_cargo_error(const char *kind, const char *message, struct vk_buf *out)
{
	vk_buf_fmt(out, "{\"Err\":{\"kind\":\"%s\"", kind);
	if (message) {
		enum vk_err e;

		vk_buf_str(out, ",\"message\":");
		if ((e = vk_json_add_string(out, message, strlen(message))) != VK_OK)
			return e;
		vk_buf_str(out, ",\"caused-by\":[]");
	}
	return vk_buf_str(out, "}}\n");
}
