/* SPDX-License-Identifier: ISC */
/*
 * Session keys in the kernel's keyrings (keyrings(7)), by raw system calls.
 *
 * What a process may do with a key depends on whether it possesses it, that is, reaches it
 * from its thread, process or session keyring.  A session key gives everything to its
 * possessors and, to the rest of this user, only the view of its description: that is what
 * lets "status" say that another session is unlocked.  Nobody may write it: a key is never
 * updated in place, since an update would take its timeout away.
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/secret.h"
#include "source/session_priv.h"

/* include/linux/key.h is not for user space; the values are in keyctl_setperm(3). */
enum {
	POS_ALL_BUT_WRITE = 0x3b000000,
	USR_VIEW = 0x00010000,
	USR_USE = 0x000b0000, /* view, read, search */
};

enum {
	MAX_NESTING = 6,  /* the kernel's own limit */
	MAX_KEYS = 1024,  /* of one keyring */
};

#define KEY_PREFIX "valetkey:"

static const int rings[] = {
	KEY_SPEC_SESSION_KEYRING,
	KEY_SPEC_USER_SESSION_KEYRING,
	KEY_SPEC_USER_KEYRING,
};

static long
keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

static unsigned long
ring_arg(int ring)
{
	return (unsigned long)(long)ring;
}

static void
describe(const char *tag, char out[sizeof(KEY_PREFIX) + VK_SESSION_TAG_LEN])
{
	snprintf(out, sizeof(KEY_PREFIX) + VK_SESSION_TAG_LEN, KEY_PREFIX "%s", tag);
}

static long
search(int ring, const char *tag)
{
	char desc[sizeof(KEY_PREFIX) + VK_SESSION_TAG_LEN];

	describe(tag, desc);
	return keyctl(KEYCTL_SEARCH, ring_arg(ring), (unsigned long)"user", (unsigned long)desc, 0);
}

static bool
refused(int err)
{
	return err == EPERM || err == ENOSYS;
}

/*
 * The session keyring's number.  Asked for in this way, a process that has none gets its user's
 * default one.  Linking to or from it must go by the number: where the special name stands, the
 * kernel puts a new anonymous keyring in the default one's place, which dies with the process.
 */
static long
session_ring(void)
{
	return keyctl(KEYCTL_GET_KEYRING_ID, ring_arg(KEY_SPEC_SESSION_KEYRING), 0, 0, 0);
}

static unsigned long
ring_to_link(int ring)
{
	return ring == KEY_SPEC_SESSION_KEYRING ? (unsigned long)session_ring() : ring_arg(ring);
}

bool
vk_keyring_refused(void)
{
	if (session_ring() < 0 && refused(errno))
		return true;
	/* Some containers let keys be read but not added.  Without a type's name this can only fail. */
	return syscall(SYS_add_key, "", "", NULL, (size_t)0, 0) < 0 && refused(errno);
}

/*
 * Revoking frees the secret at once.  The husk stays until the kernel collects it: unlinking goes by
 * description, and could take a live key of another keyring's out.
 */
static bool
kill_key(long key)
{
	return keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0) == 0;
}

