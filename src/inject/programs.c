/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "programs.h"

static const char *const names[] = { "keyring" };

/* Installed ones of another version would not be this run's. */
static bool
are_self(const struct vk_kitchen *k, const char *dir)
{
	struct stat self, st;

	if (stat(k->self, &self) < 0)
		return false;
	for (size_t i = 0; i < VK_COUNT(names); i++) {
		VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, names[i]);

		if (!path || stat(path, &st) < 0 || st.st_dev != self.st_dev || st.st_ino != self.st_ino)
			return false;
	}
	return true;
}

/* Readable for whoever the command becomes, as far as the file system itself is. */
static enum vk_err
make_links(const struct vk_kitchen *k, int dir)
{
	VK_CLEANUP(vk_closep) int bin = -1;

	if (mkdirat(dir, ".bin", 0755) < 0 || (bin = openat(dir, ".bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    fchmod(bin, 0755) < 0)
		return vk_fail_errno("cannot make a directory of this run");
	for (size_t i = 0; i < VK_COUNT(names); i++)
		if (symlinkat(k->self, bin, names[i]) < 0)
			return vk_fail_errno("cannot make the link %s of this run", names[i]);
	return VK_OK;
}

enum vk_err
vk_programs_place(struct vk_kitchen *k, int dir, const char *place)
{
	const char *named = getenv("VALETKEY_LIBEXEC");
	VK_CLEANUP(vk_freep) char *installed = vk_asprintf("%s/bin", named && *named == '/' ? named : VK_LIBEXEC);
	enum vk_err e = vk_recipe_self(k);

	if (e != VK_OK || !installed)
		return e != VK_OK ? e : VK_ENOMEM;
	if (are_self(k, installed)) {
		k->programs = VK_TAKE(installed);
		return VK_OK;
	}
	if (dir < 0)
		return VK_OK;
	if ((e = make_links(k, dir)) == VK_OK && !(k->programs = vk_asprintf("%s/.bin", place)))
		e = VK_ENOMEM;
	return e;
}
