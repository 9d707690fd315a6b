/* SPDX-License-Identifier: ISC */
/*
 * Gradle: it asks nobody and reads no file of credentials, but a variable ORG_GRADLE_PROJECT_NAME is the project's
 * property NAME, and from 6.6 on a repository "corp" looks for corpUsername and corpPassword, or corpAuthHeaderName and
 * corpAuthHeaderValue.  A daemon would keep what it was given, so the build is its own process.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
gradle_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && *c->name;
	return VK_OK;
}

/* Gradle's launcher is a shell script, and shells lose variables with other names. */
static bool
is_identifier(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return strspn(s, letters) == strlen(s);
}

static enum vk_err
lend(struct vk_kitchen *k, const struct vk_cred *c, const char *what, const char *value, size_t n)
{
	VK_CLEANUP(vk_freep) char *name = vk_asprintf("ORG_GRADLE_PROJECT_%s%s", c->name, what);

	if (!name)
		return VK_ENOMEM;
	if (memchr(value, '\0', n))
		return vk_fail(VK_EPOLICY, "the secret of %s holds a byte of value 0, which no variable can", c->name);
	return vk_environ_lend(&k->env, name, value, n);
}

static enum vk_err
lend_header(struct vk_kitchen *k, const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_INPUT);
	const char *field = vk_auth_field(c);
	enum vk_err e = vk_auth_value(c, &value);

	if (e == VK_OK)
		e = lend(k, c, "AuthHeaderName", field, strlen(field));
	return e == VK_OK ? lend(k, c, "AuthHeaderValue", value.p, value.len) : e;
}

static enum vk_err
lend_basic(struct vk_kitchen *k, const struct vk_cred *c)
{
	enum vk_err e = lend(k, c, "Username", c->username, strlen(c->username));

	return e == VK_OK ? lend(k, c, "Password", c->secret.p, c->secret.n) : e;
}

static enum vk_err
no_daemon(struct vk_kitchen *k)
{
	const char *own = vk_environ_get(&k->env, "GRADLE_OPTS");
	VK_CLEANUP(vk_freep) char *value =
	    vk_asprintf("%s%s-Dorg.gradle.daemon=false", own ? own : "", own && *own ? " " : "");

	return value ? vk_environ_set(&k->env, "GRADLE_OPTS", value, strlen(value)) : VK_ENOMEM;
}

static enum vk_err
gradle_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf other = VK_BUF(1024);
	enum vk_err e = no_daemon(k);

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		const struct vk_cred *c = taken->v[i];

		if (is_identifier(c->name))
			e = c->kind == VK_KIND_BASIC ? lend_basic(k, c) : lend_header(k, c);
		else
			vk_buf_fmt(&other, "%s%s", other.len ? ", " : "", c->name);
	}
	if (other.len > 0)
		vk_caution(k->opts, "gradle gets nothing of %s: only letters, digits and _ can be part of a variable's "
				    "name; give it the name of the repository with \"valetkey add --name\"", other.p);
	return e;
}

const struct vk_recipe vk_recipe_gradle = { .name = "gradle", .takes = gradle_takes, .lead = gradle_lead };
