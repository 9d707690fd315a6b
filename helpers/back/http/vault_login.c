/* SPDX-License-Identifier: ISC */
/* How a token is come by: one that is there, or one that a login makes and that is revoked at the end. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/remote.h"
#include "identity.h"
#include "vault.h"

enum { LOGOUT_MS = 2000 };

/* One login. */
struct login {
	const char *mount, *role, *username;
	struct vk_buf path, body; /* of the request */
};

static void
clear(struct login *l)
{
	vk_buf_clear(&l->path);
	vk_buf_clear(&l->body);
}

/* ---- what the request is made of -------------------------------------------------------------------------------- */

static enum vk_err
member(struct login *l, const char *name, const char *p, size_t n)
{
	enum vk_err e;

	vk_buf_fmt(&l->body, "%s\"%s\":", l->body.len > 0 ? "," : "{", name);
	if ((e = vk_json_add_string(&l->body, p, n)) != VK_OK)
		return e;
	return l->body.err;
}

static enum vk_err
member_role(struct login *l, const char *name)
{
	return l->role ? member(l, name, l->role, strlen(l->role)) : VK_OK;
}

/* A secret of the settings, or ${*ret} has no bytes. */
static enum vk_err
secret(struct vk_ask *a, struct vk_vault *v, const char *name, const struct vk_secret **ret)
{
	struct vk_secret *s = &v->told[v->n_told++];

	*ret = s;
	return vk_ask_secret(a, name, s);
}

static enum vk_err
needs(const char *auth, const char *what)
{
	return vk_fail(VK_EPROTO, "auth = %s needs %s", auth, what);
}

/* ---- a secret-id that was wrapped -------------------------------------------------------------------------------- */

/* "auth/MOUNT/role/ROLE/secret-id", below the namespace if the server says so. */
static bool
is_of_role(const struct vk_vault *v, const struct login *l, const char *path)
{
	const char *end = "/secret-id";
	size_t n;

	if (v->namespace && vk_str_starts(path, v->namespace)) {
		path += strlen(v->namespace);
		path += strspn(path, "/");
	}
	if (!vk_str_starts(path, "auth/") || strncmp(path + 5, l->mount, n = strlen(l->mount)) != 0 ||
	    !vk_str_starts(path + 5 + n, "/role/"))
		return false;
	path += 5 + n + strlen("/role/");
	n = strcspn(path, "/");
	return n > 0 && strcmp(path + n, end) == 0 &&
	    (!l->role || (strlen(l->role) == n && strncmp(path, l->role, n) == 0));
}

static enum vk_err
look_at_wrapped(const struct vk_vault *v, const struct login *l, const struct vk_secret *token)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf body = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	struct vk_vault_call call = { .method = "POST", .path = "sys/wrapping/lookup", .body = &body,
		.again = true };
	const char *path;
	enum vk_err e;

	vk_buf_str(&body, "{\"token\":");
	if ((e = vk_json_add_string(&body, token->p, token->n)) == VK_OK)
		e = vk_buf_str(&body, "}");
	if (e == VK_OK)
		e = vk_vault_ask(v, &call, &answer);
	if (e != VK_OK)
		return e;
	if (answer.status == 400 || answer.status == 403 || answer.status == 404) {
		return vk_fail(VK_EPOLICY, "ALARM: wrapped-secret-id is not known (any more) to %s: it has expired, or "
					   "somebody has opened it before us", v->origin);
	}
	if (answer.status != 200)
		return vk_vault_refused(v, &answer, "wrapped-secret-id");
	path = vk_vault_text(json_object_get(answer.json, "data"), "creation_path");
	if (path && is_of_role(v, l, path))
		return VK_OK;
	return vk_fail(VK_EPOLICY, "ALARM: wrapped-secret-id of %s was made by %.60s, not by auth/%s/role/%s/secret-id",
	    v->origin, path ? path : "nobody knows what", l->mount, l->role ? l->role : "*");
}

static enum vk_err
unwrap(struct vk_vault *v, const struct login *l, const struct vk_secret *token, struct vk_secret *ret)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	struct vk_vault_call call = { .method = "POST", .path = "sys/wrapping/unwrap", .token = token };
	enum vk_err e = look_at_wrapped(v, l, token);
	const char *id;

	if (e == VK_OK)
		e = vk_vault_ask(v, &call, &answer);
	if (e != VK_OK)
		return e;
	if (answer.status != 200)
		return vk_vault_refused(v, &answer, "to open wrapped-secret-id");
	if (!(id = vk_vault_text(json_object_get(answer.json, "data"), "secret_id")))
		return vk_fail(VK_EBACKEND, "%s answers what is not understood: wrapped-secret-id holds no secret-id",
		    v->origin);
	return vk_secret_set(ret, id, strlen(id));
}

