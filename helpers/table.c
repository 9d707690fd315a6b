/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/helper.h"
#include "common.h"

const struct vk_helper vk_helpers[] = {
	{ "git-credential", "git-credential-valetkey", "git: get, store and erase",
	    vk_git_credential },
	{ "docker-credential", "docker-credential-valetkey", "docker: get, store, erase and list",
	    vk_docker_credential },
	{ "goauth", NULL, "go 1.24 and later: GOAUTH", vk_goauth },
	{ "bazel-credential", "bazel-credential-valetkey", "Bazel: get", vk_bazel_credential },
	{ "terraform-credentials", "terraform-credentials-valetkey", "Terraform and OpenTofu: get",
	    vk_terraform_credentials },
	{ "nuget-plugin", "nuget-plugin-valetkey", "NuGet: a plugin", vk_nuget_plugin },
	{ "aws-credential", NULL, "AWS: credential_process", vk_aws_credential },
	{ "keyring", "keyring", "pip and uv: get", vk_keyring },
	{ "cargo-credential", NULL, "cargo 1.74 and later: started with --cargo-plugin", vk_cargo_credential },
	{ "pnpm-token", NULL, "pnpm: tokenHelper", vk_pnpm_token },
	{ "yarn-header", NULL, "Yarn 3 and later, in a run: a field of a request", vk_yarn_header },
	{ NULL, NULL, NULL, NULL },
};

/* NuGet for Mono starts plugins that are called NAME.exe only. */
static bool
is_program(const struct vk_helper *h, const char *name)
{
	size_t n = h->program ? strlen(h->program) : 0;

	return n > 0 && strncmp(h->program, name, n) == 0 && (!name[n] || strcmp(name + n, ".exe") == 0);
}

const struct vk_helper *
vk_helper_find(const char *name)
{
	for (const struct vk_helper *h = vk_helpers; h->name; h++)
		if (strcmp(h->name, name) == 0 || is_program(h, name))
			return h;
	return NULL;
}
