/* SPDX-License-Identifier: ISC */
/* The process that looks at the sources of a run's files, and makes their text anew. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "valetkey/unlock.h"
#include "build_secret.h"
#include "refresh.h"

struct looker {
	int sock;
	struct vk_refresh *r;
	struct vk_kitchen *k;
	struct vk_forms forms; /* of all secrets that there have been, while they are hidden */
	size_t told;           /* so many of the forms are */
	struct vk_mask *share; /* on its way, */
	int share_fd;          /* and how it travels */
	size_t share_forms;
	bool again;            /* something could not be done yet */
	bool stuck;            /* what is new cannot be hidden */
	bool *said;            /* of each credential, and then of each file: the user was warned */
	int64_t *pause;        /* of each credential: before that (vk_now_ms()) its end is no reason to look again */
};

/* ---- warnings -------------------------------------------------------------------------------------------------- */

static void VK_PRINTF(3, 4)
caution(struct looker *l, bool *said, const char *fmt, ...)
{
	struct vk_note n = VK_NOTE_INIT;
	va_list ap;

	if (*said)
		return;
	*said = true;
	n.code = VK_REFRESH_SAY;
	va_start(ap, fmt);
	vsnprintf(n.text, sizeof(n.text), fmt, ap);
	va_end(ap);
	(void)!vk_note_send(l->sock, &n);
	vk_reason_clear();
}

static const char *
why(enum vk_err e)
{
	return *vk_reason() ? vk_reason() : vk_err_text(e);
}

/* ---- the places ------------------------------------------------------------------------------------------------ */

static struct vk_refresh_stamp
stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct vk_refresh_stamp){ 0 };
	return (struct vk_refresh_stamp){
		.dev = st.st_dev, .ino = st.st_ino, .size = (uint64_t)st.st_size,
		.written_s = st.st_mtim.tv_sec, .written_ns = st.st_mtim.tv_nsec,
		.changed_s = st.st_ctim.tv_sec, .changed_ns = st.st_ctim.tv_nsec,
	};
}

static bool
is_same(const struct vk_refresh_stamp *a, const struct vk_refresh_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->written_s == b->written_s &&
	    a->written_ns == b->written_ns && a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

/* A file that is not there may be about to come, and one that was written to just now may be written to again. */
static bool
is_young(const struct vk_refresh_stamp *s)
{
	struct timespec now;
	int64_t ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (now.tv_sec - s->written_s) * 1000 + (now.tv_nsec - s->written_ns) / 1000000;
	return s->ino == 0 || ms < VK_REFRESH_LOOK;
}

/* One that is read while it is young will be read again. */
static bool
is_due(struct vk_refresh_place *p)
{
	struct vk_refresh_stamp now = stamp(p->path);

	if (p->looked && is_same(&now, &p->seen)) {
		p->looks = 0;
		return false;
	}
	if (is_young(&now) && ++p->looks < VK_REFRESH_PATIENCE)
		return false;
	if (!is_young(&now) || now.ino == 0)
		p->seen = now;
	p->looks = 0;
	p->looked = true;
	return true;
}

/* ---- what is hidden -------------------------------------------------------------------------------------------- */

static void
note_secret(struct looker *l, const char *p, size_t n, const char *user)
{
	if (!l->r->of.masking->wanted || l->stuck)
		return;
	/* Where nothing was to be hidden, nobody is there to hide it. */
	if (vk_masking_add(&l->forms, p, n, user) != VK_OK ||
	    (l->forms.n > l->told && l->told == 0 && !vk_masking_relays(l->r->of.masking)))
		l->stuck = true;
	vk_reason_clear();
}

static enum vk_err
ask(struct looker *l, struct vk_note *n)
{
	enum vk_err e = vk_note_send(l->sock, n);

	vk_note_clear(n);
	if (e == VK_OK)
		e = vk_note_recv(l->sock, n);
	return e == VK_OK && n->code != VK_OK ? vk_fail((enum vk_err)n->code, "%s", n->text) : e;
}

/* One after the other: what is on its way must not be wiped before it was taken. */
static enum vk_err
tell_share(struct looker *l)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	n.code = VK_REFRESH_HIDE;
	n.n_fds = 1;
	if ((n.fds[0] = dup(l->share_fd)) < 0)
		return vk_fail_errno("cannot copy a descriptor");
	if ((e = ask(l, &n)) == VK_EEXIST)
		return e;
	if (e == VK_OK)
		l->told = l->share_forms;
	vk_mask_forget(l->share);
	l->share = NULL;
	vk_closep(&l->share_fd);
	return e;
}

