/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/identity.h"
#include "valetkey/secret.h"
#include "valetkey/unlock.h"

#define HINT "run \"valetkey unlock\", or set VALETKEY_KEY, VALETKEY_KEY_FILE or VALETKEY_IDENTITY_FILE"

/* The steps that are variables, in their order. */
static const struct variable {
	const char *name, *what;
	enum vk_unlock_how how;
	bool file, identity;
} variables[] = {
	{ "VALETKEY_KEY", "key", VK_UNLOCK_KEY_ENV, false, false },
	{ "VALETKEY_KEY_FILE", "key", VK_UNLOCK_KEY_FILE, true, false },
	{ "VALETKEY_IDENTITY", "identity", VK_UNLOCK_IDENTITY_ENV, false, true },
	{ "VALETKEY_IDENTITY_FILE", "identity", VK_UNLOCK_IDENTITY_FILE, true, true },
};

const char *
vk_unlock_how_text(enum vk_unlock_how how)
{
	switch (how) {
	case VK_UNLOCK_KEY_ENV:
		return "the raw key in VALETKEY_KEY";
	case VK_UNLOCK_KEY_FILE:
		return "the raw key in VALETKEY_KEY_FILE";
	case VK_UNLOCK_IDENTITY_ENV:
		return "the identity in VALETKEY_IDENTITY";
	case VK_UNLOCK_IDENTITY_FILE:
		return "the identity in VALETKEY_IDENTITY_FILE";
	case VK_UNLOCK_KEYRING:
		return "the session key in the kernel keyring";
	case VK_UNLOCK_SESSION_FILE:
		return "the session key in a file on a memory file system";
	case VK_UNLOCK_NONE:
		break;
	}
	return "nothing";
}

/* Those that are secrets themselves, and where they were: a later setenv() puts another elsewhere. */
static struct held {
	struct vk_secret secret;
	const char *place;
} held[VK_COUNT(variables)];

static const char *
value_of(size_t i)
{
	char *env = getenv(variables[i].name);
	struct held *h = &held[i];

	if (!env || variables[i].file)
		return env;
	if (*env && vk_secret_set(&h->secret, env, strlen(env)) == VK_OK) {
		h->place = env;
		vk_wipe(env, strlen(env));
	}
	return env == h->place && !*env ? h->secret.p : env;
}

const char *
vk_unlock_env(const char *name)
{
	for (size_t i = 0; i < VK_COUNT(variables); i++)
		if (strcmp(variables[i].name, name) == 0)
			return value_of(i);
	return NULL;
}

void
vk_unlock_env_forget(void)
{
	for (size_t i = 0; i < VK_COUNT(held); i++)
		vk_secret_clear(&held[i].secret);
}

static const struct variable *
variable_set(void)
{
	for (size_t i = 0; i < VK_COUNT(variables); i++) {
		const char *value = value_of(i);

		if (value && *value)
			return &variables[i];
	}
	return NULL;
}

const char *
vk_unlock_variable(void)
{
	const struct variable *v = variable_set();

	return v ? v->name : NULL;
}

static enum vk_err
read_variable(const struct variable *v, const char *value, unsigned char key[VK_STORE_KEY_LEN])
{
	enum vk_err e;

	if (v->file)
		e = v->identity ? vk_identity_read(value, key) : vk_raw_key_read(value, key);
	else
		e = v->identity ? vk_identity_parse(value, strlen(value), key)
				: vk_raw_key_parse(value, strlen(value), key);
	if (e != VK_EPROTO)
		return e;
	/* A key was given, and is none. */
	return v->file ? VK_EKEY : vk_fail(VK_EKEY, "%s: %s", v->name, vk_reason());
}

static enum vk_err
open_variable(struct vk_store *st, const struct variable *v)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	const char *value = value_of((size_t)(v - variables));
	enum vk_err e = key && value ? read_variable(v, value, key) : VK_ENOMEM;

	if (e == VK_OK) {
		e = v->identity ? vk_store_unlock_identity(st, key) : vk_store_unlock_raw(st, key);
		if (e == VK_EKEY) {
			vk_hint(v->identity
				? "unset it, or have its recipient added with \"valetkey slot add\""
				: "unset it, or give the key that \"valetkey init\" used");
			vk_fail(e, "the %s in %s does not open the keystore %s", v->what,
			    v->file ? value : v->name, vk_store_file(st));
		}
	}
	return e;
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
		vk_hint(HINT);
	if (s->elsewhere)
		return vk_fail(VK_ELOCKED, "the keystore %s is locked here, and unlocked in another session",
		    vk_store_file(st));
	return vk_fail(VK_ELOCKED, "the keystore %s is locked", vk_store_file(st));
}

static enum vk_err
locked(const struct vk_store *st)
{
	struct vk_session_info s = { .how = VK_UNLOCK_NONE };

	/* CI systems hand out empty variables where secrets are withheld, as for a fork's build. */
	for (size_t i = 0; i < VK_COUNT(variables); i++)
		if (value_of(i)) {
			vk_hint(HINT);
			return vk_fail(VK_ELOCKED, "the keystore %s is locked (%s is set but empty)",
			    vk_store_file(st), variables[i].name);
		}
	if (vk_session_describe(st, &s) != VK_OK)
		s = (struct vk_session_info){ .how = VK_UNLOCK_NONE };
	return locked_here(st, &s);
}

static enum vk_err
open_session(struct vk_store *st, enum vk_unlock_how *ret_how)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	struct vk_store_anchor anchor;
	enum vk_err e = key ? vk_session_get(st, key, &anchor, ret_how) : VK_ENOMEM;

	if (e == VK_ENOENT)
		return locked(st);
	if (e == VK_OK && (e = vk_store_unlock_session(st, key)) == VK_OK)
		return vk_store_expect(st, &anchor);
	if (e == VK_EKEY)
		e = vk_fail(VK_ELOCKED, "the keystore %s has new keys since it was unlocked",
		    vk_store_file(st));
	if (e == VK_ELOCKED)
		vk_hint("run \"valetkey unlock\" again");
	return e;
}

static enum vk_err
unlock_again(struct vk_store *st)
{
	return vk_unlock(st, NULL);
}

enum vk_err
vk_unlock(struct vk_store *st, enum vk_unlock_how *ret_how)
{
	const struct variable *v = variable_set();
	enum vk_unlock_how how = v ? v->how : VK_UNLOCK_NONE;
	enum vk_err e = vk_pin_check(st);

	if (e == VK_OK)
		e = v ? open_variable(st, v) : open_session(st, &how);
	if (e == VK_OK)
		e = vk_pin_check(st);
	if (e == VK_OK)
		vk_store_on_rekey(st, unlock_again);
	if (e == VK_OK && ret_how)
		*ret_how = how;
	return e;
}
