/* SPDX-License-Identifier: ISC */
/*
 * uv's configuration file of the user, uv.toml: "keyring-provider" makes it start "keyring", the first on PATH.  What
 * belongs to no table has to stand before the first one.
 */
#include <string.h>

#include "valetkey/helper.h"
#include "cli/setup.h"

static const char key[] = "keyring-provider";

static enum vk_err
uv_file(char **ret_path)
{
	const char *own = getenv("UV_CONFIG_FILE"), *xdg = getenv("XDG_CONFIG_HOME");

	if (own && *own && *own != '/')
		return vk_fail(VK_EUSAGE, "UV_CONFIG_FILE must be an absolute path");
	if (own && *own)
		return (*ret_path = vk_strdup(own)) ? VK_OK : VK_ENOMEM;
	if (xdg && *xdg == '/')
		return (*ret_path = vk_asprintf("%s/uv/uv.toml", xdg)) ? VK_OK : VK_ENOMEM;
	return vk_setup_home(".config/uv/uv.toml", ret_path);
}

/* The line that sets it before the first table; NULL: none does. */
static const char *
own_line(const char *text, size_t n)
{
	const char *end = text + n, *lf;

	for (const char *p = text; p < end; p = lf ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		while (p < end && (*p == ' ' || *p == '\t' || *p == '"' || *p == '\''))
			p++;
		if (p < end && *p == '[')
			return NULL;
		if ((size_t)(end - p) >= strlen(key) && memcmp(p, key, strlen(key)) == 0)
			return p;
	}
	return NULL;
}

static enum vk_err
uv_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);
	const char *own = own_line(text, n), *lf = own ? memchr(own, '\n', n - (size_t)(own - text)) : NULL;
	size_t len = own ? (size_t)((lf ? lf : text + n) - own) : 0;

	(void)force;
	if (own && !memmem(own, len, "subprocess", strlen("subprocess"))) {
		vk_hint("remove that line first");
		return vk_fail(VK_EEXIST, "uv.toml has a %s already, which is not \"subprocess\"", key);
	}
	vk_buf_fmt(&lines, "%s%s", own ? "" : key, own ? "" : " = \"subprocess\"\n");
	return vk_setup_block_put_in(s, "uv", text, n, 0, &lines, out);
}

static void
uv_advise(const struct vk_setup *s)
{
	const char *v = getenv("UV_KEYRING_PROVIDER");

	(void)s;
	if (v && strcmp(v, "subprocess") != 0)
		vk_msg_warn("the variable UV_KEYRING_PROVIDER is set, and uv heeds it instead: unset it");
	vk_msg_note("uv asks only for an index whose URL has a user name, or that has authenticate = \"always\"");
}

const struct vk_setup_tool vk_setup_uv = {
	.name = "uv",
	.on_path = "keyring",
	.file = uv_file,
	.take_out = vk_setup_block_take_out,
	.put_in = uv_put_in,
	.advise = uv_advise,
};
