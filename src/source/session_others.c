/* SPDX-License-Identifier: ISC */
/*
 * The session keys of this user that lie in keyrings which this process does not reach.  /proc/keys
 * lists every key that may be viewed, and theirs may (see keyctl.h).
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "source/keyctl.h"

/* NULL where it is absent, or something else lies over it, as container runtimes do. */
static FILE *
open_list(void)
{
	FILE *f = fopen("/proc/keys", "re");
	struct statfs fs;

	if (f && (fstatfs(fileno(f), &fs) < 0 || (unsigned long)fs.f_type != PROC_SUPER_MAGIC)) {
		fclose(f);
		f = NULL;
	}
	return f;
}

/* "serial flags usage timeout perm uid gid type description: ..."; is it a live key of that name? */
static bool
parse_line(char *line, const char *name, long *ret_key)
{
	char flags[16], timeout[16], type[32];
	unsigned serial, uid;
	int at = 0;

	if (sscanf(line, "%x %15s %*s %15s %*s %u %*s %31s %n", &serial, flags, timeout, &uid, type, &at) != 5 ||
	    at == 0 || strcmp(type, "user") != 0 || uid != geteuid() || !vk_str_starts(line + at, name) ||
	    line[at + (int)strlen(name)] != ':')
		return false;
	if (strpbrk(flags, "RDi") || strcmp(timeout, "expd") == 0)
		return false;
	*ret_key = (long)serial;
	return true;
}

/* A description can be made to look like another line of the list; what the key itself says counts. */
static bool
is_it(long key, const char *name)
{
	struct vk_keyctl_info info;

	if (vk_keyctl_describe(key, &info))
		return info.uid == geteuid() && vk_str_starts(info.text, "user;") &&
		    strcmp(info.name, name) == 0;
	return vk_keyctl_refused(errno);
}

void
vk_keyring_others(const char *tag, bool revoke, struct vk_keyring_others *ret)
{
	char name[VK_KEY_NAME_LEN], line[1024];
	FILE *f = open_list();
	long key;

	*ret = (struct vk_keyring_others){ .unseen = !f };
	if (!f)
		return;
	vk_keyctl_name(VK_KEY_SESSION, tag, name);
	while (fgets(line, sizeof(line), f)) {
		if (!parse_line(line, name, &key) || !is_it(key, name))
			continue;
		if (revoke && vk_keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0) == 0)
			ret->revoked++;
		else if (vk_keyctl(KEYCTL_READ, (unsigned long)key, 0, 0, 0) < 0)
			ret->alive++;
	}
	fclose(f);
}