/* VK_EEXIST: not yet. */
static enum vk_err
hide(struct looker *l)
{
	static bool said;
	enum vk_err e = l->stuck ? vk_fail(VK_ELIMIT, "the secrets are too many") : VK_OK;

	while (e == VK_OK && vk_masking_relays(l->r->of.masking) && (l->share || l->told < l->forms.n)) {
		struct vk_mask *m = NULL;

		if (!l->share && (e = vk_mask_make(&l->forms, &m)) == VK_OK) {
			e = vk_mask_share(m, &l->share, &l->share_fd);
			l->share_forms = l->forms.n;
			vk_mask_free(m);
		}
		if (e == VK_OK)
			e = tell_share(l);
	}
	if (e != VK_OK && e != VK_EEXIST) {
		l->stuck = true;
		caution(l, &said, "what is new in the sources of this run could not be hidden in its output: its "
				  "files stay as they were");
	}
	return e;
}

/* ---- what is new ----------------------------------------------------------------------------------------------- */

static bool
is_same_secret(const struct vk_secret *a, const struct vk_secret *b)
{
	return a->n == b->n && vk_mem_eq(a->p ? a->p : "", b->p ? b->p : "", a->n);
}

/* What a login made is renewed by whoever opens the keystore, and what was fetched is fetched again. */
static bool
ends(const struct looker *l, size_t i)
{
	return l->r->changes[i] && vk_policy_ends_soon(l->k->creds->v[i]) && vk_now_ms() >= l->pause[i];
}

static void
renew(struct looker *l, struct vk_policy *p, size_t i)
{
	struct vk_cred **c = &l->k->creds->v[i], *fresh = NULL;
	bool fetch = ends(l, i);
	enum vk_err e;

	if (!fetch && vk_policy_is_fetched(p, *c))
		return;
	/* It may be lent, until our end. */
	if (fetch)
		vk_policy_hold(p);
	e = vk_policy_again(p, *c, fetch, &fresh);
	if (fetch)
		l->pause[i] = vk_now_ms() + VK_REFRESH_PAUSE;
	if (e != VK_OK) {
		caution(l, &l->said[i], "%s stays as it was in the files of this run: %s",
		    *(*c)->name ? (*c)->name : (*c)->scope.host, e == VK_ENOENT && !*vk_reason() ?
		    "its source has nothing for the same place any more" : why(e));
		return;
	}
	l->said[i] = false;
	if (!is_same_secret(&fresh->secret, &(*c)->secret) || strcmp(fresh->username, (*c)->username) != 0)
		note_secret(l, fresh->secret.p, fresh->secret.n, fresh->username);
	vk_cred_free(*c);
	*c = fresh;
}

static enum vk_err
cook(struct looker *l, struct vk_policy *p, const struct vk_file *f, struct vk_buf *out)
{
	if (f->recipe)
		return vk_recipe_render(l->k, f->recipe, f->secret != NULL, out);
	if (f->secret)
		return vk_build_secret_text(p, f->secret, out);
	return vk_template_expand(f->template.p, f->template.len, l->k->creds, out);
}

static enum vk_err
send_text(struct looker *l, const struct vk_file *f, const struct vk_buf *text)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	enum vk_err e;

	n.code = VK_REFRESH_FILE;
	n.value = (long)text->len;
	snprintf(n.text, sizeof(n.text), "%s", f->name);
	if ((e = vk_note_send(l->sock, &n)) != VK_OK)
		return e;
	for (size_t at = 0; at < text->len; at += VK_REFRESH_PIECE) {
		size_t len = text->len - at < VK_REFRESH_PIECE ? text->len - at : VK_REFRESH_PIECE;

		if (send(l->sock, text->p + at, len, MSG_NOSIGNAL) != (ssize_t)len)
			return vk_fail_errno("cannot reach valetkey");
	}
	if ((e = vk_note_recv(l->sock, &n)) == VK_OK && n.code != VK_OK)
		e = vk_fail((enum vk_err)n.code, "%s", n.text);
	return e;
}

static bool
is_same_text(const struct vk_buf *a, const struct vk_buf *b)
{
	return a->len == b->len && vk_mem_eq(a->p ? a->p : "", b->p ? b->p : "", a->len);
}

static bool unlogged;

static void
note_unlogged(const char *text)
{
	(void)text;
	unlogged = true;
}

static enum vk_err
put_into_log(struct looker *l, const struct vk_file *f)
{
	static bool said;
	enum vk_err e = vk_run_log_again(l->r->of.log, l->k, f, l->r->run, note_unlogged);

	if (unlogged)
		caution(l, &said, "not every file of this run that was rewritten could be logged");
	return e;
}

