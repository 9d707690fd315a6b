/* SPDX-License-Identifier: ISC */
/*
 * One run, in the order that its promises need: helpers are forked before a secret is known,
 * everything is resolved before anything starts, what valetkey knew is wiped before the command runs.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/remote.h"
#include "valetkey/unlock.h"
#include "build_secret.h"
#include "caps.h"
#include "programs.h"
#include "run.h"
#include "template.h"

static void
no_rung1(struct run *r, const char *why)
{
	r->try_rung1 = false;
	snprintf(r->why_not, sizeof(r->why_not), "%.300s", why);
	vk_reason_clear();
}

/* What can be known of R1 without trying. */
static void
consider_rung1(struct run *r)
{
	const char *unfit;

	r->plan = (struct vk_rung1_plan){
		.uid = geteuid(), .gid = getegid(), .command = r->opts->command, .home = getenv("HOME")
	};
	r->try_rung1 = r->opts->max < VK_RUNG_R2;
	if (!r->try_rung1)
		no_rung1(r, "--max-rung");
	else if (vk_way_choose(&r->plan.way) != VK_OK)
		no_rung1(r, vk_reason());
	else if ((unfit = vk_command_unfit(r->path, r->plan.way)))
		no_rung1(r, unfit);
}

static enum vk_err
reach_lower_rung(struct run *r)
{
	bool named = r->opts->max < VK_RUNG_R3 && vk_rung2_has_names();
	enum vk_err e;

	if (!named && r->opts->require == VK_RUNG_R2)
		return vk_fail(VK_EPOLICY, "R2 is required and cannot be reached: %s", vk_reason());
	if (r->opts->max < VK_RUNG_R2)
		vk_say(r->opts, "using %s, not R1: %s",
		    named ? "R2 (memory files)" : "R3 (files in memory, and a guard)", r->why_not);
	if (!named && r->opts->max < VK_RUNG_R3)
		vk_say(r->opts, "not R2: %s", vk_reason());
	vk_reason_clear();
	/* Before the holder: whose descriptors are opened has to be within the domain. */
	if ((e = vk_run_choose_domain(r)) != VK_OK)
		return e;
	r->kitchen.rung = named ? VK_RUNG_R2 : VK_RUNG_R3;
	if (!named)
		return vk_rung3_start(&r->rung3);
	return r->hides ? VK_OK : vk_rung2_start(&r->rung2, false);
}

/* Everything that a process of ours needs is made before a secret is in our memory. */
static enum vk_err
reach_rung(struct run *r)
{
	enum vk_err e = r->opts->gate ? vk_gate_start(&r->gate, r->opts->gate) : VK_OK;

	if (e != VK_OK)
		return e;
	r->kitchen.gated = r->opts->gate != VK_GATE_OFF;
	consider_rung1(r);
	if (r->try_rung1 && vk_rung1_build(&r->rung1, &r->plan) != VK_OK)
		no_rung1(r, vk_reason());
	if (r->try_rung1) {
		r->kitchen.rung = VK_RUNG_R1;
		return VK_OK;
	}
	if (r->opts->require == VK_RUNG_R1)
		return vk_fail(VK_EPOLICY, "R1 is required and cannot be reached: %s", r->why_not);
	return reach_lower_rung(r);
}

/* Only now: who may read key files and config is decided by the ids outside. */
static enum vk_err
join_rung(struct run *r)
{
	enum vk_err e;

	if (r->kitchen.rung != VK_RUNG_R1)
		return VK_OK;
	if ((e = vk_rung1_join(&r->rung1)) != VK_OK)
		vk_hint("--max-rung R2 does without");
	return e;
}

/* A step whose keystore did not come along would run as if it had been given everything. */
static void
tell_no_keystore(const struct run *r)
{
	VK_CLEANUP(vk_freep) char *path = NULL;

	if (r->creds.n > 0 || r->opts->n_env > 0 || r->opts->n_secrets > 0 || vk_policy_has_store(r->policy))
		return;
	if (vk_store_path(&path) != VK_OK)
		vk_reason_clear();
	vk_caution(r->opts, "this run has no credentials: there is no keystore%s%s (\"valetkey init\" makes one)",
	    path ? " at " : "", path ? path : "");
}

