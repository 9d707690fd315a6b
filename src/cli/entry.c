/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/when.h"

enum vk_err
vk_cli_open(struct vk_store **ret)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e = vk_store_path(&path);

	if (e == VK_OK)
		e = vk_store_open(path, ret);
	if (e == VK_OK)
		vk_session_follow(*ret);
	if (e == VK_ENOENT) {
		vk_hint("run \"valetkey init\", or name another with VALETKEY_KEYSTORE");
		return vk_fail(e, "there is no keystore at %s", path);
	}
	return e;
}

enum vk_err
vk_cli_open_unlocked(struct vk_store **ret)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_cli_open(&st);

	if (e == VK_OK)
		e = vk_unlock(st, NULL);
	if (e == VK_OK)
		*ret = VK_TAKE(st);
	return e;
}

struct picking {
	const struct vk_scope *scope;
	const char *username;
	struct vk_cred_list *list;
};

static enum vk_err
add_outline(struct vk_cred_list *l, const struct vk_cred *c)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *o = vk_cred_new();
	enum vk_err e;

	if (!o)
		return VK_ENOMEM;
	vk_scope_clear(&o->scope);
	if ((e = vk_scope_copy(&c->scope, &o->scope)) == VK_OK)
		e = vk_cred_set(&o->username, c->username);
	if (e == VK_OK)
		e = vk_cred_set(&o->name, c->name);
	if (e == VK_OK)
		e = vk_cred_list_add(l, o);
	if (e == VK_OK)
		o = NULL;
	return e;
}

static enum vk_err
pick_one(const struct vk_cred *c, void *arg)
{
	struct picking *p = arg;

	if (!vk_scope_same_origin(&c->scope, p->scope) || strcmp(c->scope.path, p->scope->path) != 0 ||
	    (p->username && strcmp(c->username, p->username) != 0))
		return VK_OK;
	return add_outline(p->list, c);
}

static enum vk_err
ambiguous(const struct vk_entry_sel *sel, const struct vk_cred_list *l)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);

	for (size_t i = 0; i < l->n && i < 10; i++)
		vk_buf_fmt(&b, "%s%.64s", i ? ", " : "", *l->v[i]->username ? l->v[i]->username : "(none)");
	if (l->n > 10)
		vk_buf_str(&b, ", ...");
	vk_hint("say which with --username");
	return vk_fail(VK_EUSAGE, "%s has %zu accounts: %s", sel->what, l->n, b.p ? b.p : "");
}

static enum vk_err
pick_url(struct vk_store *st, const struct vk_entry_sel *sel, struct vk_cred_list *list)
{
	struct vk_scope scope = { 0 };
	VK_CLEANUP(vk_freep) char *user = NULL;
	struct picking p = { &scope, sel->username, list };
	enum vk_err e = vk_scope_parse(sel->what, &scope, &user);

	if (e != VK_OK)
		return e;
	if (user && sel->username && strcmp(user, sel->username) != 0)
		e = vk_fail(VK_EUSAGE, "the URL and --username name different users");
	else if (user)
		p.username = user;
	if (e == VK_OK)
		e = vk_store_each(st, &scope, pick_one, &p);
	vk_scope_clear(&scope);
	return e;
}

enum vk_err
vk_entry_pick(struct vk_store *st, const struct vk_entry_sel *sel, struct vk_cred_list *ret_list)
{
	struct vk_cred_list list = { 0 };
	enum vk_err e;

	if (strstr(sel->what, "://")) {
		e = pick_url(st, sel, &list);
	} else if (sel->username || sel->all) {
		return vk_fail(VK_EUSAGE, "a name is one entry: %s goes with a URL",
		    sel->all ? "--all" : "--username");
	} else {
		VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;

		if ((e = vk_store_find_name(st, sel->what, &c)) == VK_OK)
			e = add_outline(&list, c);
	}
	if (e == VK_ENOENT || (e == VK_OK && list.n == 0)) {
		vk_hint("\"valetkey list\" shows what there is");
		e = vk_fail(VK_ENOENT, "no such entry: %s%s%s", sel->what, sel->username ? " as " : "",
		    sel->username ? sel->username : "");
	} else if (e == VK_OK && list.n > 1 && !sel->all) {
		e = ambiguous(sel, &list);
	}
	if (e == VK_OK)
		*ret_list = list;
	else
		vk_cred_list_clear(&list);
	return e;
}

