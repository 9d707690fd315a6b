/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/inject.h"
#include "valetkey/source.h"
#include "cli/cmd.h"
#include "cli/run_scan.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum {
	OPT_PROFILE = 1, OPT_CONFIG, OPT_OFFLINE, OPT_CREDENTIAL, OPT_WITH, OPT_ENV, OPT_TEMPLATE, OPT_BUILD_SECRET,
	OPT_RUNG, OPT_REQUIRE_RUNG, OPT_MAX_RUNG, OPT_DAEMONS, OPT_KEEP_OWN, OPT_NO_CONFINE, OPT_GATE, OPT_ONCE,
	OPT_TWO_PHASE, OPT_TTL, OPT_SCAN, OPT_MASK, OPT_NO_MASK, OPT_VERBOSE,
};

static const struct vk_opt opts[] = {
	{ OPT_PROFILE, "profile", "NAME", "only what this profile names", false },
	{ OPT_CONFIG, "config", "FILE", "use this config file", false },
	{ OPT_OFFLINE, "offline", NULL, "ask no server and no keyring: say what cannot be had then", false },
	{ OPT_CREDENTIAL, "credential", "NAME[,NAME]", "only these credentials", true },
	{ OPT_WITH, "with", "RECIPE[,RECIPE]", "give them to these tools: auto, git, go, npm ...", true },
	{ OPT_ENV, "env", "VAR=REF", "set a variable to the secret of a reference", true },
	{ OPT_TEMPLATE, "template", "VAR=FILE", "FILE with ${valetkey:NAME} filled in, its path in VAR", true },
	{ OPT_BUILD_SECRET, "build-secret", "ID[=R]", "a file for {secrets}: npm, netrc, or a reference",
	    true },
	{ OPT_RUNG, "rung", "R1|R2|R3", "run with this isolation or not at all", false },
	{ OPT_REQUIRE_RUNG, "require-rung", "R1|R2|R3", "do not run with a weaker isolation", false },
	{ OPT_MAX_RUNG, "max-rung", "R1|R2|R3", "do not try a stronger one", false },
	{ OPT_DAEMONS, "allow-daemons", NULL, "what the command leaves running lives on: no R1", false },
	{ OPT_KEEP_OWN, "keep-own-credentials", NULL, "leave other tokens in .npmrc and netrc", false },
	{ OPT_NO_CONFINE, "no-confine", NULL, "hide nothing of the user's from the command", false },
	{ OPT_GATE, "gate", "own|first|all", "hand the files to the command itself, the first reader, or all", false },
	{ OPT_ONCE, "once", NULL, "each file for its first reader only, and no tool that asks", false },
	{ OPT_TWO_PHASE, "two-phase", NULL, "fetch with the credentials, then run what was fetched without", false },
	{ OPT_TTL, "ttl", "TIME", "withdraw the credentials after this time: 30s, 10m, 1h", false },
	{ OPT_SCAN, "scan", "PATH", "when it has ended, look for the secrets in what it left there", true },
	{ OPT_MASK, "mask", NULL, "hide the secrets in what the command writes (in CI they are)", false },
	{ OPT_NO_MASK, "no-mask", NULL, "pass on what the command writes as it is", false },
	{ OPT_VERBOSE, "verbose", NULL, "say what is placed and what is in force", false },
};

const struct vk_cmd vk_cmd_run = {
	.name = "run",
	.args = "-- COMMAND [ARGUMENT...]",
	.summary = "run a command with credentials that end with it",
	.help = "Resolves every credential first, then starts COMMAND with files that only it and its children\n"
		"can see (R1: private namespaces) or that a process of ours holds or guards (R2, R3), and\n"
		"overwrites them when it ends.  Without names, a run gets every config section, every entry\n"
		"that a person stored, and the CI platform's variables; without --with, git, docker and npm\n"
		"are given theirs.  The exit status is COMMAND's own; 125 is a failure of valetkey, 126 a\n"
		"command that cannot be executed, 127 one that does not exist.\n\n"
		"  valetkey run -- npm ci\n"
		"  valetkey run --two-phase -- npm ci\n"
		"  valetkey run --with netrc -- go mod download\n"
		"  valetkey run --build-secret npmrc -- docker build {secrets} .\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.options_first = true,
	.run = run,
};

enum { LIST_MAX = 64, OWN_FAILURE = 125, TTL_MAX = 366 * 86400 };

struct request {
	struct vk_run_opts run;
	const char *names[LIST_MAX], *recipes[LIST_MAX];
	struct vk_env_ref env[LIST_MAX];
	struct vk_build_secret secrets[LIST_MAX];
	struct vk_template templates[LIST_MAX];
	struct vk_run_scan scan;
};

static enum vk_err
too_many(const char *option)
{
	return vk_fail(VK_ELIMIT, "--%s: at most %d", option, LIST_MAX);
}

