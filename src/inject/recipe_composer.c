/* SPDX-License-Identifier: ISC */
/*
 * Composer: COMPOSER_AUTH, "Authentication for privately hosted packages" in its documentation, which it adds to the
 * user's auth.json.  Members are by host and port; what the variable had before, and is no credential of ours, is not
 * kept.
 */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
composer_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c);
	return *ret ? vk_recipe_no_path(c, "Composer") : VK_OK;
}

/* "key": "value", with a comma before all but the first. */
static enum vk_err
member(struct vk_buf *out, bool first, const char *key, const char *p, size_t n)
{
	enum vk_err e;

	if (!first)
		vk_buf_char(out, ',');
	if ((e = vk_json_add_string(out, key, strlen(key))) != VK_OK)
		return e;
	vk_buf_char(out, ':');
	return vk_json_add_string(out, p, n);
}

static enum vk_err
add_basic(struct vk_buf *out, const struct vk_cred *c)
{
	enum vk_err e;

	vk_buf_char(out, '{');
	e = member(out, true, "username", c->username, strlen(c->username));
	if (e == VK_OK)
		e = member(out, false, "password", c->secret.p, c->secret.n);
	vk_buf_char(out, '}');
	return e;
}

/* Composer 2.9 and later; earlier ones refuse the member. */
static enum vk_err
add_header(struct vk_buf *out, const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf line = VK_BUF_SECRET(VK_MAX_SECRET + VK_MAX_FIELD + 16);
	enum vk_err e;

	vk_buf_fmt(&line, "%s: ", vk_auth_field(c));
	if ((e = vk_auth_value(c, &line)) != VK_OK)
		return e;
	vk_buf_char(out, '[');
	e = vk_json_add_string(out, line.p, line.len);
	vk_buf_char(out, ']');
	return e;
}

static bool
is_bearer(const struct vk_cred *c)
{
	return c->kind == VK_KIND_BEARER && (!*c->authtype || vk_str_ieq(c->authtype, "Bearer"));
}

enum { BASIC, BEARER, HEADER, GROUPS };

static int
group_of(const struct vk_cred *c)
{
	return c->kind == VK_KIND_BASIC ? BASIC : is_bearer(c) ? BEARER : HEADER;
}

static enum vk_err
add_group(struct vk_buf *out, const struct vk_cred_list *taken, int group)
{
	bool first = true;
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		const struct vk_cred *c = taken->v[i];
		VK_CLEANUP(vk_freep) char *host = vk_scope_hostport(&c->scope);

		if (!host)
			return VK_ENOMEM;
		if (group_of(c) != group)
			continue;
		if (!first)
			vk_buf_char(out, ',');
		first = false;
		if ((e = vk_json_add_string(out, host, strlen(host))) != VK_OK)
			return e;
		vk_buf_char(out, ':');
		e = group == BASIC ? add_basic(out, c) : group == HEADER ? add_header(out, c) :
		    vk_json_add_string(out, c->secret.p, c->secret.n);
	}
	return e;
}

static enum vk_err
composer_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	static const char *const names[GROUPS] = { "http-basic", "bearer", "custom-headers" };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_err e = vk_recipe_one_each(taken, "Composer");

	(void)path;
	vk_buf_char(&out, '{');
	for (int g = 0, n = 0; e == VK_OK && g < GROUPS; g++) {
		bool some = false;

		for (size_t i = 0; i < taken->n; i++)
			some |= group_of(taken->v[i]) == g;
		if (!some)
			continue;
		vk_buf_fmt(&out, "%s\"%s\":{", n++ > 0 ? "," : "", names[g]);
		e = add_group(&out, taken, g);
		vk_buf_char(&out, '}');
	}
	vk_buf_char(&out, '}');
	if (e == VK_OK)
		e = out.err;
	return e == VK_OK ? vk_environ_lend(&k->env, "COMPOSER_AUTH", out.p, out.len) : e;
}

const struct vk_recipe vk_recipe_composer = { .name = "composer", .takes = composer_takes, .lead = composer_lead };
