/* SPDX-License-Identifier: ISC */
/*
 * Maven's settings.xml (settings reference; settings 1.0 to 1.3) and pom.xml.  Maven 3 writes the file that it has
 * read out again, replaces each "${...}" in that, and reads it once more; what looks like "{...}" in a password it then
 * tries to decrypt.  There is no escape for either.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "xml.h"

static const char blanks[] = " \t\r\n";

/* ---- what is written ---------------------------------------------------------------------------------------- */

static enum vk_err
refuse(const struct vk_cred *c, const char *what, const char *why)
{
	vk_hint("choose with --credential");
	return vk_fail(VK_EPOLICY, "Maven's settings cannot express %s: its %s %s", c->name, what, why);
}

/* "{x}" with anything but a backslash before the brace that closes it. */
static bool
looks_encrypted(const char *s, size_t n)
{
	const char *open = memchr(s, '{', n);

	for (const char *p = open ? open + 2 : s + n; p < s + n; p++)
		if (*p == '}' && p[-1] != '\\')
			return true;
	return false;
}

static enum vk_err
add_text(const struct vk_cred *c, const char *what, const char *s, size_t n, struct vk_buf *out)
{
	if (n == 0)
		return refuse(c, what, "is empty");
	if (s[0] == ' ' || s[n - 1] == ' ')
		return refuse(c, what, "begins or ends with a blank, which Maven drops");
	if (memmem(s, n, "${", 2))
		return refuse(c, what, "holds \"${\", which Maven takes for a variable");
	if (looks_encrypted(s, n))
		return refuse(c, what, "holds \"{...}\", which Maven takes for something encrypted");
	for (size_t i = 0; i < n; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return refuse(c, what, "holds control characters, or what is no ASCII and Maven does not send");
		if (strchr("&<>\"'", s[i]))
			vk_buf_fmt(out, "&#%d;", s[i]);
		else
			vk_buf_char(out, s[i]);
	}
	return out->err;
}

static enum vk_err
add_element(const struct vk_cred *c, const char *what, const char *tag, const char *s, size_t n, struct vk_buf *out)
{
	enum vk_err e;

	vk_buf_fmt(out, "<%s>", tag);
	if ((e = add_text(c, what, s, n, out)) != VK_OK)
		return e;
	return vk_buf_fmt(out, "</%s>", tag);
}

static enum vk_err
add_basic(const struct vk_cred *c, struct vk_buf *out)
{
	enum vk_err e;

	if (strchr(c->username, ':'))
		return refuse(c, "user name", "holds a colon");
	e = add_element(c, "user name", "username", c->username, strlen(c->username), out);
	return e == VK_OK ? add_element(c, "secret", "password", c->secret.p, c->secret.n, out) : e;
}

static enum vk_err
add_header(const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(VK_MAX_INPUT);
	const char *field = vk_auth_field(c);
	enum vk_err e = vk_auth_value(c, &value);

	if (e != VK_OK)
		return e;
	vk_buf_str(out, "<configuration><httpHeaders><property>");
	if ((e = add_element(c, "header", "name", field, strlen(field), out)) == VK_OK)
		e = add_element(c, "secret", "value", value.p, value.len, out);
	return e == VK_OK ? vk_buf_str(out, "</property></httpHeaders></configuration>") : e;
}

static enum vk_err
add_servers(const struct vk_cred_list *creds, struct vk_buf *out)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < creds->n; i++) {
		const struct vk_cred *c = creds->v[i];

		vk_buf_str(out, "<server>");
		e = add_element(c, "name", "id", c->name, strlen(c->name), out);
		if (e == VK_OK)
			e = c->kind == VK_KIND_BASIC ? add_basic(c, out) : add_header(c, out);
		if (e == VK_OK)
			e = vk_buf_str(out, "</server>\n");
	}
	return e;
}

/* ---- what is there ------------------------------------------------------------------------------------------ */

/* From ${at} on, up to ${end}. */
struct span {
	size_t at, end;
};

struct settings {
	struct span root_open, root_close; /* tags; the second empty for "<settings/>" */
	bool root_empty;
	struct span open, close; /* of the element "servers" in it; both the same for "<servers/>" */
	bool empty;
	struct span *servers; /* whole elements in it */
	struct span *ids;     /* of each, without blanks around; an empty span where there is none */
	size_t n;
};

static void
settings_clear(struct settings *s)
{
	free(s->servers);
	free(s->ids);
}

static struct span
trimmed(const char *text, size_t at, size_t end)
{
	while (at < end && strchr(blanks, text[at]))
		at++;
	while (end > at && strchr(blanks, text[end - 1]))
		end--;
	return (struct span){ at, end };
}

