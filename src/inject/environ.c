/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/secret.h"
#include "environ.h"

enum { GIT_PAIRS_MAX = 10000 };

/* Does "NAME=value" have this name?  Then its value, else NULL. */
static const char *
value_of(const char *pair, const char *name, size_t n)
{
	return strncmp(pair, name, n) == 0 && pair[n] == '=' ? pair + n + 1 : NULL;
}

static enum vk_err
append(struct vk_environ *e, char *pair)
{
	char **v = realloc(e->v, (e->n + 2) * sizeof(*v));

	if (!v)
		return vk_fail(VK_ENOMEM, "out of memory");
	e->v = v;
	e->v[e->n++] = pair;
	e->v[e->n] = NULL;
	return VK_OK;
}

static bool
is_git_pair(const char *pair)
{
	return vk_str_starts(pair, "GIT_CONFIG_COUNT=") ||
	    vk_str_starts(pair, "GIT_CONFIG_KEY_") || vk_str_starts(pair, "GIT_CONFIG_VALUE_");
}

/* What is malformed is left to git, which says so; its secrets were in nobody's numbering. */
static enum vk_err
copy_git_pairs(struct vk_environ *e)
{
	const char *count = getenv("GIT_CONFIG_COUNT");
	uint64_t n = 0;
	enum vk_err err = VK_OK;

	if (!count || !*count)
		return VK_OK;
	if (vk_str_u64(count, GIT_PAIRS_MAX, &n) != VK_OK)
		return vk_fail(VK_EPROTO, "GIT_CONFIG_COUNT is not a number that git would take");
	for (uint64_t i = 0; err == VK_OK && i < n; i++) {
		char name[48];
		const char *key, *value;

		snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%u", (unsigned)i);
		key = getenv(name);
		snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%u", (unsigned)i);
		value = getenv(name);
		if (!key || !value)
			return vk_fail(VK_EPROTO, "GIT_CONFIG_COUNT is %u, but %s or its key is not set",
			    (unsigned)n, name);
		if (!vk_policy_scrub_git(key, value))
			err = vk_environ_git(e, key, value);
	}
	return err;
}

static bool
is_removed(struct vk_policy *p, const char *pair)
{
	char name[256];
	size_t n = strcspn(pair, "=");

	/* Longer than any name that means something to anybody. */
	if (n >= sizeof(name))
		return false;
	memcpy(name, pair, n);
	name[n] = '\0';
	return vk_policy_scrub(p, name);
}

enum vk_err
vk_environ_init(struct vk_environ *e, struct vk_policy *p)
{
	enum vk_err err = VK_OK;

	for (size_t i = 0; err == VK_OK && environ && environ[i]; i++)
		if (!is_git_pair(environ[i]) && !is_removed(p, environ[i]))
			err = append(e, environ[i]);
	return err == VK_OK ? copy_git_pairs(e) : err;
}

const char *
vk_environ_get(const struct vk_environ *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++) {
		const char *v = value_of(e->v[i], name, strlen(name));

		if (v)
			return v;
	}
	return NULL;
}

static void
drop_at(struct vk_environ *e, size_t i)
{
	memmove(e->v + i, e->v + i + 1, (e->n - i) * sizeof(*e->v));
	e->n--;
}

static void
unset(struct vk_environ *e, const char *name)
{
	for (size_t i = 0; i < e->n;)
		if (value_of(e->v[i], name, strlen(name)))
			drop_at(e, i);
		else
			i++;
}

void
vk_environ_forget(struct vk_environ *e, const char *name)
{
	size_t kept = 0;

	unset(e, name);
	for (size_t i = 0; i < e->n_owned; i++)
		if (value_of(e->owned[i], name, strlen(name)))
			vk_arena_free(e->owned[i]);
		else
			e->owned[kept++] = e->owned[i];
	e->n_owned = kept;
}

void
vk_environ_unset_npm(struct vk_environ *e, const char *key)
{
	static const char prefix[] = "npm_config_";

	for (size_t i = 0; i < e->n;) {
		char name[64];
		size_t n = strcspn(e->v[i], "=");

		if (n >= sizeof(name))
			n = 0;
		memcpy(name, e->v[i], n);
		name[n] = '\0';
		if (n > strlen(prefix) && vk_str_ieq(name + strlen(prefix), key)) {
			name[strlen(prefix)] = '\0';
			if (vk_str_ieq(name, prefix)) {
				drop_at(e, i);
				continue;
			}
		}
		i++;
	}
}

enum vk_err
vk_environ_set(struct vk_environ *e, const char *name, const char *value, size_t n)
{
	size_t len = strlen(name);
	char **owned, *pair;
	enum vk_err err;

	unset(e, name);
	if (!(owned = realloc(e->owned, (e->n_owned + 1) * sizeof(*owned))))
		return vk_fail(VK_ENOMEM, "out of memory");
	e->owned = owned;
	if (!(pair = vk_arena_alloc(len + n + 2)))
		return vk_fail(VK_ENOMEM, "out of locked memory");
	memcpy(pair, name, len);
	pair[len] = '=';
	memcpy(pair + len + 1, value, n);
	pair[len + 1 + n] = '\0';
	if ((err = append(e, pair)) != VK_OK) {
		vk_arena_free(pair);
		return err;
	}
	e->owned[e->n_owned++] = pair;
	return VK_OK;
}

enum vk_err
vk_environ_lend(struct vk_environ *e, const char *name, const char *value, size_t n)
{
	char **lent = realloc(e->lent, (e->n_lent + 1) * sizeof(*lent));

	if (!lent)
		return vk_fail(VK_ENOMEM, "out of memory");
	e->lent = lent;
	if (!(lent[e->n_lent] = vk_strdup(name)))
		return VK_ENOMEM;
	e->n_lent++;
	return vk_environ_set(e, name, value, n);
}

void
vk_environ_take_back(struct vk_environ *e)
{
	for (size_t i = 0; i < e->n_lent; i++) {
		vk_environ_forget(e, e->lent[i]);
		free(e->lent[i]);
	}
	e->n_lent = 0;
}

enum vk_err
vk_environ_git(struct vk_environ *e, const char *key, const char *value)
{
	char name[48], count[16];
	enum vk_err err;

	snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%u", e->git_pairs);
	if ((err = vk_environ_set(e, name, key, strlen(key))) != VK_OK)
		return err;
	snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%u", e->git_pairs);
	if ((err = vk_environ_set(e, name, value, strlen(value))) != VK_OK)
		return err;
	snprintf(count, sizeof(count), "%u", ++e->git_pairs);
	return vk_environ_set(e, "GIT_CONFIG_COUNT", count, strlen(count));
}

void
vk_environ_wipe_ours(const struct vk_environ *e)
{
	for (size_t i = 0; environ && environ[i]; i++) {
		bool kept = false;

		for (size_t k = 0; k < e->n && !kept; k++)
			kept = e->v[k] == environ[i];
		if (!kept)
			vk_wipe(environ[i], strlen(environ[i]));
	}
}

void
vk_environ_clear(struct vk_environ *e)
{
	for (size_t i = 0; i < e->n_owned; i++)
		vk_arena_free(e->owned[i]);
	for (size_t i = 0; i < e->n_lent; i++)
		free(e->lent[i]);
	free(e->lent);
	free(e->owned);
	free(e->v);
	*e = (struct vk_environ){ 0 };
}
