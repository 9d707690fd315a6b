/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/secret_input.h"
#include "cli/session.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_FOR = 1, OPT_SCOPE, OPT_KEY_FILE, OPT_STDIN };

enum { TRIES = 3 };

static const struct vk_opt opts[] = {
	{ OPT_FOR, "for", "TIME", "how long: 30m, 8h, 2d, at most 30d (default 12h)", false },
	{ OPT_SCOPE, "scope", "SCOPE", "login (the default) or user: see above", false },
	{ OPT_KEY_FILE, "key-file", "FILE", "open it with the raw key in FILE", false },
	{ OPT_STDIN, "passphrase-stdin", NULL, "read the passphrase from standard input", false },
};

const struct vk_cmd vk_cmd_unlock = {
	.name = "unlock",
	.args = "",
	.summary = "open the keystore for this login session",
	.help = "Asks for the passphrase once, and leaves a session key with the kernel.  With VALETKEY_KEY\n"
		"or VALETKEY_KEY_FILE set, that key is used.  \"--scope login\" gives it to the processes of\n"
		"this login session, \"--scope user\" to every process of this user, such as cron jobs and\n"
		"other terminals.  Where the kernel refuses (many containers), the session key goes to a\n"
		"file on a memory file system, and this is said.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct unlocking {
	const char *key_file;
	bool from_stdin;
	enum vk_session_scope scope;
	int64_t seconds;
};

static enum vk_err
wrong_passphrase(const struct vk_store *st, enum vk_err e)
{
	if (e != VK_EKEY)
		return e;
	return vk_fail(e, "this passphrase does not open the keystore %s", vk_store_file(st));
}

static enum vk_err
by_key_file(struct vk_store *st, const char *file)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e = key ? vk_raw_key_read(file, key) : VK_ENOMEM;

	if (e == VK_OK && (e = vk_store_unlock_raw(st, key)) == VK_EKEY)
		vk_fail(e, "the key in %s does not open the keystore %s", file, vk_store_file(st));
	return e == VK_EPROTO ? VK_EKEY : e;
}

static enum vk_err
by_stdin(struct vk_store *st)
{
	struct vk_secret pass = { 0 };
	enum vk_err e = vk_input_stdin("the passphrase", &pass);

	if (e == VK_OK)
		e = wrong_passphrase(st, vk_store_unlock_passphrase(st, &pass));
	vk_secret_clear(&pass);
	return e;
}

static enum vk_err
has_passphrase(struct vk_store *st)
{
	struct vk_slot_info v[64];
	size_t n = 0;
	enum vk_err e = vk_store_slots(st, v, VK_COUNT(v), &n);

	for (size_t i = 0; e == VK_OK && i < n && i < VK_COUNT(v); i++)
		if (v[i].type == VK_SLOT_PASSPHRASE)
			return VK_OK;
	if (e != VK_OK)
		return e;
	vk_hint("use --key-file, or set VALETKEY_KEY or VALETKEY_KEY_FILE");
	return vk_fail(VK_ELOCKED, "the keystore %s has no passphrase; it opens with a raw key",
	    vk_store_file(st));
}

static enum vk_err
by_asking(struct vk_store *st)
{
	enum vk_err e = has_passphrase(st);

	for (int i = 0; i < TRIES && (i == 0 || e == VK_EKEY); i++) {
		struct vk_secret pass = { 0 };

		if (e == VK_EKEY)
			vk_msg_note("wrong passphrase, try again");
		else if (e != VK_OK)
			return e;
		if ((e = vk_input_ask("the passphrase", "Passphrase: ", false, &pass)) == VK_OK)
			e = wrong_passphrase(st, vk_store_unlock_passphrase(st, &pass));
		else if (e == VK_ELOCKED)
			vk_hint("use --passphrase-stdin or --key-file");
		vk_secret_clear(&pass);
	}
	return e;
}

static int
unlock(const struct unlocking *u)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_cli_open(&st);

	if (e != VK_OK)
		return vk_msg_fail(e);
	if (u->key_file)
		e = by_key_file(st, u->key_file);
	else if (u->from_stdin)
		e = by_stdin(st);
	else if (vk_unlock_variable())
		e = vk_unlock(st, NULL); /* it goes first there */
	else
		e = by_asking(st);
	return e == VK_OK ? vk_cli_session_start(st, u->scope, (unsigned)u->seconds) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_unlock, argc, argv);
	struct unlocking u = { .scope = VK_SESSION_LOGIN, .seconds = VK_CLI_SESSION_SECONDS };
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_FOR:
			if ((e = vk_when_duration(o.arg, (int64_t)30 * 86400, &u.seconds)) != VK_OK)
				return vk_msg_fail(e);
			break;
		case OPT_SCOPE:
			if (strcmp(o.arg, "user") != 0 && strcmp(o.arg, "login") != 0)
				return vk_msg_usage("unlock: no such scope: %s (login or user)", o.arg);
			u.scope = strcmp(o.arg, "user") == 0 ? VK_SESSION_USER : VK_SESSION_LOGIN;
			break;
		case OPT_KEY_FILE:
			u.key_file = o.arg;
			break;
		case OPT_STDIN:
			u.from_stdin = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	if (u.key_file && u.from_stdin)
		return vk_msg_usage("unlock: --key-file and --passphrase-stdin exclude each other");
	return unlock(&u);
}