static enum vk_err
begin_server(struct settings *s, size_t at)
{
	struct span *servers = reallocarray(s->servers, s->n + 1, sizeof(*servers));
	struct span *ids;

	if (!servers)
		return VK_ENOMEM;
	s->servers = servers;
	if (!(ids = reallocarray(s->ids, s->n + 1, sizeof(*ids))))
		return VK_ENOMEM;
	s->ids = ids;
	s->servers[s->n] = s->ids[s->n] = (struct span){ at, at };
	s->n++;
	return VK_OK;
}

/* Are the elements that are open, below the root, these? */
static bool
within(const struct vk_xml *x, const char *const *words)
{
	size_t i = 1;

	for (; i < x->depth && words[i - 1]; i++)
		if (!vk_xml_is(x->open[i], words[i - 1]))
			return false;
	return i == x->depth && !words[i - 1];
}

static enum vk_err
note_open(struct settings *s, const struct vk_xml *x)
{
	const struct span tag = { x->start, x->at };
	size_t level = x->depth + x->empty; /* of this element */

	if (level == 1) {
		s->root_open = tag;
		s->root_empty = x->empty;
		return vk_xml_is(x->name, "settings") ? VK_OK : vk_fail(VK_EPROTO, "its root is not <settings>");
	}
	if (level == 2 && vk_xml_is(x->name, "servers")) {
		if (s->open.end)
			return vk_fail(VK_EPROTO, "it has two elements <servers>");
		s->open = tag;
		s->empty = x->empty;
		s->close = tag;
	}
	if (level == 3 && vk_xml_is(x->open[1], "servers")) {
		enum vk_err e = begin_server(s, x->start);

		if (e == VK_OK && x->empty && s->servers)
			s->servers[s->n - 1].end = x->at;
		return e;
	}
	return VK_OK;
}

static void
note_close(struct settings *s, const struct vk_xml *x)
{
	static const char *const list[] = { "servers", NULL };
	const struct span tag = { x->start, x->at };

	if (x->depth == 0)
		s->root_close = tag;
	else if (x->depth == 1 && vk_xml_is(x->name, "servers"))
		s->close = tag;
	else if (s->servers && within(x, list))
		s->servers[s->n - 1].end = x->at;
}

/* Only encodings in which what we write is what it looks like. */
static enum vk_err
check_encoding(const char *text, size_t n)
{
	static const char *const known[] = { "utf-8", "us-ascii", "iso-8859-", "windows-125" };
	const char *end = n > 5 && memcmp(text, "<?xml", 5) == 0 ? memmem(text, n, "?>", 2) : NULL;
	const char *at = end ? memmem(text, (size_t)(end - text), "encoding", 8) : NULL;
	VK_CLEANUP(vk_freep) char *name = NULL;

	if (memchr(text, '\0', n))
		return vk_fail(VK_EPROTO, "it holds bytes of value 0");
	if (!at)
		return VK_OK;
	at += 8;
	at += strspn(at, " \t\r\n='\"");
	if (!(name = strndup(at, strcspn(at, "'\"?"))))
		return VK_ENOMEM;
	vk_str_lower(name);
	for (size_t i = 0; i < VK_COUNT(known); i++)
		if (vk_str_starts(name, known[i]))
			return VK_OK;
	return vk_fail(VK_EPROTO, "its encoding is not UTF-8 or one that begins as ASCII does");
}

static enum vk_err
read_settings(const char *text, size_t n, size_t from, struct settings *s)
{
	static const char *const id[] = { "servers", "server", "id", NULL };
	struct vk_xml x = { .text = text, .n = n, .at = from };
	enum vk_err e = check_encoding(text + from, n - from);

	while (e == VK_OK && (e = vk_xml_next(&x)) == VK_OK && x.kind != VK_XML_END) {
		if (x.kind == VK_XML_OPEN)
			e = note_open(s, &x);
		else if (x.kind == VK_XML_CLOSE)
			note_close(s, &x);
		else if (s->ids && within(&x, id))
			s->ids[s->n - 1] = trimmed(text, x.start, x.at);
	}
	return e;
}

static bool
is_ours(const char *text, struct span id, const struct vk_cred_list *creds)
{
	for (size_t i = 0; i < creds->n; i++)
		if (vk_xml_is((struct vk_xml_name){ text + id.at, id.end - id.at }, creds->v[i]->name))
			return true;
	return false;
}

/* The inside of the user's own element, without those that ours replace; or only their names, for ${dropped}. */
static void
add_own(const char *text, const struct settings *s, const struct vk_cred_list *creds, bool keep_own, struct vk_buf *out,
    struct vk_buf *dropped)
{
	size_t at = s->open.end;

