/* SPDX-License-Identifier: ISC */
/* The session that remembers a keystore's key, wherever it is kept. */
#include <string.h>

#include "valetkey/secret.h"
#include "source/session_priv.h"

/* Another "unlock", or a commit, can come between two steps of a reading: then it is read again. */
enum { READ_TRIES = 3 };

static enum vk_err
fetch_keyring(const struct vk_store *st, const char *tag, struct vk_session_raw *ret)
{
	enum vk_err first = VK_ENOENT;

	for (int which = 0; which < VK_KEYRINGS; which++) {
		enum vk_err e = vk_keyring_get(which, tag, ret);

		if (e == VK_OK)
			e = vk_session_check(st, ret);
		if (e == VK_OK || e == VK_EBACKEND)
			return e;
		/* Of a session that was ended from elsewhere the anchor is still there, and hides no other. */
		if (first == VK_ENOENT)
			first = e;
	}
	return first;
}

/* Find what is kept; ${ret_how} says where. */
static enum vk_err
fetch_once(const struct vk_store *st, const char *tag, struct vk_session_raw *ret,
    enum vk_unlock_how *ret_how, char *ret_place, size_t size)
{
	enum vk_err e = fetch_keyring(st, tag, ret);

	*ret_how = VK_UNLOCK_KEYRING;
	if (e != VK_ENOENT && e != VK_EBACKEND)
		return e;
	/*
	 * Not only where key calls are refused: some containers let keys be read and not
	 * added, and there "unlock" had to write the file.
	 */
	if ((e = vk_session_file_get(tag, ret, ret_place, size)) != VK_OK)
		return e;
	*ret_how = VK_UNLOCK_SESSION_FILE;
	e = vk_session_check(st, ret);
	if (e == VK_ENOENT)
		vk_session_file_drop(tag);
	return e;
}

static enum vk_err
fetch(const struct vk_store *st, const char *tag, struct vk_session_raw *ret,
    enum vk_unlock_how *ret_how, char *ret_place, size_t size)
{
	enum vk_err e = VK_ELOCKED;

	for (int tries = 0; tries < READ_TRIES && e == VK_ELOCKED; tries++)
		e = fetch_once(st, tag, ret, ret_how, ret_place, size);
	return e;
}

static bool
same_key(const struct vk_store *st, const struct vk_session_raw *raw)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);

	return key && vk_store_session_key(st, key) == VK_OK &&
	    vk_mem_eq(key, vk_session_key_of(raw), VK_STORE_KEY_LEN);
}

/* Who renews a session hears of an older file as every reader does; after "lock" nothing is remembered. */
static enum vk_err
expect_known(struct vk_store *st, const char *tag)
{
	VK_CLEANUP(vk_arena_freep) struct vk_session_raw *raw = vk_arena_alloc(sizeof(*raw));
	struct vk_store_anchor a;
	enum vk_unlock_how how;

	if (!raw)
		return VK_ENOMEM;
	if (fetch(st, tag, raw, &how, NULL, 0) != VK_OK || !same_key(st, raw)) {
		vk_reason_clear();
		return VK_OK;
	}
	vk_session_anchor_of(raw, &a);
	return vk_store_expect(st, &a);
}

enum vk_err
vk_session_put(struct vk_store *st, enum vk_session_scope scope, unsigned seconds,
    struct vk_session_info *ret_info)
{
	VK_CLEANUP(vk_arena_freep) struct vk_session_raw *raw = vk_arena_alloc(sizeof(*raw));
	struct vk_session_info info = { .how = VK_UNLOCK_KEYRING };
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!raw)
		return VK_ENOMEM;
	vk_session_tag(st, tag);
	if ((e = expect_known(st, tag)) != VK_OK || (e = vk_session_encode(st, seconds, raw)) != VK_OK)
		return e;
	info.expires = vk_session_expires(raw);
	info.keyring_refused = vk_keyring_refused();
	if (!info.keyring_refused) {
		e = vk_keyring_put(tag, scope, seconds, raw);
		vk_keyring_where(tag, info.place, sizeof(info.place), &info.user_scope, &info.scope);
		if (e == VK_OK)
			vk_session_file_drop(tag);
	} else {
		info.how = VK_UNLOCK_SESSION_FILE;
		info.user_scope = true;
		e = vk_session_file_put(tag, raw, info.place, sizeof(info.place));
	}
	if (e == VK_OK)
		*ret_info = info;
	return e;
}

