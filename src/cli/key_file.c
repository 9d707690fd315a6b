/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "valetkey/unlock.h"
#include "cli/key_file.h"

enum vk_err
vk_key_file_write(const char *path, const char *text)
{
	struct vk_replace r;
	enum vk_err e = vk_replace_begin_new(path, 0600, &r);

	if (e == VK_OK) {
		if ((e = vk_write_full(r.fd, text, strlen(text))) == VK_OK)
			e = vk_replace_commit_new(&r);
		vk_replace_abort(&r);
	}
	return e == VK_OK || e == VK_EEXIST ? e : vk_fail(e, "cannot make the key file %s: %s", path, vk_reason());
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