/* Revoke what vk_keyring_get() could find, except ${keep}. */
static unsigned
drop_except(const char *tag, long keep)
{
	unsigned n = 0;

	/* A keyring of ours that is no part of this session gives no possession until it is linked. */
	for (size_t i = 0; i < VK_COUNT(rings); i++)
		(void)keyctl(KEYCTL_LINK, ring_to_link(rings[i]),
		    ring_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	for (size_t i = 0; i < VK_COUNT(rings); i++) {
		/* Keyrings nest, so one search may find several in turn. */
		for (int tries = 0; tries < 16; tries++) {
			long key = search(rings[i], tag);

			if (key < 0 || key == keep || !kill_key(key))
				break;
			n++;
		}
	}
	for (size_t i = 0; i < VK_COUNT(rings); i++)
		(void)keyctl(KEYCTL_UNLINK, ring_to_link(rings[i]),
		    ring_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	return n;
}

unsigned
vk_keyring_drop(const char *tag)
{
	if (session_ring() < 0 && refused(errno))
		return 0;
	return drop_except(tag, -1);
}

static enum vk_err
put_failed(const char *what)
{
	if (refused(errno))
		return vk_fail(VK_EBACKEND, "the kernel refuses key calls here (%s: %s)", what,
		    strerror(errno));
	if (errno == EDQUOT) {
		vk_hint("see /proc/key-users; \"keyctl purge user\" or a higher kernel.keys.maxkeys helps");
		return vk_fail(VK_EBACKEND, "this user's quota of kernel keys is used up");
	}
	if (errno == EKEYREVOKED || errno == EKEYEXPIRED || errno == ENOKEY) {
		vk_hint("use \"valetkey unlock --scope user\", or start a new login session");
		return vk_fail(VK_EBACKEND,
		    "this process's session keyring was revoked: its login session has ended");
	}
	return vk_fail_errno("%s", what);
}

enum vk_err
vk_keyring_put(const char *tag, enum vk_session_scope scope, unsigned seconds,
    const unsigned char record[VK_SESSION_RECORD_LEN])
{
	int ring = scope == VK_SESSION_USER ? KEY_SPEC_USER_KEYRING : KEY_SPEC_SESSION_KEYRING;
	unsigned long perm = POS_ALL_BUT_WRITE | (scope == VK_SESSION_USER ? USR_USE : USR_VIEW);
	char desc[sizeof(KEY_PREFIX) + VK_SESSION_TAG_LEN];
	enum vk_err e = VK_OK;
	long key;

	if (session_ring() < 0 && scope == VK_SESSION_LOGIN)
		return put_failed("keyctl");
	describe(tag, desc);
	/* Made complete in a keyring that only this process has; then linking it replaces an older
	 * one at once, and at no moment is there a key without a timeout. */
	key = syscall(SYS_add_key, "user", desc, record, (size_t)VK_SESSION_RECORD_LEN,
	    KEY_SPEC_PROCESS_KEYRING);
	if (key < 0)
		return put_failed("add_key");
	if (keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, seconds, 0, 0) < 0)
		e = put_failed("setting a key's timeout");
	else if (keyctl(KEYCTL_SETPERM, (unsigned long)key, perm, 0, 0) < 0)
		e = put_failed("setting a key's permissions");
	else if (keyctl(KEYCTL_LINK, (unsigned long)key, ring_to_link(ring), 0, 0) < 0)
		e = put_failed("adding a key to the keyring");
	if (e != VK_OK)
		kill_key(key);
	else
		drop_except(tag, key);
	(void)keyctl(KEYCTL_UNLINK, (unsigned long)key, ring_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	return e;
}

enum vk_err
vk_keyring_get(const char *tag, unsigned char ret_record[VK_SESSION_RECORD_LEN])
{
	static const int order[] = { KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING };

	for (size_t i = 0; i < VK_COUNT(order); i++) {
		long n, key = search(order[i], tag);

		if (key < 0 && refused(errno))
			return VK_EBACKEND;
		if (key < 0)
			continue;
		/* The length of the whole key is returned, however much of it there was room for. */
		n = keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)ret_record,
		    VK_SESSION_RECORD_LEN, 0);
		if (n == VK_SESSION_RECORD_LEN)
			return VK_OK;
	}
	return VK_ENOENT;
}

void
vk_keyring_where(const char *tag, char *ret_place, size_t size, bool *ret_user,
    enum vk_session_scope *ret_scope)
{
	long key = search(KEY_SPEC_SESSION_KEYRING, tag);
	long in_user = search(KEY_SPEC_USER_KEYRING, tag);
	long session = session_ring();
	long fallback =
	    keyctl(KEYCTL_GET_KEYRING_ID, ring_arg(KEY_SPEC_USER_SESSION_KEYRING), 0, 0, 0);

	*ret_user = true;
	*ret_scope = VK_SESSION_LOGIN;
	if (in_user >= 0 && (key < 0 || key == in_user)) {
		snprintf(ret_place, size, "user keyring (every process of this user)");
		*ret_scope = VK_SESSION_USER;
	} else if (session == fallback) {
		/* Nobody started a session here, as pam_keyinit does; the whole user can link this one. */
		snprintf(ret_place, size,
		    "user session keyring (every process of this user: no login session here)");
	} else {
		snprintf(ret_place, size, "session keyring");
		*ret_user = false;
	}
}

