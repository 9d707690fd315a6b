/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/keyctl.h"

static const char *const prefixes[] = {
	[VK_KEY_SESSION] = "valetkey:",
	[VK_KEY_ANCHOR] = "valetkey-anchor:",
};

long
vk_keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

unsigned long
vk_keyctl_ring(int ring)
{
	return (unsigned long)(long)ring;
}

long
vk_keyctl_session_ring(void)
{
	return vk_keyctl(KEYCTL_GET_KEYRING_ID, vk_keyctl_ring(KEY_SPEC_SESSION_KEYRING), 0, 0, 0);
}

bool
vk_keyctl_refused(int err)
{
	return err == EPERM || err == ENOSYS;
}

void
vk_keyctl_name(enum vk_key_kind kind, const char *tag, char out[VK_KEY_NAME_LEN])
{
	snprintf(out, VK_KEY_NAME_LEN, "%s%s", prefixes[kind], tag);
}

bool
vk_keyctl_describe(long key, struct vk_keyctl_info *ret)
{
	const char *at = ret->text;

	memset(ret->text, 0, sizeof(ret->text));
	if (vk_keyctl(KEYCTL_DESCRIBE, (unsigned long)key, (unsigned long)ret->text,
		sizeof(ret->text) - 1, 0) < 0)
		return false;
	for (int field = 0; field < 4; field++) {
		if (!(at = strchr(at, ';')))
			return false;
		at++;
		if (field == 0)
			ret->uid = (unsigned)strtoul(at, NULL, 10);
	}
	ret->name = at;
	return true;
}

bool
vk_keyctl_is_ours(const char *description)
{
	for (int kind = 0; kind < VK_KEY_KINDS; kind++)
		if (vk_str_starts(description, prefixes[kind]))
			return true;
	return false;
}
