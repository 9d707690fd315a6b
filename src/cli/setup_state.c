/* SPDX-License-Identifier: ISC */
/* What setup remembers: $XDG_STATE_HOME/valetkey/setup-TOOL.json. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "proto/json.h"
#include "cli/json_out.h"
#include "cli/setup.h"

enum { STATE_VERSION = 1 };

static enum vk_err
state_path(const struct vk_setup_tool *tool, char **ret)
{
	char file[64];

	snprintf(file, sizeof(file), "valetkey/setup-%s.json", tool->name);
	return vk_user_path(NULL, "XDG_STATE_HOME", ".local/state", file, ret);
}

void
vk_setup_clear(struct vk_setup *s)
{
	for (size_t i = 0; i < s->n_hosts; i++)
		free(s->hosts[i].url);
	free(s->hosts);
	free(s->file);
	free(s->text);
	vk_names_clear(&s->links);
	vk_names_clear(&s->keys);
	vk_names_clear(&s->replaced);
	vk_names_clear(&s->was);
	*s = (struct vk_setup){ 0 };
}

static enum vk_err
add_url(struct vk_setup *s, const char *url, bool with_path, bool asked)
{
	struct vk_setup_host *h = NULL;
	size_t at = 0;

	while (at < s->n_hosts && strcmp(s->hosts[at].url, url) < 0)
		at++;
	if (at < s->n_hosts && strcmp(s->hosts[at].url, url) == 0) {
		h = &s->hosts[at];
		h->with_path |= with_path;
		h->asked |= asked;
		return VK_OK;
	}
	if (!(h = reallocarray(s->hosts, s->n_hosts + 1, sizeof(*h))))
		return VK_ENOMEM;
	s->hosts = h;
	memmove(h + at + 1, h + at, (s->n_hosts - at) * sizeof(*h));
	s->n_hosts++;
	h[at] = (struct vk_setup_host){ vk_strdup(url), with_path, asked };
	return h[at].url ? VK_OK : VK_ENOMEM;
}

char *
vk_setup_url(const struct vk_setup_tool *tool, const struct vk_scope *scope)
{
	VK_CLEANUP(vk_freep) char *hp = tool->places ? NULL : vk_scope_hostport(scope);

	if (tool->places)
		return vk_scope_url(scope);
	return hp ? vk_asprintf("%s://%s", scope->scheme, hp) : NULL;
}

enum vk_err
vk_setup_add_host(const struct vk_setup_tool *tool, struct vk_setup *s, const struct vk_scope *scope, bool asked)
{
	VK_CLEANUP(vk_freep) char *url = vk_setup_url(tool, scope);

	return url ? add_url(s, url, *scope->path != '\0', asked) : VK_ENOMEM;
}

enum vk_err
vk_setup_add_hosts(struct vk_setup *s, const struct vk_setup *from)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < from->n_hosts && e == VK_OK; i++)
		e = add_url(s, from->hosts[i].url, from->hosts[i].with_path, from->hosts[i].asked);
	return e;
}

bool
vk_setup_has(const struct vk_setup *s, const char *url, bool path)
{
	for (size_t i = 0; i < s->n_hosts; i++)
		if (strcmp(s->hosts[i].url, url) == 0)
			return s->hosts[i].with_path || !path;
	return false;
}

/* A list of strings; ${key} may be absent. */
static bool
load_names(const json_t *j, const char *key, struct vk_names *l)
{
	const json_t *v = json_object_get(j, key), *item;
	size_t i;

	if (v && !json_is_array(v))
		return false;
	json_array_foreach(v, i, item) {
		const char *text = json_string_value(item);

		if (!text || vk_names_push(l, text) != VK_OK)
			return false;
	}
	return true;
}

static bool
load_hosts(const json_t *j, struct vk_setup *s)
{
	const json_t *v = json_object_get(j, "hosts"), *h;
	size_t i;

	if (!json_is_array(v))
		return false;
	json_array_foreach(v, i, h) {
		const char *url = json_string_value(json_object_get(h, "url"));

		if (!url || add_url(s, url, json_is_true(json_object_get(h, "path")),
				json_is_true(json_object_get(h, "asked"))) != VK_OK)
			return false;
	}
	return true;
}

