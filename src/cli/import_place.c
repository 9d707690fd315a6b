/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "cli/import_place.h"
#include "cli/json_splice.h"
#include "valetkey/import.h"
#include "valetkey/io.h"

/*
 * ${env} names the file, else it is ${dir_env}/${file}, else ~/${dir}/${file}.  A format that has two rows has two
 * places.
 */
static const struct place {
	const char *format, *env, *dir_env, *dir, *file;
} places[] = {
	{ "netrc", "NETRC", NULL, ".", ".netrc" },
	{ "git-credentials", NULL, NULL, ".", ".git-credentials" },
	{ "git-credentials", NULL, "XDG_CONFIG_HOME", ".config", "git/credentials" },
	{ "npmrc", "NPM_CONFIG_USERCONFIG", NULL, ".", ".npmrc" },
	{ "docker", NULL, "DOCKER_CONFIG", ".docker", "config.json" },
	{ "pypirc", NULL, NULL, ".", ".pypirc" },
};

static const struct {
	const char *format, *next;
	bool rest;
} formats[] = {
	{ "netrc", "valetkey setup git, or valetkey run -- COMMAND", false },
	{ "git-credentials", "valetkey setup git", false },
	{ "npmrc", "valetkey run -- npm ci", true },
	{ "docker", "valetkey setup docker", true },
	{ "pypirc", "valetkey run -- COMMAND", false },
};

static enum vk_err
path_of(const struct place *p, char **ret)
{
	const char *home = getenv("HOME"), *named = p->env ? getenv(p->env) : NULL;

	if (strcmp(p->dir, ".") != 0 || (named && *named))
		return vk_user_path(p->env, p->dir_env, p->dir, p->file, ret);
	if (!home || *home != '/')
		return vk_fail(VK_EUSAGE, "HOME is not an absolute path, so name the file");
	return (*ret = vk_asprintf("%s/%s", home, p->file)) ? VK_OK : VK_ENOMEM;
}

enum vk_err
vk_import_place(const char *format, char **ret_path)
{
	VK_CLEANUP(vk_freep) char *first = NULL;

	for (size_t i = 0; i < VK_COUNT(places); i++) {
		VK_CLEANUP(vk_freep) char *path = NULL;
		enum vk_err e;

		if (strcmp(places[i].format, format) != 0)
			continue;
		if ((e = path_of(&places[i], &path)) != VK_OK)
			return e;
		if (faccessat(-1, path, F_OK, 0) == 0) {
			*ret_path = VK_TAKE(path);
			return VK_OK;
		}
		if (!first)
			first = VK_TAKE(path);
	}
	/* Without any, its absence is said of the usual one. */
	if (!first)
		return vk_fail(VK_EUSAGE, "%s has no usual place, so name the file", format);
	*ret_path = VK_TAKE(first);
	return VK_OK;
}

bool
vk_import_has_rest(const char *format)
{
	for (size_t i = 0; i < VK_COUNT(formats); i++)
		if (strcmp(formats[i].format, format) == 0)
			return formats[i].rest;
	return false;
}

const char *
vk_import_next_step(const char *format)
{
	for (size_t i = 0; i < VK_COUNT(formats); i++)
		if (strcmp(formats[i].format, format) == 0)
			return formats[i].next;
	return "valetkey list";
}

/* Every server that had a secret was taken; the others hold nothing. */
static enum vk_err
docker_rest(const char *text, size_t n, struct vk_buf *out)
{
	struct vk_json_span root, auths;
	enum vk_err e = vk_json_locate(text, n, "auths", &root, &auths);

	if (e != VK_OK)
		return e;
	if (auths.n == 0)
		return vk_buf_add(out, text, n);
	vk_buf_add(out, text, auths.at);
	vk_buf_str(out, "{}");
	return vk_buf_add(out, text + auths.at + auths.n, n - auths.at - auths.n);
}

enum vk_err
vk_import_rest(const char *format, const char *text, size_t n, struct vk_buf *out)
{
	return strcmp(format, "docker") == 0 ? docker_rest(text, n, out)
					     : vk_import_npmrc_rest(text, n, out);
}
