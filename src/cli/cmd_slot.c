/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli/slot.h"
#include "cli/slot_input.h"

static int run(int argc, char **argv);

enum {
	OPT_ASK = 1,
	OPT_STDIN,
	OPT_KEY_FILE,
	OPT_RECIPIENT,
	OPT_EXTERNAL,
	OPT_LABEL,
	OPT_KDF,
	OPT_KEEP_KEY,
	OPT_JSON,
	OPT_CURRENT_STDIN,
	OPT_CURRENT_KEY_FILE,
	OPT_CURRENT_IDENTITY,
};

static const struct vk_opt opts[] = {
	{ OPT_ASK, "passphrase", NULL, "add: a passphrase, asked for on the terminal", false },
	{ OPT_STDIN, "passphrase-stdin", NULL, "add, change: read the new passphrase from standard input", false },
	{ OPT_KEY_FILE, "key-file", "FILE", "add: the raw key in FILE, made if it is missing", false },
	{ OPT_RECIPIENT, "recipient", "RECIPIENT", "add: who has the identity of this recipient (vkr1-...)", false },
	{ OPT_EXTERNAL, "external", "PROGRAM", "add: a key that the program valetkey-PROGRAM keeps", false },
	{ OPT_LABEL, "label", "TEXT", "add, change: a name for it, which only those who open it see", false },
	{ OPT_KDF, "kdf", "COST", VK_SLOT_COST_HELP, false },
	{ OPT_KEEP_KEY, "keep-key", NULL, "remove: do not rotate the keys", false },
	{ OPT_JSON, "json", NULL, "list: print a JSON array", false },
	{ OPT_CURRENT_STDIN, "current-passphrase-stdin", NULL,
	    "open the keystore with a passphrase from standard input", false },
	{ OPT_CURRENT_KEY_FILE, "current-key-file", "FILE", "open the keystore with the raw key in FILE", false },
	{ OPT_CURRENT_IDENTITY, "current-identity", "FILE", "open the keystore with the identity in FILE", false },
};

