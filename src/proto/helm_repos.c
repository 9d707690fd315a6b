/* SPDX-License-Identifier: ISC */
/*
 * helm's repositories.yaml (helm 3.22: pkg/repo, and sigs.k8s.io/yaml, which writes it), line by line: each key with
 * its value on a line of its own, and no other YAML.  A key that is not exactly one of helm's is refused, since the
 * reader would take "URL" for "url", and of two the last.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "json_text.h"

enum { NAME, URL, USERNAME, PASSWORD, PASS_ALL, UNVERIFIED, CA_FILE, CERT_FILE, KEY_FILE, KEYS };
enum { API_VERSION, GENERATED, REPOSITORIES, TOP_KEYS };

static const char *const keys[KEYS] = {
	"name", "url", "username", "password", "pass_credentials_all", "insecure_skip_tls_verify", "caFile", "certFile",
	"keyFile",
};
static const char *const top_keys[TOP_KEYS] = { "apiVersion", "generated", "repositories" };

/* From ${at} on, up to ${end}. */
struct span {
	size_t at, end;
};

struct repository {
	struct span values[KEYS]; /* as written, without blanks around; an ${end} of 0: there is no such line */
	size_t order[KEYS];       /* the keys, as they come */
	size_t n;
	size_t end;               /* behind its last line */
};

struct file {
	const char *text;
	size_t indent; /* blanks before the dash of each */
	struct repository *v;
	size_t n;
};

