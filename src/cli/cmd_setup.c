/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "valetkey/policy.h"
#include "cli/clients.h"
#include "cli/cmd.h"
#include "cli/setup.h"

static int run(int argc, char **argv);

enum {
	OPT_UNDO = 1,
	OPT_PRINT,
	OPT_HOST,
	OPT_FORCE,
	OPT_LIST,
	OPT_JSON,
};

static const struct vk_opt opts[] = {
	{ OPT_UNDO, "undo", NULL, "take out what setup put in; the rest stays byte for byte", false },
	{ OPT_PRINT, "print", NULL, "print what would be put in, and change nothing", false },
	{ OPT_HOST, "host", "URL", "git, docker, bazel, pnpm: this host too; without a keystore, only this one", true },
	{ OPT_FORCE, "force", NULL, "docker: replace another program's entry; pip, uv: come before it", false },
	{ OPT_LIST, "list", NULL, "the tools that are known, how each gets its credential, what was verified", false },
	{ OPT_JSON, "json", NULL, "--list as JSON", false },
};

const struct vk_cmd vk_cmd_setup = {
	.name = "setup",
	.args = "TOOL... | --list",
	.summary = "make tools ask valetkey",
	.help = "Registers valetkey with tools that can ask, in their own configuration of this user: git, docker\n"
		"and bazel for the hosts of the keystore and the config and for no other; pnpm and aws for each\n"
		"entry; go, cargo and terraform once, for whatever they ask for; pip and uv so as well, with a\n"
		"link called keyring; nuget by links alone.  Doing it again changes nothing; \"valetkey add\"\n"
		"extends it.\n\n"
		"  valetkey setup git docker\n"
		"  valetkey setup go\n"
		"  valetkey setup git --undo\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

enum { HOSTS_MAX = 64 };

struct request {
	const char *hosts[HOSTS_MAX];
	size_t n_hosts;
	bool undo, print, force, list, json;
};

static const struct vk_setup_tool *
find_tool(const char *name)
{
	for (size_t i = 0; vk_setup_tools[i]; i++)
		if (strcmp(vk_setup_tools[i]->name, name) == 0)
			return vk_setup_tools[i];
	return NULL;
}

static int
no_tool(const char *name)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf known = VK_BUF(1024);

	for (size_t i = 0; vk_setup_tools[i]; i++)
		vk_buf_fmt(&known, "%s%s", i > 0 ? ", " : "", vk_setup_tools[i]->name);
	return vk_msg_usage("setup: no such tool: %s (known are %s; for others see \"valetkey setup --list\")", name,
	    known.p ? known.p : "");
}

static enum vk_err
add_asked(const struct vk_setup_tool *tool, const char *host, struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *url =
	    strstr(host, "://") ? vk_strdup(host) : vk_asprintf("https://%s", host);
	struct vk_scope scope;
	enum vk_err e = url ? vk_scope_parse(url, &scope, NULL) : VK_ENOMEM;

	if (e != VK_OK)
		return e == VK_EPROTO ? vk_fail(VK_EUSAGE, "--host: %s", vk_reason()) : e;
	if (!tool->takes(&scope))
		e = vk_fail(VK_EUSAGE, "%s does not ask a helper for %s", tool->name, url);
	else
		e = vk_setup_add_host(tool, s, &scope, true);
	vk_scope_clear(&scope);
	return e;
}

static enum vk_err
add_one(const struct vk_setup_tool *tool, const struct vk_cred *c, struct vk_setup *s)
{
	const char *why = tool->takes(&c->scope) && tool->lacks ? tool->lacks(c) : NULL;
	VK_CLEANUP(vk_freep) char *url = why ? vk_setup_url(tool, &c->scope) : NULL;

	if (!tool->takes(&c->scope))
		return VK_OK;
	if (!why)
		return vk_setup_add_host(tool, s, &c->scope, false);
	vk_msg_warn("%s is left out: %s", url ? url : c->scope.host, why);
	return VK_OK;
}

/* Hosts of the config and the keystore.  With --host a keystore that cannot be asked is no obstacle. */
static enum vk_err
add_known(const struct vk_setup_tool *tool, bool needed, struct vk_setup *s)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	struct vk_cred_list l = { 0 };
	enum vk_err e = vk_policy_open(NULL, &p);

	if (e == VK_OK)
		e = vk_policy_hosts(p, tool->places, &l);
	if (e == VK_ELOCKED && !needed) {
		vk_msg_note("the keystore is locked: only what was set up before and hosts named by --host are");
		s->adds = true;
		vk_reason_clear();
		e = VK_OK;
	} else if (e == VK_ELOCKED) {
		vk_hint("valetkey unlock, or name hosts with --host");
	}
	for (size_t i = 0; i < l.n && e == VK_OK; i++)
		e = add_one(tool, l.v[i], s);
	vk_cred_list_clear(&l);
	return e;
}