enum vk_err
vk_entry_exact(struct vk_store *st, const struct vk_scope *scope, const char *username,
    struct vk_cred **ret)
{
	struct vk_query q = { scope, username };
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	enum vk_err e = vk_store_find(st, &q, &c);

	if (e != VK_OK)
		return e;
	/* The store answers with the longest path that covers; here nothing but the same will do. */
	if (strcmp(c->scope.path, scope->path) != 0 || strcmp(c->username, username) != 0)
		return VK_ENOENT;
	*ret = VK_TAKE(c);
	return VK_OK;
}

/* Names stand in comma-separated lists of options and config files. */
bool
vk_entry_is_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 256 && !vk_str_has_control(s, n) && !strpbrk(s, ", ;#=\"'") &&
	    !strstr(s, "://");
}

char *
vk_entry_default_name(const struct vk_cred *c, bool with_user)
{
	VK_CLEANUP(vk_freep) char *hp = vk_scope_hostport(&c->scope);
	bool user = with_user && *c->username;

	if (!hp)
		return NULL;
	return vk_asprintf("%s%s%s%s%s", user ? c->username : "", user ? "@" : "", hp,
	    *c->scope.path ? "/" : "", c->scope.path);
}

/* Is ${name} that of an entry other than ${c}'s own? */
static enum vk_err
name_taken(struct vk_store *st, const char *name, const struct vk_cred *c, bool *ret)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *other = NULL;
	enum vk_err e = vk_store_find_name(st, name, &other);

	if (e != VK_OK && e != VK_ENOENT)
		return e;
	*ret = e == VK_OK && (!vk_scope_same_origin(&other->scope, &c->scope) ||
			     strcmp(other->scope.path, c->scope.path) != 0 ||
			     strcmp(other->username, c->username) != 0);
	return VK_OK;
}

/* "user@" goes before it where it is taken. */
static enum vk_err
default_name(struct vk_store *st, struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *plain = vk_entry_default_name(c, false);
	VK_CLEANUP(vk_freep) char *full = vk_entry_default_name(c, true);
	const char *candidates[] = { plain, full };
	bool taken;
	enum vk_err e;

	if (!plain || !full)
		return VK_ENOMEM;
	for (size_t i = 0; i < VK_COUNT(candidates); i++) {
		if (!vk_entry_is_name(candidates[i]))
			continue;
		if ((e = name_taken(st, candidates[i], c, &taken)) != VK_OK)
			return e;
		if (!taken)
			return vk_cred_set(&c->name, candidates[i]);
	}
	vk_hint("choose one with --name");
	return vk_fail(VK_EUSAGE, "no name can be derived that is free: %s", plain);
}

enum vk_err
vk_entry_choose_name(struct vk_store *st, struct vk_cred *c)
{
	bool taken = false;
	enum vk_err e;

	if (!*c->name)
		return default_name(st, c);
	if ((e = name_taken(st, c->name, c, &taken)) != VK_OK)
		return e;
	return taken ? vk_fail(VK_EEXIST, "another entry has the name %s", c->name) : VK_OK;
}

const char *
vk_entry_origin(const struct vk_cred *c)
{
	return c->flags & VK_CRED_PINNED ? "you" : c->flags & VK_CRED_GIT ? "git"
	    : c->flags & VK_CRED_DOCKER	 ? "docker"
	    : c->flags & VK_CRED_CARGO	 ? "cargo"
					 : "?";
}

