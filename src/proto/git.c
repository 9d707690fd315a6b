/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/proto.h"

/* One line, cut at its first '='; no terminators. */
struct line {
	const char *key, *value;
	size_t n_key, n_value;
	size_t number;
};

static bool
key_is(const struct line *l, const char *key)
{
	return l->n_key == strlen(key) && memcmp(l->key, key, l->n_key) == 0;
}

static bool
value_is(const struct line *l, const char *text)
{
	return l->n_value == strlen(text) && vk_mem_eq(l->value, text, l->n_value);
}

static enum vk_err
differs(const struct line *l)
{
	return vk_fail(VK_EPROTO, "line %zu of the request contradicts an earlier one", l->number);
}

/*
 * Readers disagree whether the first or the last of two lines counts, and that is
 * how one host's password was once given to another: only equal repeats pass.
 */
static enum vk_err
set_text(const struct line *l, char **field)
{
	if (l->n_value > VK_MAX_FIELD)
		return vk_fail(VK_ELIMIT, "line %zu of the request is too long", l->number);
	if (*field)
		return value_is(l, *field) ? VK_OK : differs(l);
	*field = strndup(l->value, l->n_value);
	return *field ? VK_OK : VK_ENOMEM;
}

static enum vk_err
set_secret(const struct line *l, struct vk_secret *s)
{
	if (s->p)
		return s->n == l->n_value && vk_mem_eq(s->p, l->value, s->n) ? VK_OK : differs(l);
	return vk_secret_set(s, l->value, l->n_value);
}

static enum vk_err
set_expiry(const struct line *l, struct vk_git_msg *m)
{
	char digits[24];
	uint64_t v;

	if (l->n_value >= sizeof(digits))
		return vk_fail(VK_EPROTO, "password_expiry_utc is not a time");
	memcpy(digits, l->value, l->n_value);
	digits[l->n_value] = '\0';
	if (vk_str_u64(digits, INT64_MAX, &v) != VK_OK)
		return vk_fail(VK_EPROTO, "password_expiry_utc is not a time");
	if (m->has_expiry && m->expiry != (int64_t)v)
		return differs(l);
	m->has_expiry = true;
	m->expiry = (int64_t)v;
	return VK_OK;
}

/* The spellings of git-config(1); git itself only sends "1". */
static enum vk_err
set_ephemeral(const struct line *l, struct vk_git_msg *m)
{
	static const char *const on[] = { "1", "true", "yes", "on" };
	static const char *const off[] = { "0", "false", "no", "off", "" };
	char word[8];

	if (l->n_value < sizeof(word)) {
		memcpy(word, l->value, l->n_value);
		word[l->n_value] = '\0';
		for (size_t i = 0; i < VK_COUNT(on); i++)
			if (vk_str_ieq(word, on[i])) {
				m->ephemeral = true;
				return VK_OK;
			}
		for (size_t i = 0; i < VK_COUNT(off); i++)
			if (vk_str_ieq(word, off[i]))
				return m->ephemeral ? differs(l) : VK_OK;
	}
	return vk_fail(VK_EPROTO, "ephemeral is neither true nor false");
}

