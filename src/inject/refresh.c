/* SPDX-License-Identifier: ISC */
/* Our side of the process that looks at the sources. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "run.h"

/* ---- what can change ------------------------------------------------------------------------------------------- */

/* Takes ${path}.  One place too many is one whose changes go unnoticed. */
static bool
add_place(struct vk_refresh *r, char *path)
{
	for (size_t i = 0; i < r->n_places; i++)
		if (strcmp(r->places[i].path, path) == 0) {
			free(path);
			return true;
		}
	if (r->n_places == VK_REFRESH_PLACES) {
		free(path);
		return false;
	}
	r->places[r->n_places++].path = path;
	return true;
}

/* What has no place does not change: no failure of the run, which has the secret. */
static bool
find_place(struct vk_refresh *r, const struct vk_cred *c, const char *ref)
{
	char *path = NULL;
	enum vk_err e = c ? vk_policy_place(r->of.policy, c, &path) : vk_policy_place_of_ref(ref, &path);

	if (e != VK_OK)
		vk_reason_clear();
	return e == VK_OK && add_place(r, path);
}

static bool
takes_what_changes(struct vk_refresh *r, const struct vk_recipe *recipe)
{
	struct vk_cred_list taken = { 0 };
	VK_CLEANUP(vk_freep) void *list = NULL;
	const struct vk_cred_list *all = r->of.kitchen->creds;

	if (vk_recipe_select(r->of.kitchen, recipe, &taken) != VK_OK)
		vk_reason_clear();
	list = taken.v;
	for (size_t i = 0; i < taken.n; i++)
		for (size_t k = 0; k < all->n; k++)
			if (all->v[k] == taken.v[i] && r->changes[k])
				return true;
	return false;
}

static bool
id_changes(struct vk_refresh *r, const char *id)
{
	struct vk_cred_list one = { 0 };
	bool yes = vk_policy_select(r->of.policy, &id, 1, &one) == VK_OK && one.n == 1 &&
	    find_place(r, one.v[0], NULL);

	vk_cred_list_clear(&one);
	return yes;
}

/* Which of them a template names is not known here. */
static bool
any_changes(const struct vk_refresh *r)
{
	for (size_t i = 0; i < r->of.kitchen->creds->n; i++)
		if (r->changes[i])
			return true;
	return false;
}

static bool
find_changes(struct vk_refresh *r)
{
	struct vk_files *files = &r->of.kitchen->files;
	const struct vk_cred_list *creds = r->of.kitchen->creds;
	bool any = false;

	for (size_t i = 0; i < files->n; i++)
		any |= files->v[i].recipe || files->v[i].secret || files->v[i].template.p;
	if (!any || !(r->changes = calloc(creds->n + 1, sizeof(*r->changes))))
		return false;
	for (size_t i = 0; i < creds->n; i++)
		r->changes[i] = find_place(r, creds->v[i], NULL) ||
		    (creds->v[i]->expires != 0 && vk_policy_is_fetched(r->of.policy, creds->v[i]));
	any = false;
	for (size_t i = 0; i < files->n; i++) {
		struct vk_file *f = &files->v[i];

		if (f->recipe)
			f->changes = takes_what_changes(r, f->recipe);
		else if (f->secret)
			f->changes = f->secret->ref ? find_place(r, NULL, f->secret->ref) :
			    id_changes(r, f->secret->id);
		else if (f->template.p)
			f->changes = any_changes(r);
		any |= f->changes;
	}
	return any;
}

/* ---- from start to end ----------------------------------------------------------------------------------------- */

static void
forget(struct vk_refresh *r)
{
	for (size_t i = 0; i < r->n_places; i++)
		free(r->places[i].path);
	r->n_places = 0;
	free(r->changes);
	r->changes = NULL;
}

enum vk_err
vk_refresh_start(struct vk_refresh *r, const struct vk_refresh_of *of)
{
	enum vk_err e = VK_OK;

	r->of = *of;
	r->run = getpid();
	if (find_changes(r))
		e = vk_child_start_heir(vk_refresh_main, vk_refresh_shed, r, &r->child);
	forget(r);
	if (e != VK_OK || r->child.pid == 0)
		return e;
	r->was = true;
	/* What it says wakes us as the end of a child does, and harms nobody who does not wait for it. */
	if (fcntl(r->child.sock, F_SETOWN, getpid()) < 0 || fcntl(r->child.sock, F_SETSIG, SIGCHLD) < 0 ||
	    fcntl(r->child.sock, F_SETFL, O_ASYNC) < 0)
		return vk_fail_errno("cannot wait for a helper process");
	return VK_OK;
}

