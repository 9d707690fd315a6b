/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"

static const struct {
	const char *name;
	enum vk_nuget_method method;
} methods[] = {
	{ "Handshake", VK_NUGET_HANDSHAKE }, { "MonitorNuGetProcessExit", VK_NUGET_MONITOR },
	{ "Initialize", VK_NUGET_INITIALIZE }, { "GetOperationClaims", VK_NUGET_CLAIMS },
	{ "SetLogLevel", VK_NUGET_LOG_LEVEL }, { "SetCredentials", VK_NUGET_SET_CREDENTIALS },
	{ "GetAuthenticationCredentials", VK_NUGET_CREDENTIALS }, { "Close", VK_NUGET_CLOSE },
};

/* A text that goes back into an answer or into a scope. */
static enum vk_err
take_text(const json_t *object, const char *key, char **ret)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!text || vk_str_has_control(text, json_string_length(value)) || strlen(text) > VK_MAX_FIELD)
		return vk_fail(VK_EPROTO, "a message has no %s, or one that cannot be", key);
	return (*ret = vk_strdup(text)) ? VK_OK : VK_ENOMEM;
}

static enum vk_err
take_payload(const json_t *payload, struct vk_nuget_msg *m)
{
	const json_t *source = json_object_get(payload, "PackageSourceRepository");

	if (m->method == VK_NUGET_CREDENTIALS) {
		m->is_retry = json_is_true(json_object_get(payload, "IsRetry"));
		return take_text(payload, "Uri", &m->uri);
	}
	if (m->method == VK_NUGET_MONITOR)
		m->pid = (long)json_integer_value(json_object_get(payload, "ProcessId"));
	m->about_source = m->method == VK_NUGET_CLAIMS && source && !json_is_null(source);
	return VK_OK;
}

enum vk_err
vk_nuget_parse(const char *text, size_t n, struct vk_nuget_msg *ret)
{
	VK_CLEANUP(vk_json_freep) json_t *object = NULL;
	VK_CLEANUP(vk_nuget_msg_clear) struct vk_nuget_msg m = { .method = VK_NUGET_UNKNOWN };
	const char *type, *method;
	enum vk_err e = vk_json_parse(text, n, &object);

	if (e != VK_OK)
		return e;
	type = json_string_value(json_object_get(object, "Type"));
	method = json_string_value(json_object_get(object, "Method"));
	if (!type || !method)
		return vk_fail(VK_EPROTO, "a message has no Type or no Method");
	m.is_request = strcmp(type, "Request") == 0;
	for (size_t i = 0; i < VK_COUNT(methods); i++)
		if (strcmp(methods[i].name, method) == 0)
			m.method = methods[i].method;
	if ((e = take_text(object, "RequestId", &m.id)) != VK_OK || (e = take_text(object, "Method", &m.name)) != VK_OK)
		return e;
	if (m.is_request && (e = take_payload(json_object_get(object, "Payload"), &m)) != VK_OK)
		return e;
	*ret = m;
	m = (struct vk_nuget_msg){ 0 };
	return VK_OK;
}

void
vk_nuget_msg_clear(struct vk_nuget_msg *m)
{
	free(m->id);
	free(m->name);
	free(m->uri);
	*m = (struct vk_nuget_msg){ 0 };
}

/* A message up to its payload, which ends with "}}". */
static enum vk_err
head(const char *id, const char *type, const char *method, struct vk_buf *out)
{
	enum vk_err e;

	vk_buf_str(out, "{\"RequestId\":");
	if ((e = vk_json_add_string(out, id, strlen(id))) != VK_OK)
		return e;
	vk_buf_fmt(out, ",\"Type\":\"%s\",\"Method\":", type);
	if ((e = vk_json_add_string(out, method, strlen(method))) != VK_OK)
		return e;
	return vk_buf_str(out, ",\"Payload\":{");
}

enum vk_err
vk_nuget_handshake(const char *id, struct vk_buf *out)
{
	enum vk_err e = head(id, "Request", "Handshake", out);

	return e == VK_OK ?
	    vk_buf_str(out, "\"ProtocolVersion\":\"2.0.0\",\"MinimumProtocolVersion\":\"2.0.0\"}}\n") : e;
}

enum vk_err
vk_nuget_respond(const struct vk_nuget_msg *m, const char *message, struct vk_buf *out)
{
	enum vk_err e = head(m->id, "Response", m->name, out);

	if (e != VK_OK)
		return e;
	if (m->method == VK_NUGET_CLAIMS)
		return vk_buf_fmt(out, "\"Claims\":[%s]}}\n", m->about_source ? "" : "\"Authentication\"");
	if (m->method == VK_NUGET_HANDSHAKE)
		vk_buf_str(out, "\"ProtocolVersion\":\"2.0.0\",");
	if (message) {
		vk_buf_str(out, "\"Message\":");
		if ((e = vk_json_add_string(out, message, strlen(message))) != VK_OK)
			return e;
		vk_buf_char(out, ',');
	}
	return vk_buf_fmt(out, "\"ResponseCode\":\"%s\"}}\n", message || m->method == VK_NUGET_UNKNOWN ? "Error" :
	    m->method == VK_NUGET_CREDENTIALS ? "NotFound" : "Success");
}

enum vk_err
vk_nuget_answer(const struct vk_nuget_msg *m, const struct vk_cred *c, struct vk_buf *out)
{
	enum vk_err e;

	/* A token alone goes with any name, as the feeds' own documentation has it. */
	if (c->kind == VK_KIND_HEADER)
		return vk_fail(VK_EPOLICY, "NuGet presents user names and passwords only, and this one is a header");
	if ((e = head(m->id, "Response", m->name, out)) != VK_OK)
		return e;
	vk_buf_str(out, "\"Username\":");
	if ((e = vk_json_add_string(out, *c->username ? c->username : "valetkey", strlen(*c->username ? c->username :
	    "valetkey"))) != VK_OK)
		return e;
	vk_buf_str(out, ",\"Password\":");
	if ((e = vk_json_add_string(out, c->secret.p, c->secret.n)) != VK_OK)
		return e;
	return vk_buf_str(out, ",\"AuthenticationTypes\":[\"basic\"],\"ResponseCode\":\"Success\"}}\n");
}
