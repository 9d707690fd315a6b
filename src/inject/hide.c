/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/store.h"
#include "hide.h"

/* Names in the ramfs of what lies over the hidden ones. */
#define NO_FILE "none"
#define NO_DIRECTORY "none.d"

static enum vk_err
add(struct vk_hidden *h, const char *path)
{
	VK_CLEANUP(vk_freep) char *real = path && *path ? realpath(path, NULL) : NULL;

	if (!real)
		return path && *path && errno == ENOMEM ? VK_ENOMEM : VK_OK;
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i], real) == 0)
			return VK_OK;
	if (h->n == VK_HIDE_MAX)
		return vk_fail(VK_ELIMIT, "more than %d files are to be hidden from the command", VK_HIDE_MAX);
	h->v[h->n++] = VK_TAKE(real);
	return VK_OK;
}

static enum vk_err
add_in(struct vk_hidden *h, const char *dir, const char *name)
{
	VK_CLEANUP(vk_freep) char *path = NULL;

	if (!dir || *dir != '/')
		return VK_OK;
	return (path = vk_asprintf("%s/%s", dir, name)) ? add(h, path) : VK_ENOMEM;
}

static enum vk_err
add_all_in(struct vk_hidden *h, const char *dir, const char *const *names, size_t n)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < n; i++)
		e = add_in(h, dir, names[i]);
	return e;
}

/* The keystore, what opens it, and the files that references name. */
static enum vk_err
add_sources(struct vk_hidden *h, struct vk_policy *p)
{
	static const char *const variables[] = { "VALETKEY_KEY_FILE", "VALETKEY_IDENTITY_FILE" };
	VK_CLEANUP(vk_freep) char *keystore = NULL;
	const char *const *files;
	char dir[64];
	size_t n = 0;
	enum vk_err e = vk_store_path(&keystore);

	if (e == VK_EUSAGE) { /* no home, hence no keystore */
		vk_reason_clear();
		e = VK_OK;
	}
	if (e == VK_OK)
		e = add(h, keystore);
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(variables); i++)
		e = add(h, getenv(variables[i]));
	if (e == VK_OK)
		e = vk_policy_files(p, &files, &n);
	for (size_t i = 0; e == VK_OK && i < n; i++)
		e = add(h, files[i]);
	/* Sessions, where they are files. */
	if (e == VK_OK)
		e = add_in(h, getenv("XDG_RUNTIME_DIR"), "valetkey");
	snprintf(dir, sizeof(dir), "/run/user/%u/valetkey", (unsigned)geteuid());
	if (e == VK_OK)
		e = add(h, dir);
	snprintf(dir, sizeof(dir), "/dev/shm/valetkey-%u", (unsigned)geteuid());
	return e == VK_OK ? add(h, dir) : e;
}

/* Files that are nothing but credentials; those that are settings too are a recipe's business. */
static enum vk_err
add_own(struct vk_hidden *h)
{
	static const char *const in_home[] = {
		".netrc", "_netrc", ".git-credentials", ".pypirc", ".config/git/credentials",
		".config/gh/hosts.yml", ".vault-token",
	};
	static const char *const in_config[] = { "git/credentials", "gh/hosts.yml" };
	enum vk_err e = add_all_in(h, getenv("HOME"), in_home, VK_COUNT(in_home));

	if (e == VK_OK)
		e = add_all_in(h, getenv("XDG_CONFIG_HOME"), in_config, VK_COUNT(in_config));
	return e == VK_OK ? add(h, getenv("NETRC")) : e;
}

/* Who answers there has keys or passwords, or starts programs outside. */
static enum vk_err
add_sockets(struct vk_hidden *h)
{
	static const char *const in_runtime[] = { "bus", "keyring", "gnupg", "systemd/private" };
	static const char *const in_home[] = {
		".gnupg/S.gpg-agent", ".gnupg/S.gpg-agent.extra", ".gnupg/S.gpg-agent.browser",
	};
	static const char unix_path[] = "unix:path=";
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
	VK_CLEANUP(vk_freep) char *runtime = vk_asprintf("/run/user/%u", (unsigned)geteuid());
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e = runtime ? VK_OK : VK_ENOMEM;

	if (e == VK_OK)
		e = add_all_in(h, getenv("XDG_RUNTIME_DIR"), in_runtime, VK_COUNT(in_runtime));
	if (e == VK_OK)
		e = add_all_in(h, runtime, in_runtime, VK_COUNT(in_runtime));
	if (e == VK_OK)
		e = add_all_in(h, getenv("HOME"), in_home, VK_COUNT(in_home));
	if (e != VK_OK || !bus || !vk_str_starts(bus, unix_path))
		return e;
	bus += strlen(unix_path);
	return (path = strndup(bus, strcspn(bus, ",;"))) ? add(h, path) : VK_ENOMEM;
}

enum vk_err
vk_hide_choose(struct vk_hidden *h, struct vk_policy *p, bool keep_own, bool sockets)
{
	enum vk_err e = add_sources(h, p);

	if (e == VK_OK && !keep_own)
		e = add_own(h);
	return e == VK_OK && sockets ? add_sockets(h) : e;
}

static bool
is_placed(const struct vk_files *files, const char *path)
{
	struct stat over, hidden;

	for (size_t i = 0; i < files->n; i++)
		if (files->v[i].over && stat(files->v[i].path, &over) == 0 && stat(path, &hidden) == 0 &&
		    over.st_dev == hidden.st_dev && over.st_ino == hidden.st_ino)
			return true;
	return false;
}

static enum vk_err
make_nothing(int dir)
{
	int fd = openat(dir, NO_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);

	if (fd < 0)
		return vk_fail_errno("cannot make an empty file");
	close(fd);
	return mkdirat(dir, NO_DIRECTORY, 0) == 0 ? VK_OK : vk_fail_errno("cannot make an empty directory");
}

enum vk_err
vk_hide_mount(const struct vk_hidden *h, int dir, const char *place, const struct vk_files *files)
{
	VK_CLEANUP(vk_freep) char *file = vk_asprintf("%s/" NO_FILE, place);
	VK_CLEANUP(vk_freep) char *directory = vk_asprintf("%s/" NO_DIRECTORY, place);
	enum vk_err e = file && directory ? VK_OK : VK_ENOMEM;

	if (e != VK_OK || h->n == 0 || (e = make_nothing(dir)) != VK_OK)
		return e;
	for (size_t i = 0; i < h->n; i++) {
		struct stat st;

		/* Within a directory that is hidden by now, or gone since. */
		if (lstat(h->v[i], &st) < 0 || is_placed(files, h->v[i]))
			continue;
		if (mount(S_ISDIR(st.st_mode) ? directory : file, h->v[i], NULL, MS_BIND, NULL) < 0)
			return vk_fail_errno("cannot hide %s from the command", h->v[i]);
	}
	return VK_OK;
}

void
vk_hide_clear(struct vk_hidden *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i]);
	h->n = 0;
}
