/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/source.h"
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/kept.h"
#include "cli/secret_input.h"
#include "cli/setup.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum {
	OPT_USERNAME = 1,
	OPT_NAME,
	OPT_SCOPE,
	OPT_KIND,
	OPT_HEADER,
	OPT_EXPIRES,
	OPT_FROM,
	OPT_TO,
	OPT_DEFAULT,
	OPT_REPLACE,
};

static const struct vk_opt opts[] = {
	{ OPT_USERNAME, "username", "USER", "the account's user name", false },
	{ OPT_NAME, "name", "NAME", "a name of your own (default: the host and path)", false },
	{ OPT_SCOPE, "scope", "@SCOPE", "an npm registry entry: the packages it is for", false },
	{ OPT_KIND, "kind", "KIND", "basic (default with a user name), bearer or header", false },
	{ OPT_HEADER, "header", "FIELD", "kind header: the field that carries the secret", false },
	{ OPT_EXPIRES, "expires", "WHEN", "+30d, +12h, 2030-01-31, RFC 3339, or seconds since 1970", false },
	{ OPT_FROM, "from", "REF", "copy the secret from env:NAME or file:/PATH", false },
	{ OPT_TO, "to", "STORE", "secret-service: the desktop's keyring keeps the secret, not the keystore", false },
	{ OPT_DEFAULT, "default", NULL, "use this account where a client names none", false },
	{ OPT_REPLACE, "replace", NULL, "replace the entry that is there", false },
};

const struct vk_cmd vk_cmd_add = {
	.name = "add",
	.args = "URL",
	.summary = "store a credential for a URL",
	.help = "Reads the secret from standard input (one line end is dropped), or asks for it on a terminal\n"
		"without echo.  It answers for URL and for everything below its path, and nowhere else.\n"
		"No client can overwrite or erase it.\n\n"
		"With --to secret-service the desktop's keyring keeps the secret, and a section of the config\n"
		"refers to it.\n\n"
		"  printf %s \"$TOKEN\" | valetkey add https://git.example --username alice\n"
		"  valetkey add https://npm.example/repo --scope @corp --from file:/run/secrets/npm\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct adding {
	const char *username, *name, *npm_scope, *kind, *header, *expires, *from, *to;
	bool as_default, replace;
	struct vk_cred *cred;
};

static bool
is_token(const char *s)
{
	/* RFC 9110: the name of a header field */
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "!#$%&'*+-.^_`|~");

	return n > 0 && s[n] == '\0' && n <= 128;
}