static void
file_clear(struct file *f)
{
	free(f->v);
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

struct reader {
	const char *text;
	size_t n, at;      /* ${at}: behind the line */
	size_t number;     /* of the line, from 1 on */
	size_t start, end; /* of the line, without blanks around */
	size_t indent;     /* blanks before it */
	bool top[TOP_KEYS];
	bool in_list;
};

static enum vk_err
unlike(const struct reader *r, const char *why)
{
	vk_hint("helm writes the file anew on \"helm repo add --force-update NAME URL\"");
	return vk_fail(VK_EPROTO, "line %zu is not as helm writes it: %s", r->number, why);
}

/* Beyond ASCII there are characters that end a line (YAML 1.1), and one that is none. */
static bool
is_text(const char *s, size_t n)
{
	static const char *const others[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf" };
	bool yes = !vk_str_has_control(s, n) && vk_utf8_valid(s, n);

	for (size_t i = 0; yes && i < VK_COUNT(others); i++)
		yes = !memmem(s, n, others[i], strlen(others[i]));
	return yes;
}

/* The next line with something in it but a comment. */
static enum vk_err
next_line(struct reader *r, bool *ret_more)
{
	do {
		const char *line = r->text + r->at, *lf;
		size_t len;

		if ((*ret_more = r->at < r->n) == false)
			return VK_OK;
		lf = memchr(line, '\n', r->n - r->at);
		len = lf ? (size_t)(lf - line) : r->n - r->at;
		r->start = r->at;
		r->end = r->at + len;
		r->at = r->end + (lf != NULL);
		r->number++;
		if (!is_text(line, len))
			return unlike(r, "it holds what is no text");
		while (r->start < r->end && r->text[r->start] == ' ')
			r->start++;
		while (r->end > r->start && r->text[r->end - 1] == ' ')
			r->end--;
		r->indent = r->start - (size_t)(line - r->text);
	} while (r->start == r->end || r->text[r->start] == '#');
	return VK_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Something between quotes, and nothing behind it. */
static bool
is_quoted(const char *s, size_t n)
{
	size_t i = 1;

	for (; i < n; i++)
		if (s[0] == '"' && s[i] == '\\')
			i++;
		else if (s[0] == '\'' && s[i] == '\'' && i + 1 < n && s[i + 1] == '\'')
			i++;
		else if (s[i] == s[0])
			break;
	return i + 1 == n;
}

static bool
is_plain(const char *s, size_t n)
{
	if (strchr(",[]{}#&*!|>%@`", s[0]) || (strchr("-?:", s[0]) && (n == 1 || s[1] == ' ')))
		return false;
	for (size_t i = 1; i < n; i++)
		if ((s[i] == ':' && (i + 1 == n || s[i + 1] == ' ')) || (s[i] == '#' && s[i - 1] == ' '))
			return false;
	return true;
}

static bool
is(const char *text, struct span s, const char *word)
{
	return s.end - s.at == strlen(word) && memcmp(text + s.at, word, s.end - s.at) == 0;
}

static bool
is_null(const char *text, struct span s)
{
	return s.end == s.at || is(text, s, "null") || is(text, s, "~");
}

static bool
is_whole(const char *text, struct span s)
{
	const char *p = text + s.at;
	size_t n = s.end - s.at;

	return n == 0 || is(text, s, "[]") || (strchr("\"'", *p) ? is_quoted(p, n) : is_plain(p, n));
}

/* "KEY: VALUE" from ${at} on, with one of ${names}. */
static enum vk_err
read_pair(const struct reader *r, size_t at, const char *const *names, size_t n, size_t *ret_key,
    struct span *ret_value)
{
	for (size_t i = 0; i < n; i++) {
		size_t colon = at + strlen(names[i]);
		struct span v = { colon + 1, r->end };

		if (colon >= r->end || r->text[colon] != ':' || memcmp(r->text + at, names[i], colon - at) != 0 ||
		    (v.at < v.end && r->text[v.at] != ' '))
			continue;
		while (v.at < v.end && r->text[v.at] == ' ')
			v.at++;
		if (!is_whole(r->text, v))
			return unlike(r, "its value is not one text that ends there");
		*ret_key = i;
		*ret_value = v;
		return VK_OK;
	}
	return unlike(r, "it begins with none of helm's keys");
}

/* What we are to understand has to be simple; the others are only passed on. */
static enum vk_err
check_value(const struct reader *r, size_t key, struct span v)
{
	if (is(r->text, v, "[]"))
		return unlike(r, "its value is a list");
	if ((key == PASS_ALL || key == UNVERIFIED) && !is_null(r->text, v) && !is(r->text, v, "true") &&
	    !is(r->text, v, "false"))
		return unlike(r, "its value is neither true nor false");
	if ((key == NAME || key == URL) && v.at < v.end && r->text[v.at] == '"' &&
	    memchr(r->text + v.at, '\\', v.end - v.at))
		return unlike(r, "its value holds a backslash");
	return VK_OK;
}

/* A name or a URL, as it is meant. */
static enum vk_err
resolve(const char *text, struct span v, struct vk_buf *out)
{
	bool quoted = v.end > v.at && strchr("\"'", text[v.at]);
	char quote = quoted ? text[v.at] : '\0';

	vk_buf_str(out, "");
	for (size_t i = v.at + quoted; i < v.end - quoted; i++) {
		vk_buf_char(out, text[i]);
		if (quote == '\'' && text[i] == '\'')
			i++;
	}
	return out->err;
}

/* ---- the file ----------------------------------------------------------------------------------------------- */

static enum vk_err
add_pair(struct file *f, const struct reader *r, size_t at)
{
	struct repository *last = &f->v[f->n - 1];
	struct span v;
	size_t key;
	enum vk_err e = read_pair(r, at, keys, KEYS, &key, &v);

	if (e == VK_OK)
		e = check_value(r, key, v);
	if (e == VK_OK && last->values[key].end)
		e = unlike(r, "the repository has that key already");
	if (e != VK_OK)
		return e;
	last->values[key] = v;
	last->order[last->n++] = key;
	last->end = r->at;
	return VK_OK;
}

static enum vk_err
add_repository(struct file *f, const struct reader *r)
{
	struct repository *v = reallocarray(f->v, f->n + 1, sizeof(*v));

	if (!v)
		return vk_fail(VK_ENOMEM, "out of memory");
	f->v = v;
	f->v[f->n++] = (struct repository){ 0 };
	f->indent = r->indent;
	return add_pair(f, r, r->start + 2);
}

static enum vk_err
add_top(struct reader *r)
{
	struct span v;
	size_t key;
	enum vk_err e = read_pair(r, r->start, top_keys, TOP_KEYS, &key, &v);

	if (e != VK_OK)
		return e;
	if (r->top[key])
		return unlike(r, "the file has that key already");
	if (key == REPOSITORIES ? !is_null(r->text, v) && !is(r->text, v, "[]") : is(r->text, v, "[]"))
		return unlike(r, key == REPOSITORIES ? "its value is not a list below it" : "its value is a list");
	r->top[key] = true;
	r->in_list = key == REPOSITORIES && v.at == v.end;
	return VK_OK;
}

static enum vk_err
read_file(const char *text, size_t n, struct file *ret)
{
	struct reader r = { .text = text, .n = n };
	bool more;
	enum vk_err e;

	ret->text = text;
	while ((e = next_line(&r, &more)) == VK_OK && more) {
		bool dash = r.end - r.start > 2 && memcmp(text + r.start, "- ", 2) == 0;

		if (r.in_list && dash && (ret->n == 0 || r.indent == ret->indent))
			e = add_repository(ret, &r);
		else if (r.in_list && ret->n > 0 && r.indent == ret->indent + 2)
			e = add_pair(ret, &r, r.start);
		else
			e = r.indent == 0 ? add_top(&r) : unlike(&r, "it begins in another column");
		if (e != VK_OK)
			return e;
	}
	return e;
}

/* ---- whose it is -------------------------------------------------------------------------------------------- */

static const char *
called(const struct vk_cred *c)
{
	return *c->name ? c->name : c->scope.host;
}

static enum vk_err
refuse(const struct file *f, const struct repository *r, const struct vk_cred *c, const char *why)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(VK_MAX_FIELD);

	if (resolve(f->text, r->values[NAME], &name) != VK_OK)
		return name.err;
	vk_hint("choose others with --credential");
	return vk_fail(VK_EPOLICY, "helm's repository %s cannot have %s: %s", name.p, called(c), why);
}

/* VK_ENOENT: its URL is none that an entry could be for. */
static enum vk_err
place_of(const struct file *f, const struct repository *r, struct vk_scope *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF_SECRET(VK_MAX_FILE);

	if (resolve(f->text, r->values[URL], &url) != VK_OK)
		return url.err;
	if (vk_scope_parse(url.p, ret, NULL) == VK_OK)
		return VK_OK;
	vk_reason_clear();
	return VK_ENOENT;
}

/* The one of ${creds} that is for it, or NULL. */
static enum vk_err
choose(const struct file *f, const struct repository *r, const struct vk_cred_list *creds, const struct vk_cred **ret)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope place = { 0 };
	const struct vk_cred *best = NULL, *rival = NULL;
	enum vk_err e = place_of(f, r, &place);

	for (size_t i = 0; e == VK_OK && i < creds->n; i++) {
		const struct vk_cred *c = creds->v[i];

		if (!vk_scope_covers(&c->scope, &place))
			continue;
		if (!best || strlen(c->scope.path) > strlen(best->scope.path)) {
			best = c;
			rival = NULL;
		} else if (strlen(c->scope.path) == strlen(best->scope.path)) {
			rival = c;
		}
	}
	if (rival)
		return refuse(f, r, best, "the run has another account for it");
	if (best && is(f->text, r->values[UNVERIFIED], "true"))
		return refuse(f, r, best, "it is used without verifying who answers (insecure_skip_tls_verify)");
	*ret = best;
	return e == VK_ENOENT ? VK_OK : e;
}

enum vk_err
vk_helm_serves(const char *own, size_t n, const struct vk_cred *c, bool *ret)
{
	VK_CLEANUP(file_clear) struct file f = { 0 };
	bool yes = false;
	enum vk_err e = read_file(own, n, &f);

	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		VK_CLEANUP(vk_scope_clear) struct vk_scope place = { 0 };

		if ((e = place_of(&f, &f.v[i], &place)) == VK_OK)
			yes |= vk_scope_covers(&c->scope, &place);
		else if (e == VK_ENOENT)
			e = VK_OK;
	}
	if (e == VK_OK)
		*ret = yes;
	return e;
}

