/* SPDX-License-Identifier: ISC */
/* From the start of the command to its end; the credentials may be withdrawn before that. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "run.h"
#include "supervise.h"

/* Beside the command we are only in the way: a pipe's reader waits for all its writers. */
static void
let_go_of_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	vk_fds_drop(3, true);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
}

void
vk_run_end_broker(struct run *r)
{
	struct vk_broker_count asked;

	if (r->broker_was && r->broker.child.pid == 0)
		vk_caution(r->opts, "the process that answered helpers died before the command ended: what asked "
				    "after that got nothing");
	r->broker_was = false;
	vk_broker_end(&r->broker, &asked);
	if (asked.strangers > 0)
		vk_caution(r->opts, "%u times somebody who is not of this run asked for its credentials, and was "
				    "refused", asked.strangers);
	if (asked.unlogged)
		vk_caution(r->opts, "not every answer to the helpers of this run could be logged");
}

/* Whoever has read one keeps what it read; whoever looks from now on finds the user's own settings. */
static void
withdraw(void *run)
{
	struct run *r = run;

	if (r->withdrawn)
		return;
	r->withdrawn = true;
	vk_run_end_broker(r);
	vk_run_end_refresh(r);
	if (vk_files_withdraw(&r->kitchen.files) != VK_OK)
		vk_caution(r->opts, "a file of this run could not be emptied: %s", vk_reason());
}

static void
expire(void *run)
{
	struct run *r = run;

	vk_say(r->opts, "the time is up: the command goes on without credentials");
	withdraw(r);
}

/* ${last}: nothing is started after it. */
static enum vk_err
start_and_wait(struct run *r, const struct vk_launch *launch, bool last, struct vk_run_end *ret)
{
	struct vk_supervise s = {
		.new_pid_ns = r->kitchen.rung == VK_RUNG_R1,
		.helpers = { &r->rung1.init.pid, &r->rung2.holder.pid, &r->rung3.guard.pid,
			&r->gate.child.pid, &r->broker.child.pid, &r->refresh.child.pid,
			&r->masking.out.child.pid, &r->masking.err.child.pid, &r->masking.pty.input.pid },
		.vital = &r->gate.child.pid,
		.deadline = r->withdrawn ? 0 : r->opts->ttl,
		.expire = expire,
		.arg = r,
		.news = r->refresh.child.pid > 0 ? vk_run_refresh : NULL,
		.pty = r->masking.pty.tty >= 0 ? &r->masking.pty : NULL,
	};
	enum vk_err e = vk_command_start(launch, &s.command, &s.inner, &ret->status);
	int status;

	if (last || e != VK_OK) {
		vk_environ_clear(&r->kitchen.env);
		vk_masking_let_go(&r->masking, e == VK_OK ? s.command : 0);
	}
	if (e != VK_OK)
		return e;
	if (last)
		let_go_of_descriptors();
	ret->started = true;
	r->broker_was = r->broker.child.pid > 0;
	status = vk_supervise(&s);
	ret->signaled = WIFSIGNALED(status);
	ret->status = ret->signaled ? WTERMSIG(status) : WEXITSTATUS(status);
	return VK_OK;
}

/* A line that names the words of a part, as far as there is room. */
static void
announce(const struct run *r, char *const *words, const char *how)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(400);

	for (size_t i = 0; words[i]; i++)
		vk_buf_fmt(&b, "%s%s", i > 0 ? " " : "", words[i]);
	if (b.p)
		vk_str_printable(b.p, b.len);
	vk_say(r->opts, "%s%s: %s", b.p ? b.p : "", b.err == VK_OK ? "" : " ...", how);
}

/* One that is not secret, and that the first part alone does not get. */
static enum vk_err
withhold(struct run *r, char **ret_value)
{
	const char *name = r->phases.withheld, *value = name ? vk_environ_get(&r->kitchen.env, name) : NULL;

	if (!value)
		return VK_OK;
	if (!(*ret_value = vk_strdup(value)))
		return VK_ENOMEM;
	vk_environ_forget(&r->kitchen.env, name);
	return VK_OK;
}

/* What the parts after the first do not get: no secret of ours is left in their environment or files. */
static enum vk_err
prepare_rest(struct run *r)
{
	struct vk_environ *env = &r->kitchen.env;
	const char *offline = r->phases.offline;
	enum vk_err e = VK_OK;

	withdraw(r);
	vk_environ_take_back(env);
	vk_environ_forget(env, VK_BROKER_VARIABLE);
	if (offline) {
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("%.*s", (int)strcspn(offline, "="), offline);
		const char *value = offline + strcspn(offline, "=") + 1;

		e = name ? vk_environ_set(env, name, value, strlen(value)) : VK_ENOMEM;
	}
	/* What the first part left running has had the credentials in its hands. */
	return e == VK_OK && r->kitchen.rung == VK_RUNG_R1 ? vk_rung1_sweep(&r->rung1) : e;
}

static enum vk_err
in_parts(struct run *r, struct vk_launch *launch, struct vk_run_end *ret)
{
	VK_CLEANUP(vk_freep) char *withheld = NULL;
	enum vk_err e = withhold(r, &withheld);

	launch->envp = r->kitchen.env.v;
	for (size_t i = 0; e == VK_OK && i < r->phases.n; i++) {
		launch->argv = r->phases.v[i];
		launch->alone = i == 0 && r->phases.alone;
		announce(r, launch->argv, i == 0 ? "with the credentials" : "without");
		e = start_and_wait(r, launch, i + 1 == r->phases.n, ret);
		if (e == VK_OK && launch->alone && !ret->signaled && ret->status != 0)
			vk_say(r->opts, "it could start no other program: what is not there as a wheel would have to "
					"be built, which is not done with credentials");
		if (e != VK_OK || ret->signaled || ret->status != 0)
			return e;
		if (i == 0 && r->phases.n > 1)
			e = prepare_rest(r);
		if (e == VK_OK && i == 0 && withheld)
			e = vk_environ_set(&r->kitchen.env, r->phases.withheld, withheld, strlen(withheld));
		launch->envp = r->kitchen.env.v;
		/* The files are as anybody may see them, but where the domain is, the gate has to be. */
		if (!r->hides)
			launch->gate = -1;
	}
	return e;
}

enum vk_err
vk_run_course(struct run *r, struct vk_run_end *ret)
{
	struct vk_launch launch = {
		.path = r->path, .argv = r->argv, .envp = r->kitchen.env.v,
		.mask = &r->mask, .on_sigchld = &r->on_sigchld, .new_pid_ns = r->kitchen.rung == VK_RUNG_R1,
		.no_keys = r->no_keys, .gate = r->kitchen.gated ? r->gate.child.sock : -1,
		.gate_hides = r->hides,
	};
	struct vk_terminal terminal;
	enum vk_err e;

	/* One that the terminal sent is not sent on, and the command was not there to get it. */
	if (vk_death_waits())
		return vk_fail(VK_ESYS, "ended by a signal before the command was started");
	vk_masking_streams(&r->masking, &launch.out, &launch.err);
	launch.pty = r->masking.pty.tty >= 0 ? &r->masking.pty : NULL;
	/* Before the command writes, or line ends would be made twice. */
	vk_pty_take(&r->masking.pty);
	vk_terminal_note(&terminal);
	e = r->phases.n > 0 ? in_parts(r, &launch, ret) : start_and_wait(r, &launch, true, ret);
	vk_terminal_restore(&terminal);
	return e;
}