/* /proc/keys: "serial flags usage timeout perm uid gid type description: ..." */
static bool
line_is_unreadable(char *line, const char *desc)
{
	char flags[16], timeout[16], type[32];
	unsigned serial;
	const char *at;

	if (sscanf(line, "%x %15s %*s %15s %*s %*s %*s %31s", &serial, flags, timeout, type) != 4 ||
	    strcmp(type, "user") != 0 || !(at = strstr(line, desc)) || at[strlen(desc)] != ':')
		return false;
	if (strpbrk(flags, "RDi") || strcmp(timeout, "expd") == 0)
		return false;
	return keyctl(KEYCTL_READ, serial, 0, 0, 0) < 0;
}

bool
vk_keyring_elsewhere(const char *tag)
{
	char desc[sizeof(KEY_PREFIX) + VK_SESSION_TAG_LEN], line[1024];
	FILE *f = fopen("/proc/keys", "re");
	bool found = false;

	if (!f)
		return false;
	describe(tag, desc);
	while (!found && fgets(line, sizeof(line), f))
		found = line_is_unreadable(line, desc);
	fclose(f);
	return found;
}

/* "keyring;0;0;3f030000;name" or "user;1000;1000;3b010000;valetkey:..." */
static void
describe_key(int key, bool *ret_ring, bool *ret_ours)
{
	char text[256] = "";

	if (keyctl(KEYCTL_DESCRIBE, (unsigned long)(long)key, (unsigned long)text, sizeof(text) - 1,
		0) < 0)
		text[0] = '\0';
	*ret_ring = vk_str_starts(text, "keyring;");
	*ret_ours = vk_str_starts(text, "user;") && strstr(text, ";" KEY_PREFIX) != NULL;
}

static size_t
members(long ring, int v[MAX_KEYS])
{
	long n = keyctl(KEYCTL_READ, (unsigned long)ring, (unsigned long)v, MAX_KEYS * sizeof(v[0]), 0);

	if (n < 0)
		return 0;
	n /= (long)sizeof(v[0]);
	return n > MAX_KEYS ? MAX_KEYS : (size_t)n;
}

static bool
holds_ours(long ring, int depth)
{
	int v[MAX_KEYS];
	size_t n = members(ring, v);
	bool is_ring, ours = false;

	for (size_t i = 0; i < n && !ours; i++) {
		describe_key(v[i], &is_ring, &ours);
		if (is_ring && depth < MAX_NESTING)
			ours = holds_ours(v[i], depth + 1);
	}
	return ours;
}

/* Link what ${ring} holds into the session keyring; a keyring with a key of ours only in parts. */
static void
relink(long ring, int depth)
{
	int v[MAX_KEYS];
	size_t n = members(ring, v);

	for (size_t i = 0; i < n; i++) {
		bool is_ring, ours;

		describe_key(v[i], &is_ring, &ours);
		if (ours)
			continue;
		if (is_ring && depth < MAX_NESTING && holds_ours(v[i], depth + 1))
			relink(v[i], depth + 1);
		else
			(void)keyctl(KEYCTL_LINK, (unsigned long)v[i],
			    ring_arg(KEY_SPEC_SESSION_KEYRING), 0, 0);
	}
}

enum vk_err
vk_session_isolate(void)
{
	long old = session_ring();
	bool held;

	if (old < 0 && refused(errno))
		return VK_OK;
	/* Keys can be linked only by who possesses them: keep the old keyring within reach. */
	held = old >= 0 && keyctl(KEYCTL_LINK, (unsigned long)old,
			       ring_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0) == 0;
	if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0)
		return refused(errno) ? VK_OK : vk_fail_errno("cannot start a session keyring");
	if (!held)
		return VK_OK;
	relink(old, 0);
	if (keyctl(KEYCTL_UNLINK, (unsigned long)old, ring_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0) < 0)
		return vk_fail_errno("cannot let go of the old session keyring");
	return VK_OK;
}