static void
rewrite(struct looker *l, struct vk_policy *p, size_t i)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_file *f = &l->k->files.v[i];
	bool *said = &l->said[l->k->creds->n + i];
	enum vk_err e = cook(l, p, f, &text);

	if (e == VK_OK && is_same_text(&text, &f->text))
		return;
	if (e == VK_OK && f->is_secret)
		note_secret(l, text.p, text.len, NULL);
	if (e == VK_OK) {
		enum vk_err hidden = hide(l);

		l->again |= hidden == VK_EEXIST;
		if (hidden != VK_OK)
			return;
	}
	if (e == VK_OK)
		e = put_into_log(l, f);
	if (e == VK_OK)
		e = send_text(l, f, &text);
	if (e != VK_OK) {
		caution(l, said, "the file %s of this run stays as it was: %s", f->name, why(e));
		return;
	}
	*said = false;
	vk_buf_clear(&f->text);
	f->text = text;
	text = (struct vk_buf)VK_BUF_SECRET(VK_MAX_FILE);
}

static void
look(struct looker *l)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	static bool said;
	enum vk_err e = vk_policy_open(&l->k->opts->policy, &p);

	l->again = false;
	if (e != VK_OK) {
		caution(l, &said, "the files of this run stay as they were: %s", why(e));
		return;
	}
	for (size_t i = 0; i < l->k->creds->n; i++)
		if (l->r->changes[i])
			renew(l, p, i);
	/* The broker gives out what is new, whatever the files have. */
	l->again |= hide(l) == VK_EEXIST;
	for (size_t i = 0; i < l->k->files.n; i++)
		if (l->k->files.v[i].changes)
			rewrite(l, p, i);
	vk_reason_clear();
	vk_wipe_registers();
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static void
tell_expired(struct looker *l)
{
	int64_t now = time(NULL);

	for (size_t i = 0; i < l->k->creds->n; i++) {
		const struct vk_cred *c = l->k->creds->v[i];

		if (l->r->changes[i] && vk_cred_expired(c, now))
			caution(l, &l->said[i], "%s has expired, and its source has nothing newer",
			    *c->name ? c->name : c->scope.host);
	}
}

/* The keystore's keys, and what opens it. */
void
vk_refresh_shed(const void *refresh)
{
	const struct vk_refresh *r = refresh;

	vk_policy_close(r->of.policy);
	vk_unlock_env_forget();
}

/* Of what valetkey knew: the credentials, the settings that recipes have read, and the texts of the files. */
static enum vk_err
begin(struct looker *l)
{
	const struct vk_refresh_of *of = &l->r->of;
	enum vk_err e = VK_OK;

	if (of->masking->wanted)
		e = vk_masking_forms(l->k, of->env, of->n_env, &l->forms);
	l->told = l->forms.n;
	for (size_t i = 0; i < of->n_env; i++)
		vk_secret_clear(&of->env[i]);
	for (size_t i = 0; i < l->k->files.n; i++)
		if (!l->k->files.v[i].changes)
			vk_buf_clear(&l->k->files.v[i].text);
	l->said = calloc(l->k->creds->n + l->k->files.n, sizeof(*l->said));
	l->pause = calloc(l->k->creds->n + 1, sizeof(*l->pause));
	vk_wipe_stack();
	return e == VK_OK && (!l->said || !l->pause) ? VK_ENOMEM : e;
}

static void
watch(struct looker *l)
{
	struct pollfd p = { .fd = l->sock, .events = POLLIN };

	/* Nobody speaks unasked: whatever there is, is the end. */
	while (poll(&p, 1, VK_REFRESH_LOOK) == 0) {
		bool due = l->again;

		for (size_t i = 0; i < l->k->creds->n; i++)
			due |= ends(l, i);
		for (size_t i = 0; i < l->r->n_places; i++)
			due |= is_due(&l->r->places[i]);
		if (due)
			look(l);
		tell_expired(l);
	}
}

void
vk_refresh_main(int sock, const void *refresh)
{
	struct vk_refresh r = *(const struct vk_refresh *)refresh;
	struct looker l = { .sock = sock, .r = &r, .k = r.of.kitchen, .forms = VK_FORMS_NONE, .share_fd = -1 };

	prctl(PR_SET_NAME, "valetkey-look");
	if (begin(&l) == VK_OK)
		watch(&l);
	if (l.share)
		vk_mask_forget(l.share);
	free(l.said);
	free(l.pause);
}
