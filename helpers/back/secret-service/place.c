/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "place.h"

static const char git_schema[] = "org.git.Password", network_schema[] = "org.gnome.keyring.NetworkPassword";

void
vk_place_clear(struct vk_place *p)
{
	vk_scope_clear(&p->scope);
	g_free(p->user);
	vk_attrs_clear(&p->attrs);
	p->user = NULL;
}

/* ${n} bytes without their "%2C"; NULL: not to be understood.  Of GLib's heap. */
static char *
decode(const char *s, size_t n)
{
	GString *out = g_string_sized_new(n);

	for (const char *end = s + n; s < end; s++) {
		int high = end - s > 2 ? g_ascii_xdigit_value(s[1]) : -1;
		int low = high >= 0 ? g_ascii_xdigit_value(s[2]) : -1;

		if (*s == '%' && low < 0) {
			g_string_free(out, TRUE);
			return NULL;
		}
		g_string_append_c(out, *s == '%' ? (char)(high * 16 + low) : *s);
		s += *s == '%' ? 2 : 0;
	}
	if (vk_str_has_control(out->str, out->len) || !g_utf8_validate(out->str, (gssize)out->len, NULL)) {
		g_string_free(out, TRUE);
		return NULL;
	}
	return g_string_free(out, FALSE);
}

static enum vk_err
parse_url(const char *ref, const char *host, struct vk_place *p)
{
	const char *at = memrchr(host, '@', strcspn(host, "/?#"));
	VK_CLEANUP(vk_freep) char *url = NULL;

	if (at && memchr(host, ':', (size_t)(at - host)))
		return vk_fail(VK_EPROTO, "a reference has no password in it, and %%3A for a colon in a user name");
	if (at && !(p->user = decode(host, (size_t)(at - host))))
		return vk_fail(VK_EPROTO, "the user name of the reference is not understood");
	if (!(url = vk_asprintf("%.*s%s", (int)(host - ref), ref, at ? at + 1 : host)))
		return VK_ENOMEM;
	return vk_scope_parse(url, &p->scope, NULL);
}

static enum vk_err
parse_attrs(const char *ref, struct vk_place *p)
{
	p->attrs = vk_attrs();
	for (const char *s = ref, *end; s; s = *end ? end + 1 : NULL) {
		const char *eq = strchr(s, '=');
		char *name, *value;
		bool ok;

		end = strchrnul(s, ',');
		if (!eq || eq > end || eq == s)
			return vk_fail(VK_EPROTO,
			    "a reference is SCHEME://[USER@]HOST[:PORT][/PATH] or NAME=VALUE,...");
		name = decode(s, (size_t)(eq - s));
		value = decode(eq + 1, (size_t)(end - eq - 1));
		ok = name && value && !g_hash_table_contains(p->attrs, name);
		if (ok)
			vk_attr(p->attrs, name, value);
		g_free(name);
		g_free(value);
		if (!ok)
			return vk_fail(VK_EPROTO, "an attribute is there twice, or is not understood");
	}
	return VK_OK;
}

enum vk_err
vk_place_parse(const char *ref, struct vk_place *ret)
{
	const char *rest = strstr(ref, "://");
	struct vk_place p = { .user = NULL };
	enum vk_err e;

	if (!g_utf8_validate(ref, -1, NULL))
		return vk_fail(VK_EPROTO, "the reference is not UTF-8");
	/* A value may hold a URL; before the "://" of one there is neither '=' nor ','. */
	e = rest && strcspn(ref, "=,") > (size_t)(rest - ref) ? parse_url(ref, rest + 3, &p) : parse_attrs(ref, &p);
	if (e != VK_OK)
		vk_place_clear(&p);
	else
		*ret = p;
	return e;
}

static bool
has(GHashTable *attrs, const char *name, const char *value)
{
	const char *v = g_hash_table_lookup(attrs, name);

	return v && strcmp(v, value) == 0;
}

static const char *
text(GHashTable *attrs, const char *name)
{
	const char *v = g_hash_table_lookup(attrs, name);

	return v ? v : "";
}

static bool
same_port(const char *port, const struct vk_scope *scope)
{
	uint64_t n = vk_scheme_port(scope->scheme);

	return (!*port || vk_str_u64(port, 65535, &n) == VK_OK) && n == scope->port;
}

static bool
is_ours(GHashTable *attrs)
{
	return g_hash_table_contains(attrs, "scheme") && g_hash_table_contains(attrs, "host") &&
	    g_hash_table_contains(attrs, "port") && g_hash_table_contains(attrs, "path") &&
	    g_hash_table_contains(attrs, "user");
}

/* The keyring compares what it was asked for, which is all that there is. */
static bool
means_ours(GHashTable *attrs, const struct vk_place *p)
{
	(void)p;
	return is_ours(attrs);
}

