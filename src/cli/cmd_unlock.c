/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/opening.h"
#include "cli/secret_input.h"
#include "cli/session.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_FOR = 1, OPT_SCOPE, OPT_KEY_FILE, OPT_IDENTITY, OPT_STDIN };

static const struct vk_opt opts[] = {
	{ OPT_FOR, "for", "TIME", "how long: 30m, 8h, 2d, at most 30d (default 12h)", false },
	{ OPT_SCOPE, "scope", "login|user", "login (the default) or user: see above", false },
	{ OPT_KEY_FILE, "key-file", "FILE", "open it with the raw key in FILE", false },
	{ OPT_IDENTITY, "identity", "FILE", "open it with the identity in FILE", false },
	{ OPT_STDIN, "passphrase-stdin", NULL, "read the passphrase from standard input", false },
};

const struct vk_cmd vk_cmd_unlock = {
	.name = "unlock",
	.args = "",
	.summary = "open the keystore for this login session",
	.help = "Asks for the passphrase once, and leaves a session key with the kernel.  With VALETKEY_KEY,\n"
		"VALETKEY_KEY_FILE, VALETKEY_IDENTITY or VALETKEY_IDENTITY_FILE set, that is used; else a\n"
		"program that keeps a key for the keystore is asked first.  \"--scope login\" gives it to the\n"
		"processes of this login session, \"--scope user\" to every process of this user, such as cron\n"
		"jobs and other terminals.  Where the kernel refuses (many containers), the session key goes\n"
		"to a file on a memory file system, and this is said.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct unlocking {
	struct vk_opening opening;
	bool from_stdin;
	enum vk_session_scope scope;
	int64_t seconds;
};

static enum vk_err
open_store(const struct unlocking *u, struct vk_store *st)
{
	struct vk_opening o = u->opening;
	struct vk_secret pass = { 0 };
	enum vk_err e = VK_OK;

	if (u->from_stdin) {
		e = vk_input_stdin("the passphrase", &pass);
		o.passphrase = &pass;
	}
	if (e == VK_OK)
		e = vk_opening_slot(st, &o);
	vk_secret_clear(&pass);
	return e;
}

static int
unlock(const struct unlocking *u)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e = vk_cli_open(&st);

	if (e == VK_OK)
		e = open_store(u, st);
	return e == VK_OK ? vk_cli_session_start(st, u->scope, (unsigned)u->seconds) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_unlock, argc, argv);
	struct unlocking u = { .scope = VK_SESSION_LOGIN, .seconds = VK_CLI_SESSION_SECONDS,
		.opening = { .prompt = "Passphrase: ", .options = "--passphrase-stdin, --key-file or --identity" } };
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
			u.opening.key_file = o.arg;
			break;
		case OPT_IDENTITY:
			u.opening.identity_file = o.arg;
			break;
		case OPT_STDIN:
			u.from_stdin = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	if ((u.opening.key_file != NULL) + (u.opening.identity_file != NULL) + u.from_stdin > 1)
		return vk_msg_usage("unlock: --key-file, --identity and --passphrase-stdin exclude each other");
	return unlock(&u);
}
