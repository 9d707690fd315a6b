/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "proto/json.h"
#include "valetkey/proto.h"

static enum vk_err
nomem(void)
{
	return vk_fail(VK_ENOMEM, "out of memory");
}

/* The names of what is left out, one per line. */
static enum vk_err
drop_auths(json_t *root, struct vk_buf *dropped)
{
	json_t *auths = json_object_get(root, "auths"), *value;
	const char *host;

	json_object_foreach(auths, host, value) {
		(void)value;
		vk_buf_fmt(dropped, "%s\n", host);
	}
	json_object_del(root, "auths");
	return dropped->err;
}

/* A helper ranks above what is written down, but a file with both is a riddle. */
static enum vk_err
set_helper(json_t *root, const char *server, const char *helper)
{
	json_t *helpers = json_object_get(root, "credHelpers");

	if (!helpers && json_object_set_new(root, "credHelpers", helpers = json_object()) < 0)
		return nomem();
	if (!json_is_object(helpers))
		return vk_fail(VK_EPROTO, "its credHelpers are no object");
	json_object_del(json_object_get(root, "auths"), server);
	return json_object_set_new(helpers, server, json_string(helper)) < 0 ? nomem() : VK_OK;
}

static int
append(const char *bytes, size_t n, void *out)
{
	return vk_buf_add(out, bytes, n) == VK_OK ? 0 : -1;
}

enum vk_err
vk_auths_merge(const char *own, size_t n, const struct vk_cred_list *creds, const char *helper, bool keep_own,
    struct vk_buf *out, struct vk_buf *dropped)
{
	VK_CLEANUP(vk_json_freep) json_t *root = NULL;
	enum vk_err e = VK_OK;

	if (n > 0)
		e = vk_json_parse_large(own, n, 4096, &root);
	else if (vk_json_init(), !(root = json_object()))
		e = nomem();
	if (e != VK_OK)
		return e;
	if (!json_is_object(root))
		return vk_fail(VK_EPROTO, "it is not a JSON object");
	if (!keep_own && (e = drop_auths(root, dropped)) != VK_OK)
		return e;
	for (size_t i = 0; e == VK_OK && i < creds->n; i++) {
		VK_CLEANUP(vk_freep) char *server = vk_docker_server(&creds->v[i]->scope);

		e = server ? set_helper(root, server, helper) : VK_ENOMEM;
	}
	if (e != VK_OK)
		return e;
	if (json_dump_callback(root, append, out, JSON_INDENT(2)) < 0)
		return out->err != VK_OK ? out->err : nomem();
	return vk_buf_char(out, '\n');
}
