/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/entry.h"
#include "cli/taking.h"

enum { COMPONENTS = 16 }; /* of a path: store.h */

void
vk_taking_reset(struct vk_taking *t)
{
	vk_seen_clear(&t->seen);
	vk_left_begin(t->left, t->left->json);
	t->taken = t->same = t->differ = t->clear = 0;
}

void
vk_taking_clear(struct vk_taking *t)
{
	vk_seen_clear(&t->seen);
}

static enum vk_err
leave(struct vk_taking *t, const struct vk_cred *c, uint64_t line, const char *why)
{
	VK_CLEANUP(vk_freep) char *label = vk_entry_label(c);

	return label ? vk_left_add(t->left, line, label, why, true) : VK_ENOMEM;
}

static bool
same_secret(const struct vk_secret *a, const struct vk_secret *b)
{
	return !a->p == !b->p && a->n == b->n && (!a->p || vk_mem_eq(a->p, b->p, a->n));
}

/* Would a client get the same from both? */
static bool
is_same(const struct vk_taking *t, const struct vk_cred *old, const struct vk_cred *c)
{
	if (old->kind != c->kind || !same_secret(&old->secret, &c->secret) ||
	    strcmp(old->authtype, c->authtype) != 0 || strcmp(old->header, c->header) != 0)
		return false;
	if (t->copy)
		return old->expires == c->expires && same_secret(&old->refresh, &c->refresh) &&
		    same_secret(&old->extra, &c->extra) && strcmp(old->npm_scope, c->npm_scope) == 0;
	return *c->npm_scope == '\0' || strcmp(old->npm_scope, c->npm_scope) == 0;
}

static enum vk_err
put_as(struct vk_taking *t, const struct vk_cred *c, const char *name)
{
	VK_CLEANUP(vk_freep) char *copy = vk_strdup(name);
	struct vk_cred named = *c; /* borrowed: only its name is set here */

	if (!copy)
		return VK_ENOMEM;
	named.name = copy;
	return vk_store_stage_put(t->st, &named);
}

/* With the first name that is one and that nobody has; without, if there is none. */
static enum vk_err
put_named(struct vk_taking *t, const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *plain = vk_entry_default_name(c, false);
	VK_CLEANUP(vk_freep) char *full = vk_entry_default_name(c, true);
	const char *names[] = { c->name, plain, full };
	/* Of a copy, what has no name gets none. */
	size_t n = t->copy && !*c->name ? 0 : VK_COUNT(names);
	enum vk_err e = VK_EEXIST;

	if (!plain || !full)
		return VK_ENOMEM;
	for (size_t i = 0; e == VK_EEXIST && i < n; i++)
		if (vk_entry_is_name(names[i]))
			e = put_as(t, c, names[i]);
	if (e == VK_EEXIST)
		e = put_as(t, c, "");
	if (e == VK_OK)
		vk_reason_clear();
	return e;
}

/* Into the transaction; ${old} is what is there, or NULL. */
static enum vk_err
stage(struct vk_taking *t, const struct vk_cred *c, const struct vk_cred *old)
{
	struct vk_cred new = *c;

	if (!t->copy) {
		new.flags = VK_CRED_PINNED;
		new.created = 0;
		if (old && !*new.npm_scope)
			new.npm_scope = old->npm_scope;
		if (old && is_same(t, old, c))
			new.expires = old->expires, new.refresh = old->refresh, new.extra = old->extra;
	}
	return old && *old->name ? put_as(t, &new, old->name) : put_named(t, &new);
}

static bool
is_too_deep(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == '/';
	return n > COMPONENTS;
}

static enum vk_err
take(struct vk_taking *t, const struct vk_cred *c, const struct vk_cred *old)
{
	enum vk_err e = t->stage ? stage(t, c, old) : VK_OK;

	if (e == VK_OK) {
		t->taken++;
		t->clear += strcmp(c->scope.scheme, "http") == 0;
	}
	return e;
}

static enum vk_err
put_again(struct vk_taking *t, const struct vk_cred *c, uint64_t line, uint64_t first, bool same)
{
	char why[100];

	if (same) {
		t->same++;
		return VK_OK;
	}
	snprintf(why, sizeof(why), "line %" PRIu64 " has another secret for it, and the first one wins", first);
	return leave(t, c, line, why);
}

enum vk_err
vk_taking_put(struct vk_taking *t, const struct vk_cred *c, uint64_t line)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	uint64_t first = 0;
	bool same = false;
	enum vk_err e = t->copy ? VK_OK : vk_seen_add(&t->seen, c, line, &first, &same);

	if (e == VK_EEXIST)
		return put_again(t, c, line, first, same);
	if (e == VK_OK && is_too_deep(c->scope.path))
		return leave(t, c, line, "its path has more than 16 parts");
	if (e == VK_OK && t->st && (e = vk_entry_exact(t->st, &c->scope, c->username, &old)) == VK_ENOENT)
		e = VK_OK;
	if (e != VK_OK)
		return e;
	if (old && is_same(t, old, c)) {
		/* What a client stored and could erase becomes a person's. */
		if (t->copy || old->flags & VK_CRED_PINNED) {
			t->same++;
			return VK_OK;
		}
	} else if (old && !t->replace) {
		t->differ++;
		return leave(t, c, line, "the keystore has another secret for it; --replace takes this one");
	}
	return take(t, c, old);
}

void
vk_taking_text(const struct vk_taking *t, bool dry_run, struct vk_buf *b)
{
	vk_buf_fmt(b, "%" PRIu64 " %s, %" PRIu64 " already there, %" PRIu64 " with another secret, %" PRIu64
		      " not taken\n",
	    t->taken, dry_run ? "would be taken" : "taken", t->same, t->differ, t->left->n - t->differ);
	vk_left_print(t->left, b);
}

void
vk_taking_json(const struct vk_taking *t, uint64_t found, struct vk_buf *b)
{
	vk_buf_fmt(b, "\"found\": %" PRIu64 ",\n\t\"taken\": %" PRIu64 ",\n\t\"same\": %" PRIu64
		      ",\n\t\"differ\": %" PRIu64 ",\n\t\"not_taken\": %" PRIu64
		      ",\n\t\"unlisted\": %" PRIu64 ",\n\t\"left\": ",
	    found, t->taken, t->same, t->differ, t->left->n - t->differ, t->left->unlisted);
	vk_left_print(t->left, b);
}
