/* SPDX-License-Identifier: ISC */
#include "proto/json.h"
#include "valetkey/proto.h"

bool
vk_terraform_takes(const struct vk_cred *c)
{
	return c->kind == VK_KIND_BEARER && (!*c->authtype || vk_str_ieq(c->authtype, "Bearer"));
}

enum vk_err
vk_terraform_answer(const struct vk_cred *c, struct vk_buf *out)
{
	enum vk_err e;

	if (!vk_terraform_takes(c))
		return vk_fail(VK_EPOLICY, "Terraform presents bearer tokens only (add it without a user name)");
	vk_buf_str(out, "{\"token\":");
	if ((e = vk_json_add_string(out, c->secret.p, c->secret.n)) != VK_OK)
		return e;
	return vk_buf_str(out, "}\n");
}
