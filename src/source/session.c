/* SPDX-License-Identifier: ISC */
/* What a session is, wherever it is kept: one record, bound to a store and to a time. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "valetkey/secret.h"
#include "source/session_priv.h"

static const char magic[8] = { 'V', 'K', 'S', 'E', 'S', 'S', '0', '1' };

enum { AT_EXPIRES = 8, AT_DEADLINE = 16, AT_ID = 24, AT_KEY = 40, AT_MAC = 72 };

static int64_t
now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return ts.tv_sec;
}

static void
put64(unsigned char *p, int64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)((uint64_t)v >> 8 * i);
}

static int64_t
get64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return (int64_t)v;
}

static void
tag_of(const struct vk_store *st, char tag[VK_SESSION_TAG_LEN])
{
	sodium_bin2hex(tag, VK_SESSION_TAG_LEN, vk_store_id(st), VK_STORE_ID_LEN);
}

static void
mac(const unsigned char *record, unsigned char out[32])
{
	crypto_generichash(out, 32, record, AT_MAC, record + AT_KEY, VK_STORE_KEY_LEN);
	vk_wipe_stack();
}

static enum vk_err
encode(const struct vk_store *st, unsigned seconds, unsigned char r[VK_SESSION_RECORD_LEN])
{
	enum vk_err e = vk_store_session_key(st, r + AT_KEY);

	if (e != VK_OK)
		return e;
	memcpy(r, magic, sizeof(magic));
	put64(r + AT_EXPIRES, now(CLOCK_REALTIME) + seconds);
	put64(r + AT_DEADLINE, now(CLOCK_BOOTTIME) + seconds);
	memcpy(r + AT_ID, vk_store_id(st), VK_STORE_ID_LEN);
	mac(r, r + AT_MAC);
	return VK_OK;
}

/* VK_ENOENT: it has ended.  VK_ELOCKED: it is no record of this store. */
static enum vk_err
check(const struct vk_store *st, const unsigned char r[VK_SESSION_RECORD_LEN])
{
	unsigned char expect[32];

	mac(r, expect);
	if (!vk_mem_eq(r, magic, sizeof(magic)) ||
	    !vk_mem_eq(r + AT_ID, vk_store_id(st), VK_STORE_ID_LEN) ||
	    !vk_mem_eq(r + AT_MAC, expect, sizeof(expect)))
		return vk_fail(VK_ELOCKED, "the session is damaged, or another keystore's");
	/* Both clocks: the first may be set back, the second starts anew with the machine. */
	if (get64(r + AT_EXPIRES) <= now(CLOCK_REALTIME) ||
	    get64(r + AT_DEADLINE) <= now(CLOCK_BOOTTIME))
		return VK_ENOENT;
	return VK_OK;
}

/* Find the record; ${ret_how} says where. */
static enum vk_err
fetch(const struct vk_store *st, const char *tag, unsigned char r[VK_SESSION_RECORD_LEN],
    enum vk_unlock_how *ret_how, char *ret_place, size_t size)
{
	enum vk_err e = vk_keyring_get(tag, r);

	if (e == VK_OK) {
		*ret_how = VK_UNLOCK_KEYRING;
		return check(st, r);
	}
	/*
	 * Not only where key calls are refused: some containers let keys be read and not
	 * added, and there "unlock" had to write the file.
	 */
	if ((e = vk_session_file_get(tag, r, ret_place, size)) != VK_OK)
		return e;
	*ret_how = VK_UNLOCK_SESSION_FILE;
	e = check(st, r);
	if (e == VK_ENOENT)
		vk_session_file_drop(tag);
	return e;
}

enum vk_err
vk_session_put(struct vk_store *st, enum vk_session_scope scope, unsigned seconds,
    struct vk_session_info *ret_info)
{
	struct vk_session_info info = { .how = VK_UNLOCK_KEYRING };
	VK_CLEANUP(vk_arena_freep) unsigned char *r = vk_arena_alloc(VK_SESSION_RECORD_LEN);
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!r)
		return VK_ENOMEM;
	tag_of(st, tag);
	if ((e = encode(st, seconds, r)) != VK_OK)
		return e;
	info.expires = get64(r + AT_EXPIRES);
	info.keyring_refused = vk_keyring_refused();
	if (!info.keyring_refused) {
		e = vk_keyring_put(tag, scope, seconds, r);
		vk_keyring_where(tag, info.place, sizeof(info.place), &info.user_scope,
		    &info.scope);
		if (e == VK_OK)
			vk_session_file_drop(tag);
	} else {
		info.how = VK_UNLOCK_SESSION_FILE;
		info.user_scope = true;
		e = vk_session_file_put(tag, r, info.place, sizeof(info.place));
	}
	if (e == VK_OK)
		*ret_info = info;
	return e;
}

enum vk_err
vk_session_get(const struct vk_store *st, unsigned char ret_key[VK_STORE_KEY_LEN],
    enum vk_unlock_how *ret_how)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *r = vk_arena_alloc(VK_SESSION_RECORD_LEN);
	enum vk_unlock_how how = VK_UNLOCK_NONE;
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!r)
		return VK_ENOMEM;
	tag_of(st, tag);
	if ((e = fetch(st, tag, r, &how, NULL, 0)) == VK_OK) {
		memcpy(ret_key, r + AT_KEY, VK_STORE_KEY_LEN);
		*ret_how = how;
	}
	return e;
}

enum vk_err
vk_session_drop(const struct vk_store *st, unsigned *ret_n)
{
	char tag[VK_SESSION_TAG_LEN];

	tag_of(st, tag);
	*ret_n = vk_keyring_drop(tag) + vk_session_file_drop(tag);
	return VK_OK;
}

enum vk_err
vk_session_describe(const struct vk_store *st, struct vk_session_info *ret_info)
{
	struct vk_session_info info = { .how = VK_UNLOCK_NONE };
	VK_CLEANUP(vk_arena_freep) unsigned char *r = vk_arena_alloc(VK_SESSION_RECORD_LEN);
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!r)
		return VK_ENOMEM;
	tag_of(st, tag);
	info.keyring_refused = vk_keyring_refused();
	info.elsewhere = vk_keyring_elsewhere(tag);
	e = fetch(st, tag, r, &info.how, info.place, sizeof(info.place));
	if (e == VK_OK) {
		info.expires = get64(r + AT_EXPIRES);
		if (info.how == VK_UNLOCK_KEYRING)
			vk_keyring_where(tag, info.place, sizeof(info.place), &info.user_scope,
		    &info.scope);
		else
			info.user_scope = true;
	} else {
		info.how = VK_UNLOCK_NONE;
	}
	if (e != VK_OK && e != VK_ENOENT)
		return e;
	*ret_info = info;
	return VK_OK;
}
