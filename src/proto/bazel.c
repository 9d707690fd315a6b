/* SPDX-License-Identifier: ISC */
/* What Bazel sends and hears. */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"

/* Remote execution and the build event service are gRPC, which is HTTP/2 to the same server. */
static enum vk_err
scope_of(const char *uri, struct vk_scope *ret)
{
	static const char grpcs[] = "grpcs://";
	bool remote = vk_str_ifind(uri, strlen(uri), grpcs) == uri;
	size_t n = strcspn(uri, "?#");
	VK_CLEANUP(vk_freep) char *url = !remote ? strndup(uri, n) :
	    vk_asprintf("https://%.*s", (int)(n - strlen(grpcs)), uri + strlen(grpcs));
	enum vk_err e = url ? vk_scope_parse(url, ret, NULL) : VK_ENOMEM;

	if (e == VK_OK && strcmp(ret->scheme, "https") != 0 && strcmp(ret->scheme, "http") != 0) {
		vk_scope_clear(ret);
		return VK_ENOENT;
	}
	return e;
}

enum vk_err
vk_bazel_parse(const char *text, size_t n, struct vk_scope *ret)
{
	VK_CLEANUP(vk_json_freep) json_t *object = NULL;
	const json_t *uri;
	enum vk_err e = vk_json_parse(text, n, &object);

	if (e != VK_OK)
		return e;
	uri = json_object_get(object, "uri");
	if (!json_is_string(uri) || json_string_length(uri) == 0)
		return vk_fail(VK_EPROTO, "the request has no uri");
	return scope_of(json_string_value(uri), ret);
}

enum vk_err
vk_bazel_answer(const struct vk_cred *c, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF_SECRET(2 * (VK_MAX_SECRET + VK_MAX_FIELD));
	char stamp[VK_STAMP_TEXT];
	enum vk_err e;

	if (!c)
		return vk_buf_str(out, "{}\n");
	if ((e = vk_auth_value(c, &value)) != VK_OK)
		return e;
	vk_buf_str(out, "{\"headers\":{");
	if ((e = vk_json_add_string(out, vk_auth_field(c), strlen(vk_auth_field(c)))) != VK_OK)
		return e;
	vk_buf_str(out, ":[");
	if ((e = vk_json_add_string(out, value.p, value.len)) != VK_OK)
		return e;
	vk_buf_str(out, "]}");
	if (c->expires && vk_stamp(c->expires, stamp))
		vk_buf_fmt(out, ",\"expires\":\"%s\"", stamp);
	return vk_buf_str(out, "}\n");
}
