/* SPDX-License-Identifier: ISC */
/* Which program is started for what needs a heavy library, and whether it may be. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/helper_call.h"

/* It gets keys, so it must be nobody's but root's and ours, and nobody else may put another in its place. */
static enum vk_err
check_owner(const char *what, const char *path, const struct stat *st)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return vk_fail(VK_EPOLICY, "the %s %s belongs to somebody else", what, path);
	if (st->st_mode & 022) {
		vk_hint("chmod go-w %s", path);
		return vk_fail(VK_EPOLICY, "others can write the %s %s", what, path);
	}
	return VK_OK;
}

/* ${path} is changed. */
static enum vk_err
check_directory(char *path)
{
	char *slash = strrchr(path, '/');
	struct stat st;

	slash[slash == path] = '\0';
	if (stat(path, &st) < 0)
		return vk_fail_errno("%s", path);
	return check_owner("directory", path, &st);
}

/* The directory of the name, and if that is a link the one of the program. */
static enum vk_err
check_directories(const char *path)
{
	VK_CLEANUP(vk_freep) char *named = vk_strdup(path);
	VK_CLEANUP(vk_freep) char *real = realpath(path, NULL);
	enum vk_err e;

	if (!named)
		return VK_ENOMEM;
	if (!real)
		return vk_fail_errno("%s", path);
	e = check_directory(named);
	return e == VK_OK ? check_directory(real) : e;
}

/* Beside our own program: so it is in a build directory, and so is it when both were copied somewhere. */
static bool
beside(const char *name, char ret_path[VK_HELPER_PATH])
{
	char self[VK_HELPER_PATH];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;
	char *slash;

	if (n <= 0 || self[0] != '/')
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	return snprintf(ret_path, VK_HELPER_PATH, "%s/valetkey-%s", self, name) < VK_HELPER_PATH &&
	    stat(ret_path, &st) == 0;
}

enum vk_err
vk_helper_program(const char *name, char ret_path[VK_HELPER_PATH])
{
	const char *dir = getenv("VALETKEY_LIBEXEC");
	struct stat st;
	enum vk_err e;

	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return vk_fail(VK_EUSAGE, "the name of a program that keeps a key is of a-z, 0-9 and -");
	if (dir && *dir && *dir != '/')
		return vk_fail(VK_EUSAGE, "VALETKEY_LIBEXEC is not an absolute path");
	if (!dir || !*dir) {
		if (!beside(name, ret_path) &&
		    snprintf(ret_path, VK_HELPER_PATH, "%s/valetkey-%s", VK_LIBEXEC, name) >= VK_HELPER_PATH)
			return vk_fail(VK_ELIMIT, "the path of valetkey-%s is too long", name);
	} else if (snprintf(ret_path, VK_HELPER_PATH, "%s/valetkey-%s", dir, name) >= VK_HELPER_PATH) {
		return vk_fail(VK_ELIMIT, "the path of valetkey-%s is too long", name);
	}
	if (stat(ret_path, &st) < 0)
		return vk_fail(VK_EBACKEND, "cannot start %s: %s", ret_path, strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return vk_fail(VK_EBACKEND, "cannot start %s: it is no program", ret_path);
	e = check_owner("program", ret_path, &st);
	return e == VK_OK ? check_directories(ret_path) : e;
}
