/* SPDX-License-Identifier: ISC */
/* Whether there is a log, where, and who asked. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "policy/state.h"
#include "policy/log.h"

bool
vk_log_is_journal(const struct vk_log *l)
{
	return l->to && strcmp(l->to, "journal") == 0;
}

void
vk_log_clear(struct vk_log *l)
{
	free(l->to);
	free(l->program);
	free(l->profile);
	*l = (struct vk_log){ 0 };
}

/* Another user's process does not show its file: NULL. */
static char *
program_of(pid_t pid)
{
	char link[32], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	return n > 0 ? strndup(path, (size_t)n) : NULL;
}

static bool
is_one_of(const char *program, const char *const *names, size_t n)
{
	const char *slash = strrchr(program, '/');

	for (size_t i = 0; i < n; i++)
		if (strcmp(slash ? slash + 1 : program, names[i]) == 0)
			return true;
	return false;
}

/* git starts helpers by way of "sh -c", and not every shell makes place for its last command. */
void
vk_log_name(struct vk_log *l, pid_t pid)
{
	static const char *const shells[] = { "sh", "dash", "bash", "busybox", "ash", "ksh", "mksh", "zsh" };
	static const char *const clients[] = { "git", "git-remote-http", "git-remote-https", "docker" };
	char *program = program_of(pid), *client = NULL;
	pid_t parent;

	if (program && is_one_of(program, shells, VK_COUNT(shells)) && (parent = vk_parent(pid)) > 0 &&
	    (client = program_of(parent)) && is_one_of(client, clients, VK_COUNT(clients))) {
		free(program);
		program = VK_TAKE(client);
		pid = parent;
	}
	free(client);
	free(l->program);
	l->program = program;
	l->ppid = pid;
}

static enum vk_err
set(const struct vk_config *c, const char *profile, struct vk_log *ret)
{
	const char *env = getenv("VALETKEY_LOG"), *to = c->log ? c->log : env;
	struct vk_log l = { .required = c->log_required };

	if (!to || !*to) {
		*ret = (struct vk_log){ 0 };
		return VK_OK;
	}
	l.to = vk_strdup(to);
	l.bad = *to != '/' && strcmp(to, "journal") != 0;
	l.profile = profile ? vk_strdup(profile) : NULL;
	if (!l.to || (profile && !l.profile)) {
		vk_log_clear(&l);
		return VK_ENOMEM;
	}
	/* Now and not when the line is written: a run is in another /proc by then. */
	vk_log_name(&l, getppid());
	*ret = l;
	return VK_OK;
}

enum vk_err
vk_policy_log(const struct vk_policy *p, struct vk_log *ret)
{
	/* Inside a run the broker does that, which its askers cannot pass by. */
	if (p->broker) {
		*ret = (struct vk_log){ 0 };
		return VK_OK;
	}
	return set(&p->config, p->profile ? p->profile->name : NULL, ret);
}

enum vk_err
vk_log_read(const struct vk_policy_opts *opts, struct vk_log *ret)
{
	struct vk_config c;
	enum vk_err e = vk_config_read(opts ? opts->config : NULL, &c);

	if (e != VK_OK)
		return e;
	e = set(&c, opts ? opts->profile : NULL, ret);
	vk_config_clear(&c);
	return e;
}

enum vk_err
vk_log_write(const struct vk_log *l, const struct vk_log_entry *v, size_t n,
    void (*tell)(const char *text))
{
	static bool warned;
	enum vk_err e = l->to && n > 0 ? vk_log_put(l, v, n) : VK_OK;
	char text[1200];

	if (e == VK_OK)
		return VK_OK;
	if (l->required && v->event <= VK_LOG_EXPORT) {
		snprintf(text, sizeof(text), "%.1000s", *vk_reason() ? vk_reason() : vk_err_text(e));
		vk_hint("put the log in order, see \"valetkey doctor\"; log-required = no in the config does without");
		return vk_fail(VK_EPOLICY, "not given, since it cannot be logged: %s", text);
	}
	snprintf(text, sizeof(text), "this is not logged: %.1000s", *vk_reason() ? vk_reason() : vk_err_text(e));
	vk_reason_clear();
	if (!warned)
		tell(text);
	warned = true;
	return VK_OK;
}

void
vk_log_refusal(const struct vk_log *l, const struct vk_policy_opts *opts, const struct vk_log_entry *v,
    void (*tell)(const char *text))
{
	VK_CLEANUP(vk_log_clear) struct vk_log own = { 0 };
	char reason[1024], hint[1024];

	snprintf(reason, sizeof(reason), "%s", vk_reason());
	snprintf(hint, sizeof(hint), "%s", vk_hint_text());
	if (l || vk_log_read(opts, &own) == VK_OK)
		(void)!vk_log_write(l ? l : &own, v, 1, tell);
	(void)vk_fail(v->result, "%s", reason);
	vk_hint("%s", hint);
}