/* Cuts ${text}, an argument of ours, at its commas. */
static enum vk_err
add_words(const char *option, char *text, const char **v, size_t *n)
{
	for (char *next; text; text = next) {
		if ((next = strchr(text, ',')))
			*next++ = '\0';
		if (!*text)
			return vk_fail(VK_EUSAGE, "--%s: an empty name", option);
		if (*n == LIST_MAX)
			return too_many(option);
		v[(*n)++] = text;
	}
	return VK_OK;
}

/* Cuts "VAR=..." in two; NULL when VAR is no name of a variable. */
static const char *
cut_variable(char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	char *eq = strchr(text, '=');

	if (!eq || eq == text || (*text >= '0' && *text <= '9') || strspn(text, letters) != (size_t)(eq - text))
		return NULL;
	*eq = '\0';
	return eq + 1;
}

static enum vk_err
check_variable(const char *option, const char *name)
{
	if (vk_config_guards(name))
		return vk_fail(VK_EUSAGE, "--%s: %s is not for a secret or a file of the run", option, name);
	return VK_OK;
}

static enum vk_err
add_env(struct request *q, char *text)
{
	const char *value = cut_variable(text);
	struct vk_ref ref;
	enum vk_err e;

	if (!value)
		return vk_fail(VK_EUSAGE, "--env: VAR=REF, such as TOKEN=keystore:NAME");
	if ((e = check_variable("env", text)) != VK_OK)
		return e;
	if (q->run.n_env == LIST_MAX)
		return too_many("env");
	q->env[q->run.n_env++] = (struct vk_env_ref){ .name = text, .ref = value };
	return vk_ref_parse(value, &ref);
}

static enum vk_err
add_template(struct request *q, char *text)
{
	const char *file = cut_variable(text);
	enum vk_err e;

	if (!file || !*file || strlen(text) > 40)
		return vk_fail(VK_EUSAGE, "--template: VAR=FILE, such as SETTINGS=settings.in");
	if ((e = check_variable("template", text)) != VK_OK)
		return e;
	if (q->run.n_templates == LIST_MAX)
		return too_many("template");
	q->templates[q->run.n_templates++] = (struct vk_template){ .var = text, .file = file };
	return VK_OK;
}

/* What an id alone stands for: the file it is usually the name of, else a credential. */
static const char *
recipe_of_id(const char *id)
{
	if (strcmp(id, "npmrc") == 0 || strcmp(id, ".npmrc") == 0)
		return "npm";
	if (strcmp(id, "netrc") == 0 || strcmp(id, ".netrc") == 0)
		return "netrc";
	return NULL;
}

static enum vk_err
add_secret(struct request *q, char *text)
{
	struct vk_build_secret b = { .id = text };
	char *eq = strchr(text, '=');
	struct vk_ref ref;

	if (q->run.n_secrets == LIST_MAX)
		return too_many("build-secret");
	if (eq)
		*eq++ = '\0';
	if (!eq) {
		b.recipe = recipe_of_id(text);
	} else if (!strchr(eq, ':')) {
		b.recipe = eq;
	} else {
		enum vk_err e = vk_ref_parse(eq, &ref);

		if (e != VK_OK)
			return e;
		b.ref = eq;
	}
	q->secrets[q->run.n_secrets++] = b;
	return VK_OK;
}

static enum vk_err
parse_rung(const char *option, const char *text, enum vk_rung *ret)
{
	for (enum vk_rung rung = VK_RUNG_R1; rung <= VK_RUNG_R3; rung++)
		if (strcmp(text, vk_rung_name(rung)) == 0) {
			*ret = rung;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "--%s: R1, R2 or R3", option);
}

/* Of several options that bound the rung the strictest holds, whichever comes first. */
static enum vk_err
bound(struct request *q, const char *option, const char *arg, bool least, bool most)
{
	enum vk_rung rung = VK_RUNG_NONE;
	enum vk_err e = parse_rung(option, arg, &rung);

	if (e != VK_OK)
		return e;
	if (least && (!q->run.require || rung < q->run.require))
		q->run.require = rung;
	if (most && rung > q->run.max)
		q->run.max = rung;
	return VK_OK;
}

static enum vk_err
parse_gate(const char *text, enum vk_gate_rule *ret)
{
	static const char *const names[] = { [VK_GATE_OWN] = "own", [VK_GATE_FIRST] = "first", [VK_GATE_ALL] = "all" };

	for (size_t i = VK_GATE_OWN; i < VK_COUNT(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum vk_gate_rule)i;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "--gate: own, first or all");
}

static enum vk_err
parse_ttl(const char *text, unsigned *ret)
{
	int64_t seconds;
	enum vk_err e = vk_when_duration(text, TTL_MAX, &seconds);

	if (e != VK_OK)
		return vk_fail(VK_EUSAGE, "--ttl: a time such as 30s, 10m or 1h");
	*ret = (unsigned)seconds;
	return VK_OK;
}

