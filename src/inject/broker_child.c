/* SPDX-License-Identifier: ISC */
/* The process that answers the helpers of a run. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "valetkey/store.h"
#include "ancestry.h"
#include "broker.h"
#include "run_log.h"

enum {
	ASKERS = 64,        /* at a time */
	PATIENCE_MS = 5000, /* with who connects and does not ask */
	FIELDS = 8,
	FEWEST = 7, /* without a user name */
	SECOND = 1000,
	STRANGERS_LOGGED = 16,
};

struct asker {
	int fd;
	pid_t pid;
	int64_t until;
};

struct broker {
	const struct vk_broker *b;
	int sock, listener;
	struct asker v[ASKERS];
	size_t n;
	struct vk_kept *kept;
	size_t n_kept;
	struct vk_broker_count count;
	pid_t asker; /* who is being answered; 0: not known */
	int64_t budget, refilled; /* thousandths of an answer; when */
};

/* ---- the answer ------------------------------------------------------------------------------------------------ */

/* ${*ret_bit}: which of the tools; false: none. */
static bool
find_tool(const struct vk_broker *b, const char *name, long *ret_bit)
{
	for (size_t i = 0; i < b->n_tools; i++)
		if (strcmp(b->tools[i].name, name) == 0) {
			*ret_bit = 1L << i;
			return true;
		}
	return false;
}

/* Longest path first, then the order in which they were told. */
static struct vk_kept *
best(const struct broker *k, long tool, const struct vk_query *q)
{
	struct vk_kept *found = NULL;

	for (size_t i = 0; i < k->n_kept; i++) {
		struct vk_kept *v = &k->kept[i];

		if ((v->tools & tool) && vk_cred_matches(v->cred, q) &&
		    (!found || strlen(v->cred->scope.path) > strlen(found->cred->scope.path)))
			found = v;
	}
	return found;
}

/* What is handed out is for this use: neither a refresh token nor whose entry it is goes along. */
static enum vk_err
encode(const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	struct vk_cred plain = *c;
	enum vk_err e;

	plain.flags = 0;
	plain.refresh = plain.extra = (struct vk_secret){ NULL, 0 };
	if ((e = vk_cred_encode(&plain, &p)) == VK_OK)
		vk_buf_add(out, p.p, p.n);
	return e == VK_OK ? out->err : e;
}

static bool unlogged;

static void
note_unlogged(const char *text)
{
	(void)text;
	unlogged = true;
}

/* Only where this fails may an answer be held back: a refusal keeps its own reason. */
static enum vk_err
put_into_log(const struct broker *k, const char *tool, const struct vk_scope *asked, const struct vk_cred *c,
    enum vk_err e)
{
	struct vk_log_entry v = {
		.event = e == VK_OK ? VK_LOG_ANSWER : VK_LOG_REFUSE, .via = tool, .asked = asked, .result = e,
	};
	VK_CLEANUP(vk_freep) char *reason = vk_strdup(vk_reason());
	enum vk_err written;

	if (c)
		vk_log_cred(&v, c);
	written = vk_run_log_asked(k->b, k->asker, &v, note_unlogged);
	if (e == VK_OK)
		return written;
	return *vk_reason() == '\0' && reason && *reason ? vk_fail(e, "%s", reason) : e;
}

static enum vk_err
get(struct broker *k, const char *tool, struct vk_kept *v, const struct vk_query *q, struct vk_buf *out)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *fresh = NULL;
	const struct vk_cred *c;
	enum vk_err e;

	vk_broker_look(k->b->policy, v, q, &fresh);
	c = fresh ? fresh : v->cred;
	if (vk_cred_expired(c, time(NULL)))
		return vk_fail(VK_ENOENT, "the credential %s expired during the run", c->name);
	if ((e = encode(c, out)) == VK_OK)
		e = put_into_log(k, tool, q->scope, c, VK_OK);
	return e;
}

