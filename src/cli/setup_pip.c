/* SPDX-License-Identifier: ISC */
/*
 * pip's configuration file of the user, "pip config" in its manual: "keyring-provider = subprocess" in [global] makes
 * it start "keyring", the first on PATH.  A second section or key of one name would be an error for pip.
 */
#include <string.h>

#include "valetkey/helper.h"
#include "valetkey/proto.h"
#include "cli/setup.h"

#define LINE "keyring-provider = subprocess\n"

static enum vk_err
pip_file(char **ret_path)
{
	const char *own = getenv("PIP_CONFIG_FILE"), *xdg = getenv("XDG_CONFIG_HOME");

	if (own && *own != '/')
		return vk_fail(VK_EUSAGE, "PIP_CONFIG_FILE must be an absolute path");
	if (own && strcmp(own, "/dev/null") == 0)
		return vk_fail(VK_EUSAGE, "PIP_CONFIG_FILE=/dev/null: pip reads no configuration file");
	if (own)
		return (*ret_path = vk_strdup(own)) ? VK_OK : VK_ENOMEM;
	if (xdg && *xdg == '/')
		return (*ret_path = vk_asprintf("%s/pip/pip.conf", xdg)) ? VK_OK : VK_ENOMEM;
	return vk_setup_home(".config/pip/pip.conf", ret_path);
}

static enum vk_err
pip_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	size_t at = vk_pipconf_global(text, n);
	bool elsewhere = false;
	enum vk_err e = vk_pipconf_get(text, n, "keyring-provider", &own, &elsewhere);

	(void)force;
	if (e != VK_OK)
		return e;
	if (own.p && strcmp(own.p, "subprocess") != 0) {
		vk_hint("remove that line first");
		return vk_fail(VK_EEXIST, "pip.conf says keyring-provider = %s already", own.p);
	}
	vk_buf_str(&lines, at == 0 ? "[global]\n" : "");
	vk_buf_str(&lines, own.p ? "" : LINE);
	return vk_setup_block_put_in(s, "pip", text, n, at == 0 ? n : at, &lines, out);
}

static void
pip_advise(const struct vk_setup *s)
{
	const char *v = getenv("PIP_KEYRING_PROVIDER");

	(void)s;
	if (v && strcmp(v, "subprocess") != 0)
		vk_msg_warn("the variable PIP_KEYRING_PROVIDER is set, and pip heeds it instead: unset it");
	vk_msg_note("pip before 26.2 asks only for an index whose URL has a user name: https://USER@HOST/simple/");
}

const struct vk_setup_tool vk_setup_pip = {
	.name = "pip",
	.on_path = "keyring",
	.file = pip_file,
	.take_out = vk_setup_block_take_out,
	.put_in = pip_put_in,
	.advise = pip_advise,
};
