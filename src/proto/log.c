/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/log.h"
#include "json_text.h"

static const char *const events[] = {
	[VK_LOG_ANSWER] = "answer", [VK_LOG_INJECT] = "inject", [VK_LOG_EXPORT] = "export",
	[VK_LOG_REFUSE] = "refuse", [VK_LOG_STORE] = "store", [VK_LOG_ERASE] = "erase",
	[VK_LOG_END] = "end",
};

enum vk_err
vk_log_event_parse(const char *text, enum vk_log_event *ret)
{
	for (size_t i = 0; i < VK_COUNT(events); i++)
		if (strcmp(text, events[i]) == 0) {
			*ret = (enum vk_log_event)i;
			return VK_OK;
		}
	return vk_fail(VK_EUSAGE, "no such event: %s (answer, inject, export, refuse, store, erase or end)", text);
}

static const char *
result_text(enum vk_err e)
{
	static const char *const words[] = {
		[VK_OK] = "ok", [VK_ENOENT] = "none", [VK_EUSAGE] = "usage", [VK_EPROTO] = "malformed",
		[VK_ELIMIT] = "limit", [VK_EEXIST] = "exists", [VK_ELOCKED] = "locked", [VK_EKEY] = "key",
		[VK_EPOLICY] = "policy", [VK_ETAMPER] = "damaged", [VK_EVERSION] = "version",
		[VK_EBACKEND] = "source", [VK_ENOMEM] = "memory", [VK_ESYS] = "system",
	};

	return (size_t)e < VK_COUNT(words) ? words[e] : "system";
}

/*
 * Servers that take a token as the user name want an empty password or this word beside it; and people put
 * tokens there by mistake.
 */
static bool
is_token(const char *username, const struct vk_secret *secret)
{
	static const char *const beginnings[] = { "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
		"glpat-", "npm_", "dckr_pat_", "pypi-" };
	static const char word[] = "x-oauth-basic";

	for (size_t i = 0; i < VK_COUNT(beginnings); i++)
		if (vk_str_starts(username, beginnings[i]))
			return true;
	return strlen(username) > 64 || (secret->p && (secret->n == 0 ||
	    (secret->n == sizeof(word) - 1 && vk_mem_eq(secret->p, word, secret->n)) ||
	    (secret->n == strlen(username) && vk_mem_eq(secret->p, username, secret->n))));
}

void
vk_log_cred(struct vk_log_entry *e, const struct vk_cred *c)
{
	bool token = *c->username && is_token(c->username, &c->secret);

	/* The name that "add" chooses may begin with the user's. */
	if (*c->name)
		e->credential = token && strstr(c->name, c->username) ? NULL : c->name;
	else
		e->username = *c->username && !token ? c->username : NULL;
}

/* Where members go, one after the other. */
struct members {
	void (*put)(struct vk_buf *b, const char *key, const char *text, size_t n, bool number);
	struct vk_buf *out;
};

static void
text(const struct members *m, const char *key, const char *s, size_t max)
{
	VK_CLEANUP(vk_freep) char *cut = NULL;
	size_t n = s ? strlen(s) : 0;

	if (!s)
		return;
	if (n > max) {
		/* Not in the middle of a character. */
		for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
			;
		if (!(cut = vk_asprintf("%.*s...", (int)n, s))) {
			m->out->err = VK_ENOMEM;
			return;
		}
		s = cut;
		n += 3;
	}
	m->put(m->out, key, s, n, false);
}

static void
number(const struct members *m, const char *key, int64_t v)
{
	char s[24];
	int n = snprintf(s, sizeof(s), "%" PRId64, v);

	m->put(m->out, key, s, (size_t)n, true);
}

/* A query has no business in a path, and may hold a token. */
static void
path(const struct members *m, const char *s)
{
	VK_CLEANUP(vk_freep) char *p = *s ? strndup(s, strcspn(s, "?#")) : NULL;

	if (*s && !p)
		m->out->err = VK_ENOMEM;
	text(m, "path", p, VK_LOG_LONG);
}