static const struct {
	enum vk_kind kind;
	const char *text;
} kinds[] = {
	{ VK_KIND_BASIC, "basic" },
	{ VK_KIND_BEARER, "bearer" },
	{ VK_KIND_HEADER, "header" },
};

const char *
vk_kind_text(enum vk_kind kind)
{
	for (size_t i = 0; i < VK_COUNT(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].text;
	return "?";
}

enum vk_err
vk_kind_parse(const char *text, enum vk_kind *ret)
{
	for (size_t i = 0; i < VK_COUNT(kinds); i++)
		if (strcmp(kinds[i].text, text) == 0) {
			*ret = kinds[i].kind;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "no such kind: %s (basic, bearer or header)", text);
}

void
vk_entry_json(struct vk_buf *b, const struct vk_cred *c, int64_t now)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);

	if (!url)
		b->err = VK_ENOMEM;
	vk_buf_char(b, '{');
	vk_json_member(b, "name", c->name);
	vk_buf_str(b, ", ");
	vk_json_member(b, "url", url ? url : "");
	vk_buf_str(b, ", ");
	vk_json_member(b, "username", c->username);
	vk_buf_str(b, ", ");
	vk_json_member(b, "scope", c->npm_scope);
	vk_buf_str(b, ", ");
	vk_json_member(b, "kind", vk_kind_text(c->kind));
	vk_buf_str(b, ", ");
	vk_json_member(b, "header", c->header);
	vk_buf_str(b, ", ");
	vk_json_member(b, "authtype", c->authtype);
	vk_buf_str(b, ", ");
	vk_json_member(b, "origin", vk_entry_origin(c));
	vk_buf_fmt(b, ", \"default\": %s, ", c->flags & VK_CRED_DEFAULT ? "true" : "false");
	vk_json_time(b, "created", c->created);
	vk_buf_str(b, ", ");
	vk_json_time(b, "expires", c->expires);
	vk_buf_fmt(b, ", \"expired\": %s, ", vk_cred_expired(c, now) ? "true" : "false");
	vk_json_time(b, "refused", c->refused);
}

char *
vk_entry_label(const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *url = vk_scope_url(&c->scope);
	char *label = url ? vk_asprintf("%s%s%s", url, *c->username ? " as " : "", c->username) : NULL;

	if (label)
		vk_str_printable(label, strlen(label));
	return label;
}

void
vk_printable_add(struct vk_buf *b, const char *s, size_t width)
{
	size_t at = b->len, chars = 0;

	if (vk_buf_str(b, s) != VK_OK)
		return;
	vk_str_printable(b->p + at, b->len - at);
	for (; at < b->len; at++)
		chars += ((unsigned char)b->p[at] & 0xc0) != 0x80;
	for (; chars < width; chars++)
		vk_buf_char(b, ' ');
}

void
vk_entry_warn(const struct vk_cred *c)
{
	if (strcmp(c->scope.scheme, "http") == 0)
		vk_msg_warn("http:// sends this secret in the clear to whoever listens");
}

static const char *
next_step(const struct vk_cred *c)
{
	if (*c->npm_scope)
		return "valetkey run -- npm ci";
	if (strcmp(c->scope.scheme, "aws") == 0 && c->kind == VK_KIND_BASIC)
		return "valetkey setup aws";
	return "valetkey setup git docker, or valetkey run -- COMMAND";
}

int
vk_entry_report(const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(16 * VK_MAX_FIELD);
	VK_CLEANUP(vk_freep) char *label = vk_entry_label(c);
	char left[VK_WHEN_TEXT];

	if (!label)
		return vk_msg_fail(VK_ENOMEM);
	vk_when_left(c->expires, vk_when_now(), left);
	vk_buf_str(&b, "stored ");
	vk_printable_add(&b, c->name, 0);
	vk_buf_fmt(&b, ": %s credential for %s", vk_kind_text(c->kind), label);
	if (c->expires)
		vk_buf_fmt(&b, ", expires %s", left);
	vk_buf_fmt(&b, "; next: %s\n", next_step(c));
	return vk_stdout_report(&b);
}
