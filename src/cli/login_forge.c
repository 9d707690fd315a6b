/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli/login.h"

static const struct vk_forge forges[] = {
	/* https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow */
	{ "github", "github.com", "/login/device/code", "/login/oauth/access_token", "x-access-token", "repo" },
	/* https://docs.gitlab.com/api/oauth2/#device-authorization-grant-flow */
	{ "gitlab", "gitlab.com", "/oauth/authorize_device", "/oauth/token", "oauth2",
	    "read_repository write_repository" },
};

const struct vk_forge *
vk_forge_named(const char *name)
{
	for (size_t i = 0; i < VK_COUNT(forges); i++)
		if (strcmp(forges[i].name, name) == 0)
			return &forges[i];
	return NULL;
}

const struct vk_forge *
vk_forge_at(const char *host)
{
	for (size_t i = 0; i < VK_COUNT(forges); i++)
		if (strcmp(forges[i].host, host) == 0)
			return &forges[i];
	return NULL;
}
