/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/policy.h"
#include "cli/cmd.h"
#include "cli/scan_wanted.h"

static int run(int argc, char **argv);

enum { OPT_PROFILE = 1, OPT_CONFIG, OPT_CREDENTIAL, OPT_ONE_FILE_SYSTEM, OPT_JSON };

static const struct vk_opt opts[] = {
	{ OPT_PROFILE, "profile", "NAME", "only what this profile names", false },
	{ OPT_CONFIG, "config", "FILE", "use this config file", false },
	{ OPT_CREDENTIAL, "credential", "NAME", "only this credential", true },
	{ OPT_ONE_FILE_SYSTEM, "one-file-system", NULL, "do not enter other file systems of a tree", false },
	{ OPT_JSON, "json", NULL, "print one JSON object", false },
};

const struct vk_cmd vk_cmd_scan = {
	.name = "scan",
	.args = "PATH...",
	.summary = "look for the secrets themselves in trees, archives and images",
	.help = "Looks for the secrets of a run, and for the ways in which they may be written (base64, hex,\n"
		"escaped, with their user name ...), in files, trees, archives in one another and saved images,\n"
		"in every layer.  Says where which credential is, never its value.  \"-\" is standard input:\n"
		"\n"
		"  docker save IMAGE | valetkey scan -\n"
		"\n"
		"Exit code 0: everything was searched, and nothing found.  1: something was found.  6: nothing\n"
		"was found, but not everything could be searched; what could not is named.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

enum { NAMES_MAX = 64 };

struct request {
	struct vk_policy_opts policy;
	const char *names[NAMES_MAX];
	size_t n_names;
};

static enum vk_err
resolve(const struct request *q, struct vk_scan_wanted *w, struct vk_scan_report *r)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	struct vk_cred_list l = { 0 };
	enum vk_err e = vk_policy_open(&q->policy, &p);

	if (e == VK_OK)
		e = vk_policy_select(p, q->names, q->n_names, &l);
	if (e == VK_OK)
		e = vk_scan_want(w, &l, r);
	vk_cred_list_clear(&l);
	return e;
}

static int
run(int argc, char **argv)
{
	struct vk_scan_wanted w = VK_SCAN_WANTED_NONE;
	struct request q = { .n_names = 0 };
	struct vk_scan_report r = { .forms = &w.forms, .problems = VK_BUF(VK_SCAN_PROBLEMS_MAX) };
	struct vk_scan_call call = { .forms = &w.forms, .answer = vk_scan_report_answer, .arg = &r };
	struct vk_opts o = VK_OPTS(&vk_cmd_scan, argc, argv);
	enum vk_err e;
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_PROFILE:
			q.policy.profile = o.arg;
			break;
		case OPT_CONFIG:
			q.policy.config = o.arg;
			break;
		case OPT_CREDENTIAL:
			if (q.n_names == NAMES_MAX)
				return vk_msg_usage("--credential: at most %d", NAMES_MAX);
			q.names[q.n_names++] = o.arg;
			break;
		case OPT_ONE_FILE_SYSTEM:
			call.flags |= VK_SCAN_ONE_FILE_SYSTEM;
			break;
		case OPT_JSON:
			r.json = true;
			break;
		default:
			return vk_opts_exit(id);
		}
	if (!vk_opts_operands(&o, 1, VK_SCAN_PATHS_MAX))
		return 2;
	call.paths = (const char *const *)argv + o.at;
	call.n_paths = (size_t)(argc - o.at);
	e = resolve(&q, &w, &r);
	/* 1 is for what was found. */
	if (e != VK_OK)
		status = vk_msg_fail(e) == 1 ? 2 : vk_err_exit(e);
	else
		status = vk_scan_search(&w, &r, &call);
	vk_scan_report_clear(&r);
	vk_scan_wanted_clear(&w);
	return status;
}
