/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mask_platform.h"
#include "masking.h"

enum {
	FORMS_ROOM = (1 << 20) - 1, /* bytes that an automaton takes */
	SAME_FILE = 0,              /* kcmp(2): KCMP_FILE */
};

/* ---- where ----------------------------------------------------------------------------------------------------- */

enum kind { NOT_OURS, TERMINAL, FILE_OR_PIPE };

static enum kind
kind_of(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFD);

	/* Closed when we came: vk_harden() put something there that ends with exec. */
	if (flags < 0 || (flags & FD_CLOEXEC) || fstat(fd, &st) < 0)
		return NOT_OURS;
	if (isatty(fd))
		return TERMINAL;
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) ? NOT_OURS : FILE_OR_PIPE;
}

/* Is what is written to the one and to the other one sequence? */
static bool
is_one_file(int a, int b)
{
	struct stat x, y;
	long same;

	if (fstat(a, &x) < 0 || fstat(b, &y) < 0 || x.st_dev != y.st_dev || x.st_ino != y.st_ino)
		return false;
	if (!S_ISREG(x.st_mode))
		return true;
	if ((same = syscall(SYS_kcmp, getpid(), getpid(), SAME_FILE, a, b)) >= 0)
		return same == 0 || (fcntl(a, F_GETFL) & fcntl(b, F_GETFL) & O_APPEND);
	return lseek(a, 0, SEEK_CUR) == lseek(b, 0, SEEK_CUR);
}

static bool
is_wanted(const struct vk_run_opts *o)
{
	const char *ci = getenv("CI");

	if (o->mask != VK_MASK_AUTO)
		return o->mask == VK_MASK_ON;
	return ci && (vk_str_ieq(ci, "true") || strcmp(ci, "1") == 0) && !isatty(STDOUT_FILENO);
}

/* ---- what ------------------------------------------------------------------------------------------------------ */

static enum vk_err
add_secret(struct vk_forms *f, const char *p, size_t n, const char *user)
{
	enum vk_err e = p ? vk_forms_add(f, p, n, 0) : VK_ENOENT;

	/* A short one may still make a pair that is long enough. */
	if ((e == VK_OK || e == VK_ENOENT) && p && user && *user) {
		enum vk_err pair = vk_forms_pair(f, user, p, n, 0);

		e = pair == VK_OK || pair == VK_ENOENT ? e : pair;
	}
	return e;
}

