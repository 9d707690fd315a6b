/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"

/* Has the keyring wanted to ask somebody? */
static bool prompted;
static SecretServiceClass *parent;

static const char bus_variable[] = "DBUS_SESSION_BUS_ADDRESS", keyring_name[] = "org.freedesktop.secrets";

GHashTable *
vk_attrs(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void
vk_attr(GHashTable *attrs, const char *name, const char *value)
{
	g_hash_table_replace(attrs, g_strdup(name), g_strdup(value));
}

void
vk_attrs_clear(GHashTable **attrs)
{
	if (*attrs)
		g_hash_table_unref(*attrs);
	*attrs = NULL;
}

void
vk_items_clear(struct vk_items *l)
{
	g_list_free_full(l->list, g_object_unref);
	*l = (struct vk_items){ NULL, false };
}

static enum vk_err
no_bus(void)
{
	return vk_fail(VK_EBACKEND, "there is no D-Bus session here (%s, or a bus in XDG_RUNTIME_DIR)", bus_variable);
}

/* What the library takes where nothing is said is autolaunch:, which starts a bus; and unixexec: starts a program. */
static enum vk_err
choose_bus(void)
{
	const char *said = g_getenv(bus_variable), *dir = g_getenv("XDG_RUNTIME_DIR");
	VK_CLEANUP(vk_freep) char *path = NULL;
	VK_CLEANUP(vk_freep) char *address = NULL;
	struct stat st;
	char *escaped;

	if (said && *said) {
		for (const char *one = said; one; one = strchr(one, ';') ? strchr(one, ';') + 1 : NULL)
			if (*one && !vk_str_starts(one, "unix:"))
				return vk_fail(VK_EBACKEND, "%s names no socket of this machine", bus_variable);
		return VK_OK;
	}
	if (!dir || *dir != '/')
		return no_bus();
	if (!(path = vk_asprintf("%s/bus", dir)))
		return VK_ENOMEM;
	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return no_bus();
	escaped = g_dbus_address_escape_value(path);
	address = vk_asprintf("unix:path=%s", escaped);
	g_free(escaped);
	return address && g_setenv(bus_variable, address, TRUE) ? VK_OK : VK_ENOMEM;
}

/* Takes ${error}. */
static enum vk_err
failed(const char *what, GError *error)
{
	enum vk_err e;

	if (!error)
		return vk_fail(prompted ? VK_EPOLICY : VK_EBACKEND, "the keyring %s", what);
	g_dbus_error_strip_remote_error(error);
	if (prompted && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		e = vk_fail(VK_ELOCKED, "the keyring asked, and nobody answered within %d seconds", VK_SERVICE_LIMIT_S);
	/* What it says instead of a "no" differs. */
	else if (prompted)
		e = vk_fail(VK_EPOLICY, "the keyring asked, and the answer was no");
	else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		e = vk_fail(VK_EBACKEND, "the keyring did not answer within %d seconds", VK_SERVICE_LIMIT_S);
	else if (g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
		e = vk_fail(VK_ELOCKED, "the keyring is locked");
	else if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
		e = vk_fail(VK_EPOLICY, "%s", error->message);
	else
		e = vk_fail(VK_EBACKEND, "the keyring %s: %s", what, error->message);
	g_error_free(error);
	return e;
}

/*
 * Searching and reading never leads to a prompt.  Making and removing an item may, with some keyrings always, where it
 * need not mean that anything is shown; what is shown goes when the time is over.
 */

static void
prompt_async(SecretService *service, SecretPrompt *prompt, const GVariantType *type, GCancellable *limit,
    GAsyncReadyCallback done, gpointer arg)
{
	prompted = true;
	parent->prompt_async(service, prompt, type, limit, done, arg);
}

static GVariant *
prompt_sync(SecretService *service, SecretPrompt *prompt, GCancellable *limit, const GVariantType *type, GError **error)
{
	prompted = true;
	return parent->prompt_sync(service, prompt, limit, type, error);
}

static void
class_init(gpointer class, gpointer arg)
{
	SecretServiceClass *c = class;

	(void)arg;
	parent = g_type_class_peek_parent(class);
	c->prompt_sync = prompt_sync;
	c->prompt_async = prompt_async;
}

static GType
service_type(void)
{
	return g_type_register_static_simple(SECRET_TYPE_SERVICE, "VkService", sizeof(SecretServiceClass), class_init,
	    sizeof(SecretService), NULL, 0);
}

static gpointer
watch(gpointer limit)
{
	g_usleep(VK_SERVICE_LIMIT_S * G_USEC_PER_SEC);
	g_cancellable_cancel(limit);
	return NULL;
}

/* A keyring that nobody has started would be one that nobody has unlocked. */
static enum vk_err
has_keyring(struct vk_service *s)
{
	GError *error = NULL;
	gboolean owned = FALSE;
	GVariant *answer = g_dbus_connection_call_sync(s->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
	    "org.freedesktop.DBus", "NameHasOwner", g_variant_new("(s)", keyring_name), G_VARIANT_TYPE("(b)"),
	    G_DBUS_CALL_FLAGS_NONE, -1, s->limit, &error);

	if (!answer)
		return failed("cannot be looked for", error);
	g_variant_get(answer, "(b)", &owned);
	g_variant_unref(answer);
	return owned ? VK_OK : vk_fail(VK_EBACKEND, "no keyring runs in this session (%s)", keyring_name);
}

enum vk_err
vk_service_open(struct vk_service *s)
{
	GError *error = NULL;
	enum vk_err e = choose_bus();

	if (e != VK_OK)
		return e;
	s->limit = g_cancellable_new();
	g_thread_unref(g_thread_new("limit", watch, s->limit));
	if (!(s->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, s->limit, &error)))
		return failed("has no bus", error);
	g_dbus_connection_set_exit_on_close(s->bus, FALSE);
	if ((e = has_keyring(s)) != VK_OK)
		return e;
	s->service = secret_service_open_sync(service_type(), keyring_name, SECRET_SERVICE_OPEN_SESSION, s->limit,
	    &error);
	return s->service ? VK_OK : failed("cannot be opened", error);
}

void
vk_service_close(struct vk_service *s)
{
	g_clear_object(&s->service);
	g_clear_object(&s->bus);
	/* The limit is the watching thread's as well, and goes with the process. */
}

enum vk_err
vk_service_search(struct vk_service *s, GHashTable *attrs, struct vk_items *l)
{
	GError *error = NULL;
	GList *found = secret_service_search_sync(s->service, NULL, attrs, SECRET_SEARCH_ALL, s->limit, &error);

	if (error)
		return failed("cannot be searched", error);
	for (GList *i = found; i; i = i->next) {
		if (secret_item_get_locked(i->data))
			l->locked = true;
		else
			l->list = g_list_append(l->list, g_object_ref(i->data));
	}
	g_list_free_full(found, g_object_unref);
	return VK_OK;
}

/* Where new items go; VK_ELOCKED. */
static enum vk_err
collection(struct vk_service *s, SecretCollection **ret)
{
	GError *error = NULL;
	SecretCollection *c = secret_collection_for_alias_sync(s->service, SECRET_COLLECTION_DEFAULT,
	    SECRET_COLLECTION_NONE, s->limit, &error);

	if (!c)
		return failed("has no default collection, or a closed one", error);
	if (secret_collection_get_locked(c)) {
		g_object_unref(c);
		return vk_fail(VK_ELOCKED, "the keyring is locked");
	}
	*ret = c;
	return VK_OK;
}

enum vk_err
vk_service_none(struct vk_service *s, const struct vk_items *l)
{
	SecretCollection *c = NULL;
	enum vk_err e = l->locked ? vk_fail(VK_ELOCKED, "the keyring is locked") : collection(s, &c);

	if (e != VK_OK)
		return e;
	g_object_unref(c);
	return vk_fail(VK_ENOENT, "no item of the keyring matches");
}

enum vk_err
vk_service_get(struct vk_service *s, SecretItem *item, SecretValue **ret)
{
	GError *error = NULL;

	if (!secret_item_load_secret_sync(item, s->limit, &error))
		return failed("does not give the secret", error);
	*ret = secret_item_get_secret(item);
	return *ret ? VK_OK : vk_fail(VK_ELOCKED, "the keyring is locked");
}

static enum vk_err
create(struct vk_service *s, GHashTable *attrs, const char *label, SecretValue *value)
{
	GError *error = NULL;
	SecretCollection *c = NULL;
	SecretItem *item;
	enum vk_err e = collection(s, &c);

	if (e != VK_OK)
		return e;
	if (vk_str_ends(g_dbus_proxy_get_object_path(G_DBUS_PROXY(c)), "/session")) {
		g_object_unref(c);
		return vk_fail(VK_EPOLICY, "the keyring's default collection ends with the session");
	}
	/* Should another have made it meanwhile, there is one in the end. */
	item = secret_item_create_sync(c, NULL, attrs, label, value, SECRET_ITEM_CREATE_REPLACE, s->limit, &error);
	g_object_unref(c);
	if (!item)
		return failed("does not keep it", error);
	g_object_unref(item);
	return VK_OK;
}

enum vk_err
vk_service_put(struct vk_service *s, const struct vk_items *l, GHashTable *attrs, const char *label,
    const struct vk_secret *secret)
{
	bool text = g_utf8_validate(secret->p, (gssize)secret->n, NULL);
	SecretValue *value = secret_value_new(secret->p, (gssize)secret->n,
	    text ? "text/plain" : "application/octet-stream");
	GError *error = NULL;
	enum vk_err e = VK_OK;

	if (!l->list && l->locked)
		e = vk_fail(VK_ELOCKED, "the keyring is locked");
	else if (!l->list)
		e = create(s, attrs, label, value);
	for (GList *i = l->list; e == VK_OK && i; i = i->next)
		if (!secret_item_set_secret_sync(i->data, value, s->limit, &error))
			e = failed("does not keep it", error);
	secret_value_unref(value);
	return e;
}

enum vk_err
vk_service_remove(struct vk_service *s, const struct vk_items *l)
{
	GError *error = NULL;

	for (GList *i = l->list; i; i = i->next)
		if (!secret_item_delete_sync(i->data, s->limit, &error))
			return failed("does not remove it", error);
	return VK_OK;
}
