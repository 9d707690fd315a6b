/* SPDX-License-Identifier: ISC */
/* The two keys of a session in the kernel's keyrings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "valetkey/secret.h"
#include "source/keyctl.h"

/* include/linux/key.h is not for user space; the values are in keyctl_setperm(3). */
enum {
	POS_ALL = 0x3f000000,
	POS_ALL_BUT_WRITE = 0x3b000000,
	USR_VIEW = 0x00010000,
	USR_READ = 0x00020000,
	USR_WRITE = 0x00040000,
	USR_SEARCH = 0x00080000,
	USR_SETATTR = 0x00200000,
};

/* A key in the user keyring is had by everyone of this user anyway, if he links that keyring. */
static const unsigned perms[VK_KEY_KINDS][2] = {
	[VK_KEY_SESSION] = {
		[VK_SESSION_LOGIN] = POS_ALL_BUT_WRITE | USR_VIEW | USR_WRITE,
		[VK_SESSION_USER] = POS_ALL_BUT_WRITE | USR_VIEW | USR_WRITE | USR_READ | USR_SEARCH,
	},
	[VK_KEY_ANCHOR] = {
		[VK_SESSION_LOGIN] = POS_ALL | USR_VIEW,
		[VK_SESSION_USER] = POS_ALL | USR_VIEW | USR_WRITE | USR_READ | USR_SEARCH | USR_SETATTR,
	},
};

enum { READ_TRIES = 50 };

/* The first VK_KEYRINGS are looked in; a session of who has no login session lies in the last one. */
static const int rings[] = {
	[VK_KEYRING_OF_SESSION] = KEY_SPEC_SESSION_KEYRING,
	[VK_KEYRING_OF_USER] = KEY_SPEC_USER_KEYRING,
	KEY_SPEC_USER_SESSION_KEYRING,
};

static long
search(int ring, enum vk_key_kind kind, const char *tag)
{
	char name[VK_KEY_NAME_LEN];

	vk_keyctl_name(kind, tag, name);
	return vk_keyctl(KEYCTL_SEARCH, vk_keyctl_ring(ring), (unsigned long)"user", (unsigned long)name, 0);
}

static unsigned long
ring_to_link(int ring)
{
	return ring == KEY_SPEC_SESSION_KEYRING ? (unsigned long)vk_keyctl_session_ring() : vk_keyctl_ring(ring);
}

bool
vk_keyring_refused(void)
{
	if (vk_keyctl_session_ring() < 0 && vk_keyctl_refused(errno))
		return true;
	/* Some containers let keys be read but not added.  Without a type's name this can only fail. */
	return syscall(SYS_add_key, "", "", NULL, (size_t)0, 0) < 0 && vk_keyctl_refused(errno);
}

bool
vk_keyring_gone(void)
{
	return vk_keyctl_session_ring() < 0 && (errno == EKEYREVOKED || errno == EKEYEXPIRED || errno == ENOKEY);
}

/*
 * Revoking frees the secret at once.  The husk stays until the kernel collects it: unlinking goes by
 * description, and could take a live key of another keyring's out.
 */
static bool
kill_key(long key)
{
	return vk_keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0) == 0;
}

/* Revoke what can be found in the first ${count} rings, except ${keep}. */
static unsigned
drop_kind(enum vk_key_kind kind, const char *tag, size_t count, long keep)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++) {
		/* Keyrings nest, so one search may find several in turn. */
		for (int tries = 0; tries < 16; tries++) {
			long key = search(rings[i], kind, tag);

			if (key < 0 || key == keep || !kill_key(key))
				break;
			n++;
		}
	}
	return n;
}

