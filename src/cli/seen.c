/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "crypto/crypto.h"
#include "cli/seen.h"
#include "valetkey/secret.h"

/* 96 bits of a keyed hash: at a million entries two are taken for one once in 10^17 files. */
struct vk_seen_slot {
	uint32_t id[3];
	uint32_t secret[2];
	uint32_t line; /* plus 1; 0: this slot is empty */
};

enum { FIRST = 256, ID_BYTES = 12 };

void
vk_seen_clear(struct vk_seen *s)
{
	vk_arena_free(s->key);
	free(s->v);
	*s = (struct vk_seen){ 0 };
}

static struct vk_seen_slot *
locate(struct vk_seen_slot *v, size_t cap, const uint32_t id[3])
{
	size_t i = id[0] & (cap - 1);

	while (v[i].line && memcmp(v[i].id, id, ID_BYTES) != 0)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static enum vk_err
grow(struct vk_seen *s)
{
	size_t cap = s->cap ? s->cap * 2 : FIRST;
	struct vk_seen_slot *v = calloc(cap, sizeof(*v));

	if (!v)
		return VK_ENOMEM;
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].line)
			*locate(v, cap, s->v[i].id) = s->v[i];
	free(s->v);
	s->v = v;
	s->cap = cap;
	return VK_OK;
}

static enum vk_err
begin(struct vk_seen *s)
{
	if (s->key)
		return VK_OK;
	if (!(s->key = vk_arena_alloc(VK_KEY_LEN)))
		return VK_ENOMEM;
	return vk_random(s->key, VK_KEY_LEN);
}

static void
hash(const struct vk_seen *s, const struct vk_cred *c, uint64_t line, struct vk_seen_slot *ret)
{
	/* With their NULs, so that one text cannot go on in the next. */
	const struct vk_part name[] = {
		{ c->scope.scheme, strlen(c->scope.scheme) + 1 }, { c->scope.host, strlen(c->scope.host) + 1 },
		{ &c->scope.port, sizeof(c->scope.port) }, { c->scope.path, strlen(c->scope.path) + 1 },
		{ c->username, strlen(c->username) + 1 },
	};
	const struct vk_part secret[] = {
		{ &c->kind, sizeof(c->kind) }, { c->secret.p, c->secret.n },
	};
	unsigned char out[16];

	vk_prf(s->key, "seen entry", name, VK_COUNT(name), out, sizeof(out));
	memcpy(ret->id, out, ID_BYTES);
	vk_prf(s->key, "seen secret", secret, VK_COUNT(secret), out, sizeof(out));
	memcpy(ret->secret, out, sizeof(ret->secret));
	ret->line = (uint32_t)(line < UINT32_MAX - 1 ? line : UINT32_MAX - 1) + 1;
}

enum vk_err
vk_seen_add(struct vk_seen *s, const struct vk_cred *c, uint64_t line, uint64_t *ret_line,
    bool *ret_same)
{
	struct vk_seen_slot new, *slot;
	enum vk_err e = begin(s);

	if (e == VK_OK && s->n >= s->cap / 4 * 3)
		e = grow(s);
	if (e != VK_OK)
		return e;
	hash(s, c, line, &new);
	slot = locate(s->v, s->cap, new.id);
	if (slot->line) {
		*ret_line = slot->line - 1;
		*ret_same = memcmp(slot->secret, new.secret, sizeof(new.secret)) == 0;
		return VK_EEXIST;
	}
	*slot = new;
	s->n++;
	return VK_OK;
}
