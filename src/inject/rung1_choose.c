/* SPDX-License-Identifier: ISC */
/*
 * Where the ramfs is mounted.  Making a directory for it would leave a name on the host after a
 * SIGKILL, so it covers one that exists and is empty: nothing is hidden by it, and it is gone with
 * the namespace.  First those that hardly a program uses; what the command itself names is left
 * alone, since it could want to write there.
 *
 * The last one is a mount point that every fresh /proc has and that the kernel keeps empty.
 * It is the only directory of /proc or /sys that may be covered without taking from the
 * command the right to mount a /proc of its own in a nested namespace, but a program that
 * does mount one loses sight of the files.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rung1.h"

static const char *const places[] = {
	"/usr/local/games", "/var/games", "/var/local", "/usr/local/src", "/var/opt", "/var/empty",
	"/media", "/boot", "/srv", "/opt", "/mnt", "/proc/sys/fs/binfmt_misc",
};

static bool
is_empty(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	bool empty = d != NULL;

	for (struct dirent *e; empty && (e = readdir(d));)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return empty;
}

/* Is ${path} the directory ${dir} or below it? */
static bool
is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return n > 0 && strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool
is_wanted(const char *dir, const struct vk_rung1_plan *plan, const char *cwd)
{
	if (is_within(cwd, dir) || is_within(dir, cwd))
		return true;
	if (plan->home && (is_within(plan->home, dir) || is_within(dir, plan->home)))
		return true;
	for (size_t i = 0; plan->command[i]; i++)
		if (strstr(plan->command[i], dir))
			return true;
	return false;
}

enum vk_err
vk_rung1_choose(const struct vk_rung1_plan *plan, const char **ret_dir)
{
	char cwd[4096];

	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	for (size_t i = 0; i < VK_COUNT(places); i++)
		if (!is_wanted(places[i], plan, cwd) && is_empty(places[i])) {
			*ret_dir = places[i];
			return VK_OK;
		}
	return vk_fail(VK_EPOLICY, "there is no empty directory that the files could be mounted on");
}