static enum vk_err
take_option(struct request *q, int id, char *arg)
{
	switch (id) {
	case OPT_PROFILE:
		q->run.policy.profile = arg;
		return VK_OK;
	case OPT_CONFIG:
		q->run.policy.config = arg;
		return VK_OK;
	case OPT_OFFLINE:
		q->run.policy.offline = true;
		return VK_OK;
	case OPT_CREDENTIAL:
		return add_words("credential", arg, q->names, &q->run.n_names);
	case OPT_WITH:
		return add_words("with", arg, q->recipes, &q->run.n_recipes);
	case OPT_ENV:
		return add_env(q, arg);
	case OPT_TEMPLATE:
		return add_template(q, arg);
	case OPT_BUILD_SECRET:
		return add_secret(q, arg);
	case OPT_RUNG:
		return bound(q, "rung", arg, true, true);
	case OPT_DAEMONS:
		q->run.max = q->run.max > VK_RUNG_R2 ? q->run.max : VK_RUNG_R2;
		return VK_OK;
	case OPT_REQUIRE_RUNG:
		return bound(q, "require-rung", arg, true, false);
	case OPT_MAX_RUNG:
		return bound(q, "max-rung", arg, false, true);
	case OPT_KEEP_OWN:
		q->run.keep_own = true;
		return VK_OK;
	case OPT_GATE:
		return parse_gate(arg, &q->run.gate);
	case OPT_ONCE:
		q->run.readers_only = true;
		return VK_OK;
	case OPT_TWO_PHASE:
		q->run.two_phase = true;
		return VK_OK;
	case OPT_TTL:
		return parse_ttl(arg, &q->run.ttl);
	case OPT_SCAN:
		if (q->scan.n == VK_RUN_SCAN_MAX)
			return vk_fail(VK_ELIMIT, "--scan: at most %d", VK_RUN_SCAN_MAX);
		q->scan.paths[q->scan.n++] = arg;
		return VK_OK;
	case OPT_MASK:
		q->run.mask = VK_MASK_ON;
		return VK_OK;
	case OPT_NO_MASK:
		q->run.mask = VK_MASK_OFF;
		return VK_OK;
	case OPT_NO_CONFINE:
		q->run.no_confine = true;
		return VK_OK;
	default:
		q->run.verbose = true;
		return VK_OK;
	}
}

static void
note(const char *text)
{
	vk_msg_note("%s", text);
}

static void
warn(const char *text)
{
	vk_msg_warn("%s", text);
}

/* A status that could be the command's must not be ours. */
static int
fail(enum vk_err e, int status)
{
	(void)!vk_msg_fail(e);
	return status;
}

/* What no single option can know: which of them go together. */
static enum vk_err
settle(struct request *q)
{
	if (q->run.require && q->run.max > q->run.require)
		return vk_fail(VK_EUSAGE, "the isolation that is required, %s, and the strongest to be tried, %s, "
			"exclude each other", vk_rung_name(q->run.require), vk_rung_name(q->run.max));
	if (q->run.two_phase && q->run.n_secrets > 0)
		return vk_fail(VK_EUSAGE, "--two-phase is for commands that fetch, not for image builds");
	if (!q->run.readers_only)
		return VK_OK;
	if (q->run.gate && q->run.gate != VK_GATE_FIRST)
		return vk_fail(VK_EUSAGE, "--once is for first readers; it does not go with --gate own or --gate all");
	q->run.gate = VK_GATE_FIRST;
	return VK_OK;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_run, argc, argv);
	struct request q = { .run = { .note = note, .warn = warn } };
	struct vk_run_end end;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id) == 0 ? 0 : OWN_FAILURE;
		/* vk_opts_next() hands out a part of argv, which is ours to cut. */
		if ((e = take_option(&q, id, (char *)(uintptr_t)o.arg)) != VK_OK)
			return fail(e, OWN_FAILURE);
	}
	if (!vk_opts_operands(&o, 1, -1))
		return OWN_FAILURE;
	if ((e = settle(&q)) != VK_OK)
		return fail(e, OWN_FAILURE);
	q.run.names = q.names;
	q.run.recipes = q.recipes;
	q.run.env = q.env;
	q.run.secrets = q.secrets;
	q.run.templates = q.templates;
	q.run.command = argv + o.at;
	if (q.scan.n > 0) {
		q.run.resolved = vk_run_scan_prepare;
		q.run.arg = &q.scan;
	}
	if ((e = vk_run(&q.run, &end)) != VK_OK) {
		vk_run_scan_drop(&q.scan);
		return fail(e, end.started ? OWN_FAILURE : end.status);
	}
	/* A failure of the command stays its own, whatever is found. */
	if ((e = vk_run_scan_finish(&q.scan)) != VK_OK && (end.signaled || end.status != 0))
		(void)!vk_msg_fail(e);
	else if (e != VK_OK)
		return fail(e, OWN_FAILURE);
	if (!end.signaled)
		return end.status;
	vk_arena_wipe();
	vk_run_die(end.status);
	return 128 + end.status;
}
