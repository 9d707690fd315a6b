/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "crash-disk.h"
#include "crash-model.h"

static const unsigned char raw_key[VK_STORE_KEY_LEN] = "0123456789abcdef0123456789abcde";

const char *
model_kind_name(enum model_kind kind)
{
	static const char *const names[] = { [MODEL_FEW] = "some accounts", [MODEL_MANY] = "many accounts",
		[MODEL_COMPACT] = "compact", [MODEL_SLOT_ADD] = "a key slot", [MODEL_SLOT_REMOVE] = "a key slot less",
		[MODEL_SLOT_CHANGE] = "another key slot", [MODEL_ROTATE] = "a rotation" };

	return names[kind];
}

static enum vk_err
scope_of(unsigned i, struct vk_scope *ret)
{
	char url[80];

	snprintf(url, sizeof(url), "https://h%u.example%s", i % 5, i % 3 == 0 ? "/team/a" : "");
	return vk_scope_parse(url, ret, NULL);
}

static void
draw_id(unsigned char id[8])
{
	for (unsigned i = 0; i < 8; i++)
		id[i] = (unsigned char)disk_draw(256);
}

/* A slot with a raw key: ours, or one that nobody uses. */
static enum vk_err
new_slot(const unsigned char *key, const unsigned char *id, struct vk_secret *secret,
    struct vk_slot_new *ret)
{
	unsigned char drawn[VK_STORE_KEY_LEN];

	for (unsigned i = 0; i < sizeof(drawn); i++)
		drawn[i] = (unsigned char)disk_draw(256);
	*ret = (struct vk_slot_new){ .type = VK_SLOT_RAW, .secret = secret, .id = id };
	return vk_secret_set(secret, key ? key : drawn, VK_STORE_KEY_LEN);
}

enum vk_err
model_create(const char *path, struct model *m)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret key = { 0 };
	struct vk_slot_new slot;
	enum vk_err e;

	*m = (struct model){ .slots = 1 };
	draw_id(m->slot[0]);
	e = new_slot(raw_key, m->slot[0], &key, &slot);
	return e == VK_OK ? vk_store_create(path, &slot, 1) : e;
}

enum vk_err
model_open(const char *path, struct vk_store **ret)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_store_open(path, &st);

	if (e == VK_OK)
		e = vk_store_unlock_raw(st, raw_key);
	if (e == VK_OK)
		*ret = VK_TAKE(st);
	return e;
}

static enum vk_err
put_one(struct vk_store *st, unsigned i, unsigned len, unsigned fill)
{
	static char secret[MODEL_SECRET_MAX];
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	char user[16];
	enum vk_err e;

	if (!c)
		return VK_ENOMEM;
	vk_scope_clear(&c->scope);
	memset(secret, (int)fill, len);
	snprintf(user, sizeof(user), "user-%u", i);
	if ((e = scope_of(i, &c->scope)) != VK_OK || (e = vk_cred_set(&c->username, user)) != VK_OK ||
	    (e = vk_cred_set(&c->name, i % 7 == 0 ? user : "")) != VK_OK ||
	    (e = vk_secret_set(&c->secret, secret, len)) != VK_OK)
		return e;
	c->created = 1600000000 + i;
	return vk_store_stage_put(st, c);
}

static enum vk_err
remove_one(struct vk_store *st, unsigned i)
{
	struct vk_scope s = { 0 };
	char user[16];
	enum vk_err e = scope_of(i, &s);

	snprintf(user, sizeof(user), "user-%u", i);
	if (e == VK_OK)
		e = vk_store_stage_remove(st, &s, user);
	vk_scope_clear(&s);
	return e;
}

static unsigned
draw_len(const struct model_change *c)
{
	if (disk_draw(100) < c->huge)
		return MODEL_SECRET_MAX - disk_draw(5000);
	return disk_draw(100) < c->large ? 1000 + disk_draw(MODEL_SECRET_LARGE - 1000) : disk_draw(200);
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	const struct model_change *c = arg;
	enum vk_err e = VK_OK;

	for (unsigned k = 0; e == VK_OK && k < c->accounts; k++) {
		unsigned i = disk_draw(MODEL_ACCOUNTS), len = 0, fill = 'a' + disk_draw(26);

		if (disk_draw(100) < c->grow)
			len = draw_len(c);
		else if (!c->m->account[i].len)
			continue;
		else {
			e = remove_one(st, i);
			c->m->account[i].len = 0;
			continue;
		}
		e = put_one(st, i, len, fill);
		c->m->account[i].len = (uint16_t)(len + 1);
		c->m->account[i].fill = (uint8_t)fill;
	}
	return e;
}

static enum vk_err
slot_add(struct vk_store *st, struct model_change *c)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret key = { 0 };
	unsigned char id[8];
	struct vk_slot_new slot;
	enum vk_err e;

	draw_id(c->m->slot[c->m->slots]);
	e = new_slot(NULL, c->m->slot[c->m->slots++], &key, &slot);
	return e == VK_OK ? vk_store_slot_add(st, &slot, id) : e;
}

