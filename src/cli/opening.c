/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/external.h"
#include "valetkey/identity.h"
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/opening.h"
#include "cli/secret_input.h"
#include "cli/slot_text.h"

enum { TRIES = 3 };

static enum vk_err
by_passphrase(struct vk_store *st, const struct vk_secret *pass)
{
	enum vk_err e = vk_store_unlock_passphrase(st, pass);

	if (e != VK_EKEY)
		return e;
	return vk_fail(e, "this passphrase does not open the keystore %s", vk_store_file(st));
}

static enum vk_err
by_file(struct vk_store *st, const char *file, bool identity)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e;

	if (!key)
		return VK_ENOMEM;
	e = identity ? vk_identity_read(file, key) : vk_raw_key_read(file, key);
	if (e == VK_OK)
		e = identity ? vk_store_unlock_identity(st, key) : vk_store_unlock_raw(st, key);
	else
		return e == VK_EPROTO ? VK_EKEY : e;
	if (e != VK_EKEY)
		return e;
	return vk_fail(e, "the %s in %s does not open the keystore %s", identity ? "identity" : "key", file,
	    vk_store_file(st));
}

static enum vk_err
by_program(struct vk_store *st, const struct vk_slot_info *slot)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	struct vk_external x = { slot->program, vk_store_id(st), slot->id };
	enum vk_err e = key ? vk_external_get(&x, key) : VK_ENOMEM;

	if (e == VK_OK && (e = vk_store_unlock_external(st, slot->id, key)) == VK_EKEY)
		vk_fail(e, "the key that valetkey-%s keeps does not open the keystore %s", slot->program,
		    vk_store_file(st));
	/* Not "there is no keystore". */
	return e == VK_ENOENT ? vk_fail(VK_EKEY, "%s", vk_reason()) : e;
}

static enum vk_err
by_asking(struct vk_store *st, const struct vk_opening *o)
{
	enum vk_err e = VK_OK;

	for (int i = 0; i < TRIES && (i == 0 || e == VK_EKEY); i++) {
		struct vk_secret pass = { 0 };

		if (e == VK_EKEY)
			vk_msg_note("wrong passphrase, try again");
		if ((e = vk_input_ask("the passphrase", o->prompt, false, &pass)) == VK_OK)
			e = by_passphrase(st, &pass);
		else if (e == VK_ELOCKED)
			vk_hint("use %s", o->options);
		vk_secret_clear(&pass);
	}
	return e;
}

static bool
has_passphrase(const struct vk_slot_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].type == VK_SLOT_PASSPHRASE)
			return true;
	return false;
}

/* Without anything that was given: what the slots offer. */
static enum vk_err
by_slots(struct vk_store *st, const struct vk_opening *o)
{
	struct vk_slot_list l;
	enum vk_err e = vk_slot_list(st, &l);
	bool ask = e == VK_OK && has_passphrase(&l), tried = false;

	if (e != VK_OK)
		return e;
	for (size_t i = 0; i < l.n; i++) {
		if (l.v[i].type != VK_SLOT_EXTERNAL)
			continue;
		if (tried)
			vk_msg_warn("%s", vk_reason());
		if ((e = by_program(st, &l.v[i])) == VK_OK)
			return e;
		tried = true;
	}
	if (tried && (!ask || !isatty(STDIN_FILENO))) {
		if (!*vk_hint_text())
			vk_hint("or use %s", o->options);
		return e;
	}
	if (tried) {
		vk_msg_warn("%s", vk_reason());
		vk_reason_clear();
	}
	if (ask)
		return by_asking(st, o);
	vk_hint("use %s, or set VALETKEY_KEY, VALETKEY_KEY_FILE or VALETKEY_IDENTITY_FILE", o->options);
	return vk_fail(VK_ELOCKED, "the keystore %s has no passphrase; it opens with a key or an identity",
	    vk_store_file(st));
}

enum vk_err
vk_opening_slot(struct vk_store *st, const struct vk_opening *o)
{
	enum vk_err e = vk_pin_check(st);

	if (e != VK_OK)
		return e;
	if (o->key_file || o->identity_file)
		e = by_file(st, o->key_file ? o->key_file : o->identity_file, !o->key_file);
	else if (o->passphrase)
		e = by_passphrase(st, o->passphrase);
	else if (vk_unlock_variable())
		e = vk_unlock(st, NULL); /* it goes first there */
	else
		e = by_slots(st, o);
	return e == VK_OK ? vk_pin_check(st) : e;
}