static void
pass_on(const struct vk_run_opts *opts, const struct vk_policy *p)
{
	if (vk_policy_caution(p))
		vk_caution(opts, "%s", vk_policy_caution(p));
}

static enum vk_err
resolve(struct run *r)
{
	enum vk_err e = vk_policy_open(&r->opts->policy, &r->policy);

	if (e == VK_OK) {
		vk_policy_hold(r->policy);
		e = vk_run_log_know(&r->log, r->policy);
	}
	if (e == VK_OK)
		e = vk_menu_choose(&r->menu, r->opts, r->policy);
	if (e == VK_OK)
		e = vk_policy_select(r->policy, r->opts->names, r->opts->n_names, &r->creds);
	if (e == VK_OK)
		tell_no_keystore(r);
	if (e == VK_OK && r->opts->n_env > VK_RUN_ENV_MAX)
		return vk_fail(VK_ELIMIT, "a run sets at most %d variables", VK_RUN_ENV_MAX);
	for (size_t i = 0; e == VK_OK && i < r->opts->n_env; i++)
		e = vk_policy_ref(r->policy, r->opts->env[i].ref, &r->env[i]);
	r->kitchen.opts = r->opts;
	r->kitchen.creds = &r->creds;
	r->kitchen.self = r->self;
	if (e == VK_OK)
		e = vk_build_secrets_add(&r->kitchen, r->policy);
	if (e == VK_OK)
		pass_on(r->opts, r->policy);
	if (e == VK_OK && (r->hides || (!r->opts->no_confine && r->kitchen.rung == VK_RUNG_R1)))
		e = vk_hide_choose(&r->hidden, r->policy, r->opts->keep_own, r->kitchen.rung == VK_RUNG_R1);
	r->no_keys = !r->opts->no_confine && vk_session_in_reach();
	if (e == VK_OK)
		e = vk_menu_serve(&r->menu, &r->kitchen, &r->broker);
	if (e == VK_OK)
		e = vk_environ_init(&r->kitchen.env, r->policy);
	if (e == VK_OK)
		e = vk_menu_files(&r->menu, &r->kitchen);
	if (e == VK_OK)
		e = vk_templates_add(&r->kitchen);
	if (e == VK_OK && r->opts->resolved)
		e = r->opts->resolved(&r->creds, r->opts->arg);
	if (e == VK_OK)
		e = vk_masking_start(&r->masking, &r->kitchen, r->env, r->opts->n_env);
	/* Outside of the namespaces, where the sources are. */
	r->broker.log = &r->log.log;
	r->broker.rung = r->kitchen.rung;
	if (e == VK_OK && r->broker.n_tools > 0)
		e = vk_broker_start(&r->broker, &r->creds, &r->opts->policy);
	if (e == VK_OK)
		e = vk_refresh_start(&r->refresh, &(struct vk_refresh_of){ .kitchen = &r->kitchen, .policy = r->policy,
			.env = r->env, .n_env = r->opts->n_env, .masking = &r->masking, .log = &r->log });
	return e;
}

