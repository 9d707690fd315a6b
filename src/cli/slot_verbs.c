/* SPDX-License-Identifier: ISC */
/* The verbs of "slot" that need none but the keystore. */
#include <stdio.h>
#include <string.h>

#include "valetkey/external.h"
#include "valetkey/identity.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/secret_input.h"
#include "cli/slot.h"
#include "cli/slot_text.h"
#include "cli/when.h"

void
vk_slot_request_clear(struct vk_slot_request *r)
{
	vk_secret_clear(&r->current);
	vk_secret_clear(&r->secret);
}

static enum vk_err
read_stdin(struct vk_slot_request *r)
{
	enum vk_err e = VK_OK;

	if (r->current_stdin && r->from_stdin)
		e = vk_input_stdin_two("the current passphrase", "the new one", &r->current, &r->secret);
	else if (r->current_stdin)
		e = vk_input_stdin("the current passphrase", &r->current);
	else if (r->from_stdin)
		e = vk_input_stdin("the passphrase", &r->secret);
	if (e == VK_OK && r->current_stdin)
		r->opening.passphrase = &r->current;
	return e;
}

enum vk_err
vk_slot_open(struct vk_slot_request *r, struct vk_store **ret)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_cli_open(&st);

	if (e != VK_OK || (e = read_stdin(r)) != VK_OK || (e = vk_opening_slot(st, &r->opening)) != VK_OK)
		return e;
	*ret = VK_TAKE(st);
	return VK_OK;
}

enum vk_err
vk_slot_new_passphrase(struct vk_slot_request *r)
{
	enum vk_err e;

	if (r->secret.p)
		return VK_OK;
	e = vk_input_ask("the new passphrase", "New passphrase: ", true, &r->secret);
	if (e == VK_ELOCKED)
		vk_hint("use --passphrase-stdin");
	return e;
}

static enum vk_err
find(struct vk_store *st, const char *text, struct vk_slot_info *ret)
{
	const struct vk_slot_info *found;
	struct vk_slot_list l;
	enum vk_err e = vk_slot_list(st, &l);

	if (e == VK_OK && (e = vk_slot_find(&l, text, &found)) == VK_OK)
		*ret = *found;
	return e;
}

static void
put_line(struct vk_buf *b, const struct vk_slot_info *s, bool opened)
{
	char text[VK_IDENTITY_TEXT + 1];

	vk_slot_id_text(s->id, text);
	vk_buf_fmt(b, "%s  ", text);
	vk_slot_describe(b, s);
	if (opened && s->type == VK_SLOT_X25519) {
		vk_recipient_text(s->public_key, text);
		vk_buf_fmt(b, ", %s", text);
	}
	if (*s->label) {
		vk_buf_str(b, ": ");
		vk_printable_add(b, s->label, 0);
	}
	vk_buf_char(b, '\n');
}

/* Without a key that is at hand it lists what everybody can see: nobody is asked for a passphrase. */
int
vk_slot_print(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(64 * 1024);
	bool open = r->current_stdin || r->opening.key_file || r->opening.identity_file ||
	    vk_unlock_variable();
	struct vk_slot_list l;
	enum vk_err e = open ? vk_slot_open(r, &st) : vk_cli_open(&st);

	if (e != VK_OK || (e = vk_slot_list(st, &l)) != VK_OK)
		return vk_msg_fail(e);
	if (r->json)
		vk_buf_char(&b, '[');
	for (size_t i = 0; i < l.n; i++) {
		if (!r->json) {
			put_line(&b, &l.v[i], open);
			continue;
		}
		vk_buf_str(&b, i ? ",\n " : "");
		vk_slot_json(&b, &l.v[i], open);
	}
	if (r->json)
		vk_buf_str(&b, "]\n");
	return b.err == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(b.err);
}

static int
done(const char *text, bool new_keys)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);

	if (new_keys)
		vk_msg_note("copies of the old file can still be opened as before");
	vk_buf_str(&b, text);
	return vk_stdout_report(&b);
}