/* ---- what is written ---------------------------------------------------------------------------------------- */

static enum vk_err
check(const struct file *f, const struct repository *r, const struct vk_cred *c)
{
	if (!*c->username || c->secret.n == 0)
		return refuse(f, r, c, "helm presents nothing where the user name or the secret is empty");
	if (strchr(c->username, ':'))
		return refuse(f, r, c, "its user name holds a colon, which basic authentication cannot express");
	if (!vk_utf8_valid(c->username, strlen(c->username)) || !vk_utf8_valid(c->secret.p, c->secret.n))
		return refuse(f, r, c, "YAML cannot hold what is not UTF-8");
	return VK_OK;
}

/* Between double quotes, where nothing beyond ASCII is left that could be a line's end. */
static enum vk_err
add_string(const char *s, size_t n, struct vk_buf *out)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;

	vk_buf_char(out, '"');
	while (p < end) {
		unsigned c = vk_utf8_next(&p);

		if (c < ' ' || c > '~')
			vk_buf_fmt(out, "\\U%08x", c);
		else if (c == '"' || c == '\\')
			vk_buf_fmt(out, "\\%c", (int)c);
		else
			vk_buf_char(out, (char)c);
	}
	return vk_buf_char(out, '"');
}

static enum vk_err
add_value(const struct vk_cred *c, size_t key, struct vk_buf *out)
{
	if (key == PASS_ALL)
		return vk_buf_str(out, "false");
	if (!c)
		return vk_buf_str(out, "\"\"");
	return key == USERNAME ? add_string(c->username, strlen(c->username), out) :
	    add_string(c->secret.p, c->secret.n, out);
}

