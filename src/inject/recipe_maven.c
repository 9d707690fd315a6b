/* SPDX-License-Identifier: ISC */
/*
 * Maven: a settings.xml of this run, in which a server's id is the credential's name.  MAVEN_ARGS (Maven 3.9) names it
 * before the words of the command, and the first "-s" counts; an older Maven finds it in R1, over the user's own.
 */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/proto.h"
#include "command.h"
#include "recipe.h"

static enum vk_err
maven_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && *c->name && (c->kind != VK_KIND_BASIC || *c->username);
	return VK_OK;
}

static bool
is_maven(const char *command)
{
	const char *slash = strrchr(command, '/'), *name = slash ? slash + 1 : command;

	return strcmp(name, "mvn") == 0 || strcmp(name, "mvnw") == 0 || strcmp(name, "mvnDebug") == 0;
}

/* The file that ${word} names, with the word behind it where that is its value; heap, NULL when it names none. */
static char *
settings_of(const char *word, const char *next)
{
	static const char option[] = "--settings=";

	if (vk_str_starts(word, option))
		return vk_strdup(word + strlen(option));
	return next && (strcmp(word, "-s") == 0 || strcmp(word, "--settings") == 0) ? vk_strdup(next) : NULL;
}

/* The next of the words that the launcher makes of MAVEN_ARGS; heap, NULL when there is none. */
static char *
next_word(const char **at)
{
	size_t n;
	const char *word;

	*at += strspn(*at, " \t\n");
	word = *at;
	*at += n = strcspn(word, " \t\n");
	return n > 0 ? strndup(word, n) : NULL;
}

static char *
settings_of_args(const char *at)
{
	char *path = NULL, *word = next_word(&at);

	while (word && !path) {
		char *next = next_word(&at);

		path = settings_of(word, next);
		free(word);
		word = next;
	}
	free(word);
	return path;
}

/* What Maven would read: the first "-s" of MAVEN_ARGS and the command, or the usual file.  NULL: there is no home. */
static char *
own_path(const struct vk_kitchen *k)
{
	const char *args = getenv("MAVEN_ARGS");
	char *const *words = k->opts->command;
	char *path = args ? settings_of_args(args) : NULL;

	if (words && words[0] && is_maven(words[0]))
		for (size_t i = 1; !path && words[i]; i++)
			path = settings_of(words[i], words[i + 1]);
	return path ? path : vk_recipe_home(".m2/settings.xml");
}

/* Modules that have repositories of their own are not seen; most have them in the topmost file. */
static enum vk_err
check_project(const struct vk_cred_list *taken)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf pom = VK_BUF(VK_MAX_FILE);

	if (vk_recipe_own("pom.xml", &pom) != VK_OK || pom.len == 0)
		return VK_OK;
	return vk_maven_check(pom.p, pom.len, taken);
}

static enum vk_err
maven_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf dropped = VK_BUF(65536);
	VK_CLEANUP(vk_freep) char *path = own_path(k);
	enum vk_err e = check_project(taken);

	(void)for_build;
	if (e == VK_OK && path)
		e = vk_recipe_own(path, &own);
	if (e != VK_OK)
		return e;
	e = vk_maven_merge(own.p ? own.p : "", own.len, taken, k->opts->keep_own, out, &dropped);
	if (e == VK_EPROTO)
		return vk_fail(e, "%s: %s", path ? path : "settings.xml", vk_reason());
	if (e == VK_OK && path)
		vk_recipe_dropped(k, path, &dropped);
	return e;
}

static const char *
maven_usual(struct vk_kitchen *k)
{
	static char real[PATH_MAX];
	VK_CLEANUP(vk_freep) char *path = own_path(k);
	struct stat st;

	return path && realpath(path, real) && stat(real, &st) == 0 && S_ISREG(st.st_mode) ? real : NULL;
}

static char *
maven_fixed(struct vk_kitchen *k)
{
	char *path = own_path(k);

	if (!path || *path == '/')
		return path;
	free(path);
	return NULL;
}

/* Does the launcher not know MAVEN_ARGS?  A project's wrapper starts a Maven of its own, of which nothing is known. */
static bool
is_older(const struct vk_kitchen *k)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = NULL;
	const char *name = k->opts->command[0];
	int status;

	if (vk_command_find(is_maven(name) ? name : "mvn", &path, &status) != VK_OK || vk_str_ends(path, "mvnw") ||
	    vk_recipe_own(path, &text) != VK_OK) {
		vk_reason_clear();
		return false;
	}
	return text.len > 0 && !memmem(text.p, text.len, "MAVEN_ARGS", 10);
}

static enum vk_err
maven_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	const char *own = vk_environ_get(&k->env, "MAVEN_ARGS");
	VK_CLEANUP(vk_freep) char *value = NULL;

	(void)taken;
	/* Split at blanks, without quotes. */
	if (strpbrk(path, " \t\n"))
		return vk_fail(VK_EPOLICY, "Maven cannot be told of %s: its path holds a blank", path);
	if (!(value = vk_asprintf("-s %s%s%s", path, own && *own ? " " : "", own ? own : "")))
		return VK_ENOMEM;
	if ((k->rung != VK_RUNG_R1 || !maven_usual(k)) && is_older(k))
		vk_caution(k->opts, "this Maven is older than 3.9 and does not know MAVEN_ARGS: it will have no "
				    "credentials, unless there is a settings.xml, and rung R1");
	return vk_environ_set(&k->env, "MAVEN_ARGS", value, strlen(value));
}

const struct vk_recipe vk_recipe_maven = {
	.name = "maven",
	.file = "settings.xml",
	.takes = maven_takes,
	.render = maven_render,
	.usual = maven_usual,
	.fixed = maven_fixed,
	.lead = maven_lead,
};
