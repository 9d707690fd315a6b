/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/proto.h"
#include "helm_file.h"
#include "json_text.h"

enum { API_VERSION, GENERATED, REPOSITORIES, TOP_KEYS };

const char *const vk_helm_keys[VK_HELM_KEYS] = {
	"name", "url", "username", "password", "pass_credentials_all", "insecure_skip_tls_verify", "caFile", "certFile",
	"keyFile",
};
static const char *const top_keys[TOP_KEYS] = { "apiVersion", "generated", "repositories" };

void
vk_helm_file_clear(struct vk_helm_file *f)
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

bool
vk_helm_is(const char *text, struct vk_helm_span s, const char *word)
{
	return s.end - s.at == strlen(word) && memcmp(text + s.at, word, s.end - s.at) == 0;
}

bool
vk_helm_is_null(const char *text, struct vk_helm_span s)
{
	return s.end == s.at || vk_helm_is(text, s, "null") || vk_helm_is(text, s, "~");
}

static bool
is_whole(const char *text, struct vk_helm_span s)
{
	const char *p = text + s.at;
	size_t n = s.end - s.at;

	return n == 0 || vk_helm_is(text, s, "[]") || (strchr("\"'", *p) ? is_quoted(p, n) : is_plain(p, n));
}

/* "KEY: VALUE" from ${at} on, with one of ${names}. */
static enum vk_err
read_pair(const struct reader *r, size_t at, const char *const *names, size_t n, size_t *ret_key,
    struct vk_helm_span *ret_value)
{
	for (size_t i = 0; i < n; i++) {
		size_t colon = at + strlen(names[i]);
		struct vk_helm_span v = { colon + 1, r->end };

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
check_value(const struct reader *r, size_t key, struct vk_helm_span v)
{
	if (vk_helm_is(r->text, v, "[]"))
		return unlike(r, "its value is a list");
	if ((key == VK_HELM_PASS_ALL || key == VK_HELM_UNVERIFIED) && !vk_helm_is_null(r->text, v) &&
	    !vk_helm_is(r->text, v, "true") && !vk_helm_is(r->text, v, "false"))
		return unlike(r, "its value is neither true nor false");
	if ((key == VK_HELM_NAME || key == VK_HELM_URL) && v.at < v.end && r->text[v.at] == '"' &&
	    memchr(r->text + v.at, '\\', v.end - v.at))
		return unlike(r, "its value holds a backslash");
	return VK_OK;
}

/* A name or a URL, as it is meant. */
enum vk_err
vk_helm_resolve(const char *text, struct vk_helm_span v, struct vk_buf *out)
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
add_pair(struct vk_helm_file *f, const struct reader *r, size_t at)
{
	struct vk_helm_repository *last = &f->v[f->n - 1];
	struct vk_helm_span v = { 0, 0 };
	size_t key = 0;
	enum vk_err e = read_pair(r, at, vk_helm_keys, VK_HELM_KEYS, &key, &v);

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
add_repository(struct vk_helm_file *f, const struct reader *r)
{
	struct vk_helm_repository *v = reallocarray(f->v, f->n + 1, sizeof(*v));

	if (!v)
		return vk_fail(VK_ENOMEM, "out of memory");
	f->v = v;
	f->v[f->n++] = (struct vk_helm_repository){ 0 };
	f->indent = r->indent;
	return add_pair(f, r, r->start + 2);
}

static enum vk_err
add_top(struct reader *r)
{
	struct vk_helm_span v = { 0, 0 };
	size_t key = 0;
	enum vk_err e = read_pair(r, r->start, top_keys, TOP_KEYS, &key, &v);

	if (e != VK_OK)
		return e;
	if (r->top[key])
		return unlike(r, "the file has that key already");
	if (key == REPOSITORIES ? !vk_helm_is_null(r->text, v) && !vk_helm_is(r->text, v, "[]") :
	    vk_helm_is(r->text, v, "[]"))
		return unlike(r, key == REPOSITORIES ? "its value is not a list below it" : "its value is a list");
	r->top[key] = true;
	r->in_list = key == REPOSITORIES && v.at == v.end;
	return VK_OK;
}

enum vk_err
vk_helm_file_read(const char *text, size_t n, struct vk_helm_file *ret)
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