static enum vk_err
find(struct broker *k, const char *verb, const char *tool, const struct vk_query *q, struct vk_buf *out)
{
	struct vk_kept *v;
	long bit;

	if (!find_tool(k->b, tool, &bit))
		return vk_fail(VK_ENOENT, "this run serves no %s (--with)", tool);
	v = best(k, bit, q);
	if (strcmp(verb, "get") == 0)
		return v ? get(k, tool, v, q, out) : VK_ENOENT;
	if (strcmp(verb, "refused") != 0)
		return vk_fail(VK_EPROTO, "this is no question for the broker of a run");
	/* What somebody else gave may be refused too. */
	if (v)
		v->refused = true;
	return VK_OK;
}

/* ---- the question ---------------------------------------------------------------------------------------------- */

/* Cuts ${text} at its NULs; the number of fields, 0 when there are too many or the last has no end. */
static size_t
cut(const char *text, size_t n, const char *v[FIELDS])
{
	size_t count = 0;

	if (n == 0 || text[n - 1] != '\0')
		return 0;
	for (size_t at = 0; at < n; at += strlen(text + at) + 1) {
		if (count == FIELDS)
			return 0;
		v[count++] = text + at;
	}
	return count;
}

static enum vk_err
consider(struct broker *k, const char *text, size_t n, struct vk_buf *out)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	const char *v[FIELDS] = { NULL };
	size_t count = cut(text, n, v);
	struct vk_query q = { &scope, NULL };
	enum vk_err e;

	if (count < FEWEST || strcmp(v[0], "2") != 0)
		return vk_fail(VK_EPROTO, "this is no question for the broker of a run");
	if (strlen(v[1]) != VK_BROKER_NONCE || !vk_mem_eq(v[1], k->b->nonce, VK_BROKER_NONCE)) {
		k->count.strangers++;
		return vk_fail(VK_EPOLICY, "this is another run's broker");
	}
	if ((e = vk_scope_make(v[4], v[5], v[6], &scope)) != VK_OK)
		return e;
	q.username = v[FEWEST];
	if ((e = find(k, v[2], v[3], &q, out)) != VK_OK)
		k->count.without++;
	else if (out->len > 0)
		k->count.answered++;
	return e == VK_OK ? e : put_into_log(k, v[3], &scope, NULL, e);
}

static void
reply(int fd, enum vk_err e, const struct vk_buf *credential)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_BROKER_ANSWER);

	vk_buf_char(&out, (char)e);
	if (e == VK_OK && credential)
		vk_buf_add(&out, credential->p, credential->len);
	else
		vk_buf_str(&out, vk_reason());
	if (out.err == VK_OK)
		(void)!send(fd, out.p, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Not of this run: it is told so, and nothing else. */
static enum vk_err
check_asker(struct broker *k, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	vk_reason_clear();
	k->asker = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
	if (k->asker && (peer.uid == geteuid() || peer.uid == 0) &&
	    vk_descends(fd, peer.pid, k->b->run))
		return VK_OK;
	return vk_fail(VK_EPOLICY, "whoever asks is no process of this run");
}

/* Told so, and counted; but neither our patience nor the log is theirs to use up. */
static void
turn_away(struct broker *k, int fd, enum vk_err e)
{
	if (k->count.strangers++ < STRANGERS_LOGGED)
		e = put_into_log(k, "broker", NULL, NULL, e);
	reply(fd, e, NULL);
	close(fd);
}

static void
answer(struct broker *k, const struct asker *from)
{
	int fd = from->fd;
	VK_CLEANUP(vk_buf_clear) struct vk_buf credential = VK_BUF_SECRET(VK_BROKER_ANSWER);
	char text[VK_BROKER_QUESTION];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT | MSG_TRUNC);
	enum vk_err e;

	if (n <= 0)
		return;
	k->asker = from->pid;
	vk_reason_clear();
	e = (size_t)n > sizeof(text) ? vk_fail(VK_ELIMIT, "the question is too long") :
	    consider(k, text, (size_t)n, &credential);
	reply(fd, e, &credential);
	k->budget -= SECOND;
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static void
refill(struct broker *k, int64_t now)
{
	k->budget += (now - k->refilled) * VK_BROKER_RATE;
	k->refilled = now;
	if (k->budget > (int64_t)VK_BROKER_BURST * SECOND)
		k->budget = (int64_t)VK_BROKER_BURST * SECOND;
}

static void
let_in(struct broker *k, int64_t now)
{
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	int fd = accept4(k->listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	enum vk_err e;

	if (fd < 0)
		return;
	if ((e = check_asker(k, fd)) != VK_OK)
		turn_away(k, fd, e);
	else
		k->v[k->n++] = (struct asker){ .fd = fd, .pid = k->asker, .until = now + PATIENCE_MS };
}

static void
forget(struct broker *k)
{
	for (size_t i = 0; i < k->n_kept; i++)
		vk_cred_free(k->kept[i].cred);
	free(k->kept);
	k->kept = NULL;
	k->n_kept = 0;
	vk_arena_wipe();
}

static enum vk_err
take(struct broker *k, long tools)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_arena_freep) unsigned char *p = vk_arena_alloc(VK_BROKER_ANSWER);
	ssize_t n = p ? recv(k->sock, p, VK_BROKER_ANSWER, 0) : -1;
	struct vk_kept *more = reallocarray(k->kept, k->n_kept + 1, sizeof(*more));
	enum vk_err e;

	if (more)
		k->kept = more;
	if (!p || !more)
		return VK_ENOMEM;
	if (n < 1)
		return vk_fail(VK_EPROTO, "a credential for the broker did not arrive");
	if ((e = vk_cred_decode(p, (size_t)n, &c)) != VK_OK)
		return e;
	c->flags = 0;
	k->kept[k->n_kept++] = (struct vk_kept){ .cred = VK_TAKE(c), .tools = tools };
	return VK_OK;
}