const struct vk_cmd vk_cmd_slot = {
	.name = "slot",
	.args = "VERB [SLOT|FILE]",
	.summary = "say who can open the keystore",
	.help = "  add          one more way to open it: --passphrase, --passphrase-stdin, --key-file,\n"
		"               --recipient or --external\n"
		"  list         the ways there are; with labels when a key is at hand\n"
		"  change SLOT  a new passphrase in the place of this one\n"
		"  remove SLOT  take it out, and give the keystore new keys, which it does not open\n"
		"  rotate       give the keystore new keys, which all others open as before\n"
		"  keygen FILE  make an identity, and print its recipient\n\n"
		"SLOT is a label, or the beginning of an id or label.  A session is not enough for this, but the\n"
		"variables VALETKEY_KEY, VALETKEY_KEY_FILE, VALETKEY_IDENTITY and VALETKEY_IDENTITY_FILE are,\n"
		"or an option; else the current passphrase is asked for.  With --keep-key, who could use the slot\n"
		"and kept a copy of the file, or its keys, can still open the keystore.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

#define BIT(id) ((uint64_t)1 << ((id)-1)) /* the options stand in the order of their ids */
#define NEW (BIT(OPT_STDIN) | BIT(OPT_LABEL) | BIT(OPT_KDF))
#define KINDS (BIT(OPT_ASK) | BIT(OPT_STDIN) | BIT(OPT_KEY_FILE) | BIT(OPT_RECIPIENT) | BIT(OPT_EXTERNAL))
#define CURRENT (BIT(OPT_CURRENT_STDIN) | BIT(OPT_CURRENT_KEY_FILE) | BIT(OPT_CURRENT_IDENTITY))

static const struct verb {
	const char *name, *operand;
	uint64_t options;
	int (*run)(struct vk_slot_request *r);
} verbs[] = {
	{ "add", NULL, KINDS | NEW | CURRENT, vk_slot_add },
	{ "list", NULL, BIT(OPT_JSON) | CURRENT, vk_slot_print },
	{ "change", "SLOT", NEW | CURRENT, vk_slot_change },
	{ "remove", "SLOT", BIT(OPT_KEEP_KEY) | CURRENT, vk_slot_remove },
	{ "rotate", NULL, CURRENT, vk_slot_rotate },
	{ "keygen", "FILE", 0, vk_slot_keygen },
};

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < VK_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool
more_than_one(uint64_t bits)
{
	return (bits & (bits - 1)) != 0;
}

/* What contradicts itself is not opened for. */
static int
check(const struct verb *v, const struct vk_opts *o, int n)
{
	uint64_t kinds = o->seen & KINDS;

	for (size_t i = 0; i < VK_COUNT(opts); i++)
		if ((o->seen & ~v->options) >> i & 1)
			return vk_msg_usage("slot %s has no such option: --%s", v->name, opts[i].name);
	if (n != (v->operand ? 1 : 0))
		return vk_msg_usage("slot %s: %s (usage: valetkey slot %s [OPTION...]%s%s)", v->name,
		    n == 0 ? "something is missing" : "too many arguments", v->name,
		    v->operand ? " " : "", v->operand ? v->operand : "");
	if (more_than_one(o->seen & CURRENT))
		return vk_msg_usage("slot: the keystore is opened by one of --current-passphrase-stdin, "
				    "--current-key-file and --current-identity");
	if (v->run != vk_slot_add)
		return 0;
	if (kinds == 0 || more_than_one(kinds))
		return vk_msg_usage("slot add: one of --passphrase, --passphrase-stdin, --key-file, --recipient "
				    "and --external");
	if (o->seen & BIT(OPT_KDF) && !(kinds & (BIT(OPT_ASK) | BIT(OPT_STDIN))))
		return vk_msg_usage("slot add: --kdf is about a passphrase");
	return 0;
}

static enum vk_err
take_option(struct vk_slot_request *r, int id, const char *arg)
{
	switch (id) {
	case OPT_STDIN:
		r->from_stdin = true;
		return VK_OK;
	case OPT_KEY_FILE:
		r->key_file = arg;
		return VK_OK;
	case OPT_RECIPIENT:
		r->recipient = arg;
		return VK_OK;
	case OPT_EXTERNAL:
		r->program = arg;
		return VK_OK;
	case OPT_LABEL:
		r->label = arg;
		return VK_OK;
	case OPT_KDF:
		return vk_slot_cost(arg, &r->cost);
	case OPT_KEEP_KEY:
		r->keep_key = true;
		return VK_OK;
	case OPT_JSON:
		r->json = true;
		return VK_OK;
	case OPT_CURRENT_STDIN:
		r->current_stdin = true;
		return VK_OK;
	case OPT_CURRENT_KEY_FILE:
		r->opening.key_file = arg;
		return VK_OK;
	case OPT_CURRENT_IDENTITY:
		r->opening.identity_file = arg;
		return VK_OK;
	}
	return VK_OK; /* OPT_ASK: what a passphrase is without --passphrase-stdin */
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_slot, argc, argv);
	struct vk_slot_request r = { .opening = { .prompt = "Current passphrase: ",
		.options = "--current-passphrase-stdin, --current-key-file or --current-identity" } };
	const struct verb *v;
	enum vk_err e;
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if ((e = take_option(&r, id, o.arg)) != VK_OK)
			return vk_msg_fail(e);
	}
	if (!vk_opts_operands(&o, 1, -1))
		return 2;
	if (!(v = find_verb(argv[o.at])))
		return vk_msg_usage("slot: no such verb: %s (add, list, change, remove, rotate or keygen)",
		    argv[o.at]);
	if ((status = check(v, &o, argc - o.at - 1)) != 0)
		return status;
	r.operand = v->operand ? argv[o.at + 1] : NULL;
	status = v->run(&r);
	vk_slot_request_clear(&r);
	return status;
}
