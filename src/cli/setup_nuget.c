/* SPDX-License-Identifier: ISC */
/*
 * NuGet has nothing to be told in a file: it starts what it finds (its documentation, "Cross platform plugins";
 * PluginDiscoverer and PluginDiscoveryUtility in NuGet.Client).  dotnet looks for nuget-plugin-* in all of PATH,
 * nuget.exe for NAME/NAME.exe in a directory of the user's, and heeds no link on PATH.
 */
#include <string.h>
#include <unistd.h>

#include "valetkey/helper.h"
#include "cli/setup.h"

#define PROGRAM "nuget-plugin-valetkey"

static enum vk_err
nuget_link(char **ret_path)
{
	return vk_setup_home(".nuget/plugins/netfx/" PROGRAM "/" PROGRAM ".exe", ret_path);
}

/* The directory was for the link alone. */
static enum vk_err
nuget_drop_ours(const struct vk_setup *old, const struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *dir = strndup(old->file, (size_t)(strrchr(old->file, '/') - old->file));

	(void)s;
	if (!dir)
		return VK_ENOMEM;
	(void)rmdir(dir);
	return VK_OK;
}

static void
nuget_advise(const struct vk_setup *s)
{
	static const char *const others[] = { "NUGET_NETFX_PLUGIN_PATHS", "NUGET_NETCORE_PLUGIN_PATHS",
		"NUGET_PLUGIN_PATHS" };

	(void)s;
	for (size_t i = 0; i < VK_COUNT(others); i++) {
		const char *v = getenv(others[i]);

		if (v && *v)
			vk_msg_warn("the variable %s is set, and NuGet starts what it names instead: unset it",
			    others[i]);
	}
	vk_msg_note("dotnet before SDK 9.0.200 starts no such program: valetkey run --with nuget");
}

const struct vk_setup_tool vk_setup_nuget = {
	.name = "nuget",
	.on_path = PROGRAM,
	.link = nuget_link,
	.drop_ours = nuget_drop_ours,
	.advise = nuget_advise,
};
