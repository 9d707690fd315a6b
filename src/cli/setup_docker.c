/* SPDX-License-Identifier: ISC */
/*
 * docker's config.json, docs.docker.com, "docker login", credential helpers: "credHelpers" maps a
 * registry to the NAME of a program docker-credential-NAME on PATH.  The file is spliced as text: it
 * holds settings that we do not know, in an order and a layout that are not ours.
 */
#include <stdio.h>
#include <string.h>

#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "cli/cmd.h"
#include "cli/json_out.h"
#include "cli/json_splice.h"
#include "cli/setup.h"

#define OURS "\"valetkey\""

static bool
docker_takes(const struct vk_scope *scope)
{
	return strcmp(scope->scheme, "https") == 0;
}

static enum vk_err
docker_file(char **ret_path)
{
	const char *dir = getenv("DOCKER_CONFIG");

	if (dir && *dir && *dir != '/')
		return vk_fail(VK_EUSAGE, "DOCKER_CONFIG must be an absolute path");
	return vk_user_path(NULL, "DOCKER_CONFIG", ".docker", "config.json", ret_path);
}

/* The key that docker uses for a host. */
static enum vk_err
key_of(const char *url, char **ret)
{
	struct vk_scope s;
	enum vk_err e = vk_scope_parse(url, &s, NULL);

	if (e != VK_OK)
		return e;
	*ret = vk_docker_server(&s);
	vk_scope_clear(&s);
	return *ret ? VK_OK : VK_ENOMEM;
}

/* Sort the hosts of ${s} into keys to add and members to replace; what is ours already stays. */
static enum vk_err
sort_hosts(struct vk_setup *s, const char *text, const struct vk_json_span *helpers,
    const struct vk_names *agreed, bool force)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < s->n_hosts && e == VK_OK; i++) {
		VK_CLEANUP(vk_freep) char *key = NULL;
		VK_CLEANUP(vk_freep) char *was = NULL;
		struct vk_json_member m;

		if ((e = key_of(s->hosts[i].url, &key)) != VK_OK)
			return e;
		if (!helpers->n || !vk_json_find(text, *helpers, key, &m)) {
			e = vk_names_add(&s->keys, key);
			continue;
		}
		if (!(was = strndup(text + m.value.at, m.value.n)))
			return VK_ENOMEM;
		if (strcmp(was, OURS) == 0)
			continue;
		if (!force && !vk_names_have(agreed, key)) {
			vk_hint("--force replaces it; --undo puts it back");
			return vk_fail(VK_EEXIST, "docker already asks another program for %s: %s", key, was);
		}
		if ((e = vk_names_push(&s->replaced, key)) == VK_OK)
			e = vk_names_push(&s->was, was);
	}
	return e;
}

/* The members for ${s->keys}, each on a line of its own. */
static void
add_members(const struct vk_setup *s, struct vk_buf *b)
{
	for (size_t i = 0; i < s->keys.n; i++) {
		vk_buf_str(b, i ? ",\n\t\t" : "\n\t\t");
		vk_json_str(b, s->keys.v[i], strlen(s->keys.v[i]));
		vk_buf_str(b, ": " OURS);
	}
}

/* The piece to insert behind the brace of credHelpers, of the document, or instead of nothing. */
static enum vk_err
make_piece(struct vk_setup *s, const char *text, struct vk_json_span root,
    struct vk_json_span helpers)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_FILE);
	const char *more = helpers.n ? (vk_json_is_empty(text, helpers) ? "\n\t" : ",")
	    : !root.n || vk_json_is_empty(text, root) ? "\n" : ",";

	if (s->keys.n > 0 && !root.n)
		vk_buf_char(&b, '{');
	if (s->keys.n > 0 && !helpers.n)
		vk_buf_str(&b, "\n\t\"credHelpers\": {");
	add_members(s, &b);
	if (s->keys.n > 0 && !helpers.n)
		vk_buf_str(&b, "\n\t}");
	if (s->keys.n > 0)
		vk_buf_str(&b, more);
	if (s->keys.n > 0 && !root.n)
		vk_buf_str(&b, "}\n");
	free(s->text);
	s->text = vk_strdup(b.p ? b.p : "");
	return b.err != VK_OK ? b.err : s->text ? VK_OK : VK_ENOMEM;
}

static void
splice(struct vk_buf *out, const char *text, size_t n, struct vk_json_span cut, const char *piece)
{
	vk_buf_add(out, text, cut.at);
	vk_buf_str(out, piece);
	vk_buf_add(out, text + cut.at + cut.n, n - cut.at - cut.n);
}

/* Give member ${key} of credHelpers the ${value} as written, if it is there and has ${if_value}. */
static enum vk_err
set_value(struct vk_buf *text, const char *key, const char *if_value, const char *value, bool *ret_set)
{
	struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_json_span root, helpers;
	struct vk_json_member m;
	enum vk_err e = vk_json_locate(text->p, text->len, "credHelpers", &root, &helpers);

	*ret_set = e == VK_OK && helpers.n && vk_json_find(text->p, helpers, key, &m) &&
	    (!if_value || (m.value.n == strlen(if_value) &&
			      memcmp(text->p + m.value.at, if_value, m.value.n) == 0));
	if (!*ret_set)
		return e;
	splice(&out, text->p, text->len, m.value, value);
	vk_buf_clear(text);
	*text = out;
	return text->err;
}