/* ---- the methods ------------------------------------------------------------------------------------------------ */

static enum vk_err
approle(struct vk_ask *a, struct vk_vault *v, struct login *l)
{
	const struct vk_secret *role, *id, *wrapped;
	enum vk_err e = secret(a, v, "role-id", &role);

	if (e == VK_OK)
		e = secret(a, v, "secret-id", &id);
	if (e == VK_OK)
		e = secret(a, v, "wrapped-secret-id", &wrapped);
	if (e != VK_OK)
		return e;
	if (!role->p || (id->p && wrapped->p))
		return needs("approle", "role-id, and of secret-id and wrapped-secret-id one at most");
	if (wrapped->p)
		e = unwrap(v, l, wrapped, &v->told[1]);
	if (e == VK_OK)
		e = member(l, "role_id", role->p, role->n);
	/* A role may be bound by addresses alone. */
	return e == VK_OK && id->p ? member(l, "secret_id", id->p, id->n) : e;
}

/* The claims, which is all that is looked at here: who signed it is for the server to know. */
static enum vk_err
claims(const struct vk_secret *token, json_t **ret)
{
	const char *begin = strchr(token->p, '.'), *end = begin ? strchr(begin + 1, '.') : NULL;
	size_t n = end ? (size_t)(end - begin - 1) : 0;
	VK_CLEANUP(vk_arena_freep) char *text = vk_arena_alloc(n + 1);
	VK_CLEANUP(vk_arena_freep) unsigned char *json = vk_arena_alloc(VK_BASE64_ROOM(n));
	enum vk_err e;

	if (!text || !json)
		return VK_ENOMEM;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(begin[i + 1] == '-' ? '+' : begin[i + 1] == '_' ? '/' : begin[i + 1]);
	if (n == 0 || (e = vk_base64_decode(text, n, json, &n)) != VK_OK ||
	    (e = vk_json_parse((const char *)json, n, ret)) == VK_EPROTO)
		return vk_fail(VK_EPROTO, "jwt is no JSON Web Token");
	return e;
}

/* A token for somebody else would be good there, in the hands of this server. */
static enum vk_err
check_audience(struct vk_ask *a, const struct vk_secret *token)
{
	VK_CLEANUP(vk_json_freep) json_t *all = NULL;
	const char *wanted = vk_ask_get(a, "audience");
	const json_t *aud, *one;
	size_t i;
	enum vk_err e = wanted ? claims(token, &all) : VK_OK;

	if (!wanted || e != VK_OK)
		return e;
	aud = json_object_get(all, "aud");
	if (json_is_string(aud) && strcmp(json_string_value(aud), wanted) == 0)
		return VK_OK;
	json_array_foreach (aud, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), wanted) == 0)
			return VK_OK;
	return vk_fail(VK_EPOLICY, "jwt is for another audience than %s, and was not sent", wanted);
}

static enum vk_err
jwt(struct vk_ask *a, struct vk_vault *v, struct login *l)
{
	struct vk_secret *token = &v->told[v->n_told++];
	enum vk_err e = vk_identity_token(a, NULL, token);

	if (e == VK_OK && !token->p)
		return needs("jwt", "jwt, token-file, or a job of GitHub Actions with the permission id-token: write");
	if (e == VK_OK && (e = check_audience(a, token)) == VK_OK)
		e = member(l, "jwt", token->p, token->n);
	return e == VK_OK ? member_role(l, "role") : e;
}

static enum vk_err
kubernetes(struct vk_ask *a, struct vk_vault *v, struct login *l)
{
	const struct vk_secret *token;
	enum vk_err e = secret(a, v, "jwt", &token);

	if (e == VK_OK && !l->role)
		return needs("kubernetes", "role");
	if (e == VK_OK && !token->p)
		e = vk_source_file(VK_SERVICE_ACCOUNT, &v->told[v->n_told - 1]);
	if (e == VK_OK && (e = check_audience(a, token)) == VK_OK)
		e = member(l, "jwt", token->p, token->n);
	return e == VK_OK ? member_role(l, "role") : e;
}

static enum vk_err
cert(struct vk_ask *a, struct vk_vault *v, struct login *l)
{
	(void)a;
	if (!v->tls.certificate)
		return needs("cert", "certificate, and key where that is another file");
	return member_role(l, "name");
}

static enum vk_err
userpass(struct vk_ask *a, struct vk_vault *v, struct login *l)
{
	const struct vk_secret *password;
	enum vk_err e = secret(a, v, "password", &password);

	if (e == VK_OK && (!l->username || !*l->username || !password->p))
		return needs("userpass", "username and password");
	return e == VK_OK ? member(l, "password", password->p, password->n) : e;
}