static enum vk_err
set_authtype(const struct line *l, struct vk_git_msg *m)
{
	/* It becomes a word of an HTTP header line, so it must be one (RFC 9110, "token"). */
	for (size_t i = 0; i < l->n_value; i++) {
		unsigned char c = (unsigned char)l->value[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return vk_fail(VK_EPROTO, "authtype is not the name of a scheme");
	}
	return set_text(l, &m->authtype);
}

static void
set_capability(const struct line *l, struct vk_git_msg *m)
{
	if (l->n_value == 0)
		m->caps = 0;
	else if (value_is(l, "authtype"))
		m->caps |= VK_GIT_CAP_AUTHTYPE;
	else if (value_is(l, "state"))
		m->caps |= VK_GIT_CAP_STATE;
}

/* Other helpers' state is theirs, and one of ours that is too long is not ours. */
static enum vk_err
set_state(const struct line *l, struct vk_git_msg *m)
{
	static const char ours[] = "valetkey:";
	size_t n = sizeof(ours) - 1;

	if (l->n_value == 0) {
		free(VK_TAKE(m->state));
		return VK_OK;
	}
	if (l->n_value < n || l->n_value > 256 || memcmp(l->value, ours, n) != 0)
		return VK_OK;
	free(VK_TAKE(m->state));
	m->state = strndup(l->value, l->n_value);
	return m->state ? VK_OK : VK_ENOMEM;
}

static enum vk_err
set_line(const struct line *l, struct vk_git_msg *m)
{
	if (key_is(l, "protocol"))
		return set_text(l, &m->protocol);
	if (key_is(l, "host"))
		return set_text(l, &m->host);
	if (key_is(l, "path"))
		return set_text(l, &m->path);
	if (key_is(l, "username"))
		return set_text(l, &m->username);
	if (key_is(l, "password"))
		return set_secret(l, &m->password);
	if (key_is(l, "credential"))
		return set_secret(l, &m->credential);
	if (key_is(l, "oauth_refresh_token"))
		return set_secret(l, &m->refresh);
	if (key_is(l, "authtype"))
		return set_authtype(l, m);
	if (key_is(l, "password_expiry_utc"))
		return set_expiry(l, m);
	if (key_is(l, "ephemeral"))
		return set_ephemeral(l, m);
	if (key_is(l, "capability[]"))
		set_capability(l, m);
	else if (key_is(l, "state[]"))
		return set_state(l, m);
	return VK_OK;
}

/* Cut the line of ${n} bytes at ${s}, its LF not counted. */
static enum vk_err
cut_line(const char *s, size_t n, struct line *l)
{
	const char *eq;

	if (memchr(s, '\0', n))
		return vk_fail(VK_EPROTO, "line %zu of the request holds a NUL byte", l->number);
	if (memchr(s, '\r', n))
		return vk_fail(VK_EPROTO, "line %zu of the request holds a carriage return",
		    l->number);
	if (!(eq = memchr(s, '=', n)) || eq == s)
		return vk_fail(VK_EPROTO, "line %zu of the request is not key=value", l->number);
	l->key = s;
	l->n_key = (size_t)(eq - s);
	l->value = eq + 1;
	l->n_value = n - l->n_key - 1;
	return VK_OK;
}

static enum vk_err
parse(const char *text, size_t n, struct vk_git_msg *m)
{
	struct line l = { .number = 0 };
	enum vk_err e;

	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t len = lf ? (size_t)(lf - text) : n;

		l.number++;
		if (len >= VK_MAX_LINE)
			return vk_fail(VK_ELIMIT, "line %zu of the request is longer than %d bytes",
			    l.number, VK_MAX_LINE);
		/* git dies in the middle of writing when it meets a value it will not send. */
		if (!lf)
			return vk_fail(VK_EPROTO, "the request is cut off in line %zu", l.number);
		n -= len + 1;
		if (len > 0 && text[len - 1] == '\r')
			len--;
		if (len == 0)
			return VK_OK;
		if ((e = cut_line(text, len, &l)) != VK_OK || (e = set_line(&l, m)) != VK_OK)
			return e;
		text = lf + 1;
	}
	return VK_OK;
}

enum vk_err
vk_git_parse(const char *text, size_t n, struct vk_git_msg *ret)
{
	struct vk_git_msg m = { 0 };
	enum vk_err e = parse(text, n, &m);

	if (e != VK_OK) {
		vk_git_msg_clear(&m);
		return e;
	}
	*ret = m;
	return VK_OK;
}

void
vk_git_msg_clear(struct vk_git_msg *m)
{
	free(m->protocol);
	free(m->host);
	free(m->path);
	free(m->username);
	free(m->authtype);
	free(m->state);
	vk_secret_clear(&m->password);
	vk_secret_clear(&m->credential);
	vk_secret_clear(&m->refresh);
	*m = (struct vk_git_msg){ 0 };
}

