/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/io.h"

enum vk_err
vk_mkdir_parents(const char *path, mode_t mode)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(path);

	if (!dir)
		return VK_ENOMEM;
	for (char *s = *dir ? strchr(dir + 1, '/') : NULL; s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(dir, mode) < 0 && errno != EEXIST)
			return vk_fail_errno("cannot make the directory %s", dir);
		*s = '/';
	}
	return VK_OK;
}

enum vk_err
vk_user_path(const char *env, const char *dir_env, const char *dir_default, const char *file,
    char **ret_path)
{
	const char *v = env ? getenv(env) : NULL;
	char *path;

	if (v && *v) {
		if (*v != '/')
			return vk_fail(VK_EUSAGE, "%s must be an absolute path", env);
		path = vk_strdup(v);
	} else if (dir_env && (v = getenv(dir_env)) && *v == '/') {
		path = vk_asprintf("%s/%s", v, file);
	} else {
		v = getenv("HOME");
		if (!v || *v != '/')
			return vk_fail(VK_EUSAGE, "HOME is %s, so there is no place for %s",
			    v && *v ? "not an absolute path" : "not set", file);
		path = vk_asprintf("%s/%s/%s", v, dir_default, file);
	}
	if (!path)
		return VK_ENOMEM;
	*ret_path = path;
	return VK_OK;
}
