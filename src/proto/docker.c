/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/proto.h"
#include "json.h"

/* Docker Hub's three keys; every other registry is known by its host. */
static const char hub_host[] = "index.docker.io";
static const char hub_path[] = "v1";
static const char *const hub_tokens[] = { "v1/access-token", "v1/refresh-token" };

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Set ${ret} to the server in ${n} bytes, blanks around it dropped. */
static enum vk_err
take_server(const char *s, size_t n, char **ret)
{
	while (n > 0 && is_blank(s[0]))
		s++, n--;
	while (n > 0 && is_blank(s[n - 1]))
		n--;
	if (n == 0)
		return vk_fail(VK_EPROTO, "no credentials server URL");
	if (n > VK_MAX_FIELD)
		return vk_fail(VK_ELIMIT, "the server URL is longer than %d bytes", VK_MAX_FIELD);
	if (vk_str_has_control(s, n))
		return vk_fail(VK_EPROTO, "the server URL holds a line end or control character");
	if (!(*ret = strndup(s, n)))
		return VK_ENOMEM;
	return VK_OK;
}

enum vk_err
vk_docker_parse_server(const char *text, size_t n, struct vk_docker_msg *ret)
{
	char *server;
	enum vk_err e = take_server(text, n, &server);

	if (e == VK_OK)
		*ret = (struct vk_docker_msg){ .server = server };
	return e;
}

/* Docker's own reader does not mind the case of a key, so two cases are a repeat. */
static enum vk_err
find_members(json_t *object, json_t *found[3])
{
	static const char *const names[3] = { "ServerURL", "Username", "Secret" };
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		for (size_t i = 0; i < VK_COUNT(names); i++) {
			if (!vk_str_ieq(key, names[i]))
				continue;
			if (found[i])
				return vk_fail(VK_EPROTO, "%s is given twice", names[i]);
			if (!json_is_string(value))
				return vk_fail(VK_EPROTO, "%s is not a string", names[i]);
			found[i] = value;
		}
	}
	return VK_OK;
}

static enum vk_err
take_username(const json_t *j, char **ret)
{
	const char *s = j ? json_string_value(j) : "";
	size_t n = strlen(s);

	if (n == 0)
		return vk_fail(VK_EPROTO, "no credentials username");
	if (n > VK_MAX_FIELD)
		return vk_fail(VK_ELIMIT, "the user name is longer than %d bytes", VK_MAX_FIELD);
	if (vk_str_has_control(s, n))
		return vk_fail(VK_EPROTO, "the user name holds a line end or control character");
	if (!(*ret = vk_strdup(s)))
		return VK_ENOMEM;
	return VK_OK;
}

enum vk_err
vk_docker_parse_store(const char *text, size_t n, struct vk_docker_msg *ret)
{
	VK_CLEANUP(vk_json_freep) json_t *object = NULL;
	VK_CLEANUP(vk_docker_msg_clear) struct vk_docker_msg m = { 0 };
	json_t *found[3] = { NULL };
	enum vk_err e = vk_json_parse(text, n, &object);

	if (e != VK_OK)
		return e;
	if (!json_is_object(object))
		return vk_fail(VK_EPROTO, "the JSON is not an object");
	if ((e = find_members(object, found)) != VK_OK)
		return e;
	e = take_server(found[0] ? json_string_value(found[0]) : "",
	    found[0] ? json_string_length(found[0]) : 0, &m.server);
	if (e == VK_OK)
		e = take_username(found[1], &m.username);
	if (e == VK_OK && !found[2])
		e = vk_fail(VK_EPROTO, "no credentials secret");
	if (e == VK_OK)
		e = vk_secret_set(&m.secret, json_string_value(found[2]),
		    json_string_length(found[2]));
	if (e != VK_OK)
		return e;
	*ret = m;
	m = (struct vk_docker_msg){ 0 };
	return VK_OK;
}

