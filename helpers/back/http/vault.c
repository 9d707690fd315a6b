/* SPDX-License-Identifier: ISC */
/*
 * OpenBao and HashiCorp Vault: "MOUNT/PATH#FIELD" or "MOUNT/PATH?version=N#FIELD" of a key/value store of either
 * version, and "MOUNT/PATH#FIELD" of whatever else is read with one GET, as credentials of a database.
 */
#include <string.h>

#include "stores.h"
#include "vault.h"

/* What is asked for. */
struct wanted {
	char *path;          /* MOUNT/PATH */
	const char *version; /* NULL: the newest */
	const char *field;   /* NULL: the only one */
	size_t mount;        /* of ${path} that many bytes are the mount, with its slash; 0: not known */
	bool kept;           /* the mount is a key/value store: to read it makes nothing */
	bool versioned;      /* and one of version 2 */
};

static enum vk_err
parse(const char *ref, struct wanted *w)
{
	char *hash, *mark;

	if (!(w->path = vk_strdup(ref)))
		return VK_ENOMEM;
	if ((hash = strrchr(w->path, '#'))) {
		*hash = '\0';
		w->field = hash + 1;
	}
	if ((mark = strchr(w->path, '?'))) {
		uint64_t n;

		*mark = '\0';
		w->version = mark + 1 + strlen("version=");
		if (!vk_str_starts(mark + 1, "version=") || vk_str_u64(w->version, INT32_MAX, &n) != VK_OK || n == 0)
			return vk_fail(VK_EPROTO, "after a ? there is version= and a number, as in "
						  "vault:secret/app?version=3#password");
	}
	if (w->field && !*w->field)
		return vk_fail(VK_EPROTO, "no field follows the #");
	if (!strchr(w->path, '/'))
		return vk_fail(VK_EPROTO, "a reference is MOUNT/PATH#FIELD, as in vault:secret/app#password");
	return VK_OK;
}

/* ---- which kind of store is it? --------------------------------------------------------------------------------- */

static enum vk_err
take_mount(const struct vk_vault *v, const json_t *data, struct wanted *w)
{
	const char *mount = vk_vault_text(data, "path"), *type = vk_vault_text(data, "type");
	const char *version = vk_vault_text(json_object_get(data, "options"), "version");

	size_t n = mount ? strlen(mount) : 0;

	if (n < 2 || !type || mount[n - 1] != '/' || strncmp(w->path, mount, n - 1) != 0)
		return vk_fail(VK_EBACKEND, "%s answers what is not understood: no mount for that path", v->origin);
	if (w->path[n - 1] != '/')
		return vk_fail(VK_EPROTO, "%s is a mount: the path of a secret in it has to follow", w->path);
	w->mount = n;
	w->kept = strcmp(type, "kv") == 0;
	w->versioned = w->kept && version && strcmp(version, "2") == 0;
	return VK_OK;
}

/* Who may not ask may perhaps read all the same: then the first word is taken for the mount. */
static enum vk_err
find_mount(const struct vk_vault *v, struct wanted *w)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf path = VK_BUF(4 * VK_MAX_FIELD);
	struct vk_vault_call call = { .method = "GET", .token = &v->token, .again = true };
	enum vk_err e = vk_buf_str(&path, "sys/internal/ui/mounts/");

	if (e == VK_OK)
		e = vk_http_path(&path, w->path);
	call.path = path.p;
	if (e == VK_OK)
		e = vk_vault_ask(v, &call, &answer);
	if (e != VK_OK)
		return e;
	if (answer.status == 200)
		return take_mount(v, json_object_get(answer.json, "data"), w);
	if (answer.status == 403 || answer.status == 404)
		return VK_OK;
	return vk_vault_refused(v, &answer, "to say what is mounted there");
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static enum vk_err
read_path(const struct vk_vault *v, const struct wanted *w, size_t mount, bool versioned,
    struct vk_vault_answer *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf path = VK_BUF(4 * VK_MAX_FIELD);
	VK_CLEANUP(vk_freep) char *plain = vk_asprintf("%.*s%s%s", (int)mount, w->path, versioned ? "data/" : "",
	    w->path + mount);
	struct vk_vault_call call = { .method = "GET", .token = &v->token, .again = w->kept };
	enum vk_err e = plain ? vk_http_path(&path, plain) : VK_ENOMEM;

	if (e == VK_OK && versioned && w->version)
		e = vk_buf_fmt(&path, "?version=%s", w->version);
	call.path = path.p;
	return e == VK_OK ? vk_vault_ask(v, &call, ret) : e;
}