/* It wipes what it knows when it sees that we say no more. */
static void
let_end(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	char byte;

	shutdown(sock, SHUT_WR);
	while (poll(&p, 1, VK_REFRESH_LOOK) == 1 && recv(sock, &byte, 1, 0) > 0)
		;
}

void
vk_run_end_refresh(struct run *r)
{
	if (r->refresh.was && r->refresh.child.pid == 0)
		vk_caution(r->opts, "the process that looks at the sources of this run's files died: they stayed as "
				    "they were");
	if (r->refresh.child.pid > 0 && r->refresh.child.sock >= 0)
		let_end(r->refresh.child.sock);
	vk_child_stop(&r->refresh.child);
	r->refresh.was = false;
}

/* ---- what it says ---------------------------------------------------------------------------------------------- */

static enum vk_err
take_piece(int sock, char *piece, struct vk_buf *text)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n = poll(&p, 1, VK_REFRESH_LOOK) == 1 ? recv(sock, piece, VK_REFRESH_PIECE, 0) : -1;

	if (n <= 0)
		return vk_fail(VK_EPROTO, "the new text of a file did not arrive");
	return vk_buf_add(text, piece, (size_t)n);
}

static enum vk_err
take_text(int sock, size_t len, struct vk_buf *ret)
{
	VK_CLEANUP(vk_arena_freep) char *piece = vk_arena_alloc(VK_REFRESH_PIECE);
	enum vk_err e = piece ? VK_OK : VK_ENOMEM;

	while (e == VK_OK && ret->len < len)
		e = take_piece(sock, piece, ret);
	return e;
}

static enum vk_err
replace(struct run *r, size_t i)
{
	struct vk_file *f = &r->kitchen.files.v[i];

	if (r->kitchen.gated)
		return vk_gate_replace(&r->gate, i, f);
	switch (r->kitchen.rung) {
	case VK_RUNG_R1:
		return vk_rung1_replace(&r->rung1, f);
	case VK_RUNG_R2:
		return vk_rung2_replace(&r->rung2, f);
	case VK_RUNG_R3:
		return vk_rung3_replace(&r->rung3, f);
	case VK_RUNG_NONE:
		break;
	}
	return VK_EPROTO;
}

static enum vk_err
rewrite(struct run *r, const struct vk_note *n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_files *files = &r->kitchen.files;
	enum vk_err e = take_text(r->refresh.child.sock, (size_t)n->value, &text);
	size_t i = 0;

	while (i < files->n && strcmp(files->v[i].name, n->text) != 0)
		i++;
	if (e != VK_OK || i == files->n)
		return e == VK_OK ? VK_EPROTO : e;
	files->v[i].text = text;
	text = (struct vk_buf)VK_BUF_SECRET(VK_MAX_FILE);
	e = replace(r, i);
	vk_buf_clear(&files->v[i].text);
	vk_wipe_registers();
	if (e == VK_OK && r->opts->verbose)
		vk_say(r->opts, "%s has what its source has now", files->v[i].name);
	return e;
}

static void
hear(struct run *r, const struct vk_note *n)
{
	int sock = r->refresh.child.sock;
	struct vk_note done = VK_NOTE_INIT;
	enum vk_err e = VK_EPROTO;

	vk_reason_clear();
	if (n->code == VK_REFRESH_SAY) {
		vk_caution(r->opts, "%s", n->text);
		return;
	}
	if (n->code == VK_REFRESH_FILE && n->value >= 0)
		e = rewrite(r, n);
	else if (n->code == VK_REFRESH_HIDE && n->n_fds == 1)
		e = vk_masking_learn(&r->masking, n->fds[0]);
	if (e != VK_OK)
		vk_note_fail(sock, e);
	else
		(void)!vk_note_send(sock, &done);
	vk_reason_clear();
}

void
vk_run_refresh(void *run)
{
	struct run *r = run;
	struct pollfd p = { .fd = r->refresh.child.sock, .events = POLLIN };

	while (p.fd >= 0 && poll(&p, 1, 0) == 1) {
		VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;

		if (vk_note_recv(p.fd, &n) == VK_OK) {
			hear(r, &n);
		} else {
			vk_closep(&r->refresh.child.sock);
			vk_reason_clear();
		}
		p.fd = r->refresh.child.sock;
	}
}
