/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/policy.h"
#include "valetkey/secret.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/login.h"
#include "cli/setup.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum {
	OPT_CLIENT_ID = 1,
	OPT_CLIENT_SECRET,
	OPT_FORGE,
	OPT_ISSUER,
	OPT_SCOPE,
	OPT_USERNAME,
	OPT_NAME,
	OPT_DEFAULT,
	OPT_REPLACE,
	OPT_JSON,
};

static const struct vk_opt opts[] = {
	{ OPT_CLIENT_ID, "client-id", "ID", "the application that you registered at the server", false },
	{ OPT_CLIENT_SECRET, "client-secret", "REF", "its secret, if it has one: env:NAME, file:/PATH ...", false },
	{ OPT_FORGE, "forge", "github|gitlab", "what the server is, where that cannot be seen from its name", false },
	{ OPT_ISSUER, "issuer", "URL", "the server that issues tokens (default: the one of the URL)", false },
	{ OPT_SCOPE, "scope", "SCOPES", "what the token is to be good for", false },
	{ OPT_USERNAME, "username", "USER", "the user name that goes with the token; '' for a bearer token", false },
	{ OPT_NAME, "name", "NAME", "a name of your own (default: the host and path)", false },
	{ OPT_DEFAULT, "default", NULL, "use this account where a client names none", false },
	{ OPT_REPLACE, "replace", NULL, "replace an entry that no login made", false },
	{ OPT_JSON, "json", NULL, "print the entry as a JSON object", false },
};

const struct vk_cmd vk_cmd_login = {
	.name = "login",
	.args = "HOST|URL",
	.summary = "have a token issued for a host, and renewed before it expires",
	.help = "Shows a code and a page where you enter it in a browser, on any machine, and waits until you have\n"
		"agreed there (RFC 8628).  The token answers for HOST, or for URL and below.  Before it expires it\n"
		"is renewed when it is asked for.  Later logins need no options.\n\n"
		"  valetkey login github.com --client-id Iv1.0123456789abcdef\n"
		"  valetkey login git.example --forge gitlab --client-id ID\n"
		"  valetkey login https://npm.example --issuer https://sso.example --client-id ID\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct login {
	const char *client_id, *client_secret, *forge, *issuer, *scope, *username, *name;
	bool as_default, replace, json;
	struct vk_policy *policy;
	struct vk_grant grant;
	struct vk_cred *old; /* the entry that is there, or NULL */
	struct vk_cred *cred;
};

static void
clear(struct login *l)
{
	vk_grant_clear(&l->grant);
	vk_cred_free(l->old);
	vk_cred_free(l->cred);
	vk_policy_close(l->policy);
}

/* ---- whom to ask ----------------------------------------------------------------------------------------------- */

static enum vk_err
parse_place(struct login *l, const char *what)
{
	VK_CLEANUP(vk_freep) char *url = strstr(what, "://") ? vk_strdup(what) : vk_asprintf("https://%s", what);

	if (!url)
		return VK_ENOMEM;
	vk_scope_clear(&l->cred->scope);
	return vk_scope_parse(url, &l->cred->scope, NULL);
}

struct looking {
	const struct vk_scope *scope;
	char *username; /* of the only one so far */
	unsigned n;
};

static enum vk_err
note_login(const struct vk_cred *c, void *arg)
{
	struct looking *k = arg;

	if (strcmp(c->scope.path, k->scope->path) != 0 || !vk_grant_has(c))
		return VK_OK;
	free(k->username);
	k->username = vk_strdup(c->username);
	k->n++;
	return k->username ? VK_OK : VK_ENOMEM;
}

/* A later login need not say again who it is for. */
static enum vk_err
find_old(struct login *l, struct vk_store *st, const struct vk_forge *forge)
{
	struct looking k = { .scope = &l->cred->scope };
	const char *username = l->username;
	enum vk_err e = username ? VK_OK : vk_store_each(st, k.scope, note_login, &k);

	if (e == VK_OK && k.n > 1)
		e = vk_fail(VK_EUSAGE, "there are logins of %u accounts: say which with --username", k.n);
	if (!username)
		username = k.n == 1 ? k.username : forge ? forge->username : "";
	if (e == VK_OK)
		e = vk_cred_set(&l->cred->username, username);
	free(k.username);
	if (e == VK_OK && (e = vk_entry_exact(st, k.scope, l->cred->username, &l->old)) == VK_ENOENT)
		return VK_OK;
	if (e != VK_OK || vk_grant_has(l->old) || l->replace)
		return e;
	vk_hint("use --replace, or --username for another account");
	return vk_fail(VK_EEXIST, "there is an entry for this already, which no login made");
}

