/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/identity.h"
#include "valetkey/io.h"
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/secret_input.h"
#include "cli/session.h"
#include "cli/slot_input.h"

static int run(int argc, char **argv);

enum { OPT_KEY_FILE = 1, OPT_STDIN, OPT_RECIPIENT, OPT_KDF };

enum { RECIPIENTS_MAX = 32 };

static const struct vk_opt opts[] = {
	{ OPT_KEY_FILE, "key-file", "FILE", "open it with the raw key in FILE, made if it is missing",
	    false },
	{ OPT_STDIN, "passphrase-stdin", NULL, "read the passphrase from standard input", false },
	{ OPT_RECIPIENT, "recipient", "RECIPIENT", "who has the identity of this recipient (vkr1-...) opens it",
	    true },
	{ OPT_KDF, "kdf", "COST", VK_SLOT_COST_HELP, false },
};

const struct vk_cmd vk_cmd_init = {
	.name = "init",
	.args = "",
	.summary = "make a new, empty keystore",
	.help = "Asks for a passphrase twice.  With --key-file, or VALETKEY_KEY or VALETKEY_KEY_FILE set, a\n"
		"raw key opens the keystore instead, for machines; with --recipient, or VALETKEY_IDENTITY or\n"
		"VALETKEY_IDENTITY_FILE set, an identity does.  Several of them, and --passphrase-stdin, each\n"
		"make one way to open it; \"valetkey slot\" changes them later.  Nothing that exists is ever\n"
		"overwritten.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

struct making {
	const char *key_file, *recipients[RECIPIENTS_MAX];
	size_t n_recipients;
	bool from_stdin, asked, made_key_file;
	struct vk_kdf_cost cost;
	struct vk_secret secrets[2 + RECIPIENTS_MAX + 1]; /* of the slots; the passphrase is the first of them */
	struct vk_slot_new slots[2 + RECIPIENTS_MAX + 1];
	size_t n_slots;
};

/* The secret of the next slot, to be filled in. */
static struct vk_secret *
next_secret(struct making *m)
{
	return &m->secrets[m->n_slots];
}

static void
add_slot(struct making *m, enum vk_slot_type type)
{
	m->slots[m->n_slots] = (struct vk_slot_new){ .type = type, .cost = m->cost, .secret = next_secret(m) };
	m->n_slots++;
}

static enum vk_err
raw_slot(struct making *m, const char *env)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	enum vk_err e;

	if (!key)
		return VK_ENOMEM;
	if (!env)
		e = vk_slot_key_file(m->key_file, next_secret(m), &m->made_key_file);
	else if ((e = vk_raw_key_parse(env, strlen(env), key)) == VK_OK)
		e = vk_secret_set(next_secret(m), key, VK_STORE_KEY_LEN);
	else
		e = vk_fail(VK_EKEY, "VALETKEY_KEY: %s", vk_reason());
	if (e == VK_OK)
		add_slot(m, VK_SLOT_RAW);
	return e;
}

/* The variable that later opens the keystore shall open it. */
static enum vk_err
identity_slot(struct making *m, const char *variable)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *key = vk_arena_alloc(VK_STORE_KEY_LEN);
	const char *value = vk_unlock_env(variable);
	unsigned char public[VK_STORE_KEY_LEN];
	enum vk_err e;

	if (!key)
		return VK_ENOMEM;
	e = vk_str_ends(variable, "_FILE") ? vk_identity_read(value, key)
					   : vk_identity_parse(value, strlen(value), key);
	if (e == VK_EPROTO)
		e = vk_fail(VK_EKEY, "%s: %s", variable, vk_reason());
	if (e != VK_OK)
		return e;
	vk_identity_recipient(key, public);
	if ((e = vk_secret_set(next_secret(m), public, sizeof(public))) == VK_OK)
		add_slot(m, VK_SLOT_X25519);
	return e;
}

static enum vk_err
recipient_slots(struct making *m)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < m->n_recipients; i++)
		if ((e = vk_slot_recipient(m->recipients[i], next_secret(m))) == VK_OK)
			add_slot(m, VK_SLOT_X25519);
	return e;
}

static enum vk_err
passphrase_slot(struct making *m)
{
	enum vk_err e;

	if (m->from_stdin) {
		e = vk_input_stdin("the passphrase", next_secret(m));
	} else {
		e = vk_input_ask("a passphrase", "New passphrase: ", true, next_secret(m));
		if (e == VK_ELOCKED)
			vk_hint("use --passphrase-stdin, or --key-file FILE for a machine's key");
		m->asked = true;
	}
	if (e == VK_OK)
		add_slot(m, VK_SLOT_PASSPHRASE);
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

/* Which variable of the ladder would open it: it must not go before what the options say. */
static enum vk_err
make_slots(struct making *m)
{
	const char *variable = vk_unlock_variable(), *key = NULL;
	enum vk_err e = VK_OK;

	if (variable && strcmp(variable, "VALETKEY_KEY") == 0)
		key = vk_unlock_env(variable);
	if (key && m->key_file)
		return vk_fail(VK_EUSAGE, "VALETKEY_KEY is set, and would go before the key in %s",
		    m->key_file);
	if (variable && strcmp(variable, "VALETKEY_KEY_FILE") == 0 && !m->key_file)
		m->key_file = getenv(variable);
	if (m->from_stdin || !(variable || m->key_file || m->n_recipients))
		e = passphrase_slot(m);
	if (e == VK_OK && (key || m->key_file))
		e = raw_slot(m, key);
	if (e == VK_OK && variable && vk_str_starts(variable, "VALETKEY_IDENTITY"))
		e = identity_slot(m, variable);
	return e == VK_OK ? recipient_slots(m) : e;
}

static enum vk_err
make(struct making *m, const char *path)
{
	struct stat st;
	enum vk_err e = check_absent(path);

	if (e == VK_OK && getenv("VALETKEY_STORE_ID"))
		e = vk_fail(VK_EUSAGE, "VALETKEY_STORE_ID is set, and a new keystore has another id");
	if (e == VK_OK)
		e = make_slots(m);
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

/* How the keystore is opened for the first entry. */
static const char *
next_step(const struct making *m)
{
	if (m->asked || vk_unlock_variable())
		return "";
	return m->from_stdin ? "valetkey unlock, then " : "valetkey unlock --identity FILE, then ";
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
		vk_buf_fmt(&b, "next: %svaletkey add URL\n", next_step(m));
	if ((status = vk_stdout_report(&b)) != 0 || !m->asked)
		return status;
	/* Whoever has just typed the passphrase twice need not type it again for the first entry. */
	if ((e = vk_store_open(path, &st)) != VK_OK ||
	    (e = vk_store_unlock_passphrase(st, &m->secrets[0])) != VK_OK)
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
	for (size_t i = 0; i < VK_COUNT(m->secrets); i++)
		vk_secret_clear(&m->secrets[i]);
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
		case OPT_RECIPIENT:
			if (m.n_recipients == RECIPIENTS_MAX)
				return vk_msg_usage("init: more than %d recipients", RECIPIENTS_MAX);
			m.recipients[m.n_recipients++] = o.arg;
			break;
		case OPT_KDF:
			if (vk_slot_cost(o.arg, &m.cost) != VK_OK)
				return vk_msg_usage("init: %s", vk_reason());
			kdf = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	if (kdf && (m.key_file || m.n_recipients) && !m.from_stdin)
		return vk_msg_usage("init: --kdf is about a passphrase, and there is none with --key-file or "
				    "--recipient");
	return init(&m);
}