static bool
load(const json_t *j, struct vk_setup *s)
{
	const char *file = json_string_value(json_object_get(j, "file"));
	const char *text = json_string_value(json_object_get(j, "text"));

	if (json_integer_value(json_object_get(j, "version")) != STATE_VERSION || !file || !text)
		return false;
	s->created = json_is_true(json_object_get(j, "created"));
	s->file = vk_strdup(file);
	s->text = vk_strdup(text);
	return s->file && s->text && load_hosts(j, s) && load_names(j, "links", &s->links) &&
	    load_names(j, "keys", &s->keys) && load_names(j, "replaced", &s->replaced) &&
	    load_names(j, "was", &s->was) && s->replaced.n == s->was.n;
}

enum vk_err
vk_setup_load(const struct vk_setup_tool *tool, struct vk_setup *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = NULL;
	VK_CLEANUP(vk_closep) int fd = -1;
	struct vk_setup s = { 0 };
	json_t *j;
	bool good;
	enum vk_err e = state_path(tool, &path);

	if (e != VK_OK)
		return e;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return errno == ENOENT || errno == ENOTDIR ? VK_ENOENT : vk_fail_errno("%s", path);
	if ((e = vk_buf_read(&b, fd)) != VK_OK)
		return e;
	vk_json_init();
	j = json_loadb(b.p ? b.p : "", b.len, JSON_REJECT_DUPLICATES, NULL);
	good = j && load(j, &s);
	json_decref(j);
	if (!good) {
		vk_setup_clear(&s);
		vk_hint("take valetkey's lines out of %s's configuration by hand, and remove %s",
		    tool->name, path);
		return vk_fail(VK_EPROTO, "%s is damaged", path);
	}
	*ret = s;
	return VK_OK;
}

static void
put_names(struct vk_buf *b, const char *key, const struct vk_names *l)
{
	if (l->n == 0)
		return;
	vk_buf_fmt(b, ",\n  \"%s\": [", key);
	for (size_t i = 0; i < l->n; i++) {
		vk_buf_str(b, i ? ", " : "");
		vk_json_str(b, l->v[i], strlen(l->v[i]));
	}
	vk_buf_char(b, ']');
}

static bool
is_utf8(const struct vk_setup *s)
{
	bool yes = vk_utf8_valid(s->file, strlen(s->file)) && vk_utf8_valid(s->text, strlen(s->text));

	for (size_t i = 0; i < s->links.n; i++)
		yes = yes && vk_utf8_valid(s->links.v[i], strlen(s->links.v[i]));
	return yes;
}

enum vk_err
vk_setup_save(const struct vk_setup_tool *tool, const struct vk_setup *s)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct vk_replace r;
	enum vk_err e = state_path(tool, &path);

	if (e != VK_OK)
		return e;
	if (!is_utf8(s))
		return vk_fail(VK_EPOLICY, "a path that is not UTF-8 cannot be remembered: %s", s->file);
	vk_buf_fmt(&b, "{\n  \"version\": %d,\n  ", STATE_VERSION);
	vk_json_member(&b, "file", s->file);
	vk_buf_fmt(&b, ",\n  \"created\": %s,\n  \"hosts\": [", s->created ? "true" : "false");
	for (size_t i = 0; i < s->n_hosts; i++) {
		vk_buf_str(&b, i ? ",\n    {" : "\n    {");
		vk_json_member(&b, "url", s->hosts[i].url);
		vk_buf_fmt(&b, ", \"path\": %s, \"asked\": %s}", s->hosts[i].with_path ? "true" : "false",
		    s->hosts[i].asked ? "true" : "false");
	}
	vk_buf_str(&b, "],\n  ");
	vk_json_member(&b, "text", s->text);
	put_names(&b, "links", &s->links);
	put_names(&b, "keys", &s->keys);
	put_names(&b, "replaced", &s->replaced);
	put_names(&b, "was", &s->was);
	vk_buf_str(&b, "\n}\n");
	if ((e = b.err) != VK_OK || (e = vk_mkdir_parents(path, 0700)) != VK_OK ||
	    (e = vk_replace_begin(path, 0600, &r)) != VK_OK)
		return e;
	if ((e = vk_write_full(r.fd, b.p, b.len)) == VK_OK)
		return vk_replace_commit(&r);
	vk_replace_abort(&r);
	return e;
}

enum vk_err
vk_setup_forget(const struct vk_setup_tool *tool)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e = state_path(tool, &path);

	if (e == VK_OK && unlink(path) < 0 && errno != ENOENT)
		e = vk_fail_errno("cannot remove %s", path);
	return e;
}