/* In R2 nobody else would take in a process whose parent is gone, and the broker would not know it. */
static enum vk_err
open_broker(struct run *r)
{
	bool rung1 = r->kitchen.rung == VK_RUNG_R1;

	if (r->broker.n_tools == 0)
		return VK_OK;
	if (!rung1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return vk_fail_errno("cannot take in the descendants of the command");
	return vk_broker_open(&r->broker, rung1 ? &r->rung1 : NULL);
}

static enum vk_err
make_files(struct run *r)
{
	enum vk_err e = VK_OK;

	if (r->hides)
		e = vk_run_hide(r);
	for (size_t i = 0; e == VK_OK && r->kitchen.gated && i < r->kitchen.files.n; i++)
		e = vk_gate_take(&r->gate, &r->kitchen.files.v[i]);
	if (e == VK_OK && r->kitchen.rung == VK_RUNG_R1)
		e = vk_rung1_place(&r->rung1, &r->kitchen.files);
	else if (e == VK_OK && r->kitchen.rung == VK_RUNG_R2)
		e = vk_rung2_place(&r->rung2, &r->kitchen.files);
	else if (e == VK_OK)
		e = vk_rung3_place(&r->rung3, &r->kitchen.files);
	if (e == VK_OK && vk_menu_by_name(&r->menu))
		e = vk_programs_place(&r->kitchen, r->rung1.dir, r->rung1.place);
	for (size_t i = 0; e == VK_OK && r->kitchen.gated && i < r->kitchen.files.n; i++)
		if ((e = vk_gate_know(&r->gate, &r->kitchen.files.v[i])) == VK_OK &&
		    !(r->kitchen.rung == VK_RUNG_R1 && r->kitchen.files.v[i].over))
			e = vk_gate_also(&r->gate, &r->kitchen.files.v[i]);
	if (e == VK_OK && r->kitchen.rung == VK_RUNG_R1)
		e = vk_hide_mount(&r->hidden, r->rung1.dir, r->rung1.place, &r->kitchen.files);
	return e;
}

static enum vk_err
make_environment(struct run *r)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf broker = VK_BUF(256);
	struct vk_environ *env = &r->kitchen.env;
	const char *rung = vk_rung_name(r->kitchen.rung);
	enum vk_err e = vk_environ_set(env, VK_RUN_VARIABLE, rung, strlen(rung));

	/* Even when it is none of ours: it must not be the one of a run around this. */
	if (e == VK_OK && r->broker.n_tools > 0)
		e = vk_broker_variable(&r->broker, &broker);
	if (e == VK_OK)
		e = vk_environ_set(env, VK_BROKER_VARIABLE, broker.p ? broker.p : "", broker.len);
	if (e == VK_OK)
		e = vk_menu_lead(&r->menu, &r->kitchen, r->policy);
	if (e == VK_OK)
		e = vk_templates_lead(&r->kitchen);
	for (size_t i = 0; e == VK_OK && i < r->opts->n_env; i++)
		e = vk_environ_lend(env, r->opts->env[i].name, r->env[i].p, r->env[i].n);
	if (e == VK_OK)
		e = vk_build_secrets_expand(&r->kitchen, &r->argv);
	return e;
}

static void
tell(const struct run *r)
{
	const struct vk_files *files = &r->kitchen.files;

	if (!r->opts->verbose)
		return;
	if (r->kitchen.rung == VK_RUNG_R1)
		vk_say(r->opts, "R1: a private mount and PID namespace, %s; descendants end with valetkey",
		    vk_way_text(r->plan.way));
	else if (r->kitchen.rung == VK_RUNG_R3)
		vk_say(r->opts, "R3: files in %s; descendants of the command may outlive it", r->rung3.path);
	else
		vk_say(r->opts, "R2: sealed memory files%s; descendants of the command may outlive it",
		    r->rung2.locked ? "" : ", which could not be locked and may be swapped");
	vk_menu_tell(&r->menu, r->opts);
	for (size_t i = 0; i < files->n; i++)
		if (files->v[i].over && r->kitchen.rung == VK_RUNG_R1)
			vk_say(r->opts, "%s hides %s", files->v[i].path, files->v[i].over);
	for (size_t i = 0; i < r->creds.n; i++) {
		const struct vk_cred *c = r->creds.v[i];

		vk_say(r->opts, "credential %s", *c->name ? c->name : c->scope.host);
	}
	for (size_t i = 0; i < r->hidden.n; i++)
		vk_say(r->opts, "the command does not see %s", r->hidden.v[i]);
	if (r->no_keys)
		vk_say(r->opts, "the command cannot use the kernel's keys");
	if (r->kitchen.gated)
		vk_say(r->opts, "a gate decides at each open who gets a file");
	else
		vk_say(r->opts, "not in force: the gate (--gate); every process of the command may read the files "
				"while it runs");
	if (r->in_domain)
		vk_say(r->opts, "the command does not see into processes outside of the run (Landlock)");
	else if (r->kitchen.rung != VK_RUNG_R1)
		vk_say(r->opts, "not in force: other processes of the user are as open to the command as ever");
	vk_masking_tell(&r->masking, r->opts);
	if (r->kitchen.rung != VK_RUNG_R1 && !r->hides)
		vk_say(r->opts, "not in force: confinement of files: %s", r->why_open);
	else if (r->opts->no_confine)
		vk_say(r->opts, "not in force: confinement of files: --no-confine");
	if (r->hides && r->hidden.n > 0)
		vk_say(r->opts, "what the command makes beside these it reads by way of the gate, and cannot execute");
}

