/* SPDX-License-Identifier: ISC */
/*
 * Which file is the config, and is it ours?  Nothing is ever looked for in the current
 * directory or above it: a config in a repository is a stranger's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/config.h"

/* Root may own it: it can do everything anyway, and it installs what a site prescribes. */
static enum vk_err
check_owner(const char *path, const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid != geteuid() && st->st_uid != 0) {
		vk_hint("a config decides where secrets go; use one of your own, or of root");
		return vk_fail(VK_EPOLICY, "%s belongs to another user", path);
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !sticky) {
		vk_hint("chmod go-w %s", path);
		return vk_fail(VK_EPOLICY, "others can write %s", path);
	}
	return VK_OK;
}

/* Whoever can write the directory can put another file in place of this one. */
static enum vk_err
check_directory(const char *file)
{
	VK_CLEANUP(vk_freep) char *dir = vk_strdup(file);
	char *slash;
	struct stat st;

	if (!dir)
		return VK_ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	if (stat(slash ? dir : ".", &st) < 0)
		return vk_fail_errno("%s", slash ? dir : ".");
	return check_owner(slash ? dir : "the current directory", &st);
}

static enum vk_err
check_trust(const char *path, int fd)
{
	VK_CLEANUP(vk_freep) char *target = NULL;
	struct stat st, link;
	enum vk_err e;

	if (fstat(fd, &st) < 0 || lstat(path, &link) < 0)
		return vk_fail_errno("%s", path);
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EPOLICY, "%s is not a regular file", path);
	if ((e = check_owner(path, &st)) != VK_OK || (e = check_directory(path)) != VK_OK)
		return e;
	if (!S_ISLNK(link.st_mode))
		return VK_OK;
	if (!(target = realpath(path, NULL)))
		return vk_fail_errno("%s", path);
	return check_directory(target);
}

enum vk_err
vk_config_path(char **ret)
{
	return vk_user_path("VALETKEY_CONFIG", "XDG_CONFIG_HOME", ".config", "valetkey/config.ini", ret);
}

enum vk_err
vk_config_read(const char *named, struct vk_config *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = NULL;
	VK_CLEANUP(vk_closep) int fd = -1;
	const char *env = getenv("VALETKEY_CONFIG");
	bool chosen = named || (env && *env);
	enum vk_err e;

	if (named)
		path = vk_strdup(named);
	else if ((e = vk_config_path(&path)) != VK_OK) {
		if (chosen || e != VK_EUSAGE)
			return e;
		/* No home, no config. */
		vk_reason_clear();
		*ret = (struct vk_config){ 0 };
		return VK_OK;
	}
	if (!path)
		return VK_ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && !chosen && (errno == ENOENT || errno == ENOTDIR)) {
		*ret = (struct vk_config){ 0 };
		return VK_OK;
	}
	if (fd < 0 && errno == ENOENT)
		return vk_fail(VK_EUSAGE, "there is no config %s", path);
	if (fd < 0)
		return vk_fail_errno("cannot read the config %s", path);
	if ((e = check_trust(path, fd)) != VK_OK)
		return e;
	if ((e = vk_buf_read(&text, fd)) == VK_ELIMIT)
		return vk_fail(VK_ELIMIT, "%s is larger than %d bytes", path, VK_MAX_FILE);
	return e == VK_OK ? vk_config_parse(path, text.p ? text.p : "", text.len, ret) : e;
}