int
vk_slot_change(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_slot_new new = { .type = VK_SLOT_PASSPHRASE, .cost = r->cost, .secret = &r->secret,
		.label = r->label };
	struct vk_slot_info slot;
	unsigned char id[8];
	char text[VK_SLOT_ID_TEXT + 1], line[64];
	enum vk_err e;

	if (r->label && !vk_utf8_valid(r->label, strlen(r->label)))
		return vk_msg_usage("slot change: the label is not UTF-8");
	if ((e = vk_slot_open(r, &st)) == VK_OK && (e = find(st, r->operand, &slot)) == VK_OK &&
	    slot.type != VK_SLOT_PASSPHRASE) {
		vk_hint("add another with \"valetkey slot add\", then remove this one");
		e = vk_fail(VK_EUSAGE, "the slot %s is no passphrase, so there is none to change", r->operand);
	}
	if (e == VK_OK && (e = vk_slot_new_passphrase(r)) == VK_OK)
		e = vk_store_slot_change(st, slot.id, &new, id);
	if (e != VK_OK)
		return vk_msg_fail(e);
	vk_msg_note("copies of the old file open with the old passphrase, and with what it opened: if somebody "
		    "else may know it, run \"valetkey slot rotate\"");
	vk_slot_id_text(id, text);
	snprintf(line, sizeof(line), "changed; the slot is now %s\n", text);
	return done(line, false);
}

/* Who was unlocked stays so: a session that was made with the old keys gets the new ones. */
static void
renew_session(struct vk_store *st, const struct vk_session_info *was)
{
	int64_t left = was->expires - vk_when_now();
	struct vk_session_info info;

	if (was->how == VK_UNLOCK_NONE || left <= 0)
		return;
	if (vk_session_put(st, was->scope, (unsigned)left, &info) != VK_OK)
		vk_msg_warn("this session has ended with the old keys: %s", vk_reason());
}

/* The program that kept the key of a slot need not keep it any longer. */
static void
forget(const struct vk_store *st, const struct vk_slot_info *slot)
{
	struct vk_external x = { slot->program, vk_store_id(st), slot->id };
	enum vk_err e = vk_external_remove(&x);

	if (e != VK_OK && e != VK_ENOENT)
		vk_msg_warn("valetkey-%s may still keep the key of the slot: %s", slot->program, vk_reason());
	vk_reason_clear();
}

static struct vk_session_info
session_of(const struct vk_store *st)
{
	struct vk_session_info info;

	/* One that cannot be read is none of ours to renew. */
	if (vk_session_describe(st, &info) != VK_OK)
		info = (struct vk_session_info){ .how = VK_UNLOCK_NONE };
	vk_reason_clear();
	return info;
}

int
vk_slot_remove(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_session_info session;
	struct vk_slot_info slot;
	enum vk_err e;

	if ((e = vk_slot_open(r, &st)) != VK_OK || (e = find(st, r->operand, &slot)) != VK_OK)
		return vk_msg_fail(e);
	session = session_of(st);
	if ((e = vk_store_slot_remove(st, slot.id, r->keep_key)) != VK_OK)
		return vk_msg_fail(e);
	if (slot.type == VK_SLOT_EXTERNAL)
		forget(st, &slot);
	if (r->keep_key) {
		vk_msg_warn("the keys are the old ones: who could use this slot, and kept a copy of the file or its "
			    "keys, can still open the keystore, and what will be added to it");
		return done("removed\n", false);
	}
	renew_session(st, &session);
	return done("removed; the keystore has new keys\n", true);
}

int
vk_slot_rotate(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	struct vk_session_info session;
	enum vk_err e;

	if ((e = vk_slot_open(r, &st)) != VK_OK)
		return vk_msg_fail(e);
	session = session_of(st);
	if ((e = vk_store_rotate(st)) != VK_OK)
		return vk_msg_fail(e);
	renew_session(st, &session);
	return done("the keystore has new keys\n", true);
}
