/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "store/stage.h"
#include "valetkey/secret.h"

enum vk_err
vk_txn_new(struct vk_txn **ret)
{
	struct vk_txn *t = vk_arena_alloc(sizeof(*t));
	enum vk_err e;

	if (!t)
		return VK_ENOMEM;
	*t = (struct vk_txn){ 0 };
	if ((e = vk_random(t->key, sizeof(t->key))) != VK_OK) {
		vk_arena_free(t);
		return e;
	}
	*ret = t;
	return VK_OK;
}

void
vk_txn_free(struct vk_txn *t)
{
	if (!t)
		return;
	free(t->v);
	free(t->index);
	free(t->log);
	free(t->slots);
	vk_arena_free(t->rekey);
	vk_arena_free(t);
}

void
vk_txn_slots(struct vk_txn *t, unsigned char *pages, size_t len)
{
	free(t->slots);
	t->slots = pages;
	t->slots_len = len;
}

void
vk_txn_rekey(struct vk_txn *t, struct vk_keys *keys)
{
	vk_arena_free(t->rekey);
	t->rekey = keys;
}

/* Tree keys are hashes; only their three parts may repeat, so mix these. */
static size_t
slot_of(const unsigned char *key, size_t cap)
{
	return (size_t)(vk_get64(key) ^ vk_get64(key + 8) * 3 ^ vk_get64(key + 16) * 5) & (cap - 1);
}

static uint32_t *
locate(const struct vk_txn *t, const unsigned char *key)
{
	size_t i = slot_of(key, t->index_cap);

	while (t->index[i] && memcmp(t->v[t->index[i] - 1].key, key, VK_TREE_KEY) != 0)
		i = (i + 1) & (t->index_cap - 1);
	return &t->index[i];
}

struct vk_staged *
vk_txn_get(const struct vk_txn *t, const unsigned char *key)
{
	uint32_t *i = t->index_cap ? locate(t, key) : NULL;

	return i && *i ? &t->v[*i - 1] : NULL;
}

void
vk_txn_reindex(struct vk_txn *t)
{
	memset(t->index, 0, t->index_cap * sizeof(*t->index));
	for (size_t i = 0; i < t->n; i++)
		*locate(t, t->v[i].key) = (uint32_t)i + 1;
}

static enum vk_err
grow_index(struct vk_txn *t)
{
	size_t cap = t->index_cap ? t->index_cap * 2 : 64;
	uint32_t *index = calloc(cap, sizeof(*index));

	if (!index)
		return VK_ENOMEM;
	free(t->index);
	t->index = index;
	t->index_cap = cap;
	vk_txn_reindex(t);
	return VK_OK;
}

static enum vk_err
grow_list(struct vk_txn *t)
{
	size_t cap = t->cap ? t->cap * 2 : 32;
	struct vk_staged *v = cap < UINT32_MAX ? reallocarray(t->v, cap, sizeof(*v)) : NULL;

	if (!v)
		return VK_ENOMEM;
	t->v = v;
	t->cap = cap;
	return VK_OK;
}

static enum vk_err
log_room(struct vk_txn *t, size_t n)
{
	size_t cap = t->log_cap ? t->log_cap : 4096;
	unsigned char *log;

	while (cap - t->log_len < n)
		cap *= 2;
	if (cap == t->log_cap)
		return VK_OK;
	if (!(log = realloc(t->log, cap)))
		return VK_ENOMEM;
	t->log = log;
	t->log_cap = cap;
	return VK_OK;
}

/* The place in the log is a nonce that is never used twice. */
static void
nonce_of(size_t at, unsigned char nonce[VK_NONCE_LEN])
{
	memset(nonce, 0, VK_NONCE_LEN);
	vk_put64(nonce, at);
}

enum vk_err
vk_txn_set(struct vk_txn *t, const unsigned char *key, enum vk_record_kind kind,
    enum vk_stage_state state, const void *payload, size_t n)
{
	bool sealed = kind == VK_RECORD_ENTRY && state == VK_STAGE_PUT;
	unsigned char nonce[VK_NONCE_LEN], *p;
	struct vk_staged *s;
	enum vk_err e;

	if (n > VK_PAYLOAD_MAX)
		return vk_fail(VK_ELIMIT, "an entry is larger than %d bytes", VK_PAYLOAD_MAX);
	if ((e = log_room(t, n + VK_TAG_LEN)) != VK_OK ||
	    (t->n == t->cap && (e = grow_list(t)) != VK_OK) ||
	    (t->n * 2 >= t->index_cap && (e = grow_index(t)) != VK_OK))
		return e;
	if (!(s = vk_txn_get(t, key))) {
		s = &t->v[t->n++];
		memcpy(s->key, key, VK_TREE_KEY);
		*locate(t, key) = (uint32_t)t->n;
	}
	s->kind = kind;
	s->state = state;
	s->at = t->log_len;
	s->len = (uint32_t)n;
	p = t->log + t->log_len;
	if (n)
		memcpy(p, payload, n);
	if (sealed) {
		nonce_of(s->at, nonce);
		vk_seal(t->key, nonce, NULL, 0, p, n, p + n);
	}
	t->log_len += n + (sealed ? VK_TAG_LEN : 0);
	return VK_OK;
}

enum vk_err
vk_txn_payload(const struct vk_txn *t, const struct vk_staged *s, struct vk_payload *ret)
{
	const unsigned char *from = t->log + s->at;
	unsigned char nonce[VK_NONCE_LEN], *p;

	if (s->kind != VK_RECORD_ENTRY) {
		*ret = (struct vk_payload){ from, s->len, NULL };
		return VK_OK;
	}
	if (!(p = vk_arena_alloc(s->len)))
		return VK_ENOMEM;
	memcpy(p, from, s->len);
	nonce_of(s->at, nonce);
	if (!vk_unseal(t->key, nonce, NULL, 0, p, s->len, from + s->len)) {
		vk_arena_free(p);
		return vk_fail(VK_ETAMPER, "this machine's memory is damaged");
	}
	*ret = (struct vk_payload){ p, s->len, p };
	return VK_OK;
}
