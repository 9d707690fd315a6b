/* SPDX-License-Identifier: ISC */
/* A run within a run: the keys are out of reach, and the files of the run around it are in place. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/unlock.h"
#include "run.h"

/* A variable is easily set: on R1 process 1 is ours, else one of our ancestors is. */
static bool
is_real(const char *rung)
{
	char name[32], comm[32];

	pid_t pid = strcmp(rung, "R1") == 0 ? 1 : vk_parent(getpid());

	for (; pid > 0; pid = pid == 1 ? 0 : vk_parent(pid)) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/%d/comm", (int)pid);
		VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (n = read(fd, comm, sizeof(comm) - 1)) <= 0)
			continue;
		comm[n] = '\0';
		if (vk_str_starts(comm, "valetkey"))
			return true;
	}
	return false;
}

const char *
vk_run_around(void)
{
	const char *rung = getenv(VK_RUN_VARIABLE);

	return rung && *rung && is_real(rung) ? rung : NULL;
}

bool
vk_run_is_within(const struct vk_run_opts *o, const char *rung)
{
	return rung && !vk_unlock_variable() && o->n_names == 0 && o->n_env == 0 && o->n_templates == 0 &&
	    o->n_secrets == 0 && !o->policy.profile && !o->policy.config;
}

enum vk_err
vk_run_go_on(struct run *r, const char *rung, struct vk_run_end *ret)
{
	struct vk_launch launch = {
		.path = r->path, .argv = r->opts->command, .envp = environ, .mask = &r->mask,
		.on_sigchld = &r->on_sigchld, .gate = -1,
	};

	if (r->opts->verbose && r->opts->mask != VK_MASK_AUTO)
		vk_say(r->opts, "whether secrets are hidden in the output was decided by the run around this one");
	/* Who asks for more than the run around this one gives must not think to have it. */
	if (r->opts->two_phase || r->opts->gate || r->opts->ttl > 0 || r->opts->resolved) {
		vk_hint("give these options to the run around this one");
		return vk_fail(VK_EPOLICY, "--two-phase, --gate, --once, --ttl and --scan have no effect in a run "
					   "within a run");
	}
	if (r->opts->require && strcmp(rung, vk_rung_name(r->opts->require)) > 0)
		return vk_fail(VK_EPOLICY, "%s is required, and the run around this one has %s",
		    vk_rung_name(r->opts->require), rung);
	return vk_command_become(&launch, &ret->status);
}
