/* SPDX-License-Identifier: ISC */
/* What the tools of Python share: they start "keyring", and know credentials by a user name or an index's name. */
#include <string.h>

#include "recipe.h"

enum vk_err
vk_recipe_keyring(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && c->kind == VK_KIND_BASIC;
	return VK_OK;
}

enum vk_err
vk_recipe_path(struct vk_kitchen *k)
{
	const char *path = vk_environ_get(&k->env, "PATH");
	size_t n = k->programs ? strlen(k->programs) : 0;
	VK_CLEANUP(vk_freep) char *value = NULL;

	if (!k->programs) {
		vk_hint("install valetkey, which puts a link there, or use a machine where R1 can be reached");
		return vk_fail(VK_EBACKEND, "no %s/bin/keyring leads to this program, and on %s nothing else can",
		    VK_LIBEXEC, vk_rung_name(k->rung));
	}
	if (path && strncmp(path, k->programs, n) == 0 && path[n] == ':')
		return VK_OK;
	/* Without PATH programs look in these. */
	value = vk_asprintf("%s:%s", k->programs, path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
	return value ? vk_environ_set(&k->env, "PATH", value, strlen(value)) : VK_ENOMEM;
}

/* The account for ${scope}, if there is only one to choose or one that is to be chosen; NULL: none. */
static const struct vk_cred *
account_for(const struct vk_cred_list *taken, const struct vk_scope *scope)
{
	const struct vk_cred *found = NULL;
	bool several = false;

	for (size_t i = 0; i < taken->n; i++) {
		const struct vk_cred *c = taken->v[i];
		size_t n = strlen(c->scope.path), best = found ? strlen(found->scope.path) : 0;

		if (!vk_scope_covers(&c->scope, scope) || (found && n < best))
			continue;
		if (!found || n > best) {
			several = false;
			found = c;
		} else if (c->flags & VK_CRED_DEFAULT) {
			found = c;
		} else {
			several = true;
		}
	}
	return found && (!several || (found->flags & VK_CRED_DEFAULT)) && *found->username ? found : NULL;
}

static void
encode(struct vk_buf *out, const char *p, size_t n)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; n > 0; p++, n--)
		if (memchr(plain, *p, strlen(plain)))
			vk_buf_char(out, *p);
		else
			vk_buf_fmt(out, "%%%02X", (unsigned char)*p);
}

/* One word of the list.  What is no URL, or has a user name, stays as it is. */
static enum vk_err
add_url(const char *word, const struct vk_cred_list *taken, bool whole, struct vk_buf *out, bool *changed)
{
	const char *colon = strstr(word, "://"), *url = word;
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	const struct vk_cred *c = NULL;

	for (const char *p = word; colon && p < colon; p++)
		if (*p == '=')
			url = p + 1;
	if (colon && vk_scope_parse(url, &scope, NULL) == VK_OK)
		c = account_for(taken, &scope);
	vk_reason_clear();
	if (!c)
		return vk_buf_str(out, word);
	*changed = true;
	vk_buf_add(out, word, (size_t)(colon + 3 - word));
	encode(out, c->username, strlen(c->username));
	if (whole) {
		vk_buf_char(out, ':');
		encode(out, c->secret.p, c->secret.n);
	}
	return vk_buf_fmt(out, "@%s", colon + 3);
}

enum vk_err
vk_recipe_index_urls(const char *text, const struct vk_cred_list *taken, bool whole, struct vk_buf *out)
{
	static const char blanks[] = " \t\r\n";
	bool changed = false;
	enum vk_err e = VK_OK;

	for (const char *at = text + strspn(text, blanks); e == VK_OK && *at; at += strspn(at, blanks)) {
		size_t n = strcspn(at, blanks);
		VK_CLEANUP(vk_freep) char *word = strndup(at, n);

		if (!word)
			return vk_fail(VK_ENOMEM, "out of memory");
		if (out->len > 0)
			vk_buf_char(out, ' ');
		e = add_url(word, taken, whole, out, &changed);
		vk_wipe(word, n);
		at += n;
	}
	return e == VK_OK && !changed ? VK_ENOENT : e;
}

bool
vk_recipe_same_name(const char *a, const char *b, const char *swap)
{
	for (; *a && *b; a++, b++) {
		char x[2] = { strchr(swap, *a) ? '_' : *a, '\0' }, y[2] = { strchr(swap, *b) ? '_' : *b, '\0' };

		if (!vk_str_ieq(x, y))
			return false;
	}
	return *a == *b;
}

enum vk_err
vk_recipe_var(const struct vk_cred_list *taken, size_t i, const char *prefix, const char *suffix, const char *swap,
    struct vk_buf *out)
{
	const char *name = taken->v[i]->name;

	for (size_t k = 0; k < i; k++)
		if (vk_recipe_same_name(taken->v[k]->name, name, swap)) {
			vk_hint("give one another name, or choose with --credential");
			return vk_fail(VK_EPOLICY, "the credentials %s and %s have one variable, %s...",
			    taken->v[k]->name, name, prefix);
		}
	vk_buf_str(out, prefix);
	for (; *name; name++) {
		bool lower = *name >= 'a' && *name <= 'z';

		vk_buf_char(out, strchr(swap, *name) ? '_' : lower ? (char)(*name - 'a' + 'A') : *name);
	}
	return vk_buf_str(out, suffix);
}

/* The library that they share, requests, encodes letters as ISO 8859-1 where servers expect UTF-8. */
enum vk_err
vk_recipe_ascii(const struct vk_cred *c, const char *tool)
{
	bool plain = true;

	for (const char *p = c->username; *p; p++)
		plain &= (unsigned char)*p < 0x80;
	for (size_t i = 0; i < c->secret.n; i++)
		plain &= c->secret.p[i] != '\0' && (unsigned char)c->secret.p[i] < 0x80;
	return plain ? VK_OK : vk_fail(VK_EPOLICY, "%s cannot be told %s as it is: it is not ASCII", tool,
	    *c->name ? c->name : c->scope.host);
}