static enum vk_err
set_endpoints(struct vk_grant *g, const struct vk_forge *forge)
{
	size_t n = strlen(g->issuer);

	while (n > 0 && g->issuer[n - 1] == '/')
		n--;
	free(g->device_url);
	free(g->token_url);
	g->device_url = vk_asprintf("%.*s%s", (int)n, g->issuer, forge->device_path);
	g->token_url = vk_asprintf("%.*s%s", (int)n, g->issuer, forge->token_path);
	return g->device_url && g->token_url ? VK_OK : VK_ENOMEM;
}

/* Of an issuer other than the one that the entry has, nothing is known. */
static enum vk_err
start_grant(struct login *l, const char *issuer)
{
	enum vk_err e;

	if (l->old && vk_grant_has(l->old)) {
		if ((e = vk_grant_read(l->old, &l->grant)) != VK_OK || !issuer || strcmp(issuer, l->grant.issuer) == 0)
			return e;
		vk_grant_clear(&l->grant);
	}
	return vk_grant_init(&l->grant);
}

static enum vk_err
set_client(struct login *l)
{
	struct vk_grant *g = &l->grant;
	struct vk_secret secret = { NULL, 0 };
	enum vk_err e = VK_OK;

	if (l->client_id && strcmp(l->client_id, g->client_id) != 0) {
		vk_secret_clear(&g->client_secret);
		e = vk_cred_set(&g->client_id, l->client_id);
	}
	if (e == VK_OK && l->client_secret && (e = vk_policy_ref(l->policy, l->client_secret, &secret)) == VK_OK) {
		vk_secret_clear(&g->client_secret);
		g->client_secret = secret;
	}
	if (e == VK_OK && !*g->client_id) {
		vk_hint("register an application at %s that may use the device flow, and give its id with --client-id",
		    g->issuer);
		return vk_fail(VK_EUSAGE, "which application asks?");
	}
	return e;
}

static enum vk_err
describe(struct login *l, struct vk_store *st)
{
	struct vk_scope origin = l->cred->scope;
	struct vk_scope at = { 0 };
	VK_CLEANUP(vk_freep) char *own = NULL;
	const struct vk_forge *forge;
	bool known;
	enum vk_err e;

	origin.path = (char[]){ "" };
	if (!(own = vk_scope_url(&origin)))
		return VK_ENOMEM;
	if ((e = vk_scope_parse(l->issuer ? l->issuer : own, &at, NULL)) != VK_OK)
		return e;
	forge = l->forge ? vk_forge_named(l->forge) : vk_forge_at(at.host);
	vk_scope_clear(&at);
	if (l->forge && !forge)
		return vk_fail(VK_EUSAGE, "no such forge: %s (github or gitlab)", l->forge);
	if ((e = find_old(l, st, forge)) != VK_OK || (e = start_grant(l, l->issuer)) != VK_OK)
		return e;
	/* Where an earlier login was made is known, whatever this place is called like. */
	known = *l->grant.issuer != '\0';
	if (!known)
		e = vk_cred_set(&l->grant.issuer, l->issuer ? l->issuer : own);
	if (e == VK_OK && forge && (l->forge || !known))
		e = set_endpoints(&l->grant, forge);
	if (e == VK_OK && (l->scope || (!*l->grant.scope && forge && !known)))
		e = vk_cred_set(&l->grant.scope, l->scope ? l->scope : forge->scope);
	return e == VK_OK ? set_client(l) : e;
}

/* ---- the login ------------------------------------------------------------------------------------------------- */

static void
tell(const struct vk_device *d)
{
	vk_msg_note("open %s and enter the code %s", d->page, d->user_code);
	if (d->page_with_code)
		vk_msg_note("or open %s", d->page_with_code);
	vk_msg_note("waiting until you have agreed there, for %lld minutes at most",
	    (long long)((d->seconds + 59) / 60));
}

