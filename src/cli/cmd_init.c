/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/key_file.h"
#include "cli/secret_input.h"
#include "cli/session.h"

static int run(int argc, char **argv);

enum { OPT_KEY_FILE = 1, OPT_STDIN, OPT_KDF };

static const struct vk_opt opts[] = {
	{ OPT_KEY_FILE, "key-file", "FILE", "open it with the raw key in FILE, made if it is missing",
	    false },
	{ OPT_STDIN, "passphrase-stdin", NULL, "read the passphrase from standard input", false },
	{ OPT_KDF, "kdf", "COST", "what a guess costs: interactive (64 MiB) or moderate (256 MiB, default)",
	    false },
};

const struct vk_cmd vk_cmd_init = {
	.name = "init",
	.args = "",
	.summary = "make a new, empty keystore",
	.help = "Asks for a passphrase twice.  With --key-file, or VALETKEY_KEY or VALETKEY_KEY_FILE set, a\n"
		"raw key opens the keystore instead, for machines; --key-file with --passphrase-stdin makes\n"
		"both.  Nothing that exists is ever overwritten.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct making {
	const char *key_file;
	bool from_stdin, asked, made_key_file;
	struct vk_kdf_cost cost;
	struct vk_secret pass, raw;
	struct vk_slot_new slots[2];
	size_t n_slots;
};

static void
add_slot(struct making *m, enum vk_slot_type type, const struct vk_secret *secret)
{
	m->slots[m->n_slots++] = (struct vk_slot_new){ .type = type, .cost = m->cost, .secret = secret };
}

static enum vk_err
raw_slot(struct making *m, const char *env)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e;

	if (!key)
		return VK_ENOMEM;
	if (env)
		e = vk_raw_key_parse(env, strlen(env), key);
	else
		e = vk_key_file_make(m->key_file, key, &m->made_key_file);
	if (e == VK_EPROTO && env)
		e = vk_fail(VK_EKEY, "VALETKEY_KEY: %s", vk_reason());
	if (e == VK_OK)
		e = vk_secret_set(&m->raw, key, VK_STORE_KEY_LEN);
	if (e == VK_OK)
		add_slot(m, VK_SLOT_RAW, &m->raw);
	return e;
}

static enum vk_err
passphrase_slot(struct making *m)
{
	enum vk_err e;

	if (m->from_stdin) {
		e = vk_input_stdin("the passphrase", &m->pass);
	} else {
		e = vk_input_ask("a passphrase", "New passphrase: ", true, &m->pass);
		if (e == VK_ELOCKED)
			vk_hint("use --passphrase-stdin, or --key-file FILE for a machine's key");
		m->asked = true;
	}
	if (e == VK_OK)
		add_slot(m, VK_SLOT_PASSPHRASE, &m->pass);
	return e;
}

/* Before anything is asked or made; vk_store_create() makes sure once more. */
static enum vk_err
check_absent(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? VK_OK : vk_fail_errno("%s", path);
	vk_hint("remove it yourself if it can go, or name another with VALETKEY_KEYSTORE");
	return vk_fail(VK_EEXIST, "there is a keystore at %s already", path);
}

static enum vk_err
make(struct making *m, const char *path)
{
	const char *env = vk_unlock_env("VALETKEY_KEY"), *file = getenv("VALETKEY_KEY_FILE");
	struct stat st;
	enum vk_err e;

	if (env && !*env)
		env = NULL;
	if (!m->key_file && !env && file && *file)
		m->key_file = file;
	if (env && m->key_file)
		return vk_fail(VK_EUSAGE, "VALETKEY_KEY is set, and would go before the key in %s",
		    m->key_file);
	if ((e = check_absent(path)) != VK_OK)
		return e;
	if (m->from_stdin || !(env || m->key_file))
		e = passphrase_slot(m);
	if (e == VK_OK && (env || m->key_file))
		e = raw_slot(m, env);
	if (e == VK_OK)
		e = vk_mkdir_parents(path, 0700);
	if (e == VK_OK)
		e = vk_store_create(path, m->slots, m->n_slots);
	/* A keystore that is there, whatever is doubtful about it, keeps its only key. */
	if (e != VK_OK && m->made_key_file && lstat(path, &st) < 0 &&
	    (errno == ENOENT || errno == ENOTDIR))
		unlink(m->key_file);
	return e;
}

static int
report(const struct making *m, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(16 * VK_MAX_FIELD);
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	enum vk_err e;
	int status;

	vk_buf_fmt(&b, "made the keystore %s\n", path);
	if (m->key_file)
		vk_buf_fmt(&b, "%s the raw key %s; next: VALETKEY_KEY_FILE=%s valetkey add URL\n",
		    m->made_key_file ? "made" : "opens with", m->key_file, m->key_file);
	else
		vk_buf_fmt(&b, "next: %svaletkey add URL\n", m->from_stdin ? "valetkey unlock, then " : "");
	if (b.err != VK_OK)
		return vk_msg_fail(b.err);
	if ((status = vk_stdout_text(b.p, b.len)) != 0 || !m->asked)
		return status;
	/* Whoever has just typed the passphrase twice need not type it again for the first entry. */
	if ((e = vk_store_open(path, &st)) != VK_OK ||
	    (e = vk_store_unlock_passphrase(st, &m->pass)) != VK_OK)
		return vk_msg_fail(e);
	return vk_cli_session_start(st, VK_SESSION_LOGIN, VK_CLI_SESSION_SECONDS);
}

static int
init(struct making *m)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e = vk_store_path(&path);
	int status;

	if (e == VK_OK)
		e = make(m, path);
	status = e == VK_OK ? report(m, path) : vk_msg_fail(e);
	vk_secret_clear(&m->pass);
	vk_secret_clear(&m->raw);
	return status;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_init, argc, argv);
	struct making m = { .cost = { 0, 0 } };
	bool kdf = false;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_KEY_FILE:
			m.key_file = o.arg;
			break;
		case OPT_STDIN:
			m.from_stdin = true;
			break;
		case OPT_KDF:
			if (strcmp(o.arg, "interactive") != 0 && strcmp(o.arg, "moderate") != 0)
				return vk_msg_usage("init: no such cost: %s (interactive or moderate)", o.arg);
			m.cost = strcmp(o.arg, "interactive") == 0 ? (struct vk_kdf_cost){ 2, 65536 }
							   : (struct vk_kdf_cost){ 3, 262144 };
			kdf = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	if (kdf && m.key_file && !m.from_stdin)
		return vk_msg_usage("init: --kdf is about a passphrase, and there is none with --key-file");
	return init(&m);
}