static bool
is_versioned(const struct vk_vault_answer *a)
{
	const json_t *data = json_object_get(a->json, "data");

	return json_object_get(data, "data") && vk_vault_text(json_object_get(data, "metadata"), "created_time");
}

/* Without word of what the mount is. */
static enum vk_err
try_both(const struct vk_vault *v, struct wanted *w, struct vk_vault_answer *ret)
{
	enum vk_err e = read_path(v, w, (size_t)(strchr(w->path, '/') + 1 - w->path), true, ret);

	w->versioned = e == VK_OK && is_versioned(ret);
	if (e != VK_OK || w->versioned || (ret->status != 200 && ret->status != 403 && ret->status != 404))
		return e;
	vk_vault_answer_clear(ret);
	return read_path(v, w, 0, false, ret);
}

static enum vk_err
gone(const struct vk_vault *v, const struct wanted *w, const struct vk_vault_answer *a)
{
	const json_t *metadata = json_object_get(json_object_get(a->json, "data"), "metadata");
	const char *deleted = vk_vault_text(metadata, "deletion_time");

	if (json_is_true(json_object_get(metadata, "destroyed")))
		return vk_fail(VK_ENOENT, "%s: this version of %s was destroyed", v->origin, w->path);
	if (deleted)
		return vk_fail(VK_ENOENT, "%s: this version of %s was deleted at %.40s", v->origin, w->path, deleted);
	return vk_fail(VK_ENOENT, "%s has no %s%s%s", v->origin, w->path, w->version ? ", version " : "",
	    w->version ? w->version : "");
}

/* ${*ret}: the object whose members are the fields. */
static enum vk_err
read_secret(const struct vk_vault *v, struct wanted *w, struct vk_vault_answer *answer, json_t **ret)
{
	enum vk_err e = find_mount(v, w);

	if (e == VK_OK && w->mount > 0)
		e = read_path(v, w, w->mount, w->versioned, answer);
	else if (e == VK_OK)
		e = try_both(v, w, answer);
	if (e != VK_OK)
		return e;
	if (answer->status == 404)
		return gone(v, w, answer);
	if (answer->status != 200)
		return vk_vault_refused(v, answer, w->path);
	if (w->version && !w->versioned)
		return vk_fail(VK_EPROTO, "%s: the store of %s keeps no versions", v->origin, w->path);
	*ret = json_object_get(answer->json, "data");
	if (w->versioned)
		*ret = json_object_get(*ret, "data");
	if (json_is_object(*ret))
		return VK_OK;
	return vk_fail(VK_EBACKEND, "%s answers what is not understood: a secret without fields", v->origin);
}

static enum vk_err
find_field(const struct vk_vault *v, const struct wanted *w, json_t *fields, struct vk_buf *out)
{
	const json_t *value = w->field ? json_object_get(fields, w->field) :
					 json_object_iter_value(json_object_iter(fields));

	if (!w->field && json_object_size(fields) != 1)
		return vk_fail(VK_EPROTO, "%s: %s has %zu fields: say which, as in vault:%s#password", v->origin,
		    w->path, json_object_size(fields), w->path);
	if (!value)
		return vk_fail(VK_ENOENT, "%s: %s has no field %s", v->origin, w->path, w->field);
	if (!json_is_string(value))
		return vk_fail(VK_EBACKEND, "%s: a field of %s is no text", v->origin, w->path);
	return vk_answer_secret(out, "secret", json_string_value(value), json_string_length(value));
}