/* What is too short would be found everywhere.  After one that is too much a smaller one may fit. */
static enum vk_err
heed(const struct vk_run_opts *o, enum vk_err e, const char *name, bool *ret_full)
{
	if (e == VK_ELIMIT) {
		*ret_full = true;
		return VK_OK;
	}
	if (e == VK_ENOENT && o->verbose)
		vk_say(o, "too short to be hidden: %s", name);
	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_masking_add(struct vk_forms *f, const char *p, size_t n, const char *user)
{
	enum vk_err e = add_secret(f, p, n, user);

	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_masking_forms(const struct vk_kitchen *k, const struct vk_secret *env, size_t n, struct vk_forms *f)
{
	const struct vk_run_opts *o = k->opts;
	enum vk_err e = VK_OK;
	bool full = false;

	f->text.max = FORMS_ROOM;
	for (size_t i = 0; e == VK_OK && i < k->creds->n; i++) {
		const struct vk_cred *c = k->creds->v[i];

		e = heed(o, add_secret(f, c->secret.p, c->secret.n, c->username),
		    *c->name ? c->name : c->scope.host, &full);
	}
	for (size_t i = 0; e == VK_OK && i < n; i++)
		if (env[i].p)
			e = heed(o, add_secret(f, env[i].p, env[i].n, NULL), o->env[i].name, &full);
	for (size_t i = 0; e == VK_OK && i < k->files.n; i++)
		if (k->files.v[i].is_secret)
			e = heed(o, add_secret(f, k->files.v[i].text.p, k->files.v[i].text.len, NULL),
			    k->files.v[i].name, &full);
	if (e != VK_OK || !full)
		return e;
	/* Unasked, most is better than nothing; who asked is told. */
	if (o->mask == VK_MASK_AUTO) {
		vk_reason_clear();
		vk_caution(o, "the run's secrets are too many or too large: not all of them are hidden in its output");
		return VK_OK;
	}
	vk_hint("--credential takes fewer of them; --no-mask hides none");
	return vk_fail(VK_ELIMIT, "the run's secrets are too many or too large to be hidden in its output");
}

/* ---- how ------------------------------------------------------------------------------------------------------- */

static enum vk_err
start_relays(struct vk_masking *m, const struct vk_forms *f, enum kind out, enum kind err)
{
	bool terminal = out == TERMINAL || err == TERMINAL;
	struct vk_mask *mask = NULL;
	enum vk_err e = vk_mask_make(f, &mask);

	m->both = out == FILE_OR_PIPE && err == FILE_OR_PIPE && is_one_file(STDOUT_FILENO, STDERR_FILENO);
	if (e == VK_OK && terminal)
		e = vk_pty_open(&m->pty);
	if (e == VK_OK && out == FILE_OR_PIPE)
		e = vk_relay_start(mask, -1, STDOUT_FILENO, &m->out);
	else if (e == VK_OK && terminal)
		e = vk_relay_start(mask, m->pty.master, m->pty.tty, &m->out);
	if (e == VK_OK && err == FILE_OR_PIPE && !m->both)
		e = vk_relay_start(mask, -1, STDERR_FILENO, &m->err);
	else if (e == VK_OK && err == TERMINAL && out == FILE_OR_PIPE)
		e = vk_relay_start(mask, m->pty.master, m->pty.tty, &m->err);
	vk_mask_free(mask);
	return e;
}

enum vk_err
vk_masking_start(struct vk_masking *m, const struct vk_kitchen *k, const struct vk_secret *env, size_t n)
{
	enum kind out = kind_of(STDOUT_FILENO), err = kind_of(STDERR_FILENO);
	VK_CLEANUP(vk_forms_clear) struct vk_forms f = VK_FORMS_NONE;
	enum vk_err e;

	if (!is_wanted(k->opts))
		return VK_OK;
	m->wanted = true;
	if ((e = vk_masking_forms(k, env, n, &f)) != VK_OK || f.n == 0)
		return e;
	/* Of its own accord it only goes where nobody types. */
	if (k->opts->mask == VK_MASK_AUTO) {
		out = out == TERMINAL ? NOT_OURS : out;
		err = err == TERMINAL ? NOT_OURS : err;
	}
	if (k->opts->two_phase && (out == TERMINAL || err == TERMINAL)) {
		vk_hint("pipe it: valetkey run --mask --two-phase ... 2>&1 | cat");
		return vk_fail(VK_EUSAGE, "--mask with --two-phase hides nothing on a terminal");
	}
	vk_platform_tell(k, env, n);
	vk_wipe_registers();
	return start_relays(m, &f, out, err);
}

bool
vk_masking_relays(const struct vk_masking *m)
{
	return m->out.was || m->err.was;
}

enum vk_err
vk_masking_learn(struct vk_masking *m, int fd)
{
	enum vk_err out = vk_relay_learn(&m->out, fd), err = vk_relay_learn(&m->err, fd);

	return out != VK_OK ? out : err;
}

void
vk_masking_streams(const struct vk_masking *m, int *ret_out, int *ret_err)
{
	if (m->out.was && m->out.pipe >= 0)
		*ret_out = m->out.pipe;
	if ((m->err.was && m->err.pipe >= 0) || m->both)
		*ret_err = m->both ? m->out.pipe : m->err.pipe;
}

void
vk_masking_let_go(struct vk_masking *m, pid_t command)
{
	if (m->pty.tty >= 0)
		vk_pty_let_go(&m->pty, command);
	vk_relay_let_go(&m->out);
	vk_relay_let_go(&m->err);
}

void
vk_masking_tell(const struct vk_masking *m, const struct vk_run_opts *opts)
{
	const char *where = m->both || (m->out.was && m->err.was) ? "the command's output" :
	    m->out.was ? "its standard output, not in its standard error" :
	    m->err.was ? "its standard error, not in its standard output" : NULL;

	if (where)
		vk_say(opts, "the run's secrets are hidden in %s", where);
	else
		vk_say(opts, "not in force: hiding secrets in the command's output (--mask)");
}

static enum vk_err
end_one(struct vk_relay *r, const struct vk_run_opts *opts, const struct vk_run_end *end)
{
	enum vk_err e = VK_OK;

	if (!end->started)
		vk_relay_stop(r);
	else
		e = vk_relay_finish(r);
	if (e != VK_OK && (end->signaled || end->status != 0)) {
		vk_caution(opts, "%s", vk_reason());
		vk_reason_clear();
		return VK_OK;
	}
	return e;
}

enum vk_err
vk_masking_end(struct vk_masking *m, const struct vk_run_opts *opts, const struct vk_run_end *end)
{
	enum vk_err out = end_one(&m->out, opts, end), err;
	char why[256];

	/* The other one's would take its place. */
	snprintf(why, sizeof(why), "%s", vk_reason());
	err = end_one(&m->err, opts, end);
	vk_pty_end(&m->pty);
	return out != VK_OK ? vk_fail(out, "%s", why) : err;
}