static bool
means_git(GHashTable *attrs, const struct vk_place *p)
{
	const char *schema = text(attrs, VK_SCHEMA);
	bool known = !*schema || strcmp(schema, git_schema) == 0 || strcmp(schema, network_schema) == 0;

	return known && !is_ours(attrs) && has(attrs, "protocol", p->scope.scheme) &&
	    has(attrs, "server", p->scope.host) && same_port(text(attrs, "port"), &p->scope) &&
	    strcmp(text(attrs, "object"), p->scope.path) == 0 &&
	    (!p->user || strcmp(text(attrs, "user"), p->user) == 0);
}

static void
put_ours(GHashTable *attrs, const struct vk_place *p)
{
	char port[16];

	g_snprintf(port, sizeof(port), "%u", p->scope.port);
	vk_attr(attrs, "scheme", p->scope.scheme);
	vk_attr(attrs, "host", p->scope.host);
	vk_attr(attrs, "port", port);
	vk_attr(attrs, "path", p->scope.path);
	if (p->user)
		vk_attr(attrs, "user", p->user);
}

/* Search for ${attrs}, and keep what ${means} says. */
static enum vk_err
search(struct vk_service *s, const struct vk_place *p, GHashTable *attrs,
    bool (*means)(GHashTable *, const struct vk_place *), struct vk_items *ret)
{
	VK_CLEANUP(vk_items_clear) struct vk_items all = { NULL, false };
	enum vk_err e = vk_service_search(s, attrs, &all);

	for (GList *i = all.list; i; i = i->next) {
		GHashTable *found = secret_item_get_attributes(i->data);

		if (means(found, p))
			ret->list = g_list_append(ret->list, g_object_ref(i->data));
		g_hash_table_unref(found);
	}
	ret->locked = ret->locked || all.locked;
	return e;
}

static enum vk_err
search_url(struct vk_service *s, const struct vk_place *p, struct vk_items *ours, struct vk_items *git)
{
	VK_CLEANUP(vk_attrs_clear) GHashTable *explicit = vk_attrs();
	VK_CLEANUP(vk_attrs_clear) GHashTable *loose = vk_attrs();
	enum vk_err e;

	put_ours(explicit, p);
	vk_attr(loose, "protocol", p->scope.scheme);
	vk_attr(loose, "server", p->scope.host);
	if ((e = search(s, p, explicit, means_ours, ours)) == VK_OK)
		e = search(s, p, loose, means_git, git);
	return e;
}

/* The same user in both layouts is one account. */
static enum vk_err
one_account(const struct vk_items *l)
{
	GHashTable *first = l->list ? secret_item_get_attributes(l->list->data) : NULL;
	bool one = true;

	for (GList *i = l->list ? l->list->next : NULL; i; i = i->next) {
		GHashTable *other = secret_item_get_attributes(i->data);

		one = one && strcmp(text(first, "user"), text(other, "user")) == 0;
		g_hash_table_unref(other);
	}
	vk_attrs_clear(&first);
	if (one)
		return VK_OK;
	return vk_fail(VK_EPROTO, "the keyring has several accounts there: name one, as in https://USER@HOST");
}

enum vk_err
vk_place_find(struct vk_service *s, const struct vk_place *p, struct vk_items *ret)
{
	struct vk_items git = { NULL, false };
	enum vk_err e = p->attrs ? vk_service_search(s, p->attrs, ret) : search_url(s, p, ret, &git);

	ret->locked = ret->locked || git.locked;
	ret->list = g_list_concat(ret->list, git.list);
	if (e == VK_OK && p->attrs && ret->list && ret->list->next)
		e = vk_fail(VK_EPROTO, "several items of the keyring match: name more attributes");
	return e == VK_OK && !p->attrs ? one_account(ret) : e;
}

static bool
item_is_ours(gpointer item)
{
	GHashTable *attrs = secret_item_get_attributes(item);
	bool ours = is_ours(attrs);

	g_hash_table_unref(attrs);
	return ours;
}

bool
vk_place_doubtful(const struct vk_items *l)
{
	return l->list && l->list->next && item_is_ours(l->list->data) == item_is_ours(l->list->next->data);
}

GHashTable *
vk_place_attrs(const struct vk_place *p)
{
	GHashTable *attrs = vk_attrs();
	bool for_git = !p->attrs && p->scope.port == vk_scheme_port(p->scope.scheme) && !*p->scope.path &&
	    p->user && *p->user;

	if (p->attrs) {
		GHashTableIter i;
		gpointer name, value;

		vk_attr(attrs, VK_SCHEMA, "org.freedesktop.Secret.Generic");
		for (g_hash_table_iter_init(&i, p->attrs); g_hash_table_iter_next(&i, &name, &value);)
			vk_attr(attrs, name, value);
		return attrs;
	}
	vk_attr(attrs, VK_SCHEMA, for_git ? network_schema : "org.valetkey.Credential");
	put_ours(attrs, p);
	if (for_git) {
		vk_attr(attrs, "protocol", p->scope.scheme);
		vk_attr(attrs, "server", p->scope.host);
	}
	return attrs;
}