enum vk_err
vk_session_get(const struct vk_store *st, unsigned char ret_key[VK_STORE_KEY_LEN],
    struct vk_store_anchor *ret_anchor, enum vk_unlock_how *ret_how)
{
	VK_CLEANUP(vk_arena_freep) struct vk_session_raw *raw = vk_arena_alloc(sizeof(*raw));
	enum vk_unlock_how how = VK_UNLOCK_NONE;
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!raw)
		return VK_ENOMEM;
	vk_session_tag(st, tag);
	if ((e = fetch(st, tag, raw, &how, NULL, 0)) == VK_OK) {
		memcpy(ret_key, vk_session_key_of(raw), VK_STORE_KEY_LEN);
		vk_session_anchor_of(raw, ret_anchor);
		*ret_how = how;
	}
	return e;
}

/* Let the anchor in ${raw} follow, if it is this session's and older; it never goes back. */
static bool
advance(const struct vk_store *st, struct vk_session_raw *raw)
{
	struct vk_store_anchor was, is;

	if (vk_session_check(st, raw) != VK_OK || !same_key(st, raw))
		return false;
	vk_session_anchor_of(raw, &was);
	vk_store_anchor(st, &is);
	if (was.generation >= is.generation)
		return false;
	vk_session_set_anchor(&is, raw);
	return true;
}

/* What goes wrong here leaves an older anchor, which is true as well. */
static void
follow(const struct vk_store *st)
{
	VK_CLEANUP(vk_arena_freep) struct vk_session_raw *raw = vk_arena_alloc(sizeof(*raw));
	char tag[VK_SESSION_TAG_LEN];

	if (!raw)
		return;
	vk_session_tag(st, tag);
	for (int which = 0; which < VK_KEYRINGS; which++)
		if (vk_keyring_get(which, tag, raw) == VK_OK && advance(st, raw))
			vk_keyring_write_anchor(which, tag, raw);
	if (vk_session_file_get(tag, raw, NULL, 0) == VK_OK && advance(st, raw))
		vk_session_file_write_anchor(tag, raw);
	vk_reason_clear();
}

void
vk_session_follow(struct vk_store *st)
{
	vk_store_on_commit(st, follow);
}

enum vk_err
vk_session_drop(const struct vk_store *st, unsigned *ret_n)
{
	struct vk_keyring_others others;
	char tag[VK_SESSION_TAG_LEN];
	unsigned n;

	vk_session_tag(st, tag);
	n = vk_keyring_drop(tag) + vk_session_file_drop(tag);
	vk_keyring_others(tag, true, &others);
	*ret_n = n + others.revoked;
	return VK_OK;
}

enum vk_err
vk_session_describe(const struct vk_store *st, struct vk_session_info *ret_info)
{
	VK_CLEANUP(vk_arena_freep) struct vk_session_raw *raw = vk_arena_alloc(sizeof(*raw));
	struct vk_session_info info = { .how = VK_UNLOCK_NONE };
	struct vk_keyring_others others;
	char tag[VK_SESSION_TAG_LEN];
	enum vk_err e;

	if (!raw)
		return VK_ENOMEM;
	vk_session_tag(st, tag);
	info.keyring_refused = vk_keyring_refused();
	info.keyring_gone = vk_keyring_gone();
	vk_keyring_others(tag, false, &others);
	info.elsewhere = others.alive > 0;
	info.unseen = others.unseen;
	e = fetch(st, tag, raw, &info.how, info.place, sizeof(info.place));
	if (e == VK_OK) {
		info.expires = vk_session_expires(raw);
		if (info.how == VK_UNLOCK_KEYRING)
			vk_keyring_where(tag, info.place, sizeof(info.place), &info.user_scope,
			    &info.scope);
		else
			info.user_scope = true;
	} else {
		info.how = VK_UNLOCK_NONE;
		info.damaged = e == VK_ELOCKED;
	}
	if (e != VK_OK && e != VK_ENOENT && e != VK_ELOCKED)
		return e;
	*ret_info = info;
	return VK_OK;
}