static bool
is_npm_scope(const char *s)
{
	size_t n = strspn(s + (*s == '@'),
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~");

	return *s == '@' && n > 0 && n <= 214 && s[1 + n] == '\0' && s[1] != '.' && s[1] != '_';
}

static enum vk_err
set_kind(const struct adding *a, struct vk_cred *c)
{
	enum vk_err e = VK_OK;

	c->kind = *c->username ? VK_KIND_BASIC : a->header ? VK_KIND_HEADER : VK_KIND_BEARER;
	if (a->kind && (e = vk_kind_parse(a->kind, &c->kind)) != VK_OK)
		return e;
	if (c->kind == VK_KIND_BASIC && !*c->username)
		return vk_fail(VK_EUSAGE, "kind basic needs --username");
	if (c->kind != VK_KIND_HEADER && a->header)
		return vk_fail(VK_EUSAGE, "--header goes with --kind header");
	if (c->kind == VK_KIND_HEADER && !(a->header && is_token(a->header)))
		return vk_fail(VK_EUSAGE, "kind header needs --header with the name of a header field");
	if (c->kind == VK_KIND_HEADER)
		e = vk_cred_set(&c->header, a->header);
	else if (c->kind == VK_KIND_BEARER)
		e = vk_cred_set(&c->authtype, "Bearer");
	return e;
}

/* Everything but the secret: nobody should type one only to learn that an option was wrong. */
static enum vk_err
describe(const struct adding *a, const char *url, struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *user = NULL;
	const char *name = a->username;
	enum vk_err e;

	vk_scope_clear(&c->scope);
	if ((e = vk_scope_parse(url, &c->scope, &user)) != VK_OK)
		return e;
	if (user && name && strcmp(user, name) != 0)
		return vk_fail(VK_EUSAGE, "the URL and --username name different users");
	name = name ? name : user ? user : "";
	if (strlen(name) > VK_MAX_FIELD || vk_str_has_control(name, strlen(name)))
		return vk_fail(VK_EUSAGE, "the user name is too long or holds control characters");
	if (a->name && !vk_entry_is_name(a->name))
		return vk_fail(VK_EUSAGE,
		    "a name has no blanks, commas, quotes or any of ;#= in it, and is no URL");
	if (a->npm_scope && !is_npm_scope(a->npm_scope))
		return vk_fail(VK_EUSAGE, "an npm scope is written like @corp");
	if ((e = vk_cred_set(&c->username, name)) != VK_OK ||
	    (e = vk_cred_set(&c->name, a->name ? a->name : "")) != VK_OK ||
	    (e = vk_cred_set(&c->npm_scope, a->npm_scope ? a->npm_scope : "")) != VK_OK ||
	    (e = set_kind(a, c)) != VK_OK)
		return e;
	c->flags = VK_CRED_PINNED;
	c->created = vk_when_now();
	return a->expires ? vk_when_parse(a->expires, c->created, &c->expires) : VK_OK;
}

static enum vk_err
read_secret(const struct adding *a, struct vk_cred *c)
{
	struct vk_ref ref;
	enum vk_err e;

	if (!a->from) {
		if (!isatty(STDIN_FILENO))
			return vk_input_stdin("the secret", &c->secret);
		VK_CLEANUP(vk_freep) char *label = vk_entry_label(c);
		VK_CLEANUP(vk_freep) char *prompt = label ? vk_asprintf("Secret for %s: ", label) : NULL;

		return prompt ? vk_input_ask("the secret", prompt, false, &c->secret) : VK_ENOMEM;
	}
	if ((e = vk_ref_parse(a->from, &ref)) != VK_OK)
		return e;
	if (ref.kind == VK_SOURCE_ENV)
		return vk_source_env(ref.what, &c->secret);
	if (ref.kind == VK_SOURCE_FILE)
		return vk_source_file(ref.what, &c->secret);
	return vk_fail(VK_EUSAGE, "--from copies from env:NAME or file:/PATH");
}

static enum vk_err
decide(struct vk_store *st, void *arg)
{
	struct adding *a = arg;
	struct vk_cred *c = a->cred;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *old = NULL;
	enum vk_err e = vk_entry_exact(st, &c->scope, c->username, &old);

	if (e != VK_OK && e != VK_ENOENT)
		return e;
	if (old && !a->replace) {
		vk_hint("use --replace, or --username for another account");
		return vk_fail(VK_EEXIST, "there is an entry for this already, stored by %s",
		    vk_entry_origin(old));
	}
	if (old && !a->name && (e = vk_cred_set(&c->name, old->name)) != VK_OK)
		return e;
	if ((e = vk_entry_choose_name(st, c)) != VK_OK || (e = vk_store_stage_put(st, c)) != VK_OK)
		return e;
	return a->as_default ? vk_store_stage_default(st, &c->scope, c->username) : VK_OK;
}

static void
warn(const struct vk_cred *c)
{
	static const char *const hub[] = { "docker.io", "hub.docker.com", "registry-1.docker.io" };

	if (strcmp(c->scope.scheme, "aws") == 0 && c->kind != VK_KIND_BASIC)
		vk_msg_warn("the AWS tools cannot be told this entry: add it with --username, the access key's id");
	vk_entry_warn(c);
	for (size_t i = 0; i < VK_COUNT(hub); i++)
		if (strcmp(c->scope.host, hub[i]) == 0)
			vk_msg_warn("docker asks for Docker Hub as https://index.docker.io/v1/, which this "
				    "entry does not answer");
	if (c->kind == VK_KIND_BEARER && !*c->npm_scope && strcmp(c->scope.scheme, "aws") != 0)
		vk_msg_note("docker, and git before 2.46, take a user name and a password: for them, add "
			    "this with --username");
}

static int
add(struct adding *a, const char *url)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	enum vk_err e = c ? describe(a, url, c) : VK_ENOMEM;

	/* Locked is said before the secret is asked for. */
	if (e == VK_OK)
		e = vk_cli_open_unlocked(&st);
	if (e == VK_OK)
		e = read_secret(a, c);
	if (e == VK_OK) {
		a->cred = c;
		e = vk_store_commit(st, decide, a);
	}
	if (e != VK_OK)
		return vk_msg_fail(e);
	warn(c);
	vk_setup_extend(c);
	return vk_entry_report(c);
}

static int
report_kept(const struct vk_kept *k, const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(16 * VK_MAX_FIELD);

	vk_buf_fmt(&b, "stored in %s, to which [%s] in %s refers%s\n", k->store->name, c->name, k->path,
	    k->there || k->written ? "" : " once you have written it there:");
	vk_buf_str(&b, k->text.p ? k->text.p : "");
	vk_buf_str(&b, "next: valetkey setup git docker, or valetkey run -- COMMAND\n");
	return vk_stdout_report(&b);
}

static int
add_elsewhere(struct adding *a, const char *url)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	VK_CLEANUP(vk_kept_clear) struct vk_kept k = VK_KEPT;
	enum vk_err e = c ? describe(a, url, c) : VK_ENOMEM;

	if (e == VK_OK)
		e = vk_kept_begin(&k, a->to, c, a->replace);
	if (e == VK_OK)
		e = read_secret(a, c);
	if (e == VK_OK)
		e = vk_kept_put(&k, c);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (!k.there && !k.written)
		vk_msg_warn("the config %s was not changed: %s", k.path, vk_reason());
	warn(c);
	vk_setup_extend(c);
	return report_kept(&k, c);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_add, argc, argv);
	struct adding a = { 0 };
	const char **const texts[] = {
		[OPT_USERNAME] = &a.username, [OPT_NAME] = &a.name, [OPT_SCOPE] = &a.npm_scope,
		[OPT_KIND] = &a.kind, [OPT_HEADER] = &a.header, [OPT_EXPIRES] = &a.expires,
		[OPT_FROM] = &a.from, [OPT_TO] = &a.to,
	};

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if (id == OPT_DEFAULT)
			a.as_default = true;
		else if (id == OPT_REPLACE)
			a.replace = true;
		else
			*texts[id] = o.arg;
	}
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	if (a.to && (a.expires || a.as_default))
		return vk_msg_usage("add: --expires and --default are for the keystore, not for --to");
	return a.to ? add_elsewhere(&a, argv[o.at]) : add(&a, argv[o.at]);
}