	for (size_t i = 0; i < s->n; i++) {
		bool ours = is_ours(text, s->ids[i], creds);

		if (keep_own && ours) {
			vk_buf_add(out, text + at, s->servers[i].at - at);
			at = s->servers[i].end;
		} else if (!keep_own && !ours) {
			if (s->ids[i].end > s->ids[i].at)
				vk_buf_add(dropped, text + s->ids[i].at, s->ids[i].end - s->ids[i].at);
			else
				vk_buf_str(dropped, "(a server without id)");
			vk_buf_char(dropped, '\n');
		}
	}
	if (keep_own && !s->empty)
		vk_buf_add(out, text + at, s->close.at - at);
}

enum vk_err
vk_maven_merge(const char *own, size_t n, const struct vk_cred_list *creds, bool keep_own, struct vk_buf *out,
    struct vk_buf *dropped)
{
	static const char bom[] = "\xef\xbb\xbf";
	VK_CLEANUP(settings_clear) struct settings s = { 0 };
	size_t from = n >= 3 && memcmp(own, bom, 3) == 0 ? 3 : 0, rest;
	bool blank = trimmed(own, from, n).at == n;
	enum vk_err e = blank ? VK_OK : read_settings(own, n, from, &s);

	if (e != VK_OK)
		return e;
	if (blank)
		vk_buf_str(out, "<settings>\n");
	else
		vk_buf_add(out, own, s.open.end ? s.open.at : s.root_empty ? s.root_open.end - 2 : s.root_close.at);
	vk_buf_str(out, s.root_empty ? "><servers>\n" : "<servers>\n");
	if ((e = add_servers(creds, out)) != VK_OK)
		return e;
	if (s.open.end)
		add_own(own, &s, creds, keep_own, out, dropped);
	vk_buf_str(out, "</servers>");
	rest = s.open.end ? s.close.end : s.root_empty ? s.root_open.end : s.root_close.at;
	if (blank || s.root_empty)
		vk_buf_str(out, "</settings>\n");
	if (!blank)
		vk_buf_add(out, own + rest, n - rest);
	return out->err != VK_OK ? out->err : dropped->err;
}

/* ---- pom.xml ------------------------------------------------------------------------------------------------ */

static const char *const repositories[] = { "repository", "pluginRepository", "snapshotRepository" };

static bool
is_repository(struct vk_xml_name name)
{
	for (size_t i = 0; i < VK_COUNT(repositories); i++)
		if (vk_xml_is(name, repositories[i]))
			return true;
	return false;
}

/* A repository that has the name of ${c} and lies elsewhere. */
static enum vk_err
check_place(const struct vk_cred *c, const char *text, struct span url)
{
	VK_CLEANUP(vk_freep) char *place = strndup(text + url.at, url.end - url.at);
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };

	if (!place)
		return VK_ENOMEM;
	/* What Maven puts together itself cannot be judged. */
	if (strstr(place, "${") || strchr(place, '&'))
		return VK_OK;
	if (vk_scope_parse(place, &s, NULL) == VK_OK && vk_scope_covers(&c->scope, &s))
		return VK_OK;
	vk_hint("correct it, or choose others with --credential");
	return vk_fail(VK_EPOLICY, "the project has a repository %s that is not where the credential of this name is "
		"for, and Maven would send it there: it goes by the name alone", c->name);
}

enum vk_err
vk_maven_check(const char *pom, size_t n, const struct vk_cred_list *creds)
{
	struct vk_xml x = { .text = pom, .n = n };
	struct span id = { 0 }, url = { 0 };
	enum vk_err e = VK_OK;

	/* One that is no XML is for Maven to complain about. */
	while (e == VK_OK && vk_xml_next(&x) == VK_OK && x.kind != VK_XML_END) {
		struct vk_xml_name in = x.depth > 1 ? x.open[x.depth - 2] : (struct vk_xml_name){ "", 0 };

		if (x.kind == VK_XML_OPEN && is_repository(x.name))
			id = url = (struct span){ 0 };
		else if (x.kind == VK_XML_TEXT && is_repository(in) && vk_xml_is(x.open[x.depth - 1], "id"))
			id = trimmed(pom, x.start, x.at);
		else if (x.kind == VK_XML_TEXT && is_repository(in) && vk_xml_is(x.open[x.depth - 1], "url"))
			url = trimmed(pom, x.start, x.at);
		if (x.kind != VK_XML_CLOSE || !is_repository(x.name) || id.end == 0 || url.end == 0)
			continue;
		for (size_t i = 0; e == VK_OK && i < creds->n; i++)
			if (vk_xml_is((struct vk_xml_name){ pom + id.at, id.end - id.at }, creds->v[i]->name))
				e = check_place(creds->v[i], pom, url);
	}
	if (e == VK_OK)
		vk_reason_clear();
	return e;
}
