/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "valetkey/unlock.h"

enum vk_err
vk_raw_key_parse(const char *text, size_t n, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	unsigned char key[VK_STORE_KEY_LEN];
	size_t got = 0;
	int bad = -1;

	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0 && text[n - 1] == '\r')
		n--;
	/* libsodium's decoders take time that does not depend on the bytes. */
	if (n == VK_BASE64_LEN(VK_STORE_KEY_LEN))
		bad = sodium_base642bin(key, sizeof(key), text, n, NULL, &got, NULL,
		    sodium_base64_VARIANT_ORIGINAL);
	else if (n == 2 * (size_t)VK_STORE_KEY_LEN)
		bad = sodium_hex2bin(key, sizeof(key), text, n, NULL, &got, NULL);
	if (bad == 0 && got == sizeof(key))
		memcpy(ret_key, key, sizeof(key));
	vk_wipe(key, sizeof(key));
	vk_wipe_stack();
	if (bad != 0 || got != sizeof(key))
		return vk_fail(VK_EPROTO, "a raw key is %d bytes in base64 or hex, on one line",
		    VK_STORE_KEY_LEN);
	return VK_OK;
}

enum vk_err
vk_raw_key_read(const char *path, unsigned char ret_key[VK_STORE_KEY_LEN])
{
	VK_CLEANUP(vk_closep) int fd = -1;
	const size_t max = 2 * VK_STORE_KEY_LEN + 3; /* the longest form and one byte that is too many */
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(max);
	struct stat st;
	enum vk_err e;
	size_t n = 0;

	if (!text)
		return VK_ENOMEM;
	/* O_NONBLOCK: a FIFO in its place must not hang a helper. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return vk_fail(VK_EBACKEND, "cannot open the key file %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return vk_fail_errno("%s", path);
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EPOLICY, "the key file %s is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return vk_fail(VK_EPOLICY, "the key file %s belongs to somebody else", path);
	if (st.st_mode & 022) {
		vk_hint("chmod 600 %s", path);
		return vk_fail(VK_EPOLICY, "others can write the key file %s", path);
	}
	if ((e = vk_read_upto(fd, text, max, &n)) == VK_OK)
		e = vk_raw_key_parse(text, n, ret_key);
	if (e == VK_EPROTO)
		return vk_fail(e, "the key file %s holds no raw key (%d bytes in base64 or hex, on one line)",
		    path, VK_STORE_KEY_LEN);
	return e;
}
