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

enum { SERIAL, FLAGS, USAGE, TIMEOUT, PERM, UID, GID, TYPE, COLUMNS };

/* The first columns of ${line}, which is cut; the rest, or NULL when there are fewer. */
static char *
cut_columns(char *line, char *v[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		v[i] = line + strspn(line, " ");
		line = v[i] + strcspn(v[i], " ");
		if (line == v[i] || !*line)
			return NULL;
		*line++ = '\0';
	}
	return line + strspn(line, " ");
}

/* "serial flags usage timeout perm uid gid type description: ..."; is it a live key of that name? */
static bool
parse_line(char *line, const char *name, long *ret_key)
{
	char *v[COLUMNS], *end, *description = cut_columns(line, v);
	unsigned long serial;

	if (!description || strcmp(v[TYPE], "user") != 0 || strtoul(v[UID], &end, 10) != geteuid() || *end ||
	    !vk_str_starts(description, name) || description[strlen(name)] != ':')
		return false;
	if (strpbrk(v[FLAGS], "RDi") || strcmp(v[TIMEOUT], "expd") == 0)
		return false;
	serial = strtoul(v[SERIAL], &end, 16);
	if (*end || serial == 0 || serial > INT32_MAX)
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