static bool
has_value(const struct file *f, const struct repository *r, size_t key)
{
	struct span v = r->values[key];

	return !is_null(f->text, v) && !is(f->text, v, "\"\"") && !is(f->text, v, "''");
}

/* Its lines, from ${*at} on, with the account of ${c}; NULL: with none. */
static enum vk_err
add_lines(const struct file *f, const struct repository *r, const struct vk_cred *c, size_t *at, struct vk_buf *out)
{
	enum vk_err e = c ? check(f, r, c) : VK_OK;

	for (size_t i = 0; e == VK_OK && i < r->n; i++) {
		size_t key = r->order[i];

		if (key != USERNAME && key != PASSWORD && (key != PASS_ALL || !c))
			continue;
		vk_buf_add(out, f->text + *at, r->values[key].at - *at);
		if (f->text[r->values[key].at - 1] == ':')
			vk_buf_char(out, ' ');
		e = add_value(c, key, out);
		*at = r->values[key].end;
	}
	if (e != VK_OK || !c)
		return e;
	vk_buf_add(out, f->text + *at, r->end - *at);
	*at = r->end;
	for (size_t key = USERNAME; e == VK_OK && key <= PASSWORD; key++) {
		if (r->values[key].end)
			continue;
		vk_buf_fmt(out, "%s%*s%s: ", out->p && out->p[out->len - 1] == '\n' ? "" : "\n", (int)f->indent + 2, "",
		    keys[key]);
		e = add_value(c, key, out);
		vk_buf_char(out, '\n');
	}
	return e;
}

static enum vk_err
drop(const struct file *f, const struct repository *r, struct vk_buf *dropped)
{
	if (r->values[NAME].end == 0)
		return vk_buf_str(dropped, "(a repository without name)\n");
	if (resolve(f->text, r->values[NAME], dropped) != VK_OK)
		return dropped->err;
	return vk_buf_char(dropped, '\n');
}

enum vk_err
vk_helm_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own, struct vk_buf *out,
    struct vk_buf *dropped)
{
	VK_CLEANUP(file_clear) struct file f = { 0 };
	size_t at = 0;
	enum vk_err e = read_file(own, n, &f);

	for (size_t i = 0; e == VK_OK && i < f.n; i++) {
		const struct repository *r = &f.v[i];
		const struct vk_cred *c = NULL;
		bool has = has_value(&f, r, USERNAME) || has_value(&f, r, PASSWORD);

		if ((e = choose(&f, r, creds, &c)) != VK_OK || (!c && (!has || keep_own)))
			continue;
		if (!c)
			e = drop(&f, r, dropped);
		if (e == VK_OK)
			e = add_lines(&f, r, c, &at, out);
	}
	if (e == VK_OK)
		e = vk_buf_add(out, own + at, n - at);
	return e;
}
