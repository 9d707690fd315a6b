/* SPDX-License-Identifier: ISC */
/* R2 and R3: the domain that the command, and we with it, get into, and what it hides. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "caps.h"
#include "domain.h"
#include "run.h"

/*
 * Whoever may mount is left able to, which a domain takes away, and so are programs that become somebody else.  What
 * cannot be had is no reason not to run: it is said.
 */
static const char *
no_domain(const struct run *r)
{
	const char *outer = vk_run_around();

	if (r->opts->no_confine)
		return "--no-confine";
	if (vk_caps_has(CAP_SYS_ADMIN))
		return "the command may mount (CAP_SYS_ADMIN), which this would take away";
	/* A domain within a domain could not read the files that the holder outside of it has. */
	if (outer && strcmp(outer, "R1") != 0)
		return "a run is around this one";
	if (vk_command_unfit(r->path, VK_WAY_IDENTITY))
		return "the command becomes somebody else";
	return vk_domain_can() == VK_OK ? NULL : vk_reason();
}

static const char *
no_hiding(const struct run *r)
{
	if (!r->kitchen.gated)
		return "without a gate (--gate)";
	if (!vk_rung2_has_names())
		return vk_reason();
	return NULL;
}

/*
 * Yama lets nobody but ancestors, and root, look into a process.  The gate is no ancestor; on R1 it has the rights of
 * who made the user namespace.
 */
static bool
gate_is_blind(void)
{
	VK_CLEANUP(vk_closep) int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	char scope = '0';

	return fd >= 0 && read(fd, &scope, 1) == 1 && scope != '0' && !vk_caps_has(CAP_SYS_PTRACE);
}

/*
 * --two-phase, for what a gate hides: the part without credentials must not find the keystore and what opens it, or
 * others, where the user keeps them.
 */
static void
bring_gate(struct run *r)
{
	if (!r->opts->two_phase || r->kitchen.gated || r->opts->no_confine ||
	    !vk_rung2_has_names() || gate_is_blind())
		return;
	r->kitchen.gated = vk_gate_start(&r->gate, VK_GATE_ALL) == VK_OK;
	vk_reason_clear();
}

enum vk_err
vk_run_choose_domain(struct run *r)
{
	VK_CLEANUP(vk_closep) int ruleset = -1;
	const char *neither, *why;

	if (r->kitchen.gated && gate_is_blind())
		return vk_fail(VK_EPOLICY, "below R1 the gate may not look into the command here "
					   "(kernel.yama.ptrace_scope)");
	bring_gate(r);
	neither = no_domain(r);
	why = neither ? neither : no_hiding(r);
	r->hides = !why;
	if (why)
		snprintf(r->why_open, sizeof(r->why_open), "%.300s", why);
	if (why && !neither)
		r->in_domain = vk_domain_rules(false, &ruleset) == VK_OK && vk_domain_enter(ruleset) == VK_OK;
	vk_reason_clear();
	/* It came for what it would hide. */
	if (!r->opts->gate && !r->hides) {
		vk_child_stop(&r->gate.child);
		r->kitchen.gated = false;
	}
	return VK_OK;
}

/* Whoever builds there should not have to find out. */
static void
tell_of_here(const struct run *r)
{
	VK_CLEANUP(vk_freep) char *here = realpath(".", NULL);
	size_t n = here ? strlen(here) : 0;

	for (size_t i = 0; n > 1 && i < r->hidden.n; i++)
		if (vk_str_starts(r->hidden.v[i], here) && r->hidden.v[i][n] == '/') {
			vk_say(r->opts, "%s is hidden from the command, which therefore cannot execute what it makes "
					"here (--no-confine)", r->hidden.v[i]);
			return;
		}
}

/*
 * From here on we too read only what is listed.  A log that was not there yet would not be; and the holder has to be
 * within the domain.
 */
enum vk_err
vk_run_hide(struct run *r)
{
	VK_CLEANUP(vk_closep) int ruleset = -1;
	enum vk_err e;

	vk_log_make(&r->log.log);
	if ((e = vk_gate_hide(&r->gate, &r->hidden, &ruleset)) == VK_OK)
		e = vk_domain_enter(ruleset);
	if (e != VK_OK)
		return e;
	r->in_domain = true;
	tell_of_here(r);
	return r->kitchen.rung == VK_RUNG_R2 ? vk_rung2_start(&r->rung2, true) : VK_OK;
}