static void
all_but_time(const struct members *m, const struct vk_log_who *w, const struct vk_log_entry *e)
{
	text(m, "event", events[e->event], VK_LOG_SHORT);
	text(m, "via", e->via, VK_LOG_SHORT);
	text(m, "program", w->program, VK_LOG_LONG);
	number(m, "ppid", w->ppid);
	number(m, "pid", w->pid);
	number(m, "uid", w->uid);
	if (e->asked) {
		text(m, "scheme", e->asked->scheme, VK_LOG_SHORT);
		text(m, "host", e->asked->host, VK_LOG_SHORT);
		if (e->asked->port)
			number(m, "port", e->asked->port);
		path(m, e->asked->path);
	}
	text(m, "credential", e->credential, VK_LOG_SHORT);
	text(m, "username", e->username, VK_LOG_SHORT);
	text(m, "profile", w->profile, VK_LOG_SHORT);
	text(m, "rung", e->rung, VK_LOG_SHORT);
	text(m, "way", e->way, VK_LOG_SHORT);
	text(m, "to", e->to, VK_LOG_LONG);
	text(m, "command", e->command, VK_LOG_LONG);
	if (e->status)
		number(m, "status", *e->status);
	if (e->sig)
		number(m, "signal", *e->sig);
	if (e->unserved)
		number(m, "unserved", *e->unserved);
	text(m, "result", result_text(e->result), VK_LOG_SHORT);
}

static void
put_json(struct vk_buf *b, const char *key, const char *s, size_t n, bool is_number)
{
	vk_buf_fmt(b, ",\"%s\":", key);
	if (is_number)
		vk_buf_add(b, s, n);
	else
		vk_json_str(b, s, n);
}

enum vk_err
vk_log_line(const struct vk_log_who *w, const struct vk_log_entry *e, struct vk_buf *out)
{
	struct members m = { .put = put_json, .out = out };
	char stamp[VK_STAMP_TEXT];

	if (!vk_stamp(w->ms / 1000, stamp))
		return vk_fail(VK_ESYS, "the clock shows a time that cannot be written");
	vk_buf_fmt(out, VK_LOG_BEGIN "%.*s.%03dZ\"", (int)strcspn(stamp, "Z"), stamp, (int)(w->ms % 1000));
	all_but_time(&m, w, e);
	return vk_buf_str(out, "}\n");
}

/* For the journal: no line end, nothing that a terminal obeys, and UTF-8, which its readers expect. */
static void
clean(char *s, size_t n)
{
	bool valid;

	vk_str_printable(s, n);
	valid = vk_utf8_valid(s, n);
	for (size_t i = 0; !valid && i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			s[i] = '?';
}

/* Values without a line end may stand behind "=", and these have none: control characters are gone. */
static void
put_field(struct vk_buf *b, const char *key, const char *s, size_t n, bool is_number)
{
	char name[32] = "VALETKEY_";
	size_t at = strlen(name), start;

	(void)is_number;
	for (; *key && at + 1 < sizeof(name); key++)
		name[at++] = *key >= 'a' && *key <= 'z' ? (char)(*key - 'a' + 'A') : *key;
	name[at] = '\0';
	vk_buf_fmt(b, "%s=", name);
	start = b->len;
	if (vk_buf_add(b, s, n) == VK_OK)
		clean(b->p + start, n);
	vk_buf_char(b, '\n');
}

enum vk_err
vk_log_datagram(const struct vk_log_who *w, const struct vk_log_entry *e, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf message = VK_BUF(VK_LOG_LINE_MAX);
	struct members m = { .put = put_field, .out = out };
	bool refused = e->event == VK_LOG_REFUSE && e->result != VK_ENOENT;
	const char *what = e->credential ? e->credential : e->username;

	vk_buf_fmt(&message, "%s via %s", events[e->event], e->via);
	if (e->asked)
		vk_buf_fmt(&message, " for %.*s", VK_LOG_SHORT, e->asked->host);
	if (what)
		vk_buf_fmt(&message, ", credential %.*s", VK_LOG_SHORT, what);
	vk_buf_fmt(&message, ", to %.*s (%d): %s", VK_LOG_LONG,
	    e->command ? e->command : w->program ? w->program : "a program",
	    (int)(e->command ? w->pid : w->ppid), result_text(e->result));
	if (message.err != VK_OK)
		return message.err;
	clean(message.p, message.len);
	vk_buf_fmt(out, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=valetkey\n", message.p, refused ? 4 : 6);
	all_but_time(&m, w, e);
	return out->err;
}