static enum vk_err
slot_change(struct vk_store *st, struct model_change *c, size_t i)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret key = { 0 };
	unsigned char id[8], old[8];
	struct vk_slot_new slot;
	enum vk_err e;

	memcpy(old, c->m->slot[i], sizeof(old));
	draw_id(c->m->slot[i]);
	e = new_slot(NULL, c->m->slot[i], &key, &slot);
	return e == VK_OK ? vk_store_slot_change(st, old, &slot, id) : e;
}

static enum vk_err
slot_remove(struct vk_store *st, struct model_change *c, size_t i)
{
	unsigned char old[8];

	memcpy(old, c->m->slot[i], sizeof(old));
	c->m->slots--;
	memmove(c->m->slot[i], c->m->slot[i + 1], (c->m->slots - i) * sizeof(c->m->slot[0]));
	return vk_store_slot_remove(st, old, disk_draw(2));
}

enum vk_err
model_commit(struct vk_store *st, struct model_change *c)
{
	size_t slots = c->m->slots;
	enum model_kind kind = c->kind;

	if (kind == MODEL_SLOT_ADD && slots == MODEL_SLOTS)
		kind = MODEL_SLOT_REMOVE;
	if ((kind == MODEL_SLOT_REMOVE || kind == MODEL_SLOT_CHANGE) && slots == 1)
		kind = MODEL_SLOT_ADD;
	switch (kind) {
	case MODEL_COMPACT:
		return vk_store_compact(st, NULL);
	case MODEL_ROTATE:
		return vk_store_rotate(st);
	case MODEL_SLOT_ADD:
		return slot_add(st, c);
	case MODEL_SLOT_CHANGE:
		return slot_change(st, c, 1 + disk_draw((unsigned)slots - 1));
	case MODEL_SLOT_REMOVE:
		return slot_remove(st, c, 1 + disk_draw((unsigned)slots - 1));
	default:
		return vk_store_commit(st, decide, c);
	}
}

bool
model_same(const struct model *a, const struct model *b)
{
	for (unsigned i = 0; i < MODEL_ACCOUNTS; i++)
		if (a->account[i].len != b->account[i].len ||
		    (a->account[i].len && a->account[i].fill != b->account[i].fill))
			return false;
	return a->slots == b->slots && memcmp(a->slot, b->slot, a->slots * sizeof(a->slot[0])) == 0;
}

/* A walk over the file, with what must be met. */
struct walk {
	const struct model *m;
	unsigned met;
};

static enum vk_err
visit(const struct vk_cred *c, void *arg)
{
	struct walk *w = arg;
	unsigned i, len;
	struct vk_scope s = { 0 };
	uint64_t n = MODEL_ACCOUNTS;
	bool ok;
	enum vk_err e;

	if (!vk_str_starts(c->username, "user-") || vk_str_u64(c->username + 5, MODEL_ACCOUNTS - 1, &n) != VK_OK)
		return vk_fail(VK_EPROTO, "there is an entry that was never made");
	i = (unsigned)n;
	if ((e = scope_of(i, &s)) != VK_OK)
		return e;
	ok = vk_scope_same_origin(&s, &c->scope) && strcmp(s.path, c->scope.path) == 0;
	vk_scope_clear(&s);
	len = w->m->account[i].len;
	ok = ok && len && c->secret.n == len - 1u;
	for (size_t k = 0; ok && k < c->secret.n; k++)
		ok = c->secret.p[k] == (char)w->m->account[i].fill;
	w->met++;
	return ok ? VK_OK : vk_fail(VK_EPROTO, "account %u has not the secret that it should have", i);
}

static enum vk_err
compare_slots(struct vk_store *st, const struct model *m)
{
	struct vk_slot_info info[MODEL_SLOTS + 1];
	size_t n = 0;
	enum vk_err e = vk_store_slots(st, info, VK_COUNT(info), &n);

	if (e != VK_OK)
		return e;
	if (n != m->slots)
		return vk_fail(VK_EPROTO, "it has %zu key slots, not %zu", n, m->slots);
	for (size_t i = 0; i < n; i++)
		if (memcmp(info[i].id, m->slot[i], sizeof(info[i].id)) != 0)
			return vk_fail(VK_EPROTO, "key slot %zu is another one", i);
	return VK_OK;
}

static enum vk_err
compare(struct vk_store *st, const struct model *m)
{
	struct walk w = { .m = m };
	unsigned there = 0;
	enum vk_err e;

	for (unsigned i = 0; i < MODEL_ACCOUNTS; i++)
		there += m->account[i].len != 0;
	if ((e = vk_store_each(st, NULL, visit, &w)) != VK_OK)
		return e;
	if (w.met != there)
		return vk_fail(VK_EPROTO, "it has %u entries, not %u", w.met, there);
	return compare_slots(st, m);
}

/* The one complaint of vk_store_verify() that a sound file can give. */
static bool
is_suspicion(void)
{
	return strstr(vk_reason(), "the disk failed in the middle of a change") != NULL;
}

enum vk_err
model_verify(const char *path, const struct model *m)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = model_open(path, &st);

	if (e != VK_OK || (e = compare(st, m)) != VK_OK)
		return e;
	if ((e = vk_store_verify(st, NULL)) == VK_OK || !is_suspicion())
		return e;
	if ((e = vk_store_compact(st, NULL)) != VK_OK || (e = vk_store_verify(st, NULL)) != VK_OK)
		return e;
	return compare(st, m);
}