static enum vk_err
have_token(struct login *l)
{
	VK_CLEANUP(vk_device_clear) struct vk_device d = { 0 };
	VK_CLEANUP(vk_tokens_clear) struct vk_tokens t = { .expires = 0 };
	struct vk_cred *c = l->cred;
	enum vk_err e;

	if (vk_policy_offline(l->policy))
		return vk_fail(VK_EBACKEND, "offline: %s is not asked", l->grant.issuer);
	if ((e = vk_oauth_begin(&l->grant, &d)) != VK_OK)
		return e;
	tell(&d);
	if ((e = vk_login_wait(&l->grant, &d, &t)) != VK_OK)
		return e;
	c->secret = t.access;
	c->refresh = t.refresh;
	c->expires = t.expires;
	t = (struct vk_tokens){ .expires = 0 };
	c->flags = VK_CRED_PINNED;
	c->created = vk_when_now();
	c->kind = *c->username ? VK_KIND_BASIC : VK_KIND_BEARER;
	if (c->kind == VK_KIND_BEARER && (e = vk_cred_set(&c->authtype, "Bearer")) != VK_OK)
		return e;
	l->grant.renewed = 0;
	/* Fields of later versions stay. */
	if (l->old && (e = vk_cred_set(&c->npm_scope, l->old->npm_scope)) != VK_OK)
		return e;
	if (l->old && l->old->extra.p && (e = vk_secret_set(&c->extra, l->old->extra.p, l->old->extra.n)) != VK_OK)
		return e;
	return vk_grant_write(&l->grant, c);
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	struct login *l = arg;
	struct vk_cred *c = l->cred;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	enum vk_err e = vk_entry_exact(st, &c->scope, c->username, &old);

	if (e != VK_OK && e != VK_ENOENT)
		return e;
	if (old && !vk_grant_has(old) && !l->replace)
		return vk_fail(VK_EEXIST, "another entry for this was stored meanwhile, by %s", vk_entry_origin(old));
	if ((e = vk_cred_set(&c->name, l->name ? l->name : old ? old->name : "")) != VK_OK ||
	    (e = vk_entry_choose_name(st, c)) != VK_OK || (e = vk_store_stage_put(st, c)) != VK_OK)
		return e;
	return l->as_default ? vk_store_stage_default(st, &c->scope, c->username) : VK_OK;
}

static int
report(const struct login *l)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(64 * VK_MAX_FIELD);

	if (!l->json)
		return vk_entry_report(l->cred);
	vk_entry_json(&b, l->cred, vk_when_now());
	vk_buf_str(&b, "}\n");
	return vk_stdout_report(&b);
}

static int
login(struct login *l, const char *what)
{
	struct vk_store *st;
	enum vk_err e;

	if (!(l->cred = vk_cred_new()))
		return vk_msg_fail(VK_ENOMEM);
	if (l->name && !vk_entry_is_name(l->name))
		return vk_msg_usage("login: a name has no blanks, commas, quotes or any of ;#= in it, and is no URL");
	if (l->username && (strlen(l->username) > VK_MAX_FIELD || vk_str_has_control(l->username, strlen(l->username))))
		return vk_msg_usage("login: the user name is too long or holds control characters");
	if ((e = parse_place(l, what)) == VK_OK && (e = vk_policy_open(NULL, &l->policy)) == VK_OK &&
	    (e = vk_policy_store(l->policy, &st)) == VK_OK && (e = describe(l, st)) == VK_OK &&
	    (e = have_token(l)) == VK_OK)
		e = vk_store_commit(st, decide, l);
	vk_death_let();
	if (e != VK_OK)
		return vk_msg_fail(e);
	vk_entry_warn(l->cred);
	if (!l->cred->refresh.p)
		vk_msg_note("%s gave no refresh token, so this token is not renewed", l->grant.issuer);
	vk_setup_extend(l->cred);
	return report(l);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_login, argc, argv);
	VK_CLEANUP(clear) struct login l = { 0 };
	const char **const texts[] = {
		[OPT_CLIENT_ID] = &l.client_id, [OPT_CLIENT_SECRET] = &l.client_secret, [OPT_FORGE] = &l.forge,
		[OPT_ISSUER] = &l.issuer, [OPT_SCOPE] = &l.scope, [OPT_USERNAME] = &l.username, [OPT_NAME] = &l.name,
	};

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if (id == OPT_DEFAULT)
			l.as_default = true;
		else if (id == OPT_REPLACE)
			l.replace = true;
		else if (id == OPT_JSON)
			l.json = true;
		else
			*texts[id] = o.arg;
	}
	return vk_opts_operands(&o, 1, 1) ? login(&l, argv[o.at]) : 2;
}