/* A lease ends at the latest with the token that it was made with. */
static enum vk_err
tell_end(const struct vk_vault *v, const struct vk_vault_lease *lease, struct vk_buf *out)
{
	int64_t end = lease->expires;

	if (v->token_expires > 0 && (end == 0 || v->token_expires < end))
		end = v->token_expires;
	return end > 0 ? vk_buf_fmt(out, "expires=%lld\n", (long long)end) : VK_OK;
}

static enum vk_err
fetch(const struct vk_vault *v, struct wanted *w, struct vk_buf *out, struct vk_vault_lease *lease)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	json_t *fields = NULL;
	enum vk_err e = read_secret(v, w, &answer, &fields);
	const char *id = e == VK_OK ? vk_vault_text(answer.json, "lease_id") : NULL;

	if (id)
		e = vk_vault_lease(&answer, id, lease);
	if (e == VK_OK)
		e = find_field(v, w, fields, out);
	/* What is held has no end that we know, other than the run's. */
	if (e == VK_OK && id && !(lease->held && lease->renewable))
		e = tell_end(v, lease, out);
	return e;
}

static enum vk_err
settings(struct vk_ask *a, struct vk_vault *v)
{
	v->address = vk_ask_get(a, "address");
	v->namespace = vk_ask_get(a, "namespace");
	v->nodes = vk_ask_get(a, "nodes");
	vk_http_tls(a, &v->tls);
	if (!v->address || !*v->address)
		return vk_fail(VK_EPROTO, "no address: say it in [server vault], or in BAO_ADDR or VAULT_ADDR");
	return (v->origin = vk_http_origin(v->address)) ? VK_OK : VK_ENOMEM;
}

/* Until the program ends: what is held is held by it. */
static struct vk_vault server;
static struct vk_vault_lease lease;

static void
forget(void)
{
	vk_vault_lease_clear(&lease);
	vk_secret_clear(&server.token);
	for (size_t i = 0; i < server.n_told; i++)
		vk_secret_clear(&server.told[i]);
	free(VK_TAKE(server.origin));
}

/* How that goes nobody is told, but what went wrong before. */
static enum vk_err
logout(enum vk_err e)
{
	VK_CLEANUP(vk_freep) char *why = vk_strdup(vk_reason());

	vk_vault_logout(&server);
	return e == VK_OK || !why ? e : vk_fail(e, "%s", why);
}

enum vk_err
vk_vault_get(struct vk_ask *a, struct vk_buf *out)
{
	struct wanted w = { 0 };
	const char *ref = NULL;
	enum vk_err e = vk_ask_need(a, "ref", &ref);

	lease.held = vk_ask_get(a, "hold");
	if (e == VK_OK)
		e = parse(ref, &w);
	if (e == VK_OK)
		e = settings(a, &server);
	if (e == VK_OK && lease.held)
		e = vk_ask_hold();
	if (e == VK_OK)
		e = vk_vault_login(a, &server);
	if (e == VK_OK)
		e = fetch(&server, &w, out, &lease);
	/* With its token a lease would end. */
	if (e != VK_OK || !lease.id)
		e = logout(e);
	if (e != VK_OK || !lease.id || !lease.held)
		forget();
	free(w.path);
	return e;
}

void
vk_vault_hold(void)
{
	if (!lease.id || !lease.held)
		return;
	/* With what it was got is not needed any more. */
	for (size_t i = 0; i < server.n_told; i++)
		vk_secret_clear(&server.told[i]);
	vk_vault_lease_keep(&server, &lease);
	vk_vault_logout(&server);
	forget();
}