static enum vk_err
docker_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_FILE);
	struct vk_json_span root, helpers;
	struct vk_names agreed = s->replaced; /* with --force, an earlier time */
	enum vk_err e;
	bool set;

	s->replaced = (struct vk_names){ 0 };
	vk_names_clear(&s->keys);
	vk_names_clear(&s->was);
	e = vk_buf_add(&b, text, n);
	if (e == VK_OK)
		e = vk_json_locate(b.p, b.len, "credHelpers", &root, &helpers);
	if (e == VK_OK)
		e = sort_hosts(s, b.p, &helpers, &agreed, force);
	vk_names_clear(&agreed);
	if (e != VK_OK)
		return e;
	for (size_t i = 0; i < s->replaced.n; i++)
		if ((e = set_value(&b, s->replaced.v[i], NULL, OURS, &set)) != VK_OK)
			return e;
	/* The braces stand where they stood: what was replaced lies behind them. */
	if ((e = make_piece(s, b.p, root, helpers)) != VK_OK)
		return e;
	splice(out, b.p, b.len,
	    (struct vk_json_span){ helpers.n ? helpers.at + 1 : root.n ? root.at + 1 : 0, 0 }, s->text);
	if (out->err != VK_OK || s->n_hosts == 0)
		return out->err;
	/* A key that is there in another spelling (with escapes) would be there twice now. */
	return vk_json_check(out->p, out->len);
}

/* Cut the piece out where it still stands behind its brace; else member by member. */
static enum vk_err
take_members(const struct vk_setup *s, struct vk_buf *b, size_t *ret_left)
{
	const char *at = *s->text ? memmem(b->p, b->len, s->text, strlen(s->text)) : NULL;
	bool own_object = strstr(s->text, "\"credHelpers\"") != NULL;
	struct vk_json_span root, helpers;
	enum vk_err e = VK_OK;

	*ret_left = s->keys.n;
	if (at && (s->text[0] == '{' || (at > b->p && at[-1] == '{'))) {
		*ret_left = 0;
		return vk_json_cut(b, (struct vk_json_span){ (size_t)(at - b->p), strlen(s->text) });
	}
	for (size_t i = 0; i < s->keys.n && e == VK_OK; i++) {
		struct vk_json_member m;

		e = vk_json_locate(b->p, b->len, "credHelpers", &root, &helpers);
		if (e != VK_OK || !helpers.n || !vk_json_find(b->p, helpers, s->keys.v[i], &m) ||
		    m.value.n != strlen(OURS) || memcmp(b->p + m.value.at, OURS, m.value.n) != 0)
			continue;
		(*ret_left)--;
		e = vk_json_cut(b, m.whole);
	}
	if (e != VK_OK || !own_object || *ret_left == s->keys.n)
		return e;
	/* docker writes the file anew at each login: the object that was made for us goes when it is empty. */
	e = vk_json_locate(b->p, b->len, "credHelpers", &root, &helpers);
	if (e == VK_OK && helpers.n && vk_json_is_empty(b->p, helpers)) {
		struct vk_json_member m;

		if (vk_json_find(b->p, root, "credHelpers", &m))
			e = vk_json_cut(b, m.whole);
	}
	return e;
}

static enum vk_err
docker_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
    enum vk_setup_found *ret_found)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_MAX_FILE);
	size_t left = 0, parts = s->keys.n + s->replaced.n, whole;
	enum vk_err e = vk_buf_add(&b, text, n);
	bool exact;

	if (e == VK_OK)
		e = take_members(s, &b, &left);
	exact = e == VK_OK && b.len + strlen(s->text) == n;
	whole = s->keys.n - left;
	for (size_t i = 0; i < s->replaced.n && e == VK_OK; i++) {
		bool set;

		e = set_value(&b, s->replaced.v[i], OURS, s->was.v[i], &set);
		whole += set;
	}
	if (e != VK_OK)
		return e;
	*ret_found = exact && whole == parts ? VK_SETUP_WHOLE
	    : whole == 0		     ? VK_SETUP_GONE
					     : VK_SETUP_CHANGED;
	return vk_buf_add(out, b.p ? b.p : "", b.len);
}

static void
docker_advise(const struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *path = vk_setup_on_path(vk_setup_docker.program);

	(void)s;
	if (!path)
		vk_msg_warn("docker looks for %s on PATH, and there is none: add its directory to PATH",
		    vk_setup_docker.program);
	else if (!vk_setup_is_self(path))
		vk_msg_warn("docker will start %s, the first on PATH, which is not this program", path);
}

const struct vk_setup_tool vk_setup_docker = {
	.name = "docker",
	.program = "docker-credential-valetkey",
	.takes = docker_takes,
	.file = docker_file,
	.take_out = docker_take_out,
	.put_in = docker_put_in,
	.advise = docker_advise,
};