/* What the tool is to have: hosts asked for now, earlier, and those that are known. */
static enum vk_err
collect(const struct vk_setup_tool *tool, const struct request *r, struct vk_setup *s)
{
	struct vk_setup old = { 0 };
	enum vk_err e;

	if (!tool->takes)
		return VK_OK;
	if ((e = vk_setup_load(tool, &old)) == VK_ENOENT)
		e = VK_OK;
	for (size_t i = 0; i < old.n_hosts && e == VK_OK; i++) {
		struct vk_scope scope;

		if (!old.hosts[i].asked || (e = vk_scope_parse(old.hosts[i].url, &scope, NULL)) != VK_OK)
			continue;
		e = vk_setup_add_host(tool, s, &scope, true);
		vk_scope_clear(&scope);
	}
	vk_setup_clear(&old);
	for (size_t i = 0; i < r->n_hosts && e == VK_OK; i++)
		e = add_asked(tool, r->hosts[i], s);
	if (e == VK_OK)
		e = add_known(tool, r->n_hosts == 0, s);
	if (e == VK_OK && s->n_hosts == 0) {
		vk_hint("valetkey add %s, or name one with --host", tool->example ? tool->example : "https://HOST");
		e = vk_fail(VK_EUSAGE, "there is no host to set %s up for", tool->name);
	}
	return e;
}

static int
report(const struct vk_setup_tool *tool, const struct vk_setup *s, bool changed)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);

	vk_buf_fmt(&b, "%s: %s %s", tool->name, changed ? "valetkey is set up in" : "already set up in", s->file);
	if (tool->takes)
		vk_buf_fmt(&b, " for %zu %s", s->n_hosts, s->n_hosts == 1 ? "host" : "hosts");
	vk_buf_char(&b, '\n');
	for (size_t i = 0; i < s->n_hosts; i++)
		vk_buf_fmt(&b, "  %s%s\n", s->hosts[i].url,
		    s->hosts[i].with_path && !tool->places ? " (with paths)" : "");
	return vk_stdout_report(&b);
}

static int
set_up(const struct vk_setup_tool *tool, const struct request *r)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	struct vk_setup s = { 0 };
	bool changed = false;
	enum vk_err e = collect(tool, r, &s);
	int status;

	if (e == VK_OK)
		e = r->print ? vk_setup_preview(tool, &s, r->force, &b)
			     : vk_setup_apply(tool, &s, r->force, &changed);
	if (e != VK_OK)
		status = vk_msg_fail(e);
	else if (r->print)
		status = vk_stdout_text(b.p ? b.p : "", b.len);
	else
		status = report(tool, &s, changed);
	if (status == 0 && !r->print && tool->advise)
		tool->advise(&s);
	vk_setup_clear(&s);
	return status;
}

static const char *
found_text(enum vk_setup_found found, const struct vk_setup *s)
{
	struct stat st;

	if (found == VK_SETUP_WHOLE && s->created && stat(s->file, &st) < 0)
		return "is gone again: setup had made it";
	return found == VK_SETUP_WHOLE ? "is without what setup had put in, byte for byte"
	    : found == VK_SETUP_CHANGED ? "is without valetkey's part again; what others changed in it stays"
					: "held nothing of valetkey's any more";
}

static int
take_out(const struct vk_setup_tool *tool)
{
	VK_CLEANUP(vk_freep) char *text = NULL;
	struct vk_setup s = { 0 };
	enum vk_setup_found found = VK_SETUP_GONE;
	enum vk_err e = vk_setup_load(tool, &s);
	int status;

	if (e == VK_ENOENT) {
		e = VK_OK;
		text = vk_asprintf("%s: not set up\n", tool->name);
	} else if (e == VK_OK && (e = vk_setup_undo(tool, &s, &found)) == VK_OK) {
		text = vk_asprintf("%s: %s %s\n", tool->name, s.file, found_text(found, &s));
	}
	if (e != VK_OK || !text)
		status = vk_msg_fail(e != VK_OK ? e : VK_ENOMEM);
	else
		status = vk_stdout_text(text, strlen(text));
	vk_setup_clear(&s);
	return status;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_setup, argc, argv);
	struct request r = { .n_hosts = 0 };
	int status = 0;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if (id == OPT_HOST && r.n_hosts == HOSTS_MAX)
			return vk_msg_usage("setup: more than %d hosts", HOSTS_MAX);
		if (id == OPT_HOST)
			r.hosts[r.n_hosts++] = o.arg;
		r.undo |= id == OPT_UNDO;
		r.print |= id == OPT_PRINT;
		r.force |= id == OPT_FORCE;
		r.list |= id == OPT_LIST;
		r.json |= id == OPT_JSON;
	}
	if (!vk_opts_operands(&o, r.list ? 0 : 1, r.list ? 0 : -1))
		return 2;
	if ((r.list && (r.undo || r.print || r.force || r.n_hosts > 0)) || (r.json && !r.list))
		return vk_msg_usage("setup: --list goes with --json and nothing else");
	if (r.list)
		return vk_clients_print(r.json);
	if (r.undo && (r.print || r.force || r.n_hosts > 0))
		return vk_msg_usage("setup: --undo goes with no other option");
	for (int i = o.at; i < argc; i++)
		if (!find_tool(argv[i]))
			return no_tool(argv[i]);
	for (int i = o.at; i < argc; i++) {
		const struct vk_setup_tool *tool = find_tool(argv[i]);
		int one = r.undo ? take_out(tool) : set_up(tool, &r);

		status = status ? status : one;
	}
	return status;
}
