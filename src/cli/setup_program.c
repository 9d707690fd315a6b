/* SPDX-License-Identifier: ISC */
/* Where our own programs are, and whether others could put something else there. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "cli/setup.h"

static enum vk_err
check_one(const char *path)
{
	struct stat st;
	const char *what;

	if (stat(path, &st) < 0)
		return vk_fail_errno("%s", path);
	what = S_ISDIR(st.st_mode) ? "directory" : "program";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return vk_fail(VK_EPOLICY, "the %s %s belongs to another user, who could replace what tools "
					   "would start", what, path);
	/* In a directory with the sticky bit others cannot replace what is ours; above the last one that will do. */
	if ((st.st_mode & S_IWOTH) && !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
		return vk_fail(VK_EPOLICY, "everybody can write to the %s %s, and so replace what tools would "
					   "start", what, path);
	return VK_OK;
}

enum vk_err
vk_setup_trust(const char *path)
{
	VK_CLEANUP(vk_freep) char *p = vk_strdup(path);
	struct stat st;
	enum vk_err e = p ? check_one(p) : VK_ENOMEM;

	for (bool first = true; e == VK_OK && strcmp(p, "/") != 0; first = false) {
		char *slash = strrchr(p, '/');

		slash[slash == p ? 1 : 0] = '\0';
		e = check_one(p);
		/* In the directory itself a name that is not there yet could be taken by anybody. */
		if (e == VK_OK && first && stat(p, &st) == 0 && (st.st_mode & S_IWOTH))
			e = vk_fail(VK_EPOLICY, "everybody can add programs to the directory %s", p);
	}
	if (e == VK_EPOLICY)
		vk_hint("install valetkey where only root or you can write, such as /usr/local/bin");
	return e;
}

bool
vk_setup_is_self(const char *path)
{
	struct stat running, named;

	return stat("/proc/self/exe", &running) == 0 && stat(path, &named) == 0 &&
	    running.st_ino == named.st_ino && running.st_dev == named.st_dev;
}

enum vk_err
vk_setup_self(char **ret_path)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *copy;
	enum vk_err e;

	if (n <= 0)
		return vk_fail_errno("cannot tell where this program is: /proc/self/exe");
	self[n] = '\0';
	if (self[0] != '/' || !vk_setup_is_self(self))
		return vk_fail(VK_EBACKEND, "this program is no longer at %s", self);
	if (vk_str_has_control(self, (size_t)n))
		return vk_fail(VK_EPOLICY, "the path of this program holds control characters");
	if ((e = vk_setup_trust(self)) != VK_OK)
		return e;
	if (!(copy = vk_strdup(self)))
		return VK_ENOMEM;
	*ret_path = copy;
	return VK_OK;
}

enum vk_err
vk_setup_beside(const char *program, char **ret_path)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	VK_CLEANUP(vk_freep) char *link = NULL;
	enum vk_err e = vk_setup_self(&self);

	if (e != VK_OK)
		return e;
	if (!(link = vk_asprintf("%.*s/%s", (int)(strrchr(self, '/') - self), self, program)))
		return VK_ENOMEM;
	if (!vk_setup_is_self(link)) {
		vk_hint("ln -s valetkey %s", link);
		return vk_fail(VK_ENOENT, "there is no %s beside %s", program, self);
	}
	*ret_path = VK_TAKE(link);
	return VK_OK;
}

char *
vk_setup_on_path(const char *program)
{
	const char *dirs = getenv("PATH");

	for (const char *d = dirs; d; d = *d ? d + 1 : NULL) {
		size_t n = strcspn(d, ":");
		VK_CLEANUP(vk_freep) char *path = NULL;
		struct stat st;

		/* An empty or relative entry means something else in every directory. */
		if (n > 0 && *d == '/' && (path = vk_asprintf("%.*s/%s", (int)n, d, program)) &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return VK_TAKE(path);
		d += n;
	}
	return NULL;
}