size_t
vk_git_block(const char *text, size_t n)
{
	const char *lf;

	for (size_t at = 0; at < n && (lf = memchr(text + at, '\n', n - at));) {
		size_t end = (size_t)(lf - text);

		if (end == at || (end == at + 1 && text[at] == '\r'))
			return end + 1;
		at = end + 1;
	}
	return 0;
}

enum vk_err
vk_git_cred(const struct vk_git_msg *m, struct vk_cred **ret_cred)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	bool bearer = m->authtype && m->credential.p;
	const struct vk_secret *secret = bearer ? &m->credential : &m->password;
	struct vk_scope scope;
	enum vk_err e;

	if (!m->protocol || !m->host || (!bearer && (!m->username || !m->password.p)))
		return VK_ENOENT;
	if (!(c = vk_cred_new()))
		return VK_ENOMEM;
	if ((e = vk_scope_make(m->protocol, m->host, m->path, &scope)) != VK_OK)
		return e;
	vk_scope_clear(&c->scope);
	c->scope = scope;
	c->kind = bearer ? VK_KIND_BEARER : VK_KIND_BASIC;
	c->expires = m->has_expiry ? m->expiry : 0;
	e = vk_secret_set(&c->secret, secret->p, secret->n);
	if (e == VK_OK && m->username)
		e = vk_cred_set(&c->username, m->username);
	if (e == VK_OK && bearer)
		e = vk_cred_set(&c->authtype, m->authtype);
	if (e == VK_OK && m->refresh.p)
		e = vk_secret_set(&c->refresh, m->refresh.p, m->refresh.n);
	if (e != VK_OK)
		return e;
	*ret_cred = VK_TAKE(c);
	return VK_OK;
}

/* One line of a reply; a value that would end it early is refused, not changed. */
static enum vk_err
put(struct vk_buf *out, const char *key, const char *value, size_t n)
{
	if (memchr(value, '\n', n) || memchr(value, '\r', n) || memchr(value, '\0', n))
		return vk_fail(VK_EPROTO, "this credential's %s holds a line end or a NUL byte, "
		    "which git's protocol cannot carry", key);
	vk_buf_str(out, key);
	vk_buf_char(out, '=');
	vk_buf_add(out, value, n);
	return vk_buf_char(out, '\n');
}

static enum vk_err
put_str(struct vk_buf *out, const char *key, const char *value)
{
	return put(out, key, value, strlen(value));
}

enum vk_err
vk_git_answer(const struct vk_cred *c, const struct vk_git_msg *asked, const char *state,
    bool ephemeral, struct vk_buf *out)
{
	bool authtype = asked->caps & VK_GIT_CAP_AUTHTYPE, bearer = c->kind == VK_KIND_BEARER;
	char number[24];
	enum vk_err e = VK_OK;

	if ((c->kind != VK_KIND_BASIC && !bearer) || (bearer && !authtype) || !c->secret.p)
		return VK_ENOENT;
	ephemeral = ephemeral && authtype;
	if (!(asked->caps & VK_GIT_CAP_STATE))
		state = NULL;
	if (bearer || ephemeral)
		e = put_str(out, "capability[]", "authtype");
	if (e == VK_OK && state)
		e = put_str(out, "capability[]", "state");
	if (e == VK_OK && (!bearer || *c->username))
		e = put_str(out, "username", c->username);
	if (e == VK_OK && bearer)
		e = put_str(out, "authtype", *c->authtype ? c->authtype : "Bearer");
	if (e == VK_OK)
		e = put(out, bearer ? "credential" : "password", c->secret.p, c->secret.n);
	if (e == VK_OK && ephemeral)
		e = put_str(out, "ephemeral", "1");
	if (e == VK_OK && c->expires > 0) {
		snprintf(number, sizeof(number), "%" PRId64, c->expires);
		e = put_str(out, "password_expiry_utc", number);
	}
	if (e == VK_OK && c->refresh.p)
		e = put(out, "oauth_refresh_token", c->refresh.p, c->refresh.n);
	if (e == VK_OK && state)
		e = put_str(out, "state[]", state);
	return e;
}