static void
hear(struct broker *k, struct vk_note *n)
{
	enum vk_err e = VK_OK;

	switch (n->code) {
	case VK_BROKER_GIVE:
		e = take(k, n->value);
		break;
	case VK_BROKER_LISTEN:
		k->listener = n->fds[0];
		n->fds[0] = -1;
		break;
	case VK_BROKER_END:
		k->count.unlogged = unlogged;
		memcpy(n->text, &k->count, sizeof(k->count));
		forget(k);
		break;
	default:
		e = VK_EPROTO;
	}
	if (e != VK_OK) {
		vk_note_fail(k->sock, e);
		return;
	}
	n->code = VK_OK;
	n->n_fds = 0;
	(void)!vk_note_send(k->sock, n);
}

/* Those who have asked, and those who never will. */
static void
see_to_askers(struct broker *k, const struct pollfd *p, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n; i++) {
		if (p[i].revents && k->budget >= SECOND)
			answer(k, &k->v[i]);
		else if (p[i].revents || now < k->v[i].until) {
			k->v[kept++] = k->v[i];
			continue;
		}
		close(k->v[i].fd);
	}
	k->n = kept;
}

/* Whoever is over the budget waits until there is one answer again. */
static int
wait_ms(const struct broker *k)
{
	if (k->budget < SECOND)
		return SECOND / VK_BROKER_RATE;
	return k->n > 0 ? SECOND : -1;
}

static void
serve(struct broker *k)
{
	for (;;) {
		VK_CLEANUP(vk_note_clear) struct vk_note note = VK_NOTE_INIT;
		struct pollfd p[ASKERS + 2];
		size_t n = k->n;
		bool open = k->budget >= SECOND && n < ASKERS;
		int64_t now;

		p[0] = (struct pollfd){ .fd = k->sock, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = open ? k->listener : -1, .events = POLLIN };
		for (size_t i = 0; i < n; i++)
			p[2 + i] = (struct pollfd){ .fd = k->budget >= SECOND ? k->v[i].fd : -1, .events = POLLIN };
		if (poll(p, (nfds_t)(n + 2), wait_ms(k)) < 0)
			continue;
		now = vk_now_ms();
		refill(k, now);
		see_to_askers(k, p + 2, now);
		if (p[1].revents)
			let_in(k, now);
		if (!p[0].revents)
			continue;
		if (vk_note_recv(k->sock, &note) != VK_OK)
			return;
		hear(k, &note);
	}
}

void
vk_broker_main(int sock, const void *broker)
{
	struct broker k = {
		.b = broker, .sock = sock, .listener = -1,
		.budget = (int64_t)VK_BROKER_BURST * SECOND, .refilled = vk_now_ms(),
	};

	prctl(PR_SET_NAME, "valetkey-broker");
	if (!vk_die_with(k.b->run))
		return;
	serve(&k);
	forget(&k);
}