static unsigned
drop_except(const char *tag, size_t count, const long keep[VK_KEY_KINDS])
{
	unsigned n;

	/* A keyring of ours that is no part of this session gives no possession until it is linked. */
	for (size_t i = 0; i < count; i++)
		(void)vk_keyctl(KEYCTL_LINK, ring_to_link(rings[i]),
		    vk_keyctl_ring(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	n = drop_kind(VK_KEY_SESSION, tag, count, keep[VK_KEY_SESSION]);
	(void)drop_kind(VK_KEY_ANCHOR, tag, count, keep[VK_KEY_ANCHOR]);
	for (size_t i = 0; i < count; i++)
		(void)vk_keyctl(KEYCTL_UNLINK, ring_to_link(rings[i]),
		    vk_keyctl_ring(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	return n;
}

unsigned
vk_keyring_drop(const char *tag)
{
	static const long none[VK_KEY_KINDS] = { -1, -1 };

	if (vk_keyctl_session_ring() < 0 && vk_keyctl_refused(errno))
		return 0;
	return drop_except(tag, VK_COUNT(rings), none);
}

static enum vk_err
put_failed(const char *what)
{
	if (vk_keyctl_refused(errno))
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

/*
 * Made complete in a keyring that only this process has, so that at no moment there is a key
 * without a timeout, or with the permissions that keys are born with, where others look.
 */
static enum vk_err
make(enum vk_key_kind kind, const char *tag, enum vk_session_scope scope, unsigned seconds,
    const unsigned char *bytes, size_t n, long *ret_key)
{
	char name[VK_KEY_NAME_LEN];
	enum vk_err e = VK_OK;
	long key;

	vk_keyctl_name(kind, tag, name);
	key = syscall(SYS_add_key, "user", name, bytes, n, KEY_SPEC_PROCESS_KEYRING);
	if (key < 0)
		return put_failed("add_key");
	if (vk_keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, seconds, 0, 0) < 0)
		e = put_failed("setting a key's timeout");
	else if (vk_keyctl(KEYCTL_SETPERM, (unsigned long)key, perms[kind][scope], 0, 0) < 0)
		e = put_failed("setting a key's permissions");
	if (e == VK_OK)
		*ret_key = key;
	else
		kill_key(key);
	return e;
}

/*
 * Linking replaces the key of the same description at once.  The anchor goes first: a new one is good for the
 * older session too, and a session without any would be taken for a damaged one.
 */
static enum vk_err
install(const char *tag, enum vk_session_scope scope, const long keys[VK_KEY_KINDS])
{
	int ring = scope == VK_SESSION_USER ? KEY_SPEC_USER_KEYRING : KEY_SPEC_SESSION_KEYRING;
	long older = search(ring, VK_KEY_SESSION, tag);

	if (vk_keyctl(KEYCTL_LINK, (unsigned long)keys[VK_KEY_ANCHOR], ring_to_link(ring), 0, 0) < 0 ||
	    vk_keyctl(KEYCTL_LINK, (unsigned long)keys[VK_KEY_SESSION], ring_to_link(ring), 0, 0) < 0)
		return put_failed("adding a key to the keyring");
	/* Out of reach now, but alive until the kernel has come round to it. */
	if (older >= 0)
		kill_key(older);
	drop_except(tag, VK_KEYRINGS, keys);
	return VK_OK;
}

enum vk_err
vk_keyring_put(const char *tag, enum vk_session_scope scope, unsigned seconds,
    const struct vk_session_raw *raw)
{
	long keys[VK_KEY_KINDS] = { -1, -1 };
	enum vk_err e;

	if (vk_keyctl_session_ring() < 0 && scope == VK_SESSION_LOGIN)
		return put_failed("keyctl");
	e = make(VK_KEY_ANCHOR, tag, scope, seconds + VK_SESSION_ANCHOR_EXTRA, raw->anchor,
	    sizeof(raw->anchor), &keys[VK_KEY_ANCHOR]);
	if (e == VK_OK)
		e = make(VK_KEY_SESSION, tag, scope, seconds, raw->record, sizeof(raw->record),
		    &keys[VK_KEY_SESSION]);
	if (e == VK_OK)
		e = install(tag, scope, keys);
	/* Not the anchor, which an older session may go on with by now. */
	if (e != VK_OK && keys[VK_KEY_SESSION] >= 0)
		kill_key(keys[VK_KEY_SESSION]);
	for (int kind = 0; kind < VK_KEY_KINDS; kind++)
		(void)vk_keyctl(KEYCTL_UNLINK, (unsigned long)keys[kind],
		    vk_keyctl_ring(KEY_SPEC_PROCESS_KEYRING), 0, 0);
	return e;
}

/* VK_EBACKEND, VK_ENOENT, or the number of bytes that are read into ${ret} or would be. */
static enum vk_err
read_session(int ring, const char *tag, unsigned char *ret, size_t n, long *ret_len)
{
	/* Between the two calls it can have been replaced by another "unlock". */
	for (int tries = 0; tries < READ_TRIES; tries++) {
		long key = search(ring, VK_KEY_SESSION, tag);

		if (key < 0)
			return vk_keyctl_refused(errno) ? VK_EBACKEND : VK_ENOENT;
		*ret_len = vk_keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)ret, n, 0);
		if (*ret_len >= 0)
			return VK_OK;
	}
	return VK_ENOENT;
}

/* It, too, can have been replaced since it was found: no damage.  The number of bytes; below 0: there is none. */
static long
read_anchor(int ring, const char *tag, struct vk_session_raw *ret)
{
	long key = 0, n = -1;

	for (int tries = 0; n < 0 && key >= 0 && tries < READ_TRIES; tries++) {
		key = search(ring, VK_KEY_ANCHOR, tag);
		if (key >= 0)
			n = vk_keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)ret->anchor,
			    sizeof(ret->anchor), 0);
	}
	return n;
}

enum vk_err
vk_keyring_get(int which, const char *tag, struct vk_session_raw *ret)
{
	enum vk_err e;
	long n;

	e = read_session(rings[which], tag, ret->record, sizeof(ret->record), &n);
	if (e != VK_OK)
		return e;
	if (n != (long)sizeof(ret->record))
		return vk_fail(VK_ELOCKED, "the session is damaged: its key was overwritten");
	n = read_anchor(rings[which], tag, ret);
	if (n != (long)sizeof(ret->anchor))
		return vk_fail(VK_ELOCKED, "the session is damaged: its anchor, which remembers how new the "
		    "keystore is, %s", n < 0 ? "is missing" : "was overwritten");
	return VK_OK;
}

void
vk_keyring_write_anchor(int which, const char *tag, const struct vk_session_raw *raw)
{
	unsigned seconds = vk_session_seconds_left(raw) + VK_SESSION_ANCHOR_EXTRA;
	long key = search(rings[which], VK_KEY_ANCHOR, tag);

	/* An update takes a key's timeout away. */
	if (key >= 0 && vk_keyctl(KEYCTL_UPDATE, (unsigned long)key, (unsigned long)raw->anchor,
		sizeof(raw->anchor), 0) == 0)
		(void)vk_keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, seconds, 0, 0);
}

void
vk_keyring_where(const char *tag, char *ret_place, size_t size, bool *ret_user,
    enum vk_session_scope *ret_scope)
{
	long key = search(KEY_SPEC_SESSION_KEYRING, VK_KEY_SESSION, tag);
	long in_user = search(KEY_SPEC_USER_KEYRING, VK_KEY_SESSION, tag);
	long session = vk_keyctl_session_ring();
	long fallback =
	    vk_keyctl(KEYCTL_GET_KEYRING_ID, vk_keyctl_ring(KEY_SPEC_USER_SESSION_KEYRING), 0, 0, 0);

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
