/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "valetkey/unlock.h"
#include "cli/key_file.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* Give the finished file its name, unless something has it. */
static enum vk_err
publish(const char *temp, const char *path)
{
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return VK_OK;
	/* Some network file systems know links and not this. */
	if ((errno == EINVAL || errno == ENOSYS) && link(temp, path) == 0) {
		unlink(temp);
		return VK_OK;
	}
	if (errno == EEXIST)
		return vk_fail(VK_EEXIST, "%s exists already", path);
	return vk_fail_errno("cannot make the key file %s", path);
}

enum vk_err
vk_key_file_write(const char *path, const char *text)
{
	VK_CLEANUP(vk_freep) char *temp = vk_asprintf("%s.new-XXXXXX", path);
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e;

	if (!temp)
		return VK_ENOMEM;
	if ((fd = mkostemp(temp, O_CLOEXEC)) < 0)
		return vk_fail_errno("cannot make the key file %s", path);
	e = vk_write_full(fd, text, strlen(text));
	if (e == VK_OK && fsync(fd) < 0)
		e = vk_fail_errno("fsync");
	if (e != VK_OK)
		e = vk_fail(e, "cannot make the key file %s: %s", path, vk_reason());
	else
		e = publish(temp, path);
	if (e != VK_OK)
		unlink(temp);
	return e;
}

static enum vk_err
make(const char *path, unsigned char key[VK_STORE_KEY_LEN])
{
	const size_t n = VK_BASE64_LEN(VK_STORE_KEY_LEN);
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(n + 2);
	enum vk_err e = text ? vk_raw_key_new(key) : VK_ENOMEM;

	if (e != VK_OK)
		return e;
	vk_base64_encode(key, VK_STORE_KEY_LEN, text);
	memcpy(text + n, "\n", 2);
	return vk_key_file_write(path, text);
}

enum vk_err
vk_key_file_make(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN], bool *ret_made)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	struct stat st;
	enum vk_err e;
	bool made = false;

	if (!key)
		return VK_ENOMEM;
	if (lstat(path, &st) == 0) {
		e = vk_raw_key_read(path, key);
	} else if (errno == ENOENT) {
		e = make(path, key);
		made = true;
	} else {
		e = vk_fail_errno("%s", path);
	}
	if (e == VK_EPROTO)
		e = vk_fail(VK_EEXIST, "%s is there and holds no raw key; it is left as it is", path);
	if (e == VK_OK) {
		memcpy(ret_key, key, VK_STORE_KEY_LEN);
		*ret_made = made;
	}
	return e;
}
