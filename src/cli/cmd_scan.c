/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/policy.h"
#include "cli/cmd.h"
#include "cli/scan_call.h"
#include "cli/scan_report.h"

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

/* What is looked for, and what for. */
struct wanted {
	struct vk_policy_opts policy;
	const char *names[NAMES_MAX];
	size_t n_names;
	struct vk_forms forms;
	char **owners; /* the credentials' names */
	size_t n_owners;
};

static void
wanted_clear(struct wanted *w)
{
	vk_forms_clear(&w->forms);
	for (size_t i = 0; i < w->n_owners; i++)
		free(w->owners[i]);
	free(w->owners);
}

static char *
name_of(const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *url = *c->name ? NULL : vk_scope_url(&c->scope);

	if (*c->name)
		return vk_strdup(c->name);
	return url && *c->username ? vk_asprintf("%s of %s", c->username, url) : VK_TAKE(url);
}

static enum vk_err
add_forms(struct wanted *w, const struct vk_cred *c, struct vk_scan_report *r)
{
	unsigned owner = (unsigned)w->n_owners - 1;
	enum vk_err e = vk_forms_add(&w->forms, c->secret.p, c->secret.n, owner), pair;

	if (e == VK_ENOENT) {
		vk_scan_report_problem(r, w->owners[owner], "not looked for: its secret is shorter than 8 characters");
		e = VK_OK;
	}
	/* A short secret may still be found with its user name. */
	if (e == VK_OK && *c->username) {
		pair = vk_forms_pair(&w->forms, c->username, c->secret.p, c->secret.n, owner);
		e = pair == VK_ENOENT ? VK_OK : pair;
	}
	if (e == VK_OK && c->refresh.p && (e = vk_forms_add(&w->forms, c->refresh.p, c->refresh.n, owner)) == VK_ENOENT)
		e = VK_OK;
	if (e != VK_ELIMIT)
		return e;
	vk_reason_clear();
	vk_scan_report_problem(r, w->owners[owner], "not looked for in all its forms: there is no room for so many");
	return VK_OK;
}

static enum vk_err
add_credentials(struct wanted *w, const struct vk_cred_list *l, struct vk_scan_report *r)
{
	enum vk_err e = VK_OK;

	if (l->n == 0) {
		vk_hint("add one with \"valetkey add URL\", or name a profile with --profile");
		return vk_fail(VK_EUSAGE, "there is no credential to look for");
	}
	if (!(w->owners = calloc(l->n, sizeof(*w->owners))))
		return VK_ENOMEM;
	for (size_t i = 0; i < l->n && e == VK_OK; i++) {
		if (!(w->owners[w->n_owners] = name_of(l->v[i])))
			return VK_ENOMEM;
		w->n_owners++;
		if (l->v[i]->secret.p)
			e = add_forms(w, l->v[i], r);
	}
	return e;
}

static enum vk_err
resolve(struct wanted *w, struct vk_scan_report *r)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	struct vk_cred_list l = { 0 };
	enum vk_err e = vk_policy_open(&w->policy, &p);

	if (e == VK_OK)
		e = vk_policy_select(p, w->names, w->n_names, &l);
	if (e == VK_OK)
		e = add_credentials(w, &l, r);
	vk_cred_list_clear(&l);
	return e;
}

static int
search(struct wanted *w, struct vk_scan_report *r, const struct vk_scan_call *call)
{
	enum vk_err e = resolve(w, r);
	bool found;
	int status;

	/* 1 is for what was found. */
	if (e != VK_OK)
		return vk_msg_fail(e) == 1 ? 2 : vk_err_exit(e);
	r->names = w->owners;
	if ((e = vk_scan_report_begin(r)) != VK_OK)
		return vk_msg_fail(e);
	e = vk_scan_call(call);
	if (e != VK_OK && r->json)
		vk_scan_report_problem(r, "valetkey-scan", *vk_reason() ? vk_reason() : vk_err_text(e));
	status = vk_scan_report_end(r, e == VK_OK);
	found = status == 1;
	if (e != VK_OK)
		status = vk_msg_fail(e);
	return found ? 1 : status;
}

static int
run(int argc, char **argv)
{
	struct wanted w = { .forms = VK_FORMS_NONE };
	struct vk_scan_report r = { .forms = &w.forms, .problems = VK_BUF(VK_SCAN_PROBLEMS_MAX) };
	struct vk_scan_call call = { .forms = &w.forms, .answer = vk_scan_report_answer, .arg = &r };
	struct vk_opts o = VK_OPTS(&vk_cmd_scan, argc, argv);
	int status;

	for (int id; (id = vk_opts_next(&o)) != 0;)
		switch (id) {
		case OPT_PROFILE:
			w.policy.profile = o.arg;
			break;
		case OPT_CONFIG:
			w.policy.config = o.arg;
			break;
		case OPT_CREDENTIAL:
			if (w.n_names == NAMES_MAX)
				return vk_msg_usage("--credential: at most %d", NAMES_MAX);
			w.names[w.n_names++] = o.arg;
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
	status = search(&w, &r, &call);
	vk_scan_report_clear(&r);
	wanted_clear(&w);
	return status;
}
