/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/cred.h"

static void
wipe_string(char **s)
{
	if (*s)
		vk_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

struct vk_cred *
vk_cred_new(void)
{
	struct vk_cred *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->kind = VK_KIND_BASIC;
	c->name = vk_strdup("");
	c->username = vk_strdup("");
	c->npm_scope = vk_strdup("");
	c->header = vk_strdup("");
	c->authtype = vk_strdup("");
	c->scope = (struct vk_scope){ vk_strdup(""), vk_strdup(""), 0, vk_strdup("") };
	if (!c->name || !c->username || !c->npm_scope || !c->header || !c->authtype ||
	    !c->scope.scheme || !c->scope.host || !c->scope.path) {
		vk_cred_free(c);
		return NULL;
	}
	return c;
}

void
vk_cred_free(struct vk_cred *c)
{
	if (!c)
		return;
	vk_secret_clear(&c->secret);
	vk_secret_clear(&c->refresh);
	vk_secret_clear(&c->extra);
	vk_scope_clear(&c->scope);
	wipe_string(&c->name);
	wipe_string(&c->username);
	wipe_string(&c->npm_scope);
	wipe_string(&c->header);
	wipe_string(&c->authtype);
	free(c);
}

void
vk_cred_freep(struct vk_cred **c)
{
	vk_cred_free(*c);
	*c = NULL;
}

enum vk_err
vk_cred_set(char **field, const char *value)
{
	char *s = vk_strdup(value);

	if (!s)
		return VK_ENOMEM;
	wipe_string(field);
	*field = s;
	return VK_OK;
}

bool
vk_cred_expired(const struct vk_cred *c, int64_t now)
{
	return c->expires != 0 && c->expires <= now;
}

bool
vk_cred_matches(const struct vk_cred *c, const struct vk_query *q)
{
	if (q->username && strcmp(c->username, q->username) != 0)
		return false;
	return vk_scope_covers(&c->scope, q->scope);
}

enum vk_err
vk_cred_list_add(struct vk_cred_list *l, struct vk_cred *c)
{
	struct vk_cred **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return VK_ENOMEM;
	l->v = v;
	l->v[l->n++] = c;
	return VK_OK;
}

void
vk_cred_list_clear(struct vk_cred_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		vk_cred_free(l->v[i]);
	free(l->v);
	*l = (struct vk_cred_list){ 0 };
}
