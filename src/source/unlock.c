/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/secret.h"
#include "valetkey/unlock.h"

const char *
vk_unlock_how_text(enum vk_unlock_how how)
{
	switch (how) {
	case VK_UNLOCK_KEY_ENV:
		return "the raw key in VALETKEY_KEY";
	case VK_UNLOCK_KEY_FILE:
		return "the raw key in VALETKEY_KEY_FILE";
	case VK_UNLOCK_KEYRING:
		return "the session key in the kernel keyring";
	case VK_UNLOCK_SESSION_FILE:
		return "the session key in a file on a memory file system";
	case VK_UNLOCK_NONE:
		break;
	}
	return "nothing";
}

static struct {
	struct vk_secret key;
	const char *place; /* where it was: a later setenv() puts another elsewhere */
} given;

const char *
vk_unlock_env(void)
{
	char *env = getenv("VALETKEY_KEY");

	if (env && *env && vk_secret_set(&given.key, env, strlen(env)) == VK_OK) {
		given.place = env;
		vk_wipe(env, strlen(env));
	}
	return env && env == given.place && !*env ? given.key.p : env;
}

void
vk_unlock_env_forget(void)
{
	vk_secret_clear(&given.key);
}

const char *
vk_unlock_variable(void)
{
	const char *env = vk_unlock_env(), *file = getenv("VALETKEY_KEY_FILE");

	if (env && *env)
		return "VALETKEY_KEY";
	return file && *file ? "VALETKEY_KEY_FILE" : NULL;
}

static enum vk_err
open_raw(struct vk_store *st, const unsigned char key[VK_STORE_KEY_LEN], const char *source)
{
	enum vk_err e = vk_store_unlock_raw(st, key);

	if (e != VK_EKEY)
		return e;
	vk_hint("unset it, or give the key that \"valetkey init\" used");
	return vk_fail(VK_EKEY, "the key in %s does not open the keystore %s", source,
	    vk_store_file(st));
}

static enum vk_err
open_session(struct vk_store *st, const unsigned char key[VK_STORE_KEY_LEN],
    const struct vk_store_anchor *anchor)
{
	enum vk_err e = vk_store_unlock_session(st, key);

	if (e == VK_OK)
		return vk_store_expect(st, anchor);
	if (e != VK_EKEY)
		return e;
	vk_hint("run \"valetkey unlock\" again");
	return vk_fail(VK_ELOCKED, "the keystore %s has new keys since it was unlocked",
	    vk_store_file(st));
}

/* Where a login session has it unlocked, cron, an IDE or a service of the same user often wonders why it has not. */
static enum vk_err
locked_here(const struct vk_store *st, const struct vk_session_info *s)
{
	if (s->keyring_gone)
		vk_hint("run \"valetkey unlock --scope user\", or start a new login session: this one has ended, "
			"and its keyring was revoked");
	else if (s->elsewhere && s->keyring_refused)
		vk_hint("run \"valetkey unlock\" here too: the kernel refuses its keyring here (a container?)");
	else if (s->elsewhere)
		vk_hint("run \"valetkey unlock\" here too, or \"valetkey unlock --scope user\" once for cron, "
			"services and IDEs");
	else
		vk_hint("run \"valetkey unlock\", or set VALETKEY_KEY or VALETKEY_KEY_FILE");
	if (s->elsewhere)
		return vk_fail(VK_ELOCKED, "the keystore %s is locked here, and unlocked in another session",
		    vk_store_file(st));
	return vk_fail(VK_ELOCKED, "the keystore %s is locked", vk_store_file(st));
}

static enum vk_err
locked(const struct vk_store *st)
{
	const char *env = vk_unlock_env(), *file = getenv("VALETKEY_KEY_FILE");
	struct vk_session_info s = { .how = VK_UNLOCK_NONE };

	/* CI systems hand out empty variables where secrets are withheld, as for a fork's build. */
	if (env || file) {
		vk_hint("run \"valetkey unlock\", or set VALETKEY_KEY or VALETKEY_KEY_FILE");
		return vk_fail(VK_ELOCKED, "the keystore %s is locked (%s is set but empty)",
		    vk_store_file(st), env ? "VALETKEY_KEY" : "VALETKEY_KEY_FILE");
	}
	if (vk_session_describe(st, &s) != VK_OK)
		s = (struct vk_session_info){ .how = VK_UNLOCK_NONE };
	return locked_here(st, &s);
}

enum vk_err
vk_unlock(struct vk_store *st, enum vk_unlock_how *ret_how)
{
	const char *env = vk_unlock_env(), *file = getenv("VALETKEY_KEY_FILE");
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_unlock_how how = VK_UNLOCK_NONE;
	struct vk_store_anchor anchor;
	enum vk_err e;

	if (!key)
		return VK_ENOMEM;
	if (env && *env) {
		how = VK_UNLOCK_KEY_ENV;
		if ((e = vk_raw_key_parse(env, strlen(env), key)) == VK_OK)
			e = open_raw(st, key, "VALETKEY_KEY");
		else
			e = vk_fail(VK_EKEY, "VALETKEY_KEY: %s", vk_reason());
	} else if (file && *file) {
		how = VK_UNLOCK_KEY_FILE;
		if ((e = vk_raw_key_read(file, key)) == VK_OK)
			e = open_raw(st, key, file);
		else if (e == VK_EPROTO)
			e = VK_EKEY; /* a key was given, and is none */
	} else {
		e = vk_session_get(st, key, &anchor, &how);
		if (e == VK_OK)
			e = open_session(st, key, &anchor);
		else if (e == VK_ENOENT)
			e = locked(st);
		else if (e == VK_ELOCKED)
			vk_hint("run \"valetkey unlock\" again");
	}
	if (e == VK_OK && ret_how)
		*ret_how = how;
	return e;
}