void
vk_docker_msg_clear(struct vk_docker_msg *m)
{
	free(m->server);
	free(m->username);
	vk_secret_clear(&m->secret);
	*m = (struct vk_docker_msg){ 0 };
}

static bool
is_hub(const struct vk_scope *s)
{
	return strcmp(s->host, hub_host) == 0 && strcmp(s->scheme, "https") == 0 && s->port == 443;
}

static enum vk_err
set_path(struct vk_scope *s, const char *path)
{
	char *p = vk_strdup(path);

	if (!p)
		return VK_ENOMEM;
	free(s->path);
	s->path = p;
	return VK_OK;
}

enum vk_err
vk_docker_scope(const char *server, struct vk_scope *ret)
{
	VK_CLEANUP(vk_scope_clear) struct vk_scope s = { 0 };
	VK_CLEANUP(vk_freep) char *url = NULL;
	enum vk_err e;

	if (!(url = vk_asprintf("%s%s", strstr(server, "://") ? "" : "https://", server)))
		return VK_ENOMEM;
	if ((e = vk_scope_parse(url, &s, NULL)) != VK_OK)
		return e;
	if (strcmp(s.scheme, "https") != 0 && strcmp(s.scheme, "http") != 0)
		return vk_fail(VK_EPROTO, "a registry is reached by https or http only");
	/* "/v1/" and "/v2/" are the API's root: they say no more than the host does. */
	if (strcmp(s.path, "v1") == 0 || strcmp(s.path, "v2") == 0)
		e = set_path(&s, "");
	if (e == VK_OK && is_hub(&s) && *s.path == '\0')
		e = set_path(&s, hub_path);
	if (e != VK_OK)
		return e;
	*ret = s;
	s = (struct vk_scope){ 0 };
	return VK_OK;
}

char *
vk_docker_server(const struct vk_scope *s)
{
	VK_CLEANUP(vk_freep) char *hostport = NULL;
	bool hub = is_hub(s);

	if (hub && (*s->path == '\0' || strcmp(s->path, hub_path) == 0))
		return vk_asprintf("https://%s/%s/", hub_host, hub_path);
	if (hub || strcmp(s->scheme, "https") != 0)
		return vk_scope_url(s);
	if (!(hostport = vk_scope_hostport(s)))
		return NULL;
	return vk_asprintf("%s%s%s", hostport, *s->path ? "/" : "", s->path);
}

bool
vk_docker_serves(const struct vk_scope *entry, const struct vk_scope *asked)
{
	if (!vk_scope_covers(entry, asked))
		return false;
	for (size_t i = 0; i < VK_COUNT(hub_tokens); i++)
		if (is_hub(asked) && strcmp(asked->path, hub_tokens[i]) == 0)
			return strcmp(entry->path, asked->path) == 0;
	return true;
}

enum vk_err
vk_docker_answer(const char *server, const char *username, const struct vk_secret *secret,
    struct vk_buf *out)
{
	enum vk_err e;

	vk_buf_str(out, "{\"ServerURL\":");
	if ((e = vk_json_add_string(out, server, strlen(server))) != VK_OK)
		return e;
	vk_buf_str(out, ",\"Username\":");
	if ((e = vk_json_add_string(out, username, strlen(username))) != VK_OK)
		return e;
	vk_buf_str(out, ",\"Secret\":");
	if ((e = vk_json_add_string(out, secret->p, secret->n)) != VK_OK)
		return e;
	return vk_buf_str(out, "}\n");
}

enum vk_err
vk_docker_list_add(const char *server, const char *username, struct vk_buf *out)
{
	enum vk_err e;

	vk_buf_char(out, out->len == 0 ? '{' : ',');
	if ((e = vk_json_add_string(out, server, strlen(server))) != VK_OK)
		return e;
	vk_buf_char(out, ':');
	return vk_json_add_string(out, username, strlen(username));
}

enum vk_err
vk_docker_list_end(struct vk_buf *out)
{
	return vk_buf_str(out, out->len == 0 ? "{}\n" : "}\n");
}