static const struct method {
	const char *name;
	enum vk_err (*fill)(struct vk_ask *a, struct vk_vault *v, struct login *l);
} methods[] = {
	{ "approle", approle },
	{ "jwt", jwt },
	{ "kubernetes", kubernetes },
	{ "cert", cert },
	{ "userpass", userpass },
};

/* ---- login ------------------------------------------------------------------------------------------------------ */

static enum vk_err
take_token(struct vk_vault *v, const struct vk_vault_answer *answer)
{
	const json_t *auth = json_object_get(answer->json, "auth");
	const char *token = vk_vault_text(auth, "client_token"), *type = vk_vault_text(auth, "token_type");

	if (answer->status != 200)
		return vk_vault_refused(v, answer, "the login");
	if (!token && json_is_object(json_object_get(auth, "mfa_requirement")))
		return vk_fail(VK_EPOLICY, "%s asks for a second factor, which no program can give", v->origin);
	if (!token)
		return vk_fail(VK_EBACKEND, "%s answers what is not understood: a login without a token", v->origin);
	v->ours = true;
	v->revocable = !type || strcmp(type, "batch") != 0;
	v->renewable = json_is_true(json_object_get(auth, "renewable"));
	v->token_expires = vk_vault_after(json_integer_value(json_object_get(auth, "lease_duration")));
	return vk_secret_set(&v->token, token, strlen(token));
}

static enum vk_err
login(struct vk_ask *a, struct vk_vault *v, const struct method *m)
{
	VK_CLEANUP(clear) struct login l = { .path = VK_BUF(4 * VK_MAX_FIELD),
		.body = VK_BUF_SECRET(8 * VK_MAX_SECRET) };
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	struct vk_vault_call call = { .method = "POST", .body = &l.body };
	enum vk_err e;

	l.mount = vk_ask_get(a, "mount");
	l.role = vk_ask_get(a, "role");
	l.username = vk_ask_get(a, "username");
	if (!l.mount)
		l.mount = m->name;
	/* Before anything is asked: a request that is not understood asks nothing. */
	vk_buf_str(&l.path, "auth/");
	e = vk_http_path(&l.path, l.mount);
	if (e == VK_OK && (e = m->fill(a, v, &l)) == VK_OK)
		e = vk_buf_str(&l.path, "/login");
	if (e == VK_OK && m->fill == userpass && (e = vk_buf_str(&l.path, "/")) == VK_OK)
		e = vk_http_word(&l.path, l.username);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = vk_buf_str(&l.body, l.body.len > 0 ? "}" : "{}");
	call.path = l.path.p;
	if (e == VK_OK)
		e = vk_vault_ask(v, &call, &answer);
	return e == VK_OK ? take_token(v, &answer) : e;
}

/* As the store's own command leaves it, for the server that it is told by default. */
static enum vk_err
token_of_cli(struct vk_ask *a, struct vk_secret *ret)
{
	VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/.vault-token", getenv("HOME") ? getenv("HOME") : "");
	struct stat st;

	if (!path)
		return VK_ENOMEM;
	if (vk_ask_get(a, "alone"))
		return vk_fail(VK_EPOLICY, "no token: [server NAME] says none, and ~/.vault-token is not for it");
	if (*path != '/' || !getenv("HOME") || stat(path, &st) < 0)
		return vk_fail(VK_EPOLICY, "no token: neither in the config, nor in BAO_TOKEN or VAULT_TOKEN, nor of "
					   "bao login");
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return vk_fail(VK_EPOLICY, "%s is not ours alone: chmod 600 it", path);
	return vk_source_file(path, ret);
}

enum vk_err
vk_vault_login(struct vk_ask *a, struct vk_vault *v)
{
	const char *auth = vk_ask_get(a, "auth");
	enum vk_err e;

	/* They are among the variables of every such job of GitHub Actions. */
	(void)!vk_ask_get(a, "oidc-url");
	(void)!vk_ask_get(a, "oidc-token");
	for (size_t i = 0; auth && i < VK_COUNT(methods); i++)
		if (strcmp(auth, methods[i].name) == 0)
			return login(a, v, &methods[i]);
	if (auth && strcmp(auth, "token") != 0)
		return vk_fail(VK_EPROTO, "auth is one of token, approle, jwt, kubernetes, cert, userpass");
	e = vk_ask_secret(a, "token", &v->token);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	return e == VK_OK && !v->token.p ? token_of_cli(a, &v->token) : e;
}

void
vk_vault_logout(struct vk_vault *v)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	struct vk_vault_call call = { .method = "POST", .path = "auth/token/revoke-self", .token = &v->token };

	if (!v->ours || !v->revocable || !v->token.p)
		return;
	/* It ends by itself some time; nobody waits long for that it ends now. */
	vk_http_allow(LOGOUT_MS);
	(void)!vk_vault_ask(v, &call, &answer);
}
