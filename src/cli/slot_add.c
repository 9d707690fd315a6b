/* SPDX-License-Identifier: ISC */
/* One more way to open a keystore; and the key pair that one of them needs. */
#include <string.h>
#include <unistd.h>

#include "valetkey/external.h"
#include "valetkey/identity.h"
#include "cli/json_out.h"
#include "cli/key_file.h"
#include "cli/slot.h"
#include "cli/slot_input.h"
#include "cli/slot_text.h"

struct adding {
	struct vk_slot_request *r;
	struct vk_store *st;
	struct vk_slot_new new;
	unsigned char id[8]; /* of an external slot, which its program must know before there is one */
	bool made_key_file, put;
};

static struct vk_external
external(const struct adding *a)
{
	return (struct vk_external){ a->r->program, vk_store_id(a->st), a->id };
}

/* It is asked for the key again before anything depends on it: some stores forget at once. */
static enum vk_err
put_external(struct adding *a)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *keys = vk_arena_alloc(2 * VK_STORE_KEY_LEN);
	unsigned char *key = keys, *again = keys ? keys + VK_STORE_KEY_LEN : NULL;
	struct vk_external x = external(a);
	enum vk_err e;

	if (!keys)
		return VK_ENOMEM;
	if ((e = vk_raw_key_new(again)) != VK_OK || (e = vk_raw_key_new(key)) != VK_OK)
		return e;
	memcpy(a->id, again, sizeof(a->id));
	a->new.id = a->id;
	a->new.program = a->r->program;
	if ((e = vk_external_put(&x, a->r->label ? a->r->label : "", key)) != VK_OK)
		return e;
	a->put = true;
	if ((e = vk_external_get(&x, again)) != VK_OK && e != VK_ENOENT)
		return e;
	if (e == VK_ENOENT || !vk_mem_eq(key, again, VK_STORE_KEY_LEN))
		return vk_fail(VK_EBACKEND, "valetkey-%s does not keep the key that it was given", a->r->program);
	return vk_secret_set(&a->r->secret, key, VK_STORE_KEY_LEN);
}

static enum vk_err
prepare(struct adding *a)
{
	struct vk_slot_request *r = a->r;

	a->new = (struct vk_slot_new){ .cost = r->cost, .secret = &r->secret, .label = r->label };
	if (r->key_file) {
		a->new.type = VK_SLOT_RAW;
		return vk_slot_key_file(r->key_file, &r->secret, &a->made_key_file);
	}
	if (r->recipient) {
		a->new.type = VK_SLOT_X25519;
		return vk_slot_recipient(r->recipient, &r->secret);
	}
	if (r->program) {
		a->new.type = VK_SLOT_EXTERNAL;
		return put_external(a);
	}
	a->new.type = VK_SLOT_PASSPHRASE;
	return vk_slot_new_passphrase(r);
}

/* What was made for a slot that did not come about. */
static void
take_back(struct adding *a)
{
	struct vk_external x = external(a);

	if (a->made_key_file)
		unlink(a->r->key_file);
	if (a->put && vk_external_remove(&x) != VK_OK)
		vk_msg_warn("valetkey-%s still keeps a key that opens nothing: %s", a->r->program, vk_reason());
}

int
vk_slot_add(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4 * VK_MAX_FIELD);
	struct adding a = { .r = r };
	char text[VK_SLOT_ID_TEXT + 1];
	unsigned char id[8];
	enum vk_err e;
	int status;

	if (r->label && !vk_utf8_valid(r->label, strlen(r->label)))
		return vk_msg_usage("slot add: the label is not UTF-8");
	if ((e = vk_slot_open(r, &st)) != VK_OK)
		return vk_msg_fail(e);
	a.st = st;
	if ((e = prepare(&a)) == VK_OK)
		e = vk_store_slot_add(st, &a.new, id);
	if (e != VK_OK) {
		status = vk_msg_fail(e);
		take_back(&a);
		return status;
	}
	vk_slot_id_text(id, text);
	vk_buf_fmt(&b, "added slot %s\n", text);
	if (a.made_key_file)
		vk_buf_fmt(&b, "made the raw key %s\n", r->key_file);
	return vk_stdout_report(&b);
}

int
vk_slot_keygen(struct vk_slot_request *r)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(4096);
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	VK_CLEANUP(vk_arena_freep) char *identity = vk_arena_alloc(VK_IDENTITY_TEXT + 1);
	unsigned char public[VK_STORE_KEY_LEN];
	char recipient[VK_IDENTITY_TEXT + 2];
	enum vk_err e = key && identity ? vk_raw_key_new(key) : VK_ENOMEM;

	if (e != VK_OK)
		return vk_msg_fail(e);
	vk_identity_recipient(key, public);
	vk_recipient_text(public, recipient);
	vk_identity_text(key, identity);
	vk_buf_fmt(&b, "# an identity of valetkey(1): keep it secret; its recipient is %s\n", recipient);
	vk_buf_str(&b, identity);
	vk_buf_char(&b, '\n');
	if ((e = b.err) != VK_OK || (e = vk_key_file_write(r->operand, b.p)) != VK_OK)
		return vk_msg_fail(e);
	memcpy(recipient + VK_IDENTITY_TEXT, "\n", 2);
	return vk_stdout_text(recipient, VK_IDENTITY_TEXT + 1);
}
