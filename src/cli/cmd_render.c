/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/inject.h"
#include "cli/cmd.h"

static int run(int argc, char **argv);

enum { OPT_PROFILE = 1, OPT_CONFIG, OPT_CREDENTIAL, OPT_KEEP_OWN, OPT_REVEAL };

static const struct vk_opt opts[] = {
	{ OPT_PROFILE, "profile", "NAME", "only what this profile names", false },
	{ OPT_CONFIG, "config", "FILE", "use this config file", false },
	{ OPT_CREDENTIAL, "credential", "NAME", "only this credential", true },
	{ OPT_KEEP_OWN, "keep-own-credentials", NULL, "leave other tokens in .npmrc and netrc", false },
	{ OPT_REVEAL, "reveal", NULL, "print even to a terminal", false },
};

const struct vk_cmd vk_cmd_render = {
	.name = "render",
	.args = "npm|netrc|containers|maven|coursier",
	.summary = "print the file that a recipe would inject",
	.help = "Prints what \"valetkey run\" would place for a recipe, for a pipe or another tool's standard\n"
		"input.  Exit code 1 means that the recipe takes none of the credentials.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

enum { NAMES_MAX = 64 };

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

static int
run(int argc, char **argv)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_opts o = VK_OPTS(&vk_cmd_render, argc, argv);
	struct vk_run_opts r = { .note = note, .warn = warn };
	const char *names[NAMES_MAX];
	bool reveal = false;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_PROFILE:
			r.policy.profile = o.arg;
			break;
		case OPT_CONFIG:
			r.policy.config = o.arg;
			break;
		case OPT_CREDENTIAL:
			if (r.n_names == NAMES_MAX)
				return vk_msg_usage("--credential: at most %d", NAMES_MAX);
			names[r.n_names++] = o.arg;
			break;
		case OPT_KEEP_OWN:
			r.keep_own = true;
			break;
		case OPT_REVEAL:
			reveal = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 1, 1))
		return 2;
	if (isatty(STDOUT_FILENO) && !reveal) {
		vk_hint("--reveal prints it all the same");
		return vk_msg_fail(vk_fail(VK_EPOLICY, "there are secrets in it, and this is a terminal"));
	}
	r.names = names;
	if ((e = vk_render(&r, argv[o.at], &out)) != VK_OK)
		return vk_msg_fail(e);
	return vk_stdout_text(out.p, out.len);
}