static void
release(struct run *r)
{
	for (size_t i = 0; i < VK_RUN_ENV_MAX; i++)
		vk_secret_clear(&r->env[i]);
	vk_kitchen_clear(&r->kitchen);
	vk_files_forget_text(&r->kitchen.files);
	vk_cred_list_clear(&r->creds);
	vk_policy_close(r->policy);
	r->policy = NULL;
	vk_unlock_env_forget();
}

/*
 * Before any child: a parent that ignores SIGCHLD would take our children's status from us.  SIGPIPE
 * is blocked from the start, and so kept for the command if somebody sends it.
 */
static void
set_signals(struct run *r)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &dfl, &r->on_sigchld);
	vk_harden_mask(&r->mask);
}

/* From the first file on, so that whatever ends us goes by way of clean_up(). */
static void
hold_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* What came meanwhile ends us now, but not for a pipe that we wrote to ourselves. */
static void
release_signals(const struct run *r)
{
	sigset_t mask = r->mask;

	sigaddset(&mask, SIGPIPE);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* First no name is left and, in R1, no process that could read; then the bytes are overwritten. */
static enum vk_err
clean_up(struct run *r)
{
	struct vk_gate_count counts[VK_FILES_MAX];
	bool held = r->kitchen.rung == VK_RUNG_R2 && r->kitchen.files.n > 0;
	enum vk_err e;

	if (held && r->rung2.holder.pid == 0)
		vk_caution(r->opts, "the process that held the files died before the command ended: what it "
				    "read after that had no credentials");
	vk_run_end_broker(r);
	vk_run_end_refresh(r);
	vk_gate_end(&r->gate, r->kitchen.rung == VK_RUNG_R2 || r->kitchen.rung == VK_RUNG_R3, counts);
	for (size_t i = 0; i < r->kitchen.files.n; i++) {
		if (counts[i].refused > 0)
			vk_say(r->opts, "%s was not for %u who opened it", r->kitchen.files.v[i].name,
			    counts[i].refused);
		r->log.unserved += counts[i].refused;
	}
	vk_rung1_end(&r->rung1);
	vk_rung2_end(&r->rung2);
	vk_rung3_end(&r->rung3);
	e = vk_files_wipe(&r->kitchen.files);
	vk_files_clear(&r->kitchen.files);
	return e;
}

static enum vk_err
run(struct run *r, struct vk_run_end *ret)
{
	const char *outer = vk_run_around();
	enum vk_err e = vk_build_secrets_check(r->opts);

	if (e == VK_OK && r->opts->two_phase)
		e = vk_phases_choose(&r->phases, r->opts->command);
	if (e == VK_OK)
		e = vk_command_find(r->opts->command[0], &r->path, &ret->status);
	if (e == VK_OK && vk_run_is_within(r->opts, outer))
		return vk_run_go_on(r, outer, ret);
	if (e == VK_OK)
		e = reach_rung(r);
	if (e == VK_OK)
		e = resolve(r);
	if (e == VK_OK)
		e = join_rung(r);
	hold_signals();
	if (e == VK_OK)
		e = open_broker(r);
	if (e == VK_OK)
		e = make_files(r);
	if (e == VK_OK)
		e = make_environment(r);
	if (e == VK_OK)
		e = vk_run_log_given(&r->log, &r->kitchen, &r->menu, r->path);
	if (e != VK_OK)
		return e;
	tell(r);
	vk_environ_wipe_ours(&r->kitchen.env);
	release(r);
	/* Of the namespace's capabilities nothing is needed any more, unless root has them anyway. */
	if (r->kitchen.rung == VK_RUNG_R1 && r->plan.way != VK_WAY_PLAIN && geteuid() != 0 &&
	    (e = vk_caps_drop()) != VK_OK)
		return e;
	return vk_run_course(r, ret);
}

enum vk_err
vk_run(const struct vk_run_opts *opts, struct vk_run_end *ret)
{
	struct run r = { .opts = opts, .rung1 = VK_RUNG1_NONE, .rung2 = VK_RUNG2_NONE, .rung3 = VK_RUNG3_NONE,
		.gate = VK_GATE_NONE, .broker = VK_BROKER_NONE, .masking = VK_MASKING_NONE,
		.refresh = VK_REFRESH_NONE };
	ssize_t n = readlink("/proc/self/exe", r.self, sizeof(r.self) - 1);
	char *name = NULL;
	enum vk_err e, wiped, written;

	r.self[n > 0 ? n : 0] = '\0';
	/* Without /proc the kernel's other word for it. */
	if (n <= 0 && (name = realpath((const char *)getauxval(AT_EXECFN), NULL)) && strlen(name) < sizeof(r.self))
		memcpy(r.self, name, strlen(name) + 1);
	free(name);
	*ret = (struct vk_run_end){ .status = VK_EXIT_FAILED };
	set_signals(&r);
	e = run(&r, ret);
	release(&r);
	vk_environ_clear(&r.kitchen.env);
	if (r.kitchen.litter) {
		(void)unlink(r.kitchen.litter);
		vk_litter_forget(r.kitchen.litter);
		free(r.kitchen.litter);
	}
	wiped = clean_up(&r);
	vk_remote_let_go();
	written = vk_masking_end(&r.masking, opts, ret);
	vk_run_log_end(&r.log, opts, r.kitchen.rung, r.path, ret, e != VK_OK ? e : wiped != VK_OK ? wiped : written);
	vk_words_free(r.argv);
	vk_phases_clear(&r.phases);
	vk_hide_clear(&r.hidden);
	free(r.path);
	free(r.kitchen.programs);
	release_signals(&r);
	return e != VK_OK ? e : wiped != VK_OK ? wiped : written;
}

enum vk_err
vk_render(const struct vk_run_opts *opts, const char *recipe, struct vk_buf *out)
{
	struct vk_kitchen k = { .opts = opts, .rung = VK_RUNG_NONE };
	struct vk_cred_list creds = { 0 }, taken = { 0 };
	struct vk_policy *p = NULL;
	const struct vk_recipe *r;
	enum vk_err e = vk_recipe_find(recipe, &r);

	if (e == VK_OK && !r->file)
		return vk_fail(VK_EUSAGE, "%s %s: there is no file to print", recipe,
		    r->asks ? "asks for credentials" : "is given variables");
	k.creds = &creds;
	if (e == VK_OK)
		e = vk_policy_open(&opts->policy, &p);
	if (e == VK_OK)
		e = vk_policy_select(p, opts->names, opts->n_names, &creds);
	if (e == VK_OK)
		e = vk_recipe_select(&k, r, &taken);
	if (e == VK_OK && taken.n == 0)
		e = vk_fail(VK_ENOENT, "the recipe %s takes none of the credentials", recipe);
	if (e == VK_OK)
		e = r->render(&k, &taken, false, out);
	if (e == VK_OK)
		e = vk_run_log_render(p, opts, r, &taken);
	if (e == VK_OK)
		pass_on(opts, p);
	free(taken.v);
	vk_kitchen_clear(&k);
	vk_cred_list_clear(&creds);
	vk_policy_close(p);
	return e;
}
