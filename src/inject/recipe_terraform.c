/* SPDX-License-Identifier: ISC */
/*
 * Terraform 1.2 and OpenTofu: TF_TOKEN_ and the host ("Environment Variable Credentials" in the documentation of the
 * CLI configuration), with "_" for a dot and "__" for a hyphen.  Ports cannot be written.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "recipe.h"

static enum vk_err
terraform_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = vk_recipe_web(c) && strcmp(c->scope.scheme, "https") == 0 && vk_terraform_takes(c);
	if (!*ret)
		return VK_OK;
	if (c->scope.port != 443) {
		vk_hint("\"valetkey setup terraform\" can: a helper is told the port");
		return vk_fail(VK_EPOLICY, "Terraform's variables cannot name the port of %s:%u", c->scope.host,
		    c->scope.port);
	}
	return vk_recipe_no_path(c, "Terraform");
}

static enum vk_err
terraform_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	enum vk_err e = vk_recipe_one_each(taken, "Terraform");

	(void)path;
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(4 * VK_MAX_FIELD);
		const struct vk_cred *c = taken->v[i];

		vk_buf_str(&name, "TF_TOKEN_");
		for (const char *at = c->scope.host; *at; at++)
			vk_buf_str(&name, *at == '.' ? "_" : *at == '-' ? "__" : (char[]){ *at, '\0' });
		e = name.err != VK_OK ? name.err : vk_environ_lend(&k->env, name.p, c->secret.p, c->secret.n);
	}
	return e;
}

const struct vk_recipe vk_recipe_terraform = { .name = "terraform", .takes = terraform_takes, .lead = terraform_lead };
